//! Optimizers: the policy objective, on plain arrays.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::Result;

/// The policy objective: rewards to advantages, log-probabilities to a loss and its
/// derivative. The host back-propagates the derivative, so no autograd is needed here.
///
/// Array shapes: `N` sequences, `T` predicted tokens of all sequences one after another.
/// `sequences` (N+1) are offsets into the tokens, `groups` (G+1) offsets into the
/// sequences. A step is split into micro-batches of whole sequences; divide by the `totals`
/// of the whole update, never by what the micro-batch holds, and the split changes nothing.
///
/// # A complete plugin
/// ```
/// use farthing_sdk::prelude::*;
///
/// farthing_sdk::plugin!("reinforce");
///
/// #[config]
/// struct Config {}
///
/// struct Reinforce;
///
/// /// REINFORCE with the group's mean as baseline (Williams 1992).
/// #[component("reinforce")]
/// impl Optimizer for Reinforce {
///     type Config = Config;
///
///     fn new(_: Config) -> Result<Self> {
///         Ok(Self)
///     }
///
///     fn advantages(&mut self, rollout: &Rollout<'_>, out: &mut Advantages<'_>) -> Result<()> {
///         for group in rollout.groups() {
///             let rewards = &rollout.rewards[group.clone()];
///             let mean = rewards.iter().sum::<f64>() / rewards.len() as f64;
///             for i in group {
///                 out.sequence[i] = (rollout.rewards[i] - mean) as f32;
///             }
///         }
///         Ok(())
///     }
///
///     // L = -(1/T) sum_i A_i sum_t logp_it
///     fn loss(&mut self, batch: &MicroBatch<'_>, out: &mut LossOutput<'_>) -> Result<f64> {
///         let mut loss = 0.0;
///         for (i, tokens) in batch.sequences().enumerate() {
///             for t in tokens {
///                 out.dlogp[t] = -batch.advantages[i] / batch.totals.tokens as f32;
///                 loss += f64::from(out.dlogp[t]) * f64::from(batch.logp[t]);
///             }
///         }
///         Ok(loss)
///     }
/// }
/// # let mut kit = farthing_sdk::testing::optimizer::<Reinforce>(json!({})).unwrap();
/// # kit.check().unwrap();
/// ```
pub trait Optimizer: Sized + Send + Sync + 'static {
    /// What the manifest's `config` table may say. Its JSON Schema is checked before any
    /// work, so put ranges and descriptions on the fields.
    type Config: DeserializeOwned + JsonSchema;

    /// Makes the objective. Refuse here what the schema cannot express.
    fn new(config: Self::Config) -> Result<Self>;

    /// The optional arrays that this objective reads or writes. Each costs the host work.
    fn needs(&self) -> Vec<Need> {
        Vec::new()
    }

    /// Turns the rewards of a step into advantages. Only scored attempts are here: groups
    /// may differ in size, and no reward is NaN.
    fn advantages(&mut self, rollout: &Rollout<'_>, out: &mut Advantages<'_>) -> Result<()>;

    /// The micro-batch's share of the loss, and its derivatives. Outputs come zeroed.
    fn loss(&mut self, batch: &MicroBatch<'_>, out: &mut LossOutput<'_>) -> Result<f64>;

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

/// Arrays that are only made on request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Log-probabilities of the reference model (T): a forward pass more.
    RefLogp,
    /// Entropy of each token's distribution (T), and `dentropy` to write.
    Entropy,
    /// Log-probabilities as the sampler drew them (T).
    SamplerLogp,
    /// Values of a critic (T), and `dvalues` to write.
    Values,
    /// An advantage for each token beside each sequence's.
    TokenAdvantages,
}

/// A step's attempts after their rewards.
#[derive(Clone, Copy, Debug)]
pub struct Rollout<'a> {
    /// (G+1) offsets into the sequences.
    pub group_offsets: &'a [u32],
    /// (N) total reward of each attempt.
    pub rewards: &'a [f64],
    /// (N+1) offsets into the tokens.
    pub sequence_offsets: &'a [u32],
    /// (T) log-probabilities under the policy that drew the attempts.
    pub old_logp: &'a [f32],
    /// (T) on request, as [`Optimizer::needs`] says.
    pub ref_logp: Option<&'a [f32]>,
    /// (T) on request.
    pub values: Option<&'a [f32]>,
}

