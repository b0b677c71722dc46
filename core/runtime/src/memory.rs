//! How much memory a plan needs: reckoned from the model's shape and the stages' budgets.
//!
//! The largest moment counts. Weights, gradients and moments stay through a stage; decoding and learning take turns, and
//! what one of them frees serves the other.

use farthing_engine::ModelConfig;
use farthing_sdk::{Need, PlanRequest};
use serde::Serialize;
use serde_json::Value;

use crate::error::{Result, RuntimeError};
use crate::host::PluginHost;
use crate::manifest::{ActivationCheckpointing, Manifest, RlStage, Stage};
use crate::stage::rollout::MAX_ROWS;

const FLOAT: f64 = 4.0;
const GIB: f64 = (1_u64 << 30) as f64;

/// The binary, its libraries and their tables.
const PROCESS: f64 = 50.0 * (1 << 20) as f64;

/// The share of the machine's memory that a plan may take: the rest is the system's.
const USABLE: f64 = 0.9;

/// Bytes by purpose, at the plan's most hungry moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MemoryEstimate {
    /// Those of the model, without adapters.
    pub parameters: usize,
    /// Those that are trained.
    pub trainable: usize,
    pub weights: f64,
    /// Gradients and the update rule's two moments.
    pub training_state: f64,
    /// A frozen copy of what is trained, where an objective compares with the policy at the stage's beginning.
    pub reference: f64,
    /// What the backward pass keeps of a micro-batch's forward pass, and what it works with.
    pub activations: f64,
    /// Keys and values of the rows that are decoded together, and the weights in decoding order.
    pub decoding: f64,
    /// Layers that keep their input alone and run again for the backward pass.
    pub recomputed_layers: usize,
    /// The most demanding moment.
    pub peak: f64,
    /// The memory of this machine, or what its container may take; absent where it cannot be told.
    pub available: Option<f64>,
}

impl MemoryEstimate {
    /// Reckons the needs of a manifest's stages, and how many layers have to run again so that they fit.
    pub fn of(manifest: &Manifest, model: &ModelConfig, host: &PluginHost) -> Result<Self> {
        let parameters = model.parameter_count();
        let lora = manifest.model.lora.as_ref();
        let adapters = lora.map_or(0, |lora| lora.config().parameter_count(model));
        let trainable = if lora.is_some() { adapters } else { parameters };
        let state = trainable as f64 * FLOAT;
        let mut estimate = Self {
            parameters,
            trainable,
            weights: (parameters + adapters) as f64 * FLOAT,
            available: available_memory(),
            ..Self::default()
        };
        // Rows of the largest training pass.
        let mut largest_pass = 0;
        for stage in &manifest.stages {
            match stage {
                Stage::Sft(stage) => {
                    estimate.training_state = 3.0 * state;
                    largest_pass = largest_pass.max(stage.micro_batch_tokens as usize);
                }
                Stage::Rl(stage) => {
                    estimate.training_state = 3.0 * state;
                    let group = estimate.rollouts(model, stage, host)?;
                    largest_pass = largest_pass.max(rows_of_a_pass(model, stage, group));
                    let optimizer = host.optimizer(
                        &stage.optimizer.name,
                        &stage.optimizer.config.clone().into(),
                        &Value::Null,
                    )?;
                    if optimizer.needs(Need::RefLogp) {
                        estimate.reference = state;
                    }
                }
                Stage::Eval(stage) => {
                    let (groups, attempts) = (stage.problems as usize, stage.attempts as usize);
                    estimate.decode(model, groups, attempts, stage.max_new_tokens as usize);
                }
            }
        }
        let layers = model.num_hidden_layers;
        let candidates = match manifest.run.activation_checkpointing {
            ActivationCheckpointing::None => 0..=0,
            ActivationCheckpointing::All => layers..=layers,
            ActivationCheckpointing::Auto => 0..=layers,
        };
        for recomputed_layers in candidates {
            estimate.learn(model, largest_pass, recomputed_layers);
            let usable = estimate.available.map(|available| available * USABLE);
            if largest_pass == 0 || usable.is_none_or(|usable| estimate.peak <= usable) {
                break;
            }
        }
        Ok(estimate)
    }

