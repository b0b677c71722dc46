//! `kind = "rl"`: draw problems, draw attempts, judge them, learn, again.

mod drawing;

use std::time::Instant;

use farthing_engine::{DecodingBudget, Gradients, Model};
use farthing_sdk::StepReport;
use serde_json::Value;

use drawing::Drawn;
pub(crate) use drawing::task_entries;

use super::components::{LiveSampler, LiveTask, RlComponents};
use super::diversity::report_diversity;
use super::eval;
use super::judging::Terms;
use super::learning::{Learned, Learner, Schedule};
use super::reporting::{lengths, report, report_completions};
use super::seeds::StageSeeds;
use super::sequences::{Sequence, Trainable};
use crate::error::Result;
use crate::manifest::RlStage;
use crate::run::StepSummary;
use crate::trainer::{StageEnd, Trainer, UpdateState};

/// Runs the stage from where the trainer's position stands.
pub(crate) fn run(trainer: &mut Trainer, index: usize, stage: &RlStage) -> Result<StageEnd> {
    let states = trainer.position.stage_states.clone();
    let mut components = RlComponents::new(&trainer.host, stage, &states)?;
    let tasks = trainer.trained_tasks(&stage.tasks);
    let mut update = trainer.begin_updates(&stage.update, u64::from(stage.steps))?;
    let mut stage_run = RlRun {
        stage,
        seeds: StageSeeds::new(trainer.manifest.run.seed, index),
        gradients: Gradients::zeros(&trainer.model)?,
        reference: None,
        tasks,
        budget: trainer.decoding_budget(index),
    };
    let steps = u64::from(stage.steps);
    let mut progress = trainer.begin_progress(&stage.name, steps);
    while trainer.position.stage_step < steps {
        if trainer.position.stage_step == 0 && stage.eval.is_some() {
            stage_run.evaluate(trainer, &components)?;
        }
        let before = trainer.standing(components.save()?)?;
        let updates = update.rule.steps_taken();
        let step = trainer.position.stage_step;
        let summary = match stage_run.step(trainer, &mut components, &mut update) {
            Ok(summary) => summary,
            Err(error) => {
                // If nothing of this step has reached the weights, the run can go on from here once the cause is gone;
                // half a step (of several updates) is no place to go on from.
                if update.rule.steps_taken() == updates {
                    trainer.save_after_failure(&error, Some(&update), before)?;
                }
                return Err(error);
            }
        };
        progress.step(&summary);
        let done = step + 1;
        let finished = done == steps || components.curriculum.finished(done, steps)?;
        if let Some(eval) = &stage.eval
            && (finished || done.is_multiple_of(u64::from(eval.every)))
        {
            stage_run.evaluate(trainer, &components)?;
        }
        if finished {
            break;
        }
        let states = || components.save();
        if let Some(end) = trainer.end_of_step(Some(&update), false, states)? {
            progress.finish();
            return Ok(end);
        }
    }
    progress.finish();
    Ok(StageEnd::Finished)
}

/// What lasts over the steps of one `rl` stage.
struct RlRun<'a> {
    stage: &'a RlStage,
    seeds: StageSeeds,
    gradients: Gradients,
    /// The policy at the stage's beginning, kept only for objectives that ask for it.
    reference: Option<Model>,
    /// Which of the run's tasks this stage draws from.
    tasks: Vec<usize>,
    budget: DecodingBudget,
}

