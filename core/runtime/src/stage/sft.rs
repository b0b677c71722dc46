//! `kind = "sft"`: learn the tasks' worked solutions token by token.

use std::time::Instant;

use farthing_engine::{Gradients, Packed, PassOptions, Tokenizer};
use farthing_sdk::rng::rand::seq::SliceRandom;
use farthing_sdk::{NextRequest, Pick, Split};
use rayon::prelude::*;

use super::batching::split_by_tokens;
use super::components::{LiveTask, States};
use super::curriculum::LiveCurriculum;
use super::learning::{apply, check_coverage};
use super::probing::Prober;
use super::rl::task_entries;
use super::rollout::render;
use super::seeds::StageSeeds;
use crate::error::{Result, RuntimeError};
use crate::manifest::SftStage;
use crate::run::StepSummary;
use crate::trainer::{StageEnd, Trainer, UpdateState};

/// Runs the stage from where the trainer's position stands.
pub(crate) fn run(trainer: &mut Trainer, index: usize, stage: &SftStage) -> Result<StageEnd> {
    let seeds = StageSeeds::new(trainer.manifest.run.seed, index);
    let component = stage.curriculum.as_ref();
    // A fresh curriculum chooses the examples, so that a resumed stage has the same ones.
    let mut curriculum = LiveCurriculum::new(&trainer.host, component, &States::new())?;
    let examples = examples(trainer, stage, seeds, &mut curriculum)?;
    if trainer.position.stage_step > 0 {
        let states = &trainer.position.stage_states;
        curriculum = LiveCurriculum::new(&trainer.host, component, states)?;
    }
    let probe = stage.probe.as_ref();
    let prober = probe.map(|probe| Prober::new(trainer, index, probe, seeds));
    let prober = prober.transpose()?;
    let batch = (stage.batch as usize).min(examples.len());
    let steps = stage.steps_over(examples.len());
    let mut update = trainer.begin_updates(&stage.update, steps)?;
    let mut sft = SftRun {
        stage,
        seeds,
        examples,
        batch,
        epoch_order: None,
        gradients: Gradients::zeros(&trainer.model)?,
        max_length: stage
            .max_length
            .map_or(trainer.model.config().max_sequence_length(), |limit| {
                limit as usize
            }),
    };
    let mut progress = trainer.begin_progress(&stage.name, steps);
    while trainer.position.stage_step < steps {
        let before = trainer.standing(curriculum.save()?)?;
        let summary = match sft.step(trainer, &mut update) {
            Ok(summary) => summary,
            Err(error) => {
                trainer.save_after_failure(&error, Some(&update), before)?;
                return Err(error);
            }
        };
        progress.step(&summary);
        let done = trainer.position.stage_step;
        let is_last = done == steps || curriculum.finished(done, steps)?;
        let is_probed = prober
            .as_ref()
            .filter(|prober| is_last || prober.is_due(done));
        if let Some(prober) = is_probed {
            prober.probe(trainer, &mut curriculum)?;
        }
        if is_last {
            break;
        }
        let must_save = is_probed.is_some();
        if let Some(end) = trainer.end_of_step(Some(&update), must_save, || curriculum.save())? {
            progress.finish();
            return Ok(end);
        }
    }
    progress.finish();
    Ok(StageEnd::Finished)
}

/// The problems whose solutions are learned. A finite task that has fewer than its share gives each once.
fn examples(
    trainer: &Trainer,
    stage: &SftStage,
    seeds: StageSeeds,
    curriculum: &mut LiveCurriculum,
) -> Result<Vec<Pick>> {
    let tasks = trainer.trained_tasks(&stage.tasks);
    let request = NextRequest {
        step: 0,
        drawn: 0,
        count: u64::from(stage.examples),
        seed: seeds.curriculum(),
        cursor: 0,
        tasks: task_entries(&trainer.tasks, &tasks),
    };
    let mut seen = std::collections::HashSet::new();
    let mut picks = curriculum.next(&request)?;
    for pick in &mut picks {
        pick.task = tasks[pick.task as usize] as u64;
    }
    picks.retain(|pick| seen.insert((pick.task, pick.index)));
    if picks.is_empty() {
        return Err(RuntimeError::Problem {
            task: stage.name.clone(),
            problem: "the stage's curriculum picked no examples".to_owned(),
        });
    }
    Ok(picks)
}

/// What lasts over the steps of one `sft` stage.
struct SftRun<'a> {
    stage: &'a SftStage,
    seeds: StageSeeds,
    examples: Vec<Pick>,
    batch: usize,
    /// The epoch whose order is at hand, and the order.
    epoch_order: Option<(u64, Vec<usize>)>,
    gradients: Gradients,
    max_length: usize,
}

/// Prompt and solution as tokens.
pub(crate) struct Example {
    pub tokens: Vec<u32>,
    prompt_length: usize,
}