    /// The peak with so many layers that run again.
    fn learn(&mut self, model: &ModelConfig, rows: usize, recomputed_layers: usize) {
        self.recomputed_layers = recomputed_layers;
        self.activations = match rows {
            0 => 0.0,
            rows => model.pass_footprint(rows, recomputed_layers) as f64,
        };
        let phases = self.activations.max(self.decoding);
        self.peak = PROCESS + self.weights + self.training_state + self.reference + phases;
    }

    /// Returns the size of a group.
    fn rollouts(
        &mut self,
        model: &ModelConfig,
        stage: &RlStage,
        host: &PluginHost,
    ) -> Result<usize> {
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
        let length = stage.max_new_tokens as usize;
        self.decode(model, stage.problems_per_step as usize, plan.group, length);
        if let Some(eval) = &stage.eval {
            let (groups, attempts) = (eval.problems as usize, eval.attempts as usize);
            self.decode(model, groups, attempts, length);
        }
        Ok(plan.group)
    }

    fn decode(&mut self, model: &ModelConfig, groups: usize, attempts: usize, new_tokens: usize) {
        let rows = groups.saturating_mul(attempts).min(MAX_ROWS);
        let new_tokens = new_tokens.min(model.max_sequence_length());
        // Each prompt is there once for its group.
        let prompts = rows.div_ceil(attempts.max(1)) * prompt_length(new_tokens);
        let bytes = model.decoding_footprint(rows, rows * new_tokens + prompts) as f64;
        self.decoding = self.decoding.max(bytes);
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
        let model = PROCESS + self.weights + self.training_state + self.reference;
        Err(RuntimeError::Memory {
            needed_gb: self.peak / GIB,
            available_gb: available / GIB,
            remedy: match model > available {
                true if self.trainable == self.parameters => {
                    "the model alone is too large to be trained here; train adapters (`model.lora`), or take a smaller \
                     one"
                }
                true => "the model alone is too large for this machine; take a smaller one",
                false => {
                    "lower `micro_batch_tokens`, `max_new_tokens` or the group's size, leave \
                     `run.activation_checkpointing` at `auto`, or take a smaller model"
                }
            },
        })
    }
}

/// A prompt's length is not known before it is posed; a quarter of a completion is a guess.
fn prompt_length(new_tokens: usize) -> usize {
    (new_tokens / 4).max(64)
}

/// Rows of the largest training pass of a stage whose attempts all have full length: the step's sequences in
/// micro-batches of even size, each group's prompt computed once.
fn rows_of_a_pass(model: &ModelConfig, stage: &RlStage, group: usize) -> usize {
    let new_tokens = (stage.max_new_tokens as usize).min(model.max_sequence_length());
    let prompt = prompt_length(new_tokens);
    let groups = (stage.problems_per_step as usize).div_ceil(stage.minibatches.max(1) as usize);
    let sequences = groups.saturating_mul(group).max(1);
    let budget = stage.micro_batch_tokens as usize;
    let parts = (sequences * (prompt + new_tokens))
        .div_ceil(budget)
        .min(sequences);
    let in_part = sequences.div_ceil(parts);
    in_part * new_tokens + in_part.div_ceil(group.max(1)) * prompt
}

/// Physical memory, or the limit of this process's control group if that is less.
fn available_memory() -> Option<f64> {
    #[cfg(target_os = "linux")]
    {
        let info = rustix::system::sysinfo();
        let physical = info.totalram as f64 * f64::from(info.mem_unit);
        let limits = [
            "/sys/fs/cgroup/memory.max",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        ];
        let read = |path: &&str| {
            std::fs::read_to_string(path)
                .ok()?
                .trim()
                .parse::<f64>()
                .ok()
        };
        Some(limits.iter().filter_map(read).fold(physical, f64::min))
    }
    #[cfg(not(target_os = "linux"))]
    None
}
