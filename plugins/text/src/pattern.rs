//! Whether the completion matches a regular expression, for wishes too small for a plugin:
//! "ends in a number", "says no more than one sentence", "does not apologise".
//!
//! Matching takes time linear in the text (the regex crate), so no completion can make it
//! hang.

use farthing_sdk::prelude::*;
use regex::Regex;

#[config]
#[derive(Clone, Debug)]
pub struct Config {
    /// A regular expression in the syntax of Rust's regex crate; it may match anywhere
    /// unless `^` and `$` hold it.
    #[schemars(length(min = 1))]
    pub pattern: String,
    /// Whether the score is for completions that do not match.
    #[serde(default)]
    pub absent: bool,
}

pub struct Pattern {
    regex: Regex,
    absent: bool,
}

/// 1 when the completion matches a regular expression (or, with `absent`, does not).
#[component("pattern")]
impl Reward for Pattern {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        let regex = Regex::new(&config.pattern).map_err(|error| {
            Error::from(error).context(format!(
                "`pattern` is no regular expression: {:?}",
                config.pattern
            ))
        })?;
        Ok(Self {
            regex,
            absent: config.absent,
        })
    }

    fn score(&self, _: &ProblemView<'_>, attempt: &Attempt<'_>) -> Result<Outcome> {
        let matches = self.regex.is_match(attempt.completion);
        Ok(Outcome::scored(u8::from(matches != self.absent)))
    }
}