impl SftRun<'_> {
    fn step(&mut self, trainer: &mut Trainer, update: &mut UpdateState) -> Result<StepSummary> {
        let started = Instant::now();
        let step = trainer.position.stage_step;
        let first = step * self.batch as u64;
        let examples = self.batch_at(trainer, first)?;
        let preparing = started.elapsed().as_secs_f64();

        let predicted: usize = examples
            .iter()
            .map(|example| example.tokens.len() - example.prompt_length)
            .sum();
        if predicted == 0 {
            let limit = match self.stage.max_length {
                Some(limit) => format!("{limit} tokens; raise `max_length`"),
                None => format!(
                    "the model's {}; take shorter examples, or another model",
                    trainer.model.config().max_sequence_length_text()
                ),
            };
            return Err(RuntimeError::Problem {
                task: self.stage.name.clone(),
                problem: format!("every example of this batch is longer than {limit}"),
            });
        }
        self.gradients.zero()?;
        let (mut loss, mut entropy) = (0.0, 0.0);
        let lengths = examples.iter().map(|example| example.tokens.len());
        for part in split_by_tokens(lengths, self.stage.micro_batch_tokens as usize) {
            let packed = Packed::from_sequences(
                examples[part]
                    .iter()
                    .map(|example| (example.tokens.as_slice(), example.prompt_length)),
            );
            let options = PassOptions {
                temperature: 1.0,
                recomputed_layers: trainer.recomputed_layers,
                dropout_seed: Some(self.seeds.dropout(update.rule.steps_taken())),
            };
            let pass = trainer.model.forward(&packed, options)?;
            // L = -(1/T) sum_t logp_t over all tokens of the batch.
            let scale = -1.0 / predicted as f32;
            let sum = |values: &[f32]| values.iter().map(|&value| f64::from(value)).sum::<f64>();
            loss -= sum(&pass.scores().logp) / predicted as f64;
            entropy += sum(&pass.scores().entropy) / predicted as f64;
            let dlogp = vec![scale; packed.predicted_count()];
            pass.backward(&dlogp, None, &mut self.gradients)?;
        }
        if !loss.is_finite() {
            return Err(RuntimeError::NonFinite {
                stage: self.stage.name.clone(),
                step,
                what: "loss",
            });
        }
        if trainer.position.coverage_pending {
            trainer.position.coverage_pending =
                check_coverage(&self.gradients, &trainer.model, &self.stage.name)?;
        }
        let learning_rate = update.learning_rate(step);
        let grad_norm = apply(
            &mut update.rule,
            &mut trainer.model,
            &self.gradients,
            learning_rate,
            &self.stage.name,
            step,
        )?;

        let tokens: u64 = examples
            .iter()
            .map(|example| example.tokens.len() as u64)
            .sum();
        trainer.position.num_tokens += tokens;
        let seconds = started.elapsed().as_secs_f64();
        let mut row = trainer.row(&self.stage.name);
        row.set("loss", loss);
        row.set("entropy", entropy);
        row.set("grad_norm", grad_norm);
        row.set("learning_rate", learning_rate);
        row.set(
            "epoch",
            (first + self.batch as u64) as f64 / self.examples.len() as f64,
        );
        row.set("num_tokens", trainer.position.num_tokens);
        row.set("step_time", seconds);
        row.set("timing_s/data", preparing);
        row.set("perf/throughput", tokens as f64 / seconds);
        trainer.finish_step(&row)?;
        Ok(StepSummary {
            reward: None,
            loss: Some(loss),
            tokens_per_second: Some(tokens as f64 / seconds),
        })
    }

    /// The examples of the batch that begins at position `first`, counted over all epochs; those that are too long
    /// are left out.
    fn batch_at(&mut self, trainer: &Trainer, first: u64) -> Result<Vec<Example>> {
        let picks: Vec<(Pick, u64)> = (first..first + self.batch as u64)
            .map(|position| self.example_at(position))
            .collect();
        let examples: Vec<Example> = picks
            .par_iter()
            .map(|(pick, epoch)| {
                let seed = trainer.manifest.run.seed;
                example(&trainer.tasks, &trainer.tokenizer, seed, *pick, *epoch)
            })
            .collect::<Result<_>>()?;
        let all = examples.len();
        let kept: Vec<Example> = examples
            .into_iter()
            .filter(|example| example.tokens.len() <= self.max_length)
            .collect();
        if kept.len() < all {
            tracing::warn!(
                "{} of {all} examples are longer than {} tokens and left out",
                all - kept.len(),
                self.max_length
            );
        }
        Ok(kept)
    }

    /// The example at a position, and the epoch: each epoch has an order of its own.
    fn example_at(&mut self, position: u64) -> (Pick, u64) {
        let count = self.examples.len() as u64;
        let (epoch, at) = (position / count, (position % count) as usize);
        if self
            .epoch_order
            .as_ref()
            .is_none_or(|(known, _)| *known != epoch)
        {
            let mut order: Vec<usize> = (0..self.examples.len()).collect();
            order.shuffle(&mut self.seeds.epoch(epoch));
            self.epoch_order = Some((epoch, order));
        }
        let order = &self.epoch_order.as_ref().expect("made above").1;
        (self.examples[order[at]], epoch)
    }
}

/// One worked solution; another variant in each epoch.
pub(crate) fn example(
    tasks: &[LiveTask],
    tokenizer: &Tokenizer,
    seed: u64,
    pick: Pick,
    epoch: u64,
) -> Result<Example> {
    let task = &tasks[pick.task as usize];
    let failed = || RuntimeError::component("task", &task.name);
    let problem = task
        .client
        .problem(Split::Train, pick.index, seed)
        .map_err(failed())?;
    let variant = farthing_sdk::rng::word(seed, "solution", pick.index, epoch);
    let solution = task.client.solution(&problem, variant).map_err(failed())?;
    let solution = solution.ok_or_else(|| RuntimeError::Problem {
        task: task.name.clone(),
        problem: format!(
            "problem {:?} has no worked solution, which `sft` learns from; name other tasks in the stage's `tasks`",
            problem.id
        ),
    })?;
    let (_, mut tokens) = render(&problem, tokenizer)?;
    let prompt_length = tokens.len();
    tokens.extend(tokenizer.encode(&solution)?);
    tokens.extend(tokenizer.eos_ids().first());
    Ok(Example {
        tokens,
        prompt_length,
    })
}
