//! How much memory a plan needs: reckoned from the model's shape and the stages' budgets.
//!
//! The largest moment counts. Weights, gradients and moments stay through a stage; decoding and learning take turns,
//! and a small model's buffers stay with both.

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
const PROCESS: f64 = 64.0 * (1 << 20) as f64;

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
        let mut micro_batch_tokens = 0;
        for stage in &manifest.stages {
            match stage {
                Stage::Sft(stage) => {
                    estimate.training_state = 3.0 * state;
                    micro_batch_tokens = micro_batch_tokens.max(stage.micro_batch_tokens as usize);
                }
                Stage::Rl(stage) => {
                    estimate.training_state = 3.0 * state;
                    micro_batch_tokens = micro_batch_tokens.max(stage.micro_batch_tokens as usize);
                    estimate.rollouts(model, stage, host)?;
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
            estimate.learn(model, micro_batch_tokens, recomputed_layers);
            let usable = estimate.available.map(|available| available * USABLE);
            if micro_batch_tokens == 0 || usable.is_none_or(|usable| estimate.peak <= usable) {
                break;
            }
        }
        Ok(estimate)
    }

    /// The peak with so many layers that run again.
    fn learn(&mut self, model: &ModelConfig, micro_batch_tokens: usize, recomputed_layers: usize) {
        self.recomputed_layers = recomputed_layers;
        self.activations = match micro_batch_tokens {
            0 => 0.0,
            tokens => model.pass_footprint(tokens, recomputed_layers).total() as f64,
        };
        let phases = match model.keeps_buffers() {
            true => self.activations + self.decoding,
            false => self.activations.max(self.decoding),
        };
        self.peak = PROCESS + self.weights + self.training_state + self.reference + phases;
    }

    fn rollouts(&mut self, model: &ModelConfig, stage: &RlStage, host: &PluginHost) -> Result<()> {
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
        Ok(())
    }

    fn decode(&mut self, model: &ModelConfig, groups: usize, attempts: usize, new_tokens: usize) {
        let rows = groups.saturating_mul(attempts).min(MAX_ROWS);
        // A prompt's length is not known before it is posed; a quarter of a completion is a guess. Each is there once
        // for its group.
        let new_tokens = new_tokens.min(model.max_sequence_length());
        let prompts = rows.div_ceil(attempts.max(1)) * (new_tokens / 4).max(64);
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
