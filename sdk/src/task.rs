//! Tasks: where problems come from.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Problem, Result, Split};

/// A source of problems.
///
/// A problem is a function of (split, index, seed): nothing is carried from call to call,
/// so runs can resume anywhere and many threads may ask at once.
///
/// # A complete plugin
/// ```
/// use farthing_sdk::prelude::*;
///
/// farthing_sdk::plugin!("sums");
///
/// #[config]
/// struct Config {
///     /// Largest number in a sum.
///     largest: u64,
/// }
///
/// struct Sums {
///     largest: u64,
/// }
///
/// /// Sums of two numbers; the test split has the even left-hand sides.
/// #[component("sums")]
/// impl Task for Sums {
///     type Config = Config;
///
///     fn new(config: Config) -> Result<Self> {
///         Ok(Self { largest: config.largest })
///     }
///
///     fn problem(&self, split: Split, index: u64, seed: u64) -> Result<Problem> {
///         let mut rng = stream(seed, split.name(), index);
///         let parity = u64::from(split == Split::Train);
///         let left = rng.random_range(0..=self.largest / 2) * 2 + parity;
///         let right = rng.random_range(0..=self.largest);
///         Ok(Problem {
///             id: format!("{left}+{right}"),
///             prompt: Prompt::Text(format!("{left}+{right}=")),
///             facts: json!({ "sum": left + right }),
///             tags: vec![],
///         })
///     }
/// }
/// # let kit = farthing_sdk::testing::task::<Sums>(json!({ "largest": 9 })).unwrap();
/// # kit.check(Split::Train, 50).unwrap();
/// ```
pub trait Task: Sized + Send + Sync + 'static {
    /// What the manifest's `config` table may say. Its JSON Schema is checked before any
    /// work, so put ranges and descriptions on the fields.
    type Config: DeserializeOwned + JsonSchema;

    /// Makes the task. Refuse here what the schema cannot express.
    fn new(config: Self::Config) -> Result<Self>;

    /// How many problems the split has; `None` for an endless, procedural task.
    fn size(&self, split: Split) -> Result<Option<u64>> {
        let _ = split;
        Ok(None)
    }

    /// The problem number `index` of the split, under the run's `seed`.
    ///
    /// The test split must not depend on the seed's choice of what is held out: a problem
    /// of one split, whatever the seed, is never in the other.
    fn problem(&self, split: Split, index: u64, seed: u64) -> Result<Problem>;

    /// A worked solution to learn from in `sft`, where the task can write one. `variant`
    /// chooses among several; each is the text of a completion.
    fn solution(&self, problem: &Problem, variant: u64) -> Result<Option<String>> {
        let _ = (problem, variant);
        Ok(None)
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
