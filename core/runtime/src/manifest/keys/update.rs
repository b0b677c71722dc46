//! `update`: how gradients become new weights. The policy objective is another thing and a plugin's (`optimizer`).
//!
//! Supervised and reinforcement stages want different step sizes, so each stage kind has its own defaults; a partly
//! written table is laid over them.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};

/// The rule that turns gradients into new weights, and its step size over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Update {
    /// The rule. AdamW (Loshchilov and Hutter, arXiv 1711.05101), as PyTorch defines it.
    pub rule: UpdateRule,
    /// The learning rate at its peak. `sft`: 1e-5, as s1 used for 32B; `rl`: 1e-6, as TinyZero and DeepSeekMath
    /// used. Both suit pretrained weights; a model from scratch must say its own, about 1e-3 for `sft` and 1e-4
    /// for `rl`.
    #[schemars(range(max = 10.0), extend("exclusiveMinimum" = 0.0))]
    pub lr: f64,
    /// How slowly the first and the second moment forget. PyTorch's defaults for `rl`; s1's 0.95 for `sft`, where
    /// short runs want a second moment that follows.
    #[schemars(extend("items" = { "type": "number", "minimum": 0.0, "exclusiveMaximum": 1.0 }))]
    pub betas: [f64; 2],
    /// The small number beside the root of the second moment; PyTorch's default.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
    pub eps: f64,
    /// The share of each weight, times the learning rate, that a step takes away; norms and biases are spared. s1's
    /// 1e-4 for `sft`; 0 for `rl`, whose few small steps leave the weights where they are anyway.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub weight_decay: f64,
    /// The gradient is scaled down to this norm, over all parameters, if it is longer. 1, as TinyZero and nearly
    /// every published recipe.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub max_grad_norm: f64,
    /// How the learning rate goes after the warm-up. `cosine` and `linear` fall to `floor` at the stage's last step;
    /// s1 used cosine for `sft`, TinyZero a constant rate for `rl`, whose best length is not known beforehand.
    pub schedule: Schedule,
    /// The number of steps over which the rate rises from 0 to its peak. 16 of 315 for `sft`, as in s1; none for `rl`,
    /// as in TinyZero. A stage shorter than this never reaches the peak.
    pub warmup_steps: u32,
    /// Where `cosine` and `linear` end, as a share of the peak.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub floor: f64,
}

/// A rule that turns gradients into new weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UpdateRule {
    #[default]
    Adamw,
}

/// How the learning rate goes after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    Constant,
    Cosine,
    Linear,
}

impl Default for Update {
    fn default() -> Self {
        Self::for_rl()
    }
}

impl Update {
    /// The defaults of reinforcement stages.
    pub fn for_rl() -> Self {
        Self {
            rule: UpdateRule::Adamw,
            lr: 1e-6,
            betas: [0.9, 0.999],
            eps: 1e-8,
            weight_decay: 0.0,
            max_grad_norm: 1.0,
            schedule: Schedule::Constant,
            warmup_steps: 0,
            floor: 0.0,
        }
    }

    /// The defaults of supervised stages.
    pub fn for_sft() -> Self {
        Self {
            lr: 1e-5,
            betas: [0.9, 0.95],
            weight_decay: 1e-4,
            schedule: Schedule::Cosine,
            warmup_steps: 16,
            ..Self::for_rl()
        }
    }

    pub(super) fn over_rl<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::over(Self::for_rl(), deserializer)
    }

    pub(super) fn over_sft<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::over(Self::for_sft(), deserializer)
    }

    /// The written keys laid over `defaults`.
    fn over<'de, D: Deserializer<'de>>(defaults: Self, deserializer: D) -> Result<Self, D::Error> {
        let written = Map::<String, Value>::deserialize(deserializer)?;
        let mut all = serde_json::to_value(defaults).map_err(de::Error::custom)?;
        if let Some(all) = all.as_object_mut() {
            all.extend(written);
        }
        Self::deserialize(all).map_err(de::Error::custom)
    }
}
