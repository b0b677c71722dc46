//! The reward: is the last answer an expression that uses the numbers and equals the
//! target, exactly?
//!
//! It reads the last complete pair of answer tags, so a model may change its mind, and a
//! tag that is opened and never closed takes nothing back. An answer that is wrong in any
//! way is worth `format_score` if it is at least an expression. That is 0 unless
//! configured: a format reward that is paid for wrong answers teaches a small model to stop
//! trying (TinyZero pays 0.1).

use farthing_sdk::prelude::*;

use crate::{
    answer::{MOST_GIVEN, Reading, Rules, read},
    arithmetic::Rational,
    expression::Expression,
};

const OPEN: &[u8] = b"<answer>";
const CLOSE: &[u8] = b"</answer>";

#[config]
#[derive(Clone, Debug)]
#[serde(default)]
pub struct Config {
    /// What a well-formed answer that is wrong is worth. TinyZero pays 0.1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub format_score: f64,
    /// Whether each number must be used exactly once, or only at most once. TinyZero
    /// demands all of them.
    pub use_all: bool,
    /// Answers of more bytes than this are malformed. Six numbers of seven digits need 60.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_length: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            format_score: 0.0,
            use_all: true,
            max_length: 256,
        }
    }
}

#[data]
struct Facts {
    numbers: Vec<u64>,
    target: i64,
}

pub struct Exact(Config);

/// 1 when the last `<answer>` uses the numbers exactly once and equals the target.
#[component("exact")]
impl Reward for Exact {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        if !(0.0..=1.0).contains(&config.format_score) {
            bail!(
                "`format_score` must be from 0 to 1, found {}",
                config.format_score
            );
        }
        Ok(Self(config))
    }

    fn score(&self, problem: &ProblemView<'_>, attempt: &Attempt<'_>) -> Result<Outcome> {
        let facts = problem.facts::<Facts>()?;
        if facts.numbers.len() > MOST_GIVEN {
            bail!(
                "problem {:?} has more than {MOST_GIVEN} numbers",
                problem.id
            );
        }
        let rules = Rules {
            numbers: &facts.numbers,
            target: facts.target,
            use_all: self.0.use_all,
        };
        let answer = last_answer(attempt.completion)
            .filter(|answer| answer.len() <= self.0.max_length)
            .unwrap_or_default();
        let target = Rational::from_integer(i128::from(facts.target));
        let Some(Reading { meaning }) = read::<Rational>(answer, rules) else {
            return Ok(outcome(0.0, 0.0, 0.0));
        };
        Ok(match meaning {
            Some(value) if value == target => {
                let outcome = outcome(1.0, 1.0, 1.0).with_answer(value.to_string());
                // A second time, as a tree: most attempts are not right, and need none.
                match read::<Expression>(answer, rules).and_then(|reading| reading.meaning) {
                    Some(expression) => outcome.with_solution(expression.essence()),
                    None => outcome,
                }
            }
            Some(value) => outcome(self.0.format_score, 1.0, 0.0).with_answer(value.to_string()),
            None => outcome(self.0.format_score, 1.0, 0.0),
        })
    }
}

fn outcome(value: f64, format: f64, correct: f64) -> Outcome {
    Outcome::scored(value)
        .with_part("format", format)
        .with_part("correct", correct)
}

/// What stands between the last `<answer>` that is closed and the `</answer>` that closes it.
fn last_answer(completion: &str) -> Option<&str> {
    let bytes = completion.as_bytes();
    let mut end = None;
    for at in memchr::memrchr_iter(b'<', bytes) {
        if bytes[at..].starts_with(CLOSE) {
            end = Some(at);
        } else if bytes[at..].starts_with(OPEN)
            && let Some(end) = end
        {
            return Some(&completion[at + OPEN.len()..end]);
        }
    }
    None
}
