//! The trainer: carries a run through its stages, and leaves it so that it can go on after any interruption.
//!
//! All that changes while training is in three places: the model's weights, the update rule's moments, and
//! [`Position`]. A checkpoint holds the three, so a resumed run is the same run.

mod clock;
mod position;
mod saving;

use std::path::{Path, PathBuf};

use farthing_engine::{AdamW, AdamWConfig, Decay, DecodingBudget, Model, Schedule, Tokenizer};

use clock::Clock;
pub(crate) use position::{Position, Selection};
use saving::UPDATE_RULE_FILE;

use crate::error::Result;
use crate::host::PluginHost;
use crate::host::ScoringPool;
use crate::manifest::{self, Manifest, Stage};
use crate::run::checkpoint::step_name;
use crate::run::{
    Checkpoints, CompletionRow, CompletionsWriter, Interrupt, MetricRegistry, MetricRow, Progress,
    RunDirectory, RunError, RunMetrics, Scratch, Terminal,
};
use crate::stage::components::{LiveTask, States};
use crate::stage::judging::JudgedGroup;
use crate::stage::measuring::Judge;
use crate::stage::rollout::{Group, decoding_budget};
use crate::stage::{eval, merging, rl, sft};

/// How a stage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StageEnd {
    Finished,
    /// A signal asked for an end; a checkpoint was written.
    Interrupted,
    /// The manifest's budget is spent; a checkpoint was written.
    BudgetSpent,
}

/// The update rule of a stage and its step sizes.
pub(crate) struct UpdateState {
    pub rule: AdamW,
    schedule: Schedule,
}

impl UpdateState {
    pub fn learning_rate(&self, stage_step: u64) -> f64 {
        self.schedule.lr_at(stage_step)
    }
}

/// A run in progress.
pub(crate) struct Trainer {
    pub manifest: Manifest,
    pub host: PluginHost,
    pub tasks: Vec<LiveTask>,
    pub model: Model,
    pub tokenizer: Tokenizer,
    pub pool: ScoringPool,
    pub completions: CompletionsWriter,
    pub position: Position,
    /// Layers that run again for the backward pass.
    pub recomputed_layers: usize,
    /// Of each stage.
    decode_tokens: Vec<usize>,
    metrics: RunMetrics,
    checkpoints: Checkpoints,
    terminal: Terminal,
    interrupt: Interrupt,
    /// Moments of the stage that a checkpoint was taken in, until that stage picks them up.
    resumed_from: Option<PathBuf>,
    lock_text: String,
    /// Where the weights lie that the run began with, unless it began from scratch.
    model_directory: Option<PathBuf>,
    /// The step of the newest checkpoint that this process wrote or began from.
    saved_at: Option<u64>,
    clock: Clock,
    /// Holds the directory's lock as long as the run goes on.
    run: RunDirectory,
}

/// What a trainer is made of.
pub(crate) struct Parts {
    pub manifest: Manifest,
    pub host: PluginHost,
    pub tasks: Vec<LiveTask>,
    pub model: Model,
    pub tokenizer: Tokenizer,
    pub pool: ScoringPool,
    pub run: RunDirectory,
    pub position: Position,
    pub recomputed_layers: usize,
    /// Of each stage.
    pub decode_tokens: Vec<usize>,
    pub resumed_from: Option<PathBuf>,
    pub terminal: Terminal,
    pub interrupt: Interrupt,
    pub lock_text: String,
    pub model_directory: Option<PathBuf>,
}

impl Judge for Trainer {
    fn model(&self) -> &Model {
        &self.model
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    fn tasks(&self) -> &[LiveTask] {
        &self.tasks
    }

    fn pool(&self) -> &ScoringPool {
        &self.pool
    }

    fn seed(&self) -> u64 {
        self.manifest.run.seed
    }
}

impl Trainer {
    pub fn new(parts: Parts) -> Result<Self> {
        let paths = parts.run.paths();
        let rewards = reward_names(&parts.tasks);
        let mut completions = CompletionsWriter::open(&paths.completions(), &rewards)?;
        completions.truncate_to(parts.position.completions)?;
        let registry = MetricRegistry::runtime();
        let metrics = RunMetrics::open(paths, parts.position.metrics, registry)?;
        let checkpoints = Checkpoints::new(paths.checkpoints());
        let cost = parts.manifest.run.cost.as_ref();
        let limit_seconds = cost.and_then(|cost| Some(cost.hours()? * 3600.0));
        let clock = Clock::start(parts.position.seconds, limit_seconds);
        let saved_at = parts.resumed_from.is_some().then_some(parts.position.step);
        let trainer = Self {
            manifest: parts.manifest,
            host: parts.host,
            tasks: parts.tasks,
            model: parts.model,
            tokenizer: parts.tokenizer,
            pool: parts.pool,
            completions,
            position: parts.position,
            recomputed_layers: parts.recomputed_layers,
            decode_tokens: parts.decode_tokens,
            metrics,
            checkpoints,
            terminal: parts.terminal,
            interrupt: parts.interrupt,
            resumed_from: parts.resumed_from,
            lock_text: parts.lock_text,
            model_directory: parts.model_directory,
            saved_at,
            clock,
            run: parts.run,
        };
        if trainer.resumed_from.is_some() {
            trainer.prune()?;
        }
        Ok(trainer)
    }

