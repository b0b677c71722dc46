//! The groups of a step: problems from the curriculum, attempts from the policy, rewards from the judges, and again for
//! those that the curriculum does not keep.

use std::time::Instant;

use farthing_sdk::{DecodingPlan, GroupReport, NextRequest, Pick, PlanRequest, Split, TaskEntry};

use super::RlRun;
use crate::error::{Result, RuntimeError};
use crate::stage::components::{LiveTask, RlComponents};
use crate::stage::judging::{JudgedGroup, judge, refuse_too_many};
use crate::stage::rollout::{Group, draw, pose};
use crate::trainer::Trainer;

/// How often a step draws further groups in place of those that the curriculum does not keep. Drawing without a
/// limit would let a model that solves all or nothing stop the run without a word.
const MAX_ROUNDS: u64 = 4;

/// The groups of a step, judged, and which of them are trained on.
pub(super) struct Drawn {
    pub groups: Vec<Group>,
    pub judged: Vec<JudgedGroup>,
    pub kept: Vec<bool>,
    pub plan: DecodingPlan,
    pub decoding: f64,
    pub judging: f64,
}

impl Drawn {
    /// All groups as a curriculum sees them.
    pub fn reports(&self, tasks: &[LiveTask]) -> Vec<GroupReport> {
        let groups = self.groups.iter().zip(&self.judged);
        groups
            .map(|(group, judged)| group_report(tasks, group, judged))
            .collect()
    }
}

impl RlRun<'_> {
    /// Draws groups until enough are kept, or [`MAX_ROUNDS`] is reached.
    pub(super) fn draw(
        &mut self,
        trainer: &mut Trainer,
        components: &mut RlComponents,
    ) -> Result<Drawn> {
        let step = trainer.position.stage_step;
        let request = PlanRequest {
            step,
            steps: u64::from(self.stage.steps),
            split: Split::Train,
        };
        let sampler = &components.sampler;
        let plan = sampler
            .client
            .plan(&request)
            .map_err(RuntimeError::component("sampler", &sampler.name))?;
        let mut drawn = Drawn {
            groups: Vec::new(),
            judged: Vec::new(),
            kept: Vec::new(),
            plan,
            decoding: 0.0,
            judging: 0.0,
        };
        let wanted = u64::from(self.stage.problems_per_step);
        let mut asked = 0;
        for _ in 0..MAX_ROUNDS {
            let kept = drawn.kept.iter().filter(|&&kept| kept).count() as u64;
            if kept >= wanted {
                break;
            }
            let picks = self.picks(trainer, components, asked, wanted - kept)?;
            asked += picks.len() as u64;
            if picks.is_empty() {
                break;
            }
            self.draw_round(trainer, components, &picks, &mut drawn)?;
        }
        refuse_too_many(&trainer.tasks, &drawn.groups, &drawn.judged, self.terms())?;
        if !drawn.kept.contains(&true) {
            // The step goes by without an update, which nobody should have to find out from a flat curve.
            tracing::warn!(
                step,
                "the curriculum kept none of {} groups in {MAX_ROUNDS} rounds: nothing is learned in this step; if this \
                 goes on, the problems are too hard or too easy for the model",
                drawn.groups.len()
            );
        }
        trainer.position.cursor += asked;
        Ok(drawn)
    }

    fn draw_round(
        &self,
        trainer: &Trainer,
        components: &mut RlComponents,
        picks: &[Pick],
        drawn: &mut Drawn,
    ) -> Result<()> {
        let step = trainer.position.stage_step;
        let started = Instant::now();
        let seed = trainer.manifest.run.seed;
        let posed = pose(
            &trainer.tasks,
            picks,
            Split::Train,
            seed,
            &trainer.tokenizer,
        )?;
        let (first, size) = (drawn.groups.len(), drawn.plan.group);
        let groups = draw(
            &trainer.model,
            &trainer.tokenizer,
            posed,
            &drawn.plan,
            self.stage.max_new_tokens as usize,
            self.budget,
            &components.sampler,
            |group, attempt| {
                let attempt = (first + group) * size + attempt;
                self.seeds.attempt(step, attempt as u64)
            },
        )?;
        drawn.decoding += started.elapsed().as_secs_f64();
        tracing::trace!(step, groups = groups.len(), "decoded");
        let started = Instant::now();
        let judged = judge(&trainer.pool, &trainer.tasks, &groups, self.terms())?;
        drawn.judging += started.elapsed().as_secs_f64();
        tracing::trace!(step, groups = groups.len(), "judged");
        for (group, judged) in groups.iter().zip(&judged) {
            let report = || group_report(&trainer.tasks, group, judged);
            drawn.kept.push(components.curriculum.keep(report)?);
        }
        drawn.groups.extend(groups);
        drawn.judged.extend(judged);
        Ok(())
    }

    /// The next problems, as indices of the run's tasks.
    fn picks(
        &self,
        trainer: &Trainer,
        components: &mut RlComponents,
        drawn: u64,
        count: u64,
    ) -> Result<Vec<Pick>> {
        let request = NextRequest {
            step: trainer.position.stage_step,
            drawn,
            count,
            seed: self.seeds.curriculum(),
            cursor: trainer.position.cursor,
            tasks: task_entries(&trainer.tasks, &self.tasks),
        };
        let mut picks = components.curriculum.next(&request)?;
        for pick in &mut picks {
            pick.task = self.tasks[pick.task as usize] as u64;
        }
        Ok(picks)
    }
}

/// The chosen tasks as a curriculum sees them.
pub(crate) fn task_entries(tasks: &[LiveTask], chosen: &[usize]) -> Vec<TaskEntry> {
    let entry = |&task: &usize| TaskEntry {
        name: tasks[task].name.clone(),
        weight: tasks[task].weight,
        size: tasks[task].train_size,
    };
    chosen.iter().map(entry).collect()
}

fn group_report(tasks: &[LiveTask], group: &Group, judged: &JudgedGroup) -> GroupReport {
    let scored = || {
        group
            .attempts
            .iter()
            .zip(&judged.totals)
            .filter_map(|(attempt, total)| total.map(|total| (attempt, total)))
    };
    GroupReport {
        task: tasks[group.posed.task].name.clone(),
        index: group.posed.index,
        tags: group.posed.problem.tags.clone(),
        rewards: scored().map(|(_, total)| total).collect(),
        tokens: scored()
            .map(|(attempt, _)| attempt.drawn.tokens.len() as u64)
            .collect(),
    }
}
