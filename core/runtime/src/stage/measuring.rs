//! Measuring: held-out problems are attempted and judged, nothing is trained.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use farthing_engine::{DecodingBudget, Model, Tokenizer};
use farthing_sdk::{Pick, PlanRequest, Split};

use super::components::{LiveSampler, LiveTask};
use super::judging::{JudgedGroup, Terms, judge, refuse_too_many};
use super::reporting::{report, report_completions};
use super::rollout::{Group, draw, pose};
use super::seeds::StageSeeds;
use super::statistics::{mean_of, pass_at};
use crate::error::{Result, RuntimeError};
use crate::host::ScoringPool;
use crate::run::MetricRow;

/// What judging attempts takes: a model and the run's tasks.
pub(crate) trait Judge {
    fn model(&self) -> &Model;
    fn tokenizer(&self) -> &Tokenizer;
    fn tasks(&self) -> &[LiveTask];
    fn pool(&self) -> &ScoringPool;
    fn seed(&self) -> u64;
}

/// What to measure, and how.
pub(crate) struct Measurement<'a> {
    /// Which of the run's tasks.
    pub tasks: &'a [usize],
    /// Problems of each task; a task that has fewer gives all.
    pub problems: u64,
    pub attempts: usize,
    /// The k of pass@k.
    pub pass_at: &'a [u32],
    pub split: Split,
    pub max_new_tokens: usize,
    pub budget: DecodingBudget,
    pub sampler: &'a LiveSampler,
    pub seeds: StageSeeds,
    pub terms: Terms,
}

/// The judged attempts of a measurement.
pub(crate) struct Measured {
    pub groups: Vec<Group>,
    pub judged: Vec<JudgedGroup>,
    pub pass_at: Vec<usize>,
    pub temperature: f32,
    pub seconds: f64,
}

/// Figures over a set of problems.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Figures {
    /// Problems with at least one judged attempt.
    pub problems: usize,
    /// Unbiased, by k.
    pub pass_at: BTreeMap<usize, f64>,
    /// Share of solved attempts; absent where none was judged.
    pub average: Option<f64>,
    /// Share of problems whose most frequent answer is right; absent where the reward reads no answers.
    pub majority: Option<f64>,
}

/// Attempts and judges the first problems of each task's split, the same ones at each call.
pub(crate) fn measure(bench: &impl Judge, measurement: &Measurement<'_>) -> Result<Measured> {
    let started = Instant::now();
    let sampler = measurement.sampler;
    let mut plan = sampler
        .client
        .plan(&PlanRequest {
            split: measurement.split,
            ..PlanRequest::default()
        })
        .map_err(RuntimeError::component("sampler", &sampler.name))?;
    plan.group = measurement.attempts;
    let picks = picks(bench.tasks(), measurement)?;
    let seed = bench.seed();
    let posed = pose(
        bench.tasks(),
        &picks,
        measurement.split,
        seed,
        bench.tokenizer(),
    )?;
    let groups = draw(
        bench.model(),
        bench.tokenizer(),
        posed,
        &plan,
        measurement.max_new_tokens,
        measurement.budget,
        sampler,
        |group, attempt| {
            let attempt = group * measurement.attempts + attempt;
            measurement.seeds.evaluation(attempt as u64)
        },
    )?;
    let judged = judge(bench.pool(), bench.tasks(), &groups, measurement.terms)?;
    refuse_too_many(bench.tasks(), &groups, &judged, measurement.terms)?;
    let mut ks: Vec<usize> = measurement.pass_at.iter().map(|&k| k as usize).collect();
    ks.sort_unstable();
    ks.dedup();
    Ok(Measured {
        groups,
        judged,
        pass_at: ks,
        temperature: plan.temperature,
        seconds: started.elapsed().as_secs_f64(),
    })
}

fn picks(tasks: &[LiveTask], measurement: &Measurement<'_>) -> Result<Vec<Pick>> {
    let mut picks = Vec::new();
    for &task in measurement.tasks {
        let live = &tasks[task];
        let size = live
            .client
            .size(measurement.split)
            .map_err(RuntimeError::component("task", &live.name))?;
        let count = size.map_or(measurement.problems, |size| size.min(measurement.problems));
        if count < measurement.problems {
            tracing::warn!(
                task = live.name,
                "the {} split has {count} problems, fewer than the {} asked for; all of them are used",
                measurement.split.name(),
                measurement.problems
            );
        }
        picks.extend((0..count).map(|index| Pick {
            task: task as u64,
            index,
        }));
    }
    Ok(picks)
}

