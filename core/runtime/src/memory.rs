//! How much memory a plan needs: reckoned from the model's shape and the stages' budgets.
//!
//! Everything is f32. The largest phase counts: decoding and learning do not happen at the same time, but gradients and
//! moments stay through both.

use farthing_engine::ModelConfig;
use farthing_sdk::{Need, PlanRequest};
use serde::Serialize;
use serde_json::Value;

use crate::error::{Result, RuntimeError};
use crate::host::PluginHost;
use crate::manifest::{Manifest, Stage};
use crate::stage::rollout::MAX_ROWS;

const BYTES: f64 = 4.0;
const GIB: f64 = (1_u64 << 30) as f64;

/// Bytes by purpose, at the plan's most hungry moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MemoryEstimate {
    pub parameters: usize,
    pub weights: f64,
    /// Gradients and the update rule's two moments.
    pub training_state: f64,
    /// A frozen copy of the weights, where an objective compares with the policy at the stage's beginning.
    pub reference: f64,
    /// What the backward pass keeps of a micro-batch's forward pass.
    pub activations: f64,
    /// Keys and values of the rows that are decoded together, and the weights in decoding order.
    pub decoding: f64,
    /// Layers that keep their input alone and run again for the backward pass.
    pub recomputed_layers: usize,
    /// The most demanding moment.
    pub peak: f64,
    /// Physical memory of this machine; absent where it cannot be told.
    pub available: Option<f64>,
}

impl MemoryEstimate {
    /// Reckons the needs of a manifest's stages.
    pub fn of(manifest: &Manifest, model: &ModelConfig, host: &PluginHost) -> Result<Self> {
        let parameters = model.parameter_count();
        let weights = parameters as f64 * BYTES;
        let mut estimate = Self {
            parameters,
            weights,
            available: physical_memory(),
            ..Self::default()
        };
        for stage in &manifest.stages {
            match stage {
                Stage::Sft(stage) => {
                    estimate.training_state = 3.0 * weights;
                    estimate.learn(model, stage.micro_batch_tokens as usize);
                }
                Stage::Rl(stage) => {
                    estimate.training_state = 3.0 * weights;
                    estimate.learn(model, stage.micro_batch_tokens as usize);
                    let sampler = host.sampler(
                        &stage.sampler.name,
                        &stage.sampler.config.clone().into(),
                        &Value::Null,
                    )?;
                    let request = PlanRequest {
                        steps: u64::from(stage.steps),
                        ..PlanRequest::default()
                    };
                    let plan = sampler
                        .plan(&request)
                        .map_err(RuntimeError::component("sampler", &stage.sampler.name))?;
                    let drawn = plan.group.saturating_mul(stage.problems_per_step as usize);
                    let measured = stage
                        .eval
                        .as_ref()
                        .map_or(0, |eval| rows(eval.problems, eval.attempts));
                    estimate.decode(model, drawn.max(measured), stage.max_new_tokens as usize);
                    let optimizer = host.optimizer(
                        &stage.optimizer.name,
                        &stage.optimizer.config.clone().into(),
                        &Value::Null,
                    )?;
                    if optimizer.needs(Need::RefLogp) {
                        estimate.reference = weights;
                    }
                }
                Stage::Eval(stage) => {
                    let rows = rows(stage.problems, stage.attempts);
                    estimate.decode(model, rows, stage.max_new_tokens as usize);
                }
            }
        }
        estimate.peak = estimate.weights
            + estimate.training_state
            + estimate.reference
            + estimate.activations.max(estimate.decoding);
        Ok(estimate)
    }

    fn learn(&mut self, model: &ModelConfig, micro_batch_tokens: usize) {
        let bytes = micro_batch_tokens as f64 * activations_per_token(model) * BYTES;
        self.activations = self.activations.max(bytes);
    }

    fn decode(&mut self, model: &ModelConfig, rows: usize, max_new_tokens: usize) {
        // A prompt's length is not known before it is posed; as long again as the completion is a fair guess, up to
        // what the model can hold.
        let length = (2 * max_new_tokens).min(model.max_sequence_length());
        let per_token = 2 * model.num_hidden_layers * model.num_key_value_heads * model.head_dim;
        let cache = (rows.min(MAX_ROWS) * length * per_token) as f64 * BYTES;
        self.decoding = self.decoding.max(cache + self.weights);
    }

    /// True when the plan cannot fit into this machine.
    pub fn exceeds_machine(&self) -> bool {
        self.available
            .is_some_and(|available| self.peak > available)
    }

    /// # Errors
    /// When this machine has less memory than the plan needs.
    pub fn refuse_excess(&self) -> Result<()> {
        if !self.exceeds_machine() {
            return Ok(());
        }
        let available = self.available.unwrap_or_default();
        let model = self.weights + self.training_state + self.reference;
        Err(RuntimeError::Memory {
            needed_gb: self.peak / GIB,
            available_gb: available / GIB,
            remedy: match model > available {
                true => "the model alone is too large to be trained here; take a smaller one",
                false => {
                    "lower `micro_batch_tokens`, `max_new_tokens` or the group's size, or take a smaller model"
                }
            },
        })
    }
}

/// The attempts of an evaluation.
fn rows(problems: u32, attempts: u32) -> usize {
    (problems as usize).saturating_mul(attempts as usize)
}

/// Floats that the backward pass keeps for one token: in each layer the residual twice, two normed copies, queries,
/// keys and values before and after rotation, attention's output, gate, up and their product; the same again once for
/// the derivatives in flight of one layer.
fn activations_per_token(model: &ModelConfig) -> f64 {
    let q = model.num_attention_heads * model.head_dim;
    let kv = model.num_key_value_heads * model.head_dim;
    let layer = 4 * model.hidden_size + 3 * q + 4 * kv + 3 * model.intermediate_size;
    ((model.num_hidden_layers + 1) * layer) as f64
}

fn physical_memory() -> Option<f64> {
    #[cfg(target_os = "linux")]
    {
        let info = rustix::system::sysinfo();
        Some(info.totalram as f64 * f64::from(info.mem_unit))
    }
    #[cfg(not(target_os = "linux"))]
    None
}
