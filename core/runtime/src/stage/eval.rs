//! `kind = "eval"`: measure the model between or after training stages.

use farthing_engine::DecodingBudget;
use serde_json::Value;

use super::components::{LiveSampler, LiveTask};
use super::judging::Terms;
use super::measuring::{Judge, Measured, Measurement, measure};
use super::seeds::StageSeeds;
use crate::error::Result;
use crate::manifest::EvalStage;
use crate::trainer::{StageEnd, Trainer};

/// Runs the stage: one row of metrics, one row of completions for each attempt.
pub(crate) fn run(trainer: &mut Trainer, index: usize, stage: &EvalStage) -> Result<StageEnd> {
    let tasks = LiveTask::indices(&trainer.tasks, &stage.tasks);
    let sampler = LiveSampler::new(&trainer.host, &stage.sampler, &Value::Null)?;
    let seeds = StageSeeds::new(trainer.manifest.run.seed, index);
    let budget = trainer.decoding_budget(index);
    let measured = attempt(trainer, stage, budget, &tasks, &sampler, seeds)?;
    let mut row = trainer.row(&stage.name);
    measured.report("eval_", &trainer.tasks, &mut row);
    trainer.append(&row)?;
    trainer.record(&stage.name, &measured.groups, &measured.judged, |_, _| None)?;
    Ok(StageEnd::Finished)
}

/// Attempts and judges the stage's problems with any model.
pub(crate) fn attempt(
    bench: &impl Judge,
    stage: &EvalStage,
    budget: DecodingBudget,
    tasks: &[usize],
    sampler: &LiveSampler,
    seeds: StageSeeds,
) -> Result<Measured> {
    measure(
        bench,
        &Measurement {
            tasks,
            skip: stage.skip,
            problems: stage.problems.into(),
            attempts: stage.attempts as usize,
            pass_at: &stage.pass_at,
            split: stage.split.into(),
            max_new_tokens: stage.max_new_tokens as usize,
            budget,
            sampler,
            seeds,
            terms: Terms {
                deadline: stage.reward_deadline.0,
                max_failure_share: stage.max_failure_share,
            },
        },
    )
}
