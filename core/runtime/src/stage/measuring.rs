//! Measuring: held-out problems are attempted and judged, nothing is trained.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use farthing_engine::{DecodingBudget, Model, Tokenizer};
use farthing_sdk::{Pick, PlanRequest, Split};

use super::components::{LiveSampler, LiveTask};
use super::diversity::report_diversity;
use super::judging::{JudgedGroup, Terms, judge, refuse_too_many};
use super::reporting::{report, report_completions};
use super::rollout::{Group, draw, pose};
use super::seeds::StageSeeds;
use super::statistics::{Estimate, pass_at};
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
    /// Problems of each task that are passed over, and those that are then taken; a task that has fewer gives all.
    pub skip: u64,
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
    pub pass_at: BTreeMap<usize, Estimate>,
    /// Share of solved attempts; absent where none was judged.
    pub average: Option<Estimate>,
    /// Share of problems whose most frequent answer is right; absent where the reward reads no answers.
    pub majority: Option<Estimate>,
}

/// What one problem's attempts came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ProblemFigures {
    pub tags: Vec<String>,
    /// Attempts that were judged, and those that solved the problem.
    pub attempts: usize,
    pub solved: usize,
    /// Whether the most frequent answer is right; absent where no answer was read.
    pub majority: Option<bool>,
}

impl ProblemFigures {
    fn of(group: &Group, judged: &JudgedGroup) -> Self {
        let known = judged.solved.iter().flatten();
        Self {
            tags: group.posed.problem.tags.clone(),
            attempts: known.clone().count(),
            solved: known.filter(|&&solved| solved).count(),
            majority: majority(judged),
        }
    }

    /// The share of solved attempts; nothing where none was judged.
    pub fn average(&self) -> Option<f64> {
        (self.attempts > 0).then(|| self.solved as f64 / self.attempts as f64)
    }

    /// The problem's part of pass@k; nothing where fewer than k attempts were judged, which cannot estimate it.
    pub fn pass_at(&self, k: usize) -> Option<f64> {
        (self.attempts >= k.max(1)).then(|| pass_at(k, self.attempts, self.solved))
    }
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
        let (skip, problems) = (measurement.skip, measurement.problems);
        let left = size.map(|size| size.saturating_sub(skip));
        let count = left.map_or(problems, |left| left.min(problems));
        if count == 0 {
            return Err(RuntimeError::Problem {
                task: live.name.clone(),
                problem: format!(
                    "the {} split has {} problems, none after the first {skip}; lower `skip`",
                    measurement.split.name(),
                    size.unwrap_or_default()
                ),
            });
        }
        if count < problems {
            tracing::warn!(
                task = live.name,
                "the {} split has {count} problems after the first {skip}, fewer than the {problems} asked for; all of \
                 them are used",
                measurement.split.name(),
            );
        }
        picks.extend((skip..skip + count).map(|index| Pick {
            task: task as u64,
            index,
        }));
    }
    Ok(picks)
}

impl Measured {
    /// What each problem's attempts came to, in the order of the problems.
    pub fn problems(&self) -> Vec<ProblemFigures> {
        let pairs = self.groups.iter().zip(&self.judged);
        pairs
            .map(|(group, judged)| ProblemFigures::of(group, judged))
            .collect()
    }

    /// Figures over all problems, and by tag.
    pub fn figures(&self) -> (Figures, BTreeMap<String, Figures>) {
        let problems = self.problems();
        let all = self.figures_of(problems.iter());
        let tags: BTreeSet<&String> = problems.iter().flat_map(|problem| &problem.tags).collect();
        let by_tag = tags.into_iter().map(|tag| {
            let tagged = problems.iter().filter(|problem| problem.tags.contains(tag));
            (tag.clone(), self.figures_of(tagged))
        });
        let by_tag = by_tag.collect();
        (all, by_tag)
    }

    fn figures_of<'a>(&self, problems: impl Iterator<Item = &'a ProblemFigures>) -> Figures {
        let counted: Vec<&ProblemFigures> =
            problems.filter(|problem| problem.attempts > 0).collect();
        let estimate = |values: &mut dyn Iterator<Item = f64>| {
            let values: Vec<f64> = values.collect();
            Estimate::of(&values)
        };
        let at = |k: usize| estimate(&mut counted.iter().filter_map(|problem| problem.pass_at(k)));
        // A problem whose attempts name no answer at all has no right majority, unless the reward never names any.
        let named = counted.iter().any(|problem| problem.majority.is_some());
        let votes = counted.iter();
        let mut votes = votes.map(|problem| f64::from(u8::from(problem.majority == Some(true))));
        Figures {
            problems: counted.len(),
            pass_at: self
                .pass_at
                .iter()
                .filter_map(|&k| Some((k, at(k)?)))
                .collect(),
            average: estimate(&mut counted.iter().filter_map(|problem| problem.average())),
            majority: estimate(&mut votes).filter(|_| named),
        }
    }

    /// Writes the figures and the rewards' metrics into a row, each name with `prefix` in front.
    pub fn report(&self, prefix: &str, tasks: &[LiveTask], row: &mut MetricRow) {
        let (all, by_tag) = self.figures();
        report(tasks, &self.groups, &self.judged, prefix, row);
        report_completions(&self.groups, prefix, row);
        report_diversity(&self.groups, &self.judged, prefix, row);
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
            row.set(format!("{prefix}pass@{k}{suffix}"), share.value);
        }
        if let Some(average) = figures.average {
            row.set(format!("{prefix}avg@{attempts}{suffix}"), average.value);
        }
        if let Some(majority) = figures.majority.filter(|_| attempts > 1) {
            row.set(format!("{prefix}maj@{attempts}{suffix}"), majority.value);
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
