//! Rotary scaling in both spellings.
//!
//! llama.cpp has keys for `linear` and `yarn`. Llama 3's scaling has none: its converter stores the divisor of each
//! frequency as the tensor `rope_freqs.weight`. The parameters are found again from those divisors and accepted only if
//! they give them back, so what is computed with is what the file says.

use serde_json::{Map, Value, json};

use super::value::Metadata;

/// Divisors are stored in 32 bits.
const TOLERANCE: f64 = 1e-4;

/// The entries of `rope_parameters`, without `rope_theta`, that the metadata asks for.
pub(super) fn from_metadata(
    metadata: &Metadata,
    architecture: &str,
) -> Result<Map<String, Value>, String> {
    let key = |name: &str| format!("{architecture}.rope.scaling.{name}");
    let factor = match metadata.number(&key("factor"))? {
        Some(factor) => Some(factor),
        None => metadata.number(&format!("{architecture}.rope.scale_linear"))?,
    };
    // A factor without a type is a linear one, and a factor of 0 or 1 none at all, as llama.cpp reads them.
    let kind = match (metadata.text(&key("type"))?, factor) {
        (Some(kind), _) => kind,
        (None, Some(factor)) if factor != 0.0 && factor != 1.0 => "linear",
        (None, _) => "none",
    };
    let mut rope = Map::new();
    let mut set = |name: &str, value: Option<f64>| {
        if let Some(value) = value {
            rope.insert(name.to_owned(), json!(value));
        }
    };
    let rope_type = match kind {
        "none" => "default",
        "linear" => {
            set("factor", factor);
            "linear"
        }
        "yarn" => {
            set("factor", factor);
            set("beta_fast", metadata.number(&key("yarn_beta_fast"))?);
            set("beta_slow", metadata.number(&key("yarn_beta_slow"))?);
            let attention = metadata.number(&key("attn_factor"))?;
            let attention = attention.filter(|&attention| attention != 1.0);
            set(
                "attention_factor",
                attention.map(|attention| attention * yarn_attention(factor.unwrap_or(1.0))),
            );
            if metadata
                .number(&key("yarn_log_multiplier"))?
                .is_some_and(|multiplier| multiplier != 0.0)
            {
                return Err(format!("{} is not implemented", key("yarn_log_multiplier")));
            }
            if let Some(original) = metadata.count(&key("original_context_length"))? {
                rope.insert(
                    "original_max_position_embeddings".to_owned(),
                    json!(original),
                );
            }
            "yarn"
        }
        other => {
            return Err(format!(
                "{} is {other:?}; expected \"none\", \"linear\" or \"yarn\"",
                key("type")
            ));
        }
    };
    rope.insert("rope_type".to_owned(), json!(rope_type));
    Ok(rope)
}

/// What transformers multiplies attention by under yarn unless told otherwise; llama.cpp always does, besides its own
/// factor.
fn yarn_attention(factor: f64) -> f64 {
    match factor > 1.0 {
        true => 0.1 * factor.ln() + 1.0,
        false => 1.0,
    }
}

