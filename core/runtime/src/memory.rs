//! How much memory a plan needs: reckoned from the model's shape, the stages' budgets and the lengths of real texts.
//!
//! The largest moment counts. Weights, gradients and moments stay through a stage; decoding and learning take turns, and
//! what one of them frees serves the other.

mod machine;
mod needs;

pub(crate) use machine::Machine;
pub(crate) use needs::{DecodingNeeds, StageNeeds};

pub use farthing_engine::trim_with;
use serde::Serialize;

use crate::error::{Result, RuntimeError};
use crate::manifest::{ActivationCheckpointing, EvalStage};
use crate::plan::{Plan, StageLengths};

const GIB: f64 = (1_u64 << 30) as f64;

/// The share of the machine's memory that a plan may take: the rest is the system's.
const USABLE: f64 = 0.9;

/// Bytes by purpose, in the stage that needs most.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MemoryEstimate {
    /// Those of the model, without adapters.
    pub parameters: usize,
    /// Those that are trained.
    pub trainable: usize,
    /// The program, its plugins and the tokenizer.
    pub process: f64,
    pub weights: f64,
    /// The name of the stage.
    pub stage: String,
    /// Gradients and the update rule's two moments.
    pub training_state: f64,
    /// A frozen copy of what is trained, where an objective compares with the policy at the stage's beginning.
    pub reference: f64,
    /// What the backward pass keeps of a micro-batch's forward pass, and what it works with.
    pub activations: f64,
    /// Tokens of that micro-batch, those of a shared prompt counted once.
    pub activation_tokens: usize,
    /// Keys and values of the rows that are decoded together, and the weights in decoding order.
    pub decoding: f64,
    /// Positions with keys and values at one time.
    pub decoding_tokens: usize,
    /// The longest prompt that was found.
    pub prompt_tokens: usize,
    /// The budget of positions of each stage of the plan.
    pub decode_tokens: Vec<usize>,
    /// Layers that keep their input alone and run again for the backward pass.
    pub recomputed_layers: usize,
    /// The most demanding moment.
    pub peak: f64,
    /// The memory of this machine, or what its container may take; absent where it cannot be told.
    pub available: Option<f64>,
}

impl MemoryEstimate {
    /// Reckons the needs of a plan's stages on this machine, and how many layers have to run again so that they fit.
    /// `lengths` are those of a rehearsal.
    pub fn of(plan: &Plan, lengths: &[StageLengths]) -> Result<Self> {
        Self::on(&Machine::of(plan), plan, lengths)
    }

    /// The same on another machine.
    pub(crate) fn on(machine: &Machine<'_>, plan: &Plan, lengths: &[StageLengths]) -> Result<Self> {
        let (manifest, model) = (plan.manifest(), &plan.model);
        let parameters = model.parameter_count();
        let lora = manifest.model.lora.as_ref();
        let adapters = lora.map_or(0, |lora| lora.config().parameter_count(model));
        let (trainable, frozen) = match lora.is_some() {
            true => (adapters, parameters),
            false => (parameters, 0),
        };
        let base = Self {
            parameters,
            trainable,
            process: machine.process(),
            weights: machine.weights(trainable, frozen),
            available: machine.available,
            ..Self::default()
        };
        let mut stages = Vec::new();
        for (stage, lengths) in manifest.stages.iter().zip(lengths) {
            let needs = StageNeeds::of(stage, lengths, machine, &plan.host)?;
            let estimate = Self {
                stage: stage.name().to_owned(),
                prompt_tokens: lengths.prompt,
                ..base.clone()
            };
            stages.push((estimate.with_needs(machine, &needs), needs));
        }
        let layers = model.num_hidden_layers;
        let candidates = match manifest.run.activation_checkpointing {
            ActivationCheckpointing::None => 0..=0,
            ActivationCheckpointing::All => layers..=layers,
            ActivationCheckpointing::Auto => 0..=layers,
        };
        let estimate = |recomputed_layers: usize| {
            let moments = stages
                .iter()
                .map(|(stage, needs)| stage.clone().with_pass(machine, needs, recomputed_layers));
            moments.max_by(|a, b| a.peak.total_cmp(&b.peak))
        };
        let fits = |recomputed_layers: &usize| {
            let peak = estimate(*recomputed_layers).map_or(0.0, |moment| moment.peak);
            base.usable().is_none_or(|usable| peak <= usable)
        };
        let trains = stages.iter().any(|(_, needs)| needs.trains);
        let chosen = match trains {
            true => candidates.clone().find(fits).unwrap_or(*candidates.end()),
            false => 0,
        };
        let decode_tokens = stages
            .iter()
            .map(|(stage, needs)| stage.budget(machine, needs));
        Ok(Self {
            decode_tokens: decode_tokens.collect(),
            ..estimate(chosen).unwrap_or(base)
        })
    }

