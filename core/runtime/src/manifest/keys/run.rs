//! `[run]`: what concerns the run as a whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NAME_FORM, NAME_PATTERN};

/// The run as a whole: its name, its randomness, its machine and its checkpoints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The run's name. The run directory is called so unless `--out` says otherwise.
    #[schemars(regex(pattern = NAME_PATTERN), extend("x-expected" = NAME_FORM))]
    pub name: String,
    /// The seed from which every random stream of the run is derived by counter: the same manifest and seed give the
    /// same run on the same machine. 0 is as good as any other; report results over several.
    #[serde(default)]
    #[schemars(range(max = 9_223_372_036_854_775_807_i64))]
    pub seed: u64,
    /// Where to compute: `auto`, `cpu` or `cuda:N`. `auto` takes the first CUDA device if this build has CUDA and the
    /// machine has one, otherwise the CPU.
    #[serde(default = "Run::default_device")]
    #[schemars(
        regex(pattern = "^(auto|cpu|cuda:[0-9]{1,3})$"),
        extend("x-expected" = "a device: `auto`, `cpu` or `cuda:N`")
    )]
    pub device: String,
    /// What passes and decoding compute in: `auto`, `f32` or `bf16`. `auto` is bf16 on a CUDA device and f32 on the CPU,
    /// which can do nothing else. With bf16 the weights that are learned stay f32, and so do gradients and the update
    /// rule's moments; checkpoints hold those. A run writes the type that it took into its `run.toml` and is resumed with it.
    #[serde(default = "Run::default_dtype")]
    #[schemars(
        regex(pattern = "^(auto|f32|bf16)$"),
        extend("x-expected" = "a type of numbers: `auto`, `f32` or `bf16`")
    )]
    pub dtype: String,
    /// How many CPU threads to use. The result does not depend on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1024), extend("x-default" = "one for each core"))]
    pub threads: Option<u32>,
    /// What the machine costs, for the budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-default" = "no cost is reckoned"))]
    pub cost: Option<Cost>,
    /// Save a checkpoint after this many steps of a stage; the end of a stage always saves one. The price is one
    /// write of weights and optimizer state; the risk is the work of this many steps. TinyZero saves every 100.
    #[serde(default = "Run::default_checkpoint_every")]
    #[schemars(range(min = 1))]
    pub checkpoint_every: u32,
    /// How many checkpoints to keep; older ones are deleted, those at the end of a stage are not. Two, because the
    /// newest can turn out to be damaged.
    #[serde(default = "Run::default_keep_checkpoints")]
    #[schemars(range(min = 1))]
    pub keep_checkpoints: u32,
    /// Whether layers keep their input alone and run again for the backward pass: a third more arithmetic there for
    /// much less memory, and the same numbers. `auto` does so in as many layers as the machine's memory asks for.
    #[serde(default)]
    pub activation_checkpointing: ActivationCheckpointing,
}

/// Which layers run again for the backward pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActivationCheckpointing {
    #[default]
    Auto,
    All,
    None,
}

/// What the machine costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// The price of the machine in US dollars an hour, from your provider's bill. 0 for your own.
    #[schemars(range(min = 0.0))]
    pub usd_per_hour: f64,
    /// What the run may cost in US dollars. When it is spent, the run saves and ends. Time before a `--resume` counts
    /// as far as the newest checkpoint has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0.0, "x-default" = "no limit"))]
    pub budget_usd: Option<f64>,
    /// The GPU that the run will be rented, where `check` runs on a machine without one: memory, time and price are then
    /// reckoned for it. Training itself looks at the machine that it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-default" = "the machine that runs `check`"))]
    pub gpu: Option<Gpu>,
}

/// A GPU, as its data sheet describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gpu {
    /// Dense bf16 products, in TFLOP/s. Data sheets often print twice as much, for sparse ones.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub tflops: f64,
    /// What its memory gives, in GB/s.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub gigabytes_per_second: f64,
    /// Its memory in GiB.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub memory_gib: f64,
}

impl Cost {
    /// How many hours the budget pays for; nothing where it does not run out.
    pub fn hours(&self) -> Option<f64> {
        let budget = self.budget_usd?;
        (self.usd_per_hour > 0.0).then(|| budget / self.usd_per_hour)
    }
}

impl Run {
    fn default_device() -> String {
        "auto".to_owned()
    }

    fn default_dtype() -> String {
        "auto".to_owned()
    }

    fn default_checkpoint_every() -> u32 {
        100
    }

    fn default_keep_checkpoints() -> u32 {
        2
    }
}