impl RlRun<'_> {
    fn step(
        &mut self,
        trainer: &mut Trainer,
        components: &mut RlComponents,
        update: &mut UpdateState,
    ) -> Result<StepSummary> {
        let started = Instant::now();
        let step = trainer.position.stage_step;
        let drawn = self.draw(trainer, components)?;
        let (trainable, members) = self.trainable(&drawn);
        let learned = self.learn(
            trainer,
            components,
            update,
            &trainable,
            drawn.plan.temperature,
        )?;
        components.curriculum.observe(|| StepReport {
            step,
            groups: drawn.reports(&trainer.tasks),
        })?;

        let mut row = trainer.row(&self.stage.name);
        row.set("learning_rate", update.learning_rate(step));
        report(&trainer.tasks, &drawn.groups, &drawn.judged, "", &mut row);
        report_completions(&drawn.groups, "", &mut row);
        report_diversity(&drawn.groups, &drawn.judged, "", &mut row);
        row.set("groups/sampled", drawn.groups.len());
        row.set(
            "groups/dropped",
            drawn.groups.len() - trainable.groups.len(),
        );
        for (name, value) in &learned.metrics {
            let name = trainer.optimizer_metric(name, &components.optimizer_name);
            row.set(name, *value);
        }
        trainer.position.num_tokens += learned.tokens;
        row.set("num_tokens", trainer.position.num_tokens);
        trainer.record(
            &self.stage.name,
            &drawn.groups,
            &drawn.judged,
            |group, number| {
                let trained = members.binary_search(&(group, number)).ok()?;
                learned
                    .advantages
                    .get(trained)
                    .map(|&advantage| f64::from(advantage))
            },
        )?;

        let completion_tokens: u64 = lengths(&drawn.groups).sum();
        let seconds = started.elapsed().as_secs_f64();
        let throughput = (completion_tokens + learned.tokens) as f64 / seconds;
        row.set("step_time", seconds);
        row.set("timing_s/gen", drawn.decoding);
        row.set("timing_s/reward", drawn.judging);
        row.set("timing_s/old_log_prob", learned.old_logp_time.as_secs_f64());
        row.set("timing_s/ref", learned.reference_time.as_secs_f64());
        row.set("timing_s/update_actor", learned.update_time.as_secs_f64());
        row.set("perf/throughput", throughput);
        row.set(
            "perf/generated_tokens_per_second",
            completion_tokens as f64 / drawn.decoding,
        );
        let summary = StepSummary {
            reward: row.get("reward"),
            loss: row.get("loss"),
            tokens_per_second: Some(throughput),
        };
        trainer.finish_step(&row)?;
        Ok(summary)
    }

    /// The attempts to learn from, group by group, and which (group, attempt) each is.
    fn trainable(&self, drawn: &Drawn) -> (Trainable, Vec<(usize, usize)>) {
        let mut groups = Vec::new();
        let mut members = Vec::new();
        for (index, (group, judged)) in drawn.groups.iter().zip(&drawn.judged).enumerate() {
            if !drawn.kept[index] {
                continue;
            }
            let mut sequences = Vec::new();
            for (number, attempt) in group.attempts.iter().enumerate() {
                let Some(reward) = judged.totals[number] else {
                    continue;
                };
                if attempt.drawn.tokens.is_empty() {
                    continue;
                }
                let prompt = &group.posed.prompt_tokens;
                sequences.push(Sequence {
                    tokens: prompt
                        .iter()
                        .chain(&attempt.drawn.tokens)
                        .copied()
                        .collect(),
                    prompt_length: prompt.len(),
                    sampler_logp: attempt.drawn.logp.clone(),
                    injected: attempt.drawn.injected.clone(),
                    reward,
                });
                members.push((index, number));
            }
            if !sequences.is_empty() {
                groups.push(sequences);
            }
        }
        (Trainable { groups }, members)
    }

    fn learn(
        &mut self,
        trainer: &mut Trainer,
        components: &mut RlComponents,
        update: &mut UpdateState,
        trainable: &Trainable,
        temperature: f32,
    ) -> Result<Learned> {
        let step = trainer.position.stage_step;
        if self.reference.is_none() && components.optimizer.needs(farthing_sdk::Need::RefLogp) {
            self.reference = Some(trainer.stage_reference()?);
        }
        let learning_rate = update.learning_rate(step);
        let mut learner = Learner {
            model: &mut trainer.model,
            reference: self.reference.as_ref(),
            rule: &mut update.rule,
            gradients: &mut self.gradients,
            optimizer: &mut components.optimizer,
            optimizer_name: &components.optimizer_name,
            stage: &self.stage.name,
            seeds: self.seeds,
            step,
            check_coverage: &mut trainer.position.coverage_pending,
        };
        learner.learn(
            trainable,
            Schedule {
                num_iterations: self.stage.num_iterations as usize,
                minibatches: self.stage.minibatches as usize,
                micro_batch_tokens: self.stage.micro_batch_tokens as usize,
                recomputed_layers: trainer.recomputed_layers,
                max_new_tokens: self.stage.max_new_tokens as usize,
                // Greedy attempts are scored at temperature 1, as decoding does.
                temperature: if temperature == 0.0 {
                    1.0
                } else {
                    f64::from(temperature)
                },
                learning_rate,
            },
        )
    }

    /// Evaluates on held-out problems and appends a row.
    fn evaluate(&self, trainer: &mut Trainer, components: &RlComponents) -> Result<()> {
        let Some(evaluation) = self.stage.evaluation() else {
            return Ok(());
        };
        let own = self
            .stage
            .eval
            .as_ref()
            .and_then(|eval| eval.sampler.as_ref());
        let own = own.map(|component| LiveSampler::new(&trainer.host, component, &Value::Null));
        let own = own.transpose()?;
        let measured = eval::attempt(
            trainer,
            &evaluation,
            self.budget,
            &LiveTask::indices(&trainer.tasks, &evaluation.tasks),
            own.as_ref().unwrap_or(&components.sampler),
            self.seeds,
        )?;
        let mut row = trainer.row(&self.stage.name);
        measured.report("eval_", &trainer.tasks, &mut row);
        trainer.append(&row)
    }

    fn terms(&self) -> Terms {
        Terms {
            deadline: self.stage.reward_deadline.0,
            max_failure_share: self.stage.max_failure_share,
        }
    }
}