/// Metadata entries and, for Llama 3's scaling, the divisors of the frequencies.
pub(super) struct Written {
    pub texts: Vec<(&'static str, String)>,
    pub numbers: Vec<(&'static str, f64)>,
    pub counts: Vec<(&'static str, u64)>,
    pub divisors: Option<Vec<f32>>,
}

/// How `rope_parameters` of a configuration is written. An error says why it cannot be.
pub(super) fn to_metadata(
    rope: &Value,
    architecture: &str,
    head_dim: usize,
) -> Result<Written, String> {
    let number = |name: &str| rope.get(name).and_then(Value::as_f64);
    let need = |name: &str| number(name).ok_or_else(|| format!("rope scaling lacks {name}"));
    let kind = rope.get("rope_type").and_then(Value::as_str);
    let mut written = Written {
        texts: Vec::new(),
        numbers: vec![("rope.freq_base", need("rope_theta")?)],
        counts: Vec::new(),
        divisors: None,
    };
    match kind.unwrap_or("default") {
        "default" => {}
        "linear" => {
            written
                .texts
                .push(("rope.scaling.type", "linear".to_owned()));
            written
                .numbers
                .push(("rope.scaling.factor", need("factor")?));
        }
        "llama3" => {
            // Only this architecture of llama.cpp looks for the tensor.
            if architecture != "llama" {
                return Err(format!(
                    "rope scaling \"llama3\" in a {architecture} model: llama.cpp has it for llama models only"
                ));
            }
            let parameters = Llama3 {
                factor: need("factor")?,
                low: need("low_freq_factor")?,
                high: need("high_freq_factor")?,
                original: need("original_max_position_embeddings")?,
            };
            let frequencies = frequencies(need("rope_theta")?, head_dim);
            let divisors = frequencies.map(|frequency| parameters.divisor(frequency) as f32);
            written.divisors = Some(divisors.collect());
        }
        "yarn" => {
            let factor = need("factor")?;
            written.texts.push(("rope.scaling.type", "yarn".to_owned()));
            written.numbers.push(("rope.scaling.factor", factor));
            if let Some(original) = number("original_max_position_embeddings") {
                written
                    .counts
                    .push(("rope.scaling.original_context_length", original as u64));
            }
            for (ours, theirs) in [
                ("beta_fast", "rope.scaling.yarn_beta_fast"),
                ("beta_slow", "rope.scaling.yarn_beta_slow"),
            ] {
                written
                    .numbers
                    .extend(number(ours).map(|value| (theirs, value)));
            }
            if let Some(attention) = number("attention_factor") {
                let share = attention / yarn_attention(factor);
                written.numbers.push(("rope.scaling.attn_factor", share));
            }
            // llama.cpp rounds the ends of the ramp to whole dimensions, which is what `truncate` asks for.
            let unsaid = ["mscale", "mscale_all_dim"]
                .into_iter()
                .find(|name| rope.get(*name).is_some_and(|value| !value.is_null()))
                .or((rope.get("truncate") == Some(&json!(false))).then_some("truncate = false"));
            if let Some(unsaid) = unsaid {
                return Err(format!(
                    "rope scaling \"yarn\" with {unsaid}: GGUF has no key for it"
                ));
            }
        }
        other => {
            return Err(format!(
                "rope scaling {other:?}: GGUF can say \"linear\", \"llama3\" and \"yarn\""
            ));
        }
    }
    Ok(written)
}

/// Unscaled frequencies of a head's pairs, fastest first.
fn frequencies(theta: f64, head_dim: usize) -> impl Iterator<Item = f64> {
    (0..head_dim / 2).map(move |pair| theta.powf(-2.0 * pair as f64 / head_dim as f64))
}

struct Llama3 {
    factor: f64,
    low: f64,
    high: f64,
    original: f64,
}

impl Llama3 {
    /// What a frequency is divided by: 1 for short waves, `factor` for long ones, a ramp of the inverse between.
    fn divisor(&self, frequency: f64) -> f64 {
        let waves = self.original * frequency / std::f64::consts::TAU;
        let ramp = ((waves - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        1.0 / ((1.0 - ramp) / self.factor + ramp)
    }
}

/// `rope_parameters`, without `rope_theta`, of the scaling whose divisors are `divisors`.
///
/// Multiplying context, low and high by one number changes nothing, so high is 4, as in every published Llama 3.
pub(super) fn from_divisors(
    divisors: &[f32],
    theta: f64,
    head_dim: usize,
) -> Result<Map<String, Value>, String> {
    let mut rope = Map::new();
    if divisors.iter().all(|&divisor| divisor == 1.0) {
        rope.insert("rope_type".to_owned(), json!("default"));
        return Ok(rope);
    }
    let frequencies: Vec<f64> = frequencies(theta, head_dim).collect();
    let reproduces = |parameters: &Llama3| {
        let pairs = frequencies.iter().zip(divisors);
        parameters.high > parameters.low
            && parameters.low > 0.0
            && frequencies.len() == divisors.len()
            && pairs.into_iter().all(|(&frequency, &divisor)| {
                (parameters.divisor(frequency) / f64::from(divisor) - 1.0).abs() < TOLERANCE
            })
    };
    let factor = divisors
        .iter()
        .fold(0.0_f64, |most, &divisor| most.max(divisor.into()));
    let found = candidates(divisors, &frequencies, factor)
        .into_iter()
        .find(reproduces)
        .ok_or(
            "rope_freqs.weight is not Llama 3's scaling (one factor for long waves, 1 for short ones, a ramp \
             between); no other use of it is implemented",
        )?;
    rope.insert("rope_type".to_owned(), json!("llama3"));
    rope.insert("factor".to_owned(), json!(found.factor));
    rope.insert("low_freq_factor".to_owned(), json!(found.low));
    rope.insert("high_freq_factor".to_owned(), json!(found.high));
    rope.insert(
        "original_max_position_embeddings".to_owned(),
        json!(found.original as u64),
    );
    Ok(rope)
}

/// Parameters that may have made the divisors, the likeliest first. Few divisors leave a choice, and then every choice
/// that gives them back computes the same.
fn candidates(divisors: &[f32], frequencies: &[f64], factor: f64) -> Vec<Llama3> {
    const HIGH: f64 = 4.0;
    let parameters = |low: f64, original: f64| Llama3 {
        factor,
        low,
        high: HIGH,
        original: original.round(),
    };
    let ramp = |divisor: f32| (1.0 / f64::from(divisor) - 1.0 / factor) / (1.0 - 1.0 / factor);
    let pairs = divisors.iter().zip(frequencies);
    let on_the_ramp: Vec<(f64, f64)> = pairs
        .map(|(&divisor, &frequency)| (ramp(divisor), frequency / std::f64::consts::TAU))
        .filter(|(ramp, _)| (0.001..0.999).contains(ramp))
        .collect();
    let mut candidates = Vec::new();
    // ramp = (original * frequency - low) / (high - low). Published models have low = 1.
    for (ramp, frequency) in &on_the_ramp {
        candidates.push(parameters(1.0, (1.0 + ramp * (HIGH - 1.0)) / frequency));
    }
    // Two points give the line, whose slope is original / (high - low).
    if let [first, .., last] = on_the_ramp.as_slice() {
        let slope = (first.0 - last.0) / (first.1 - last.1);
        // low / (high - low)
        let low_share = slope * last.1 - last.0;
        let low = HIGH * low_share / (1.0 + low_share);
        let rounded = (low * 1000.0).round() / 1000.0;
        candidates.extend([rounded, low].map(|low| parameters(low, slope * (HIGH - low))));
    }
    // None on the ramp: it lies between the last frequency that is kept and the first that is divided.
    let kept = divisors
        .iter()
        .take_while(|&&divisor| divisor == 1.0)
        .count();
    if let (Some(kept), Some(divided)) = (
        kept.checked_sub(1).and_then(|last| frequencies.get(last)),
        frequencies.get(kept),
    ) {
        let original = (HIGH * std::f64::consts::TAU / kept).ceil();
        candidates.push(parameters(1.0, original));
        candidates.push(parameters(
            original * divided / std::f64::consts::TAU,
            original,
        ));
    }
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the parameters, what is found gives the same divisors, or nothing is found.
    #[test]
    fn divisors_without_a_point_on_the_ramp_are_understood() {
        for (theta, head_dim, original) in [(1e12, 4, 1000.0), (5e5, 64, 8192.0), (1e6, 8, 333.0)] {
            let parameters = Llama3 {
                factor: 8.0,
                low: 1.0,
                high: 4.0,
                original,
            };
            let divisors: Vec<f32> = frequencies(theta, head_dim)
                .map(|frequency| parameters.divisor(frequency) as f32)
                .collect();
            let rope = from_divisors(&divisors, theta, head_dim).expect("Llama 3's scaling");
            assert_eq!(rope["rope_type"], "llama3");
            let number = |name: &str| rope[name].as_f64().expect("a number");
            let found = Llama3 {
                factor: number("factor"),
                low: number("low_freq_factor"),
                high: number("high_freq_factor"),
                original: number("original_max_position_embeddings"),
            };
            for (frequency, divisor) in frequencies(theta, head_dim).zip(divisors) {
                let again = found.divisor(frequency);
                assert!(
                    (again / f64::from(divisor) - 1.0).abs() < TOLERANCE,
                    "{theta} {head_dim}"
                );
            }
        }
    }

    #[test]
    fn yarn_goes_out_and_comes_back() {
        let mut rope = json!({
            "rope_type": "yarn", "rope_theta": 1e6, "factor": 4.0, "beta_fast": 32.0, "beta_slow": 1.0,
            "original_max_position_embeddings": 64, "attention_factor": 1.25, "truncate": true,
        });
        let written = to_metadata(&rope, "qwen2", 64).expect("yarn can be said");
        let mut metadata = Metadata::default();
        let mut set = |name: &str, value| metadata.0.insert(format!("qwen2.{name}"), value);
        use super::super::value::Value as Entry;
        written.texts.into_iter().for_each(|(name, text)| {
            set(name, Entry::Text(text));
        });
        written.numbers.into_iter().for_each(|(name, number)| {
            set(name, Entry::Float(number));
        });
        written.counts.into_iter().for_each(|(name, count)| {
            set(name, Entry::Unsigned(count));
        });
        let found = from_metadata(&metadata, "qwen2").expect("what we wrote");
        for (name, value) in &found {
            assert_eq!(*value, rope[name], "{name}");
        }
        assert_eq!(found.len(), 6);
        rope["truncate"] = json!(false);
        assert!(to_metadata(&rope, "qwen2", 64).is_err_and(|error| error.contains("truncate")));
    }
}
