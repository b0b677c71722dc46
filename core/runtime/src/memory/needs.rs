//! What a stage asks of memory, counted in tokens: the rows of its largest training pass, and the attempts that it has
//! drawn at a time.

use farthing_engine::Sequences;
use farthing_sdk::{Need, PlanRequest};
use serde_json::Value;

use super::machine::Machine;
use crate::error::{Result, RuntimeError};
use crate::host::PluginHost;
use crate::manifest::{EvalStage, RlStage, SftStage, Stage};
use crate::plan::StageLengths;
use crate::stage::rollout::MAX_ROWS;

/// What one stage asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct StageNeeds {
    pub trains: bool,
    /// Its objective compares with the policy at the stage's beginning.
    pub compares: bool,
    /// Rows of the largest training pass.
    pub pass_rows: usize,
    pub decoding: Vec<DecodingNeeds>,
    /// The manifest's bound on positions.
    pub decode_tokens: Option<usize>,
}

/// Attempts that are drawn in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DecodingNeeds {
    pub groups: usize,
    /// At each problem.
    pub attempts: usize,
    /// The longest prompt and completion.
    pub prompt: usize,
    pub new_tokens: usize,
    /// Whether a prompt's positions count once for its group, or for each attempt.
    pub shares_prompts: bool,
}

impl StageNeeds {
    pub fn of(
        stage: &Stage,
        lengths: &StageLengths,
        machine: &Machine<'_>,
        host: &PluginHost,
    ) -> Result<Self> {
        let (prompt, context) = (lengths.prompt, machine.model.max_sequence_length());
        Ok(match stage {
            Stage::Sft(stage) => {
                let probe = stage.probe.as_ref();
                let probe = probe.map(|probe| probe.evaluation(&stage.name, &stage.tasks));
                let probing = probe.map(|probe| Self::of_evaluation(&probe, prompt, machine));
                Self {
                    trains: true,
                    pass_rows: rows_of_examples(stage, &lengths.examples, context),
                    ..probing.unwrap_or_default()
                }
            }
            Stage::Merge(_) => Self::default(),
            Stage::Eval(stage) => Self::of_evaluation(stage, prompt, machine),
            Stage::Rl(stage) => {
                let group = group_size(stage, host)?;
                let optimizer = host.optimizer(
                    &stage.optimizer.name,
                    &stage.optimizer.config.clone().into(),
                    &Value::Null,
                )?;
                let decoding = |groups, attempts| {
                    DecodingNeeds::new(groups, attempts, prompt, stage.max_new_tokens, machine)
                };
                let rollout = decoding(stage.problems_per_step, group);
                let eval = stage.eval.as_ref();
                let eval = eval.map(|eval| decoding(eval.problems, eval.attempts as usize));
                Self {
                    trains: true,
                    compares: optimizer.needs(Need::RefLogp),
                    pass_rows: rows_of_attempts(
                        rollout,
                        stage.minibatches as usize,
                        stage.micro_batch_tokens as usize,
                    ),
                    decoding: [rollout].into_iter().chain(eval).collect(),
                    decode_tokens: stage.decode_tokens.map(|tokens| tokens as usize),
                }
            }
        })
    }

    pub fn of_evaluation(stage: &EvalStage, prompt: usize, machine: &Machine<'_>) -> Self {
        let attempts = stage.attempts as usize;
        let length = stage.max_new_tokens;
        let decoding = DecodingNeeds::new(stage.problems, attempts, prompt, length, machine);
        Self {
            decoding: vec![decoding],
            decode_tokens: stage.decode_tokens.map(|tokens| tokens as usize),
            ..Self::default()
        }
    }
}

impl DecodingNeeds {
    fn new(
        groups: u32,
        attempts: usize,
        prompt: usize,
        new_tokens: u32,
        machine: &Machine<'_>,
    ) -> Self {
        let context = machine.model.max_sequence_length();
        Self {
            groups: groups as usize,
            attempts: attempts.max(1),
            prompt,
            new_tokens: (new_tokens as usize).min(context.saturating_sub(prompt)),
            shares_prompts: machine.shares_prompts(),
        }
    }

    /// The most attempts, at least one, that are worth being drawn together and pass `fits`, which takes their number
    /// and positions. An attempt that does not fit is drawn all the same, alone.
    pub fn rows_that(&self, fits: impl Fn(usize, usize) -> bool) -> usize {
        let most = self.groups.saturating_mul(self.attempts).min(MAX_ROWS);
        let fitting = (2..=most)
            .rev()
            .find(|&rows| fits(rows, self.positions(rows)));
        fitting.unwrap_or(1)
    }

    /// All of them at full length.
    pub fn sequences(&self) -> Sequences {
        Sequences {
            count: (self.groups * self.attempts) as f64,
            prompt: self.prompt as f64,
            new_tokens: self.new_tokens as f64,
            group: self.attempts as f64,
        }
    }

    /// Positions that so many attempts have.
    pub fn positions(&self, rows: usize) -> usize {
        let prompts = match self.shares_prompts {
            true => rows.div_ceil(self.attempts),
            false => rows,
        };
        rows * self.new_tokens + prompts * self.prompt
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
        ..
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::batching::split_by_tokens;

    /// Rows of the largest micro-batch that the trainer would make, over all lengths that completions can have.
    fn tried_out(rollout: DecodingNeeds, budget: usize) -> usize {
        let (attempts, prompt) = (rollout.attempts, rollout.prompt);
        let mut largest = 0;
        for completion in 1..=rollout.new_tokens {
            let lengths = std::iter::repeat_n(prompt + completion, rollout.groups * attempts);
            for part in split_by_tokens(lengths, budget) {
                let prompts = (part.end - 1) / attempts - part.start / attempts + 1;
                largest = largest.max(part.len() * completion + prompts * prompt);
            }
        }
        largest
    }

    #[test]
    fn the_largest_pass_is_the_one_that_the_trainer_makes() {
        for (groups, attempts, prompt, new_tokens, budget) in [
            (2, 8, 128, 64, 1024),
            (8, 8, 33, 128, 4096),
            (32, 8, 8, 48, 4096),
            (3, 5, 40, 30, 200),
            (4, 4, 7, 24, 256),
            (1, 16, 300, 100, 100),
            (7, 3, 1, 9, 1_000_000),
            (1, 1, 5, 5, 1),
        ] {
            let rollout = DecodingNeeds {
                groups,
                attempts,
                prompt,
                new_tokens,
                shares_prompts: true,
            };
            let reckoned = rows_of_attempts(rollout, 1, budget);
            let found = tried_out(rollout, budget);
            assert!(
                found <= reckoned && reckoned <= found + found / 10 + prompt,
                "{rollout:?} at {budget}: reckoned {reckoned}, found {found}"
            );
        }
    }

    #[test]
    fn rows_follow_a_budget_of_positions() {
        let needs = DecodingNeeds {
            groups: 4,
            attempts: 4,
            prompt: 10,
            new_tokens: 20,
            shares_prompts: true,
        };
        let within = |budget: usize| needs.rows_that(|_, positions| positions <= budget);
        assert_eq!(needs.positions(5), 5 * 20 + 2 * 10);
        assert_eq!([within(119), within(120)], [4, 5]);
        // An attempt that needs more than all of it is drawn alone.
        assert_eq!([within(1), within(usize::MAX)], [1, 16]);
        let copied = DecodingNeeds {
            shares_prompts: false,
            ..needs
        };
        assert_eq!(copied.positions(5), 5 * 30);
    }
}