impl<'a> Rollout<'a> {
    /// The sequence range of each group.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = std::ops::Range<usize>> + use<'a> {
        ranges(self.group_offsets)
    }

    /// The token range of each sequence.
    pub fn sequences(&self) -> impl ExactSizeIterator<Item = std::ops::Range<usize>> + use<'a> {
        ranges(self.sequence_offsets)
    }
}

/// Where advantages go.
pub struct Advantages<'a> {
    /// (N)
    pub sequence: &'a mut [f32],
    /// (T) with [`Need::TokenAdvantages`], else empty.
    pub token: &'a mut [f32],
    /// Numbers for the log.
    pub metrics: Metrics<'a>,
}

/// A part of one update: whole sequences, with the totals of the update.
#[derive(Clone, Copy, Debug)]
pub struct MicroBatch<'a> {
    /// (G+1) offsets into this micro-batch's sequences; a group may be split.
    pub group_offsets: &'a [u32],
    /// (N+1) offsets into this micro-batch's tokens.
    pub sequence_offsets: &'a [u32],
    /// (T) log-probabilities under the policy that is being trained.
    pub logp: &'a [f32],
    /// (T) log-probabilities under the policy that drew the attempts.
    pub old_logp: &'a [f32],
    /// (N)
    pub advantages: &'a [f32],
    /// (T) on request, as [`Optimizer::needs`] says.
    pub token_advantages: Option<&'a [f32]>,
    /// (T) on request.
    pub ref_logp: Option<&'a [f32]>,
    /// (T) on request.
    pub entropy: Option<&'a [f32]>,
    /// (T) on request.
    pub sampler_logp: Option<&'a [f32]>,
    /// (T) on request.
    pub values: Option<&'a [f32]>,
    /// Sizes of the whole update: what to divide by.
    pub totals: Totals,
}

impl<'a> MicroBatch<'a> {
    /// The token range of each sequence.
    pub fn sequences(&self) -> impl ExactSizeIterator<Item = std::ops::Range<usize>> + use<'a> {
        ranges(self.sequence_offsets)
    }

    /// The sequence range of each group's part in this micro-batch.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = std::ops::Range<usize>> + use<'a> {
        ranges(self.group_offsets)
    }
}

/// Sizes of the whole update, whatever the micro-batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Totals {
    /// Predicted tokens.
    pub tokens: f64,
    /// Attempts.
    pub sequences: f64,
    /// Groups with at least one attempt.
    pub groups: f64,
    /// The stage's limit on a completion, in tokens (Dr. GRPO's constant).
    pub max_new_tokens: f64,
}

/// Where a micro-batch's derivatives and metrics go.
pub struct LossOutput<'a> {
    /// (T) d loss / d logp.
    pub dlogp: &'a mut [f32],
    /// (T) d loss / d entropy, with [`Need::Entropy`], else empty.
    pub dentropy: &'a mut [f32],
    /// (T) d loss / d values, with [`Need::Values`], else empty.
    pub dvalues: &'a mut [f32],
    /// Numbers for the log.
    pub metrics: Metrics<'a>,
}

/// Named numbers for the log, combined over micro-batches by the host.
pub struct Metrics<'a> {
    record: &'a mut dyn FnMut(&str, f64, f64, Fold),
}

/// How a metric's values of several micro-batches become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fold {
    /// Their mean, by weight.
    Mean = 0,
    /// Their sum.
    Sum = 1,
    /// The least.
    Min = 2,
    /// The greatest.
    Max = 3,
}

impl<'a> Metrics<'a> {
    /// A collector that hands (name, value, weight, fold) to `record`.
    pub fn new(record: &'a mut dyn FnMut(&str, f64, f64, Fold)) -> Self {
        Self { record }
    }

    /// A mean over `weight` tokens or sequences: `value` is the mean of these.
    pub fn mean(&mut self, name: &str, value: f64, weight: f64) {
        (self.record)(name, value, weight, Fold::Mean);
    }

    /// A sum over the update.
    pub fn sum(&mut self, name: &str, value: f64) {
        (self.record)(name, value, 1.0, Fold::Sum);
    }

    /// The least value of the update.
    pub fn min(&mut self, name: &str, value: f64) {
        (self.record)(name, value, 1.0, Fold::Min);
    }

    /// The greatest value of the update.
    pub fn max(&mut self, name: &str, value: f64) {
        (self.record)(name, value, 1.0, Fold::Max);
    }
}

fn ranges(offsets: &[u32]) -> impl ExactSizeIterator<Item = std::ops::Range<usize>> + use<'_> {
    offsets
        .windows(2)
        .map(|pair| pair[0] as usize..pair[1] as usize)
}