    /// Runs the stages that are left.
    pub fn train(&mut self) -> Result<StageEnd> {
        let stages = self.manifest.stages.clone();
        while self.position.stage < stages.len() {
            let index = self.position.stage;
            tracing::info!(
                "stage `{}` ({})",
                stages[index].name(),
                stages[index].kind()
            );
            let end = match &stages[index] {
                Stage::Sft(stage) => sft::run(self, index, stage)?,
                Stage::Rl(stage) => rl::run(self, index, stage)?,
                Stage::Merge(stage) => merging::run(self, stage)?,
                Stage::Eval(stage) => eval::run(self, index, stage)?,
            };
            if end != StageEnd::Finished {
                return Ok(end);
            }
            self.end_of_stage(matches!(stages[index], Stage::Eval(_)))?;
            if self.position.stage < stages.len()
                && let Some(end) = self.asked_to_end()
            {
                return Ok(end);
            }
        }
        self.completions.flush()?;
        Ok(StageEnd::Finished)
    }

    /// The indices of the tasks of these names, or of all, that training draws from.
    pub fn trained_tasks(&self, names: &[String]) -> Vec<usize> {
        let mut tasks = LiveTask::indices(&self.tasks, names);
        tasks.retain(|&index| self.tasks[index].weight > 0.0);
        tasks
    }

    /// What a stage may hold at a time while attempts are drawn.
    pub fn decoding_budget(&self, stage: usize) -> DecodingBudget {
        decoding_budget(self.decode_tokens[stage])
    }

    /// The update rule of the stage, with its moments if the run was resumed within the stage.
    pub fn begin_updates(
        &mut self,
        update: &manifest::Update,
        total_steps: u64,
    ) -> Result<UpdateState> {
        let config = AdamWConfig {
            betas: (update.betas[0], update.betas[1]),
            eps: update.eps,
            weight_decay: update.weight_decay,
            max_grad_norm: Some(update.max_grad_norm),
        };
        let rule = match self
            .resumed_from
            .take()
            .filter(|_| self.position.stage_step > 0)
        {
            Some(checkpoint) => {
                AdamW::load(&checkpoint.join(UPDATE_RULE_FILE), config, &self.model)?
            }
            None => AdamW::new(config, &self.model)?,
        };
        let decay = match update.schedule {
            manifest::Schedule::Constant => Decay::Constant,
            manifest::Schedule::Cosine => Decay::Cosine {
                floor: update.floor,
            },
            manifest::Schedule::Linear => Decay::Linear {
                floor: update.floor,
            },
        };
        let schedule = Schedule {
            decay,
            peak: update.lr,
            warmup_steps: u64::from(update.warmup_steps),
            total_steps,
        };
        Ok(UpdateState { rule, schedule })
    }

    /// The policy at the beginning of the stage.
    pub fn stage_reference(&self) -> Result<Model> {
        if self.position.stage_step == 0 {
            return Ok(self.model.snapshot()?);
        }
        let ended = self.position.stage_ends.last();
        let ended = ended.map(|name| self.checkpoints.directory().join(name));
        let device = self.model.device();
        let reference = match (self.model.lora(), ended) {
            (None, Some(checkpoint)) => Model::load(&checkpoint, device)?,
            (None, None) => {
                let directory = self.model_directory.as_deref();
                crate::plan::initial_model(&self.manifest, directory, &self.tokenizer, device)?
            }
            // What the adapters stand on is shared with the policy.
            (Some(_), Some(checkpoint)) => {
                (self.model.without_adapters()).with_adapters_from(&checkpoint)?
            }
            (Some(lora), None) => {
                let seed = self.manifest.run.seed;
                (self.model.without_adapters()).with_adapters(lora.clone(), seed)?
            }
        };
        Ok(reference.computing_in(self.model.dtype())?.for_inference())
    }

    /// Where a checkpoint of the run lies.
    pub fn checkpoint(&self, name: &str) -> PathBuf {
        self.checkpoints.directory().join(name)
    }