    /// This model with what a stage keeps from its beginning to its end, and with what decoding takes meanwhile.
    fn with_needs(mut self, machine: &Machine<'_>, needs: &StageNeeds) -> Self {
        if needs.trains {
            self.training_state = machine.training_state(self.trainable);
        }
        if needs.compares {
            self.reference = machine.weights(0, self.trainable);
        }
        for decoding in &needs.decoding {
            let rows = self.rows(machine, decoding, needs.decode_tokens);
            let positions = decoding.positions(rows);
            let bytes = machine.decoding(rows, positions);
            if bytes > self.decoding {
                self.decoding = bytes;
                self.decoding_tokens = positions;
            }
        }
        self
    }

    /// The largest moment of a stage with so many layers that run again.
    fn with_pass(
        mut self,
        machine: &Machine<'_>,
        needs: &StageNeeds,
        recomputed_layers: usize,
    ) -> Self {
        self.recomputed_layers = recomputed_layers;
        if needs.pass_rows > 0 {
            self.activation_tokens = needs.pass_rows;
            self.activations = machine.pass(needs.pass_rows, recomputed_layers);
        }
        self.peak = self.resident() + self.activations.max(self.decoding);
        self
    }

    /// What stays through a stage.
    fn resident(&self) -> f64 {
        self.process + self.weights + self.training_state + self.reference
    }

    fn usable(&self) -> Option<f64> {
        self.available.map(|available| available * USABLE)
    }

    /// What is left for decoding beside what stays; `None` where it cannot be told.
    fn left(&self) -> Option<f64> {
        self.usable().map(|usable| usable - self.resident())
    }

    /// The positions that a stage may hold at a time: as the manifest says, or as there is room for. A step takes no more
    /// than it needs, and prompts may be longer than those that were measured.
    fn budget(&self, machine: &Machine<'_>, needs: &StageNeeds) -> usize {
        let rooms = needs.decoding.iter().map(|needs| self.room(machine, needs));
        needs
            .decode_tokens
            .or_else(|| rooms.min())
            .unwrap_or(usize::MAX)
    }

    /// The positions that the memory has room for while so many attempts are drawn as fit.
    fn room(&self, machine: &Machine<'_>, needs: &DecodingNeeds) -> usize {
        let Some(left) = self.left() else {
            return usize::MAX;
        };
        let rows = self.rows(machine, needs, None);
        let positions = needs.positions(rows);
        let bytes = |positions| machine.decoding(rows, positions);
        let more = (left - bytes(positions)) / (bytes(positions + 1) - bytes(positions));
        // No room at all is refused with the plan; until then an attempt at a time is drawn.
        positions + more.max(0.0) as usize
    }

    /// Attempts that are drawn together within a budget of positions, or without one within what memory is left.
    fn rows(&self, machine: &Machine<'_>, needs: &DecodingNeeds, budget: Option<usize>) -> usize {
        needs.rows_that(|rows, positions| match (budget, self.left()) {
            (Some(budget), _) => positions <= budget,
            (None, Some(left)) => machine.decoding(rows, positions) <= left,
            (None, None) => true,
        })
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
        let model = self.resident();
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
                    "lower `micro_batch_tokens`, `decode_tokens`, `max_new_tokens` or the group's size, leave \
                     `run.activation_checkpointing` at `auto`, or take a smaller model"
                }
            },
        })
    }
}

/// The positions that an evaluation of a model, which trains nothing beside it, may hold at a time.
pub(crate) fn evaluation_budget(plan: &Plan, stage: &EvalStage, prompt: usize) -> usize {
    let machine = Machine::of(plan);
    let needs = StageNeeds::of_evaluation(stage, prompt, &machine);
    let estimate = MemoryEstimate {
        process: machine.process(),
        weights: machine.weights(0, plan.model.parameter_count()),
        available: machine.available,
        ..MemoryEstimate::default()
    };
    estimate.budget(&machine, &needs)
}
