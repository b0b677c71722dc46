//! Durations as people write them: `"500ms"`, `"2s"`, `"1.5m"` is not one of them.
//!
//! A whole number and one unit keep a duration exact, so that writing it back gives the same value; a bare number
//! would leave the reader guessing the unit.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A whole number of milliseconds, seconds, minutes or hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HumanDuration(pub Duration);

const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

impl HumanDuration {
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl FromStr for HumanDuration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            format!(
                "expected a duration such as \"500ms\", \"2s\", \"5m\" or \"1h\", found {text:?}"
            )
        };
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| expected())?;
        let (_, milliseconds) = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(expected)?;
        let total = number
            .checked_mul(*milliseconds)
            .filter(|&total| total > 0)
            .ok_or_else(expected)?;
        Ok(Self(Duration::from_millis(total)))
    }
}

impl fmt::Display for HumanDuration {
    /// The largest unit that keeps the number whole.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.0.as_millis();
        let (name, milliseconds) = UNITS
            .iter()
            .rev()
            .find(|(_, size)| total.is_multiple_of(u128::from(*size)))
            .unwrap_or(&UNITS[0]);
        write!(formatter, "{}{name}", total / u128::from(*milliseconds))
    }
}

impl Serialize for HumanDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl JsonSchema for HumanDuration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // Seven digits keep the longest, in hours, far from overflow.
        json_schema!({
            "type": "string",
            "pattern": "^0*[1-9][0-9]{0,6}(ms|s|m|h)$",
            "maxLength": 16,
            "x-expected": "a duration such as \"500ms\", \"2s\", \"5m\" or \"1h\"",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::HumanDuration;

    #[test]
    fn a_duration_reads_back_as_it_was_written() {
        for text in ["1ms", "500ms", "2s", "90s", "5m", "1h", "36h"] {
            let duration: HumanDuration = text.parse().expect(text);
            assert_eq!(duration.to_string(), text);
        }
        assert_eq!("60s".parse(), Ok(HumanDuration::from_secs(60)));
        assert_eq!(HumanDuration::from_secs(60).to_string(), "1m");
        for wrong in [
            "",
            "2",
            "s",
            "2 s",
            "-1s",
            "0s",
            "1.5s",
            "2S",
            "99999999999999999999h",
            "1d",
        ] {
            assert!(wrong.parse::<HumanDuration>().is_err(), "{wrong}");
        }
    }
}
