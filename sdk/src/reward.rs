//! Rewards: what an attempt is worth.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Outcome, ProblemView, Result};

/// Turns attempts into outcomes.
///
/// `Ok(Outcome::scored(0.0))` says "this attempt is worth nothing", `Ok(Outcome::Abstain)`
/// says "this reward has no opinion", and an `Err` or a panic says "this reward is
/// broken": three different things, and the host never confuses them. A score that is not
/// finite is a failure too.
///
/// # A complete plugin
/// ```
/// use farthing_sdk::prelude::*;
///
/// farthing_sdk::plugin!("brevity");
///
/// #[config]
/// struct Config {
///     /// Completions of this many characters or more score 0.
///     #[schemars(range(min = 1))]
///     limit: usize,
/// }
///
/// struct Brevity(Config);
///
/// /// One minus the share of `limit` characters that the completion uses.
/// #[component("brevity")]
/// impl Reward for Brevity {
///     type Config = Config;
///
///     fn new(config: Config) -> Result<Self> {
///         Ok(Self(config))
///     }
///
///     fn score(&self, _: &ProblemView<'_>, attempt: &Attempt<'_>) -> Result<Outcome> {
///         let used = attempt.completion.chars().count() as f64 / self.0.limit as f64;
///         Ok(Outcome::scored((1.0 - used).max(0.0)))
///     }
/// }
/// # let kit = farthing_sdk::testing::reward::<Brevity>(json!({ "limit": 10 })).unwrap();
/// # assert_eq!(kit.score(&json!({}), "12345").unwrap(), Outcome::scored(0.5));
/// ```
pub trait Reward: Sized + Send + Sync + 'static {
    /// What the manifest's `config` table may say. Its JSON Schema is checked before any
    /// work, so put ranges and descriptions on the fields.
    type Config: DeserializeOwned + JsonSchema;

    /// True when `score_group` compares the attempts of a group with each other, and so
    /// must see all of them in one call. The deadline then holds for the whole call.
    const WHOLE_GROUPS: bool = false;

    /// Makes the reward. Refuse here what the schema cannot express.
    fn new(config: Self::Config) -> Result<Self>;

    /// The outcome of one attempt. Called from many threads at once.
    fn score(&self, problem: &ProblemView<'_>, attempt: &Attempt<'_>) -> Result<Outcome>;

    /// The outcomes of several attempts at one problem, in their order: of a whole group
    /// if [`Self::WHOLE_GROUPS`] says so. Only rewards that compare attempts write it.
    ///
    /// # Errors
    /// An `Err` fails all the attempts of the call; to fail one, put the `Err` in its place.
    fn score_group(
        &self,
        problem: &ProblemView<'_>,
        attempts: &[Attempt<'_>],
    ) -> Result<Vec<Result<Outcome>>> {
        Ok(attempts
            .iter()
            .map(|attempt| self.score(problem, attempt))
            .collect())
    }

    /// What a resumed run has to know; `Null` for nothing.
    fn save_state(&self) -> Result<Value> {
        Ok(Value::Null)
    }

    /// Takes back what `save_state` returned. Not called with `Null`.
    fn load_state(&mut self, state: Value) -> Result<()> {
        let _ = state;
        Ok(())
    }
}

/// One completion, as a reward sees it.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The text that the model wrote, without the prompt and without end-of-text tokens.
    pub completion: &'a str,
    /// Length of the completion in tokens.
    pub tokens: u64,
    /// False when the completion was cut off at the token limit.
    pub finished: bool,
}