    pub fn scratch(&self) -> Result<Scratch> {
        Ok(self.run.scratch()?)
    }

    /// Puts the model at `directory` in the place of the present one.
    pub fn go_on_with(&mut self, directory: &Path) -> Result<()> {
        let model = Model::load(directory, self.model.device())?;
        self.model = model.computing_in(self.model.dtype())?;
        Ok(())
    }

    /// Writes the model that the run began with as checkpoints are written.
    pub fn save_initial_model(&self, directory: &Path) -> Result<()> {
        let model = crate::plan::initial_model(
            &self.manifest,
            self.model_directory.as_deref(),
            &self.tokenizer,
            &farthing_engine::Device::Cpu,
        )?;
        std::fs::create_dir_all(directory).map_err(RunError::io("create", directory))?;
        model.save(directory)?;
        Ok(self.tokenizer.save(directory)?)
    }

    pub fn begin_progress(&self, stage: &str, steps: u64) -> Progress {
        Progress::begin(&self.terminal, stage, steps, self.position.stage_step)
    }

    /// An empty row for what comes next.
    pub fn row(&self, stage: &str) -> MetricRow {
        MetricRow::new(self.position.step, stage)
    }

    /// The name under which an optimizer component's metric is logged.
    pub fn optimizer_metric(&mut self, name: &str, component: &str) -> String {
        let registry = self.metrics.registry_mut();
        registry.name_of_optimizer_metric(name, component)
    }

    pub fn append(&mut self, row: &MetricRow) -> Result<()> {
        self.metrics.append(row)?;
        tracing::trace!(step = self.position.step, "logged");
        Ok(())
    }

    /// Adds every attempt of these groups to the completions. `advantage` takes a group's and an attempt's number.
    pub fn record(
        &mut self,
        stage: &str,
        groups: &[Group],
        judged: &[JudgedGroup],
        advantage: impl Fn(usize, usize) -> Option<f64>,
    ) -> Result<()> {
        for (index, (group, judged)) in groups.iter().zip(judged).enumerate() {
            let task = &self.tasks[group.posed.task];
            for (number, attempt) in group.attempts.iter().enumerate() {
                self.completions.push(CompletionRow {
                    step: self.position.step,
                    stage: stage.to_owned(),
                    task: task.name.clone(),
                    problem_id: group.posed.problem.id.clone(),
                    attempt: number as u32,
                    prompt: group.posed.prompt.clone(),
                    completion: attempt.text.clone(),
                    finish: attempt.finish_name().to_owned(),
                    rewards: judged.cells(&task.rewards, number),
                    reward: judged.totals[number],
                    advantage: advantage(index, number),
                })?;
            }
        }
        Ok(())
    }

    /// Appends a step's row and counts the step.
    pub fn finish_step(&mut self, row: &MetricRow) -> Result<()> {
        self.append(row)?;
        self.position.step += 1;
        self.position.stage_step += 1;
        Ok(())
    }

    /// Saves if it is time to, or if the caller has a reason, and says whether the run has to end here.
    pub fn end_of_step(
        &mut self,
        update: Option<&UpdateState>,
        must_save: bool,
        states: impl FnOnce() -> Result<States>,
    ) -> Result<Option<StageEnd>> {
        let end = self.asked_to_end();
        let every = u64::from(self.manifest.run.checkpoint_every);
        if must_save || end.is_some() || self.position.stage_step.is_multiple_of(every) {
            self.position.stage_states = states()?;
            self.save(update)?;
        }
        Ok(end)
    }

    fn asked_to_end(&self) -> Option<StageEnd> {
        if self.interrupt.is_requested() {
            Some(StageEnd::Interrupted)
        } else if self.clock.is_spent() {
            Some(StageEnd::BudgetSpent)
        } else {
            None
        }
    }

    fn end_of_stage(&mut self, changed_nothing: bool) -> Result<()> {
        self.position.stage += 1;
        self.position.stage_step = 0;
        self.position.cursor = 0;
        self.position.stage_states = States::new();
        // An evaluation leaves the model as it was. A run that is resumed there measures again, the same way.
        if changed_nothing {
            return Ok(());
        }
        self.position.stage_ends.push(step_name(self.position.step));
        self.save(None)
    }

    /// The name of the signal that asked for an end.
    pub fn interrupted_by(&self) -> &'static str {
        self.interrupt.signal_name().unwrap_or("a signal")
    }
}

fn reward_names(tasks: &[LiveTask]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for reward in tasks.iter().flat_map(|task| &task.rewards) {
        if !names.contains(&reward.name) {
            names.push(reward.name.clone());
        }
    }
    names
}
