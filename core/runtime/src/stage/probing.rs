//! Probing: a measurement in the course of a stage, by which its curriculum selects checkpoints.
//!
//! After each probe the curriculum sees what was measured on the checkpoints that it selected so far and on the newest
//! one, and selects again. What it does not select may be deleted, so a stage keeps a handful of checkpoints however
//! often it is probed.

use std::collections::BTreeMap;

use farthing_sdk::CheckpointReport;

use super::components::{LiveSampler, LiveTask};
use super::curriculum::LiveCurriculum;
use super::eval;
use super::measuring::{Figures, Measured};
use super::seeds::StageSeeds;
use crate::error::Result;
use crate::manifest::{EvalStage, Probe};
use crate::run::checkpoint::step_name;
use crate::trainer::{Selection, Trainer};

/// What a stage's probes are made with.
pub(crate) struct Prober {
    every: u64,
    evaluation: EvalStage,
    sampler: LiveSampler,
    tasks: Vec<usize>,
    seeds: StageSeeds,
    /// The stage, counted from 0.
    stage: usize,
}

impl Prober {
    pub fn new(trainer: &Trainer, stage: usize, probe: &Probe, seeds: StageSeeds) -> Result<Self> {
        let around = &trainer.manifest.stages[stage];
        let evaluation = probe.evaluation(around.name(), around.tasks());
        Ok(Self {
            every: probe.every.into(),
            sampler: LiveSampler::new(
                &trainer.host,
                &evaluation.sampler,
                &serde_json::Value::Null,
            )?,
            tasks: LiveTask::indices(&trainer.tasks, &evaluation.tasks),
            evaluation,
            seeds,
            stage,
        })
    }

    /// Whether there is a probe after so many of the stage's steps; there is one after the last in any case.
    pub fn is_due(&self, step: u64) -> bool {
        step.is_multiple_of(self.every)
    }

    /// Measures the model as it is and has `curriculum` select. The caller saves a checkpoint at this step.
    pub fn probe(&self, trainer: &mut Trainer, curriculum: &mut LiveCurriculum) -> Result<()> {
        let stage = &self.evaluation.name;
        let budget = trainer.decoding_budget(self.stage);
        let measured = eval::attempt(
            trainer,
            &self.evaluation,
            budget,
            &self.tasks,
            &self.sampler,
            self.seeds,
        )?;
        let mut row = trainer.row(stage);
        measured.report("probe_", &trainer.tasks, &mut row);
        trainer.append(&row)?;

        let mut candidates = trainer.position.selection(stage).candidates.clone();
        candidates.push(CheckpointReport {
            name: step_name(trainer.position.step),
            step: trainer.position.step,
            metrics: metrics_of(&measured),
        });
        let selected = curriculum.select(&candidates)?;
        let is_selected =
            |report: &CheckpointReport| selected.iter().any(|chosen| chosen.name == report.name);
        candidates.retain(is_selected);
        let names: Vec<&str> = selected.iter().map(|chosen| chosen.name.as_str()).collect();
        tracing::info!("selected in `{stage}`: {}", names.join(", "));
        let selection = Selection {
            candidates,
            selected,
        };
        let selections = &mut trainer.position.selections;
        selections.insert(stage.clone(), selection);
        Ok(())
    }
}

/// The figures by the names that curricula read: `pass@8`, `pass@8/algebra`.
fn metrics_of(measured: &Measured) -> BTreeMap<String, f64> {
    let (all, by_tag) = measured.figures();
    let mut metrics = BTreeMap::new();
    let mut add = |figures: &Figures, suffix: &str| {
        let passes = figures.pass_at.iter();
        metrics.extend(passes.map(|(k, share)| (format!("pass@{k}{suffix}"), share.value)));
    };
    add(&all, "");
    for (tag, figures) in &by_tag {
        add(figures, &format!("/{tag}"));
    }
    metrics
}