impl Measured {
    /// Figures over all problems, and by tag.
    pub fn figures(&self) -> (Figures, BTreeMap<String, Figures>) {
        let all = self.figures_of(|_| true);
        let tags: std::collections::BTreeSet<&String> = self
            .groups
            .iter()
            .flat_map(|group| &group.posed.problem.tags)
            .collect();
        let by_tag = tags.into_iter().map(|tag| {
            let figures = self.figures_of(|group| group.posed.problem.tags.contains(tag));
            (tag.clone(), figures)
        });
        let by_tag = by_tag.collect();
        (all, by_tag)
    }

    fn figures_of(&self, chosen: impl Fn(&Group) -> bool) -> Figures {
        let counted: Vec<(usize, usize, &JudgedGroup)> = self
            .groups
            .iter()
            .zip(&self.judged)
            .filter(|(group, _)| chosen(group))
            .map(|(_, judged)| {
                let known = judged.solved.iter().flatten();
                (
                    known.clone().count(),
                    known.filter(|&&solved| solved).count(),
                    judged,
                )
            })
            .filter(|(attempts, ..)| *attempts > 0)
            .collect();
        let at = |k: usize| {
            // A problem with fewer than k judged attempts cannot estimate pass@k.
            let problems = counted.iter().filter(|(n, ..)| *n >= k);
            mean_of(problems.map(|&(n, c, _)| pass_at(k, n, c)))
        };
        let shares = counted.iter().map(|&(n, c, _)| c as f64 / n as f64);
        // A problem whose attempts name no answer at all has no right majority, unless the reward never names any.
        let votes = counted.iter().map(|(_, _, judged)| majority(judged));
        let named = votes.clone().any(|vote| vote.is_some());
        let votes = votes.map(|vote| f64::from(u8::from(vote == Some(true))));
        Figures {
            problems: counted.len(),
            pass_at: self
                .pass_at
                .iter()
                .filter_map(|&k| Some((k, at(k)?)))
                .collect(),
            average: mean_of(shares),
            majority: mean_of(votes).filter(|_| named),
        }
    }

    /// Writes the figures and the rewards' metrics into a row, each name with `prefix` in front.
    pub fn report(&self, prefix: &str, tasks: &[LiveTask], row: &mut MetricRow) {
        let (all, by_tag) = self.figures();
        report(tasks, &self.groups, &self.judged, prefix, row);
        report_completions(&self.groups, prefix, row);
        row.set(format!("{prefix}num_problems"), all.problems);
        self.report_figures(&all, prefix, "", row);
        if by_tag.len() > 1 {
            for (tag, figures) in &by_tag {
                self.report_figures(figures, prefix, &format!("/{tag}"), row);
            }
        }
    }

    fn report_figures(&self, figures: &Figures, prefix: &str, suffix: &str, row: &mut MetricRow) {
        let attempts = self
            .judged
            .iter()
            .map(|group| group.totals.len())
            .max()
            .unwrap_or(0);
        for (k, share) in &figures.pass_at {
            row.set(format!("{prefix}pass@{k}{suffix}"), *share);
        }
        if let Some(average) = figures.average {
            row.set(format!("{prefix}avg@{attempts}{suffix}"), average);
        }
        if let Some(majority) = figures.majority.filter(|_| attempts > 1) {
            row.set(format!("{prefix}maj@{attempts}{suffix}"), majority);
        }
    }
}

/// Whether the most frequent answer of a group is right; among equally frequent ones the earliest counts. `None` where
/// no answer was read at all and the reward never names any.
fn majority(group: &JudgedGroup) -> Option<bool> {
    let mut votes: HashMap<&str, (usize, usize)> = HashMap::new();
    for attempt in 0..group.totals.len() {
        if let Some(answer) = group.answer(attempt) {
            votes.entry(answer).or_insert((0, attempt)).0 += 1;
        }
    }
    let (_, &(_, first)) = votes
        .iter()
        .max_by_key(|(_, (count, first))| (*count, std::cmp::Reverse(*first)))?;
    group.solved[first]
}
