//! What a stage asks of memory, counted in tokens: the rows of its largest training pass, and the attempts that it has
//! drawn at a time.

use farthing_engine::ModelConfig;
use farthing_sdk::{Need, PlanRequest};
use serde_json::Value;

use crate::error::{Result, RuntimeError};
use crate::host::PluginHost;
use crate::manifest::{RlStage, SftStage, Stage};
use crate::plan::StageLengths;
use crate::stage::rollout::MAX_ROWS;

/// What one stage asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct StageNeeds {
    pub trains: bool,
    /// Its objective compares with the policy at the stage's beginning.
    pub compares: bool,
    /// Rows of the largest training pass.
    pub pass_rows: usize,
    pub decoding: Vec<DecodingNeeds>,
}

/// Attempts that are drawn in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DecodingNeeds {
    pub groups: usize,
    /// At each problem.
    pub attempts: usize,
    /// The longest prompt and completion.
    pub prompt: usize,
    pub new_tokens: usize,
}

impl StageNeeds {
    pub fn of(
        stage: &Stage,
        lengths: &StageLengths,
        model: &ModelConfig,
        host: &PluginHost,
    ) -> Result<Self> {
        let context = model.max_sequence_length();
        let decoding = |groups: u32, attempts: usize, new_tokens: u32| DecodingNeeds {
            groups: groups as usize,
            attempts: attempts.max(1),
            prompt: lengths.prompt,
            new_tokens: (new_tokens as usize).min(context.saturating_sub(lengths.prompt)),
        };
        Ok(match stage {
            Stage::Sft(stage) => Self {
                trains: true,
                pass_rows: rows_of_examples(stage, &lengths.examples, context),
                ..Self::default()
            },
            Stage::Eval(stage) => {
                let attempts = stage.attempts as usize;
                Self {
                    decoding: vec![decoding(stage.problems, attempts, stage.max_new_tokens)],
                    ..Self::default()
                }
            }
            Stage::Rl(stage) => {
                let group = group_size(stage, host)?;
                let optimizer = host.optimizer(
                    &stage.optimizer.name,
                    &stage.optimizer.config.clone().into(),
                    &Value::Null,
                )?;
                let rollout = decoding(stage.problems_per_step, group, stage.max_new_tokens);
                let eval = stage.eval.as_ref().map(|eval| {
                    decoding(eval.problems, eval.attempts as usize, stage.max_new_tokens)
                });
                Self {
                    trains: true,
                    compares: optimizer.needs(Need::RefLogp),
                    pass_rows: rows_of_attempts(
                        rollout,
                        stage.minibatches as usize,
                        stage.micro_batch_tokens as usize,
                    ),
                    decoding: [rollout].into_iter().chain(eval).collect(),
                }
            }
        })
    }
}

impl DecodingNeeds {
    /// Attempts that are drawn together.
    pub fn rows(&self) -> usize {
        self.groups.saturating_mul(self.attempts).min(MAX_ROWS)
    }

    /// Positions that so many attempts have: each prompt is there once for its group.
    pub fn positions(&self, rows: usize) -> usize {
        rows * self.new_tokens + rows.div_ceil(self.attempts) * self.prompt
    }
}

fn group_size(stage: &RlStage, host: &PluginHost) -> Result<usize> {
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
    Ok(plan.group)
}

/// Rows of the largest training pass over a rollout: an update's sequences in micro-batches of even size, each group's
/// prompt computed once.
///
/// Completions become longer and shorter as the model learns. The pass is largest with the longest ones that still go so
/// many together, so all numbers of sequences that a micro-batch can have are gone through.
fn rows_of_attempts(rollout: DecodingNeeds, minibatches: usize, budget: usize) -> usize {
    let DecodingNeeds {
        groups,
        attempts,
        prompt,
        new_tokens,
    } = rollout;
    let groups = groups.div_ceil(minibatches.max(1));
    let sequences = groups.saturating_mul(attempts).max(1);
    let mut largest = 0;
    let mut together = sequences;
    loop {
        // A sequence that is longer than the budget goes alone.
        let room = (budget / together).saturating_sub(prompt);
        let completion = if together == 1 {
            new_tokens
        } else {
            room.min(new_tokens)
        };
        if completion > 0 {
            // Micro-batches do not begin where groups do, unless the one divides the other.
            let prompts = match attempts % together == 0 || together % attempts == 0 {
                true => together.div_ceil(attempts),
                false => (together + attempts - 2) / attempts + 1,
            };
            largest = largest.max(together * completion + prompts.min(groups) * prompt);
        }
        if together == 1 || completion == new_tokens {
            return largest;
        }
        // One micro-batch more, and as even as before.
        together = sequences
            .div_ceil(sequences.div_ceil(together) + 1)
            .min(together - 1);
    }
}

/// Rows of the largest training pass over batches of examples that are as long as these.
fn rows_of_examples(stage: &SftStage, examples: &[usize], context: usize) -> usize {
    let limit = stage.max_length.map_or(context, |limit| limit as usize);
    let lengths: Vec<f64> = examples
        .iter()
        .filter(|&&length| length <= limit)
        .map(|&length| length as f64)
        .collect();
    let longest = lengths.iter().copied().fold(0.0, f64::max);
    let count = lengths.len().max(1) as f64;
    let mean = lengths.iter().sum::<f64>() / count;
    let variance = lengths
        .iter()
        .map(|length| (length - mean).powi(2))
        .sum::<f64>()
        / count;
    let batch = f64::from(stage.batch.min(stage.examples));
    // Hardly a batch in a hundred lies outside three standard deviations.
    let spread = 3.0 * (variance * batch).sqrt();
    let (low, high) = (
        batch * mean - spread,
        (batch * mean + spread).min(batch * longest),
    );
    let budget = f64::from(stage.micro_batch_tokens);
    let parts = |tokens: f64| (tokens / budget).ceil().max(1.0);
    let largest = match parts(low) == parts(high) {
        true if parts(high) == 1.0 => high,
        // Parts are even to a sequence.
        true => (high / parts(high) + mean).min(budget),
        // Some batches fill their parts.
        false => budget,
    };
    largest.max(longest).ceil() as usize
}
