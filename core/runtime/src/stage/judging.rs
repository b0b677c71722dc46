//! Judging: every reward of a task scores every attempt; what comes back becomes one total reward for each attempt, or
//! none.
//!
//! An error is never a zero. A failed or timed-out outcome leaves the attempt without a total, or counts with the value
//! that the manifest gives, or ends the run, as `on_failure` says; all are counted, and too many of them end the run.

use std::sync::Arc;
use std::time::Duration;

use super::components::{LiveReward, LiveTask};
use super::rollout::Group;
use crate::error::{Result, RuntimeError};
use crate::host::{AttemptText, Job, ScoringPool, Verdict};
use crate::manifest::OnFailure;
use crate::run::RewardCell;

/// The stage's terms for rewards that name none of their own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub deadline: Duration,
    pub max_failure_share: f64,
}

/// What the rewards said of a group.
pub(crate) struct JudgedGroup {
    /// One list for each reward of the task: a verdict for each attempt.
    pub verdicts: Vec<Vec<Verdict>>,
    /// The weighted sum for each attempt; `None` where it is unknown.
    pub totals: Vec<Option<f64>>,
    /// Whether each attempt solved the problem: the task's first reward gave 1 or more. `None` where it gave no score.
    pub solved: Vec<Option<bool>>,
}

/// A score of 1 is a full solution; rewards that compute it in floating point may be off by rounding.
const SOLVED: f64 = 1.0 - 1e-9;

/// Scores all groups, in parallel and within the deadlines.
///
/// # Errors
/// When a reward with `on_failure = "stop"` fails. Whether too many failed is for [`refuse_too_many`] to say, once the
/// step's attempts are together.
pub(crate) fn judge(
    pool: &ScoringPool,
    tasks: &[LiveTask],
    groups: &[Group],
    terms: Terms,
) -> Result<Vec<JudgedGroup>> {
    let attempts: Vec<Arc<[AttemptText]>> = groups.iter().map(texts).collect();
    let mut jobs = Vec::new();
    for (group, attempts) in groups.iter().zip(&attempts) {
        for reward in &tasks[group.posed.task].rewards {
            jobs.push(Job {
                name: reward.name.as_str().into(),
                reward: Arc::clone(&reward.client),
                problem: Arc::clone(&group.posed.text),
                attempts: Arc::clone(attempts),
                deadline: reward.deadline.unwrap_or(terms.deadline),
            });
        }
    }
    let mut verdicts = pool.score(jobs)?.into_iter();
    let judged: Vec<JudgedGroup> = groups
        .iter()
        .map(|group| {
            let rewards = &tasks[group.posed.task].rewards;
            let verdicts: Vec<_> = verdicts.by_ref().take(rewards.len()).collect();
            JudgedGroup::new(rewards, verdicts, group.attempts.len())
        })
        .collect();
    refuse_any(tasks, groups, &judged)?;
    Ok(judged)
}

impl JudgedGroup {
    fn new(rewards: &[LiveReward], verdicts: Vec<Vec<Verdict>>, attempts: usize) -> Self {
        let of = |attempt: usize| {
            rewards
                .iter()
                .zip(verdicts.iter().map(move |verdicts| &verdicts[attempt]))
        };
        let totals = (0..attempts).map(|attempt| total(of(attempt))).collect();
        let solved = (0..attempts).map(|attempt| {
            let (_, first) = of(attempt).next()?;
            match first {
                Verdict::Scored { value, .. } => Some(*value >= SOLVED),
                _ => None,
            }
        });
        let solved = solved.collect();
        Self {
            verdicts,
            totals,
            solved,
        }
    }

    /// The cells of the completions table for one attempt.
    pub fn cells(&self, rewards: &[LiveReward], attempt: usize) -> Vec<RewardCell> {
        let cell = |(reward, verdicts): (&LiveReward, &Vec<Verdict>)| {
            let (value, outcome) = match &verdicts[attempt] {
                Verdict::Scored { value, .. } => (Some(*value), "scored".to_owned()),
                Verdict::Abstain => (None, "abstain".to_owned()),
                Verdict::Failed { why, .. } => (None, format!("failed: {why}")),
                Verdict::TimedOut => (None, "timed_out".to_owned()),
            };
            RewardCell {
                name: reward.name.clone(),
                value,
                outcome,
            }
        };
        rewards.iter().zip(&self.verdicts).map(cell).collect()
    }

    /// The answer that the task's first reward read from an attempt.
    pub fn answer(&self, attempt: usize) -> Option<&str> {
        match self.verdicts.first().map(|verdicts| &verdicts[attempt]) {
            Some(Verdict::Scored { answer, .. }) => answer.as_deref(),
            _ => None,
        }
    }

    /// How that reward says the answer was reached.
    pub fn solution(&self, attempt: usize) -> Option<&str> {
        match self.verdicts.first().map(|verdicts| &verdicts[attempt]) {
            Some(Verdict::Scored { solution, .. }) => solution.as_deref(),
            _ => None,
        }
    }
}

/// The weighted sum over the rewards that have an opinion. A reward of weight 0 only watches: its failure does not make
/// the sum unknown.
fn total<'a>(verdicts: impl Iterator<Item = (&'a LiveReward, &'a Verdict)>) -> Option<f64> {
    let mut sum = None;
    for (reward, verdict) in verdicts.filter(|(reward, _)| reward.weight != 0.0) {
        let value = match (verdict, reward.on_failure) {
            (Verdict::Scored { value, .. }, _) => *value,
            (Verdict::Abstain, _) => continue,
            (_, OnFailure::Value(value)) => value,
            (_, OnFailure::Drop | OnFailure::Stop) => return None,
        };
        *sum.get_or_insert(0.0) += reward.weight * value;
    }
    sum
}

fn texts(group: &Group) -> Arc<[AttemptText]> {
    let text = |attempt: &super::rollout::DrawnAttempt| AttemptText {
        completion: attempt.text.clone(),
        tokens: attempt.drawn.tokens.len() as u64,
        finished: attempt.finished(),
    };
    group.attempts.iter().map(text).collect()
}

/// All verdicts of one reward over the groups of its task.
pub(crate) fn verdicts_of<'a>(
    groups: &'a [Group],
    judged: &'a [JudgedGroup],
    task: usize,
    reward: usize,
) -> impl Iterator<Item = &'a Verdict> {
    groups
        .iter()
        .zip(judged)
        .filter(move |(group, _)| group.posed.task == task)
        .flat_map(move |(_, judged)| &judged.verdicts[reward])
}

/// Refuses rewards that failed and may not fail at all.
fn refuse_any(tasks: &[LiveTask], groups: &[Group], judged: &[JudgedGroup]) -> Result<()> {
    for (task, reward, count) in counts(tasks, groups, judged) {
        if reward.on_failure == OnFailure::Stop && count.broken() > 0 {
            return Err(RuntimeError::StoppedByReward {
                reward: reward.name.clone(),
                task: task.name.clone(),
                why: count.example.unwrap_or_default(),
            });
        }
    }
    Ok(())
}

/// Refuses rewards that failed on more than their share of a step's attempts.
///
/// Of all the step's attempts: a round of drawing can be one group, where a single failure is a large share.
pub(crate) fn refuse_too_many(
    tasks: &[LiveTask],
    groups: &[Group],
    judged: &[JudgedGroup],
    terms: Terms,
) -> Result<()> {
    for (task, reward, count) in counts(tasks, groups, judged) {
        let allowed = reward.max_failure_share.unwrap_or(terms.max_failure_share);
        let limit = allowed * count.attempts as f64;
        if count.broken() as f64 > limit {
            return Err(RuntimeError::BrokenReward {
                reward: reward.name.clone(),
                task: task.name.clone(),
                failed: count.failed,
                timed_out: count.timed_out,
                attempts: count.attempts,
                allowed: allowed * 100.0,
                limit,
                example: count.example.unwrap_or_default(),
            });
        }
    }
    Ok(())
}

/// How each reward of each task came out.
fn counts<'a>(
    tasks: &'a [LiveTask],
    groups: &'a [Group],
    judged: &'a [JudgedGroup],
) -> impl Iterator<Item = (&'a LiveTask, &'a LiveReward, Count)> {
    let rewards = tasks.iter().enumerate().flat_map(|(index, task)| {
        let rewards = task.rewards.iter().enumerate();
        rewards.map(move |(number, reward)| (index, task, number, reward))
    });
    rewards.map(move |(index, task, number, reward)| {
        let mut count = Count::default();
        verdicts_of(groups, judged, index, number).for_each(|verdict| count.add(verdict));
        (task, reward, count)
    })
}

/// How the outcomes of one reward came out.
#[derive(Default)]
pub(crate) struct Count {
    pub attempts: usize,
    pub abstained: usize,
    pub failed: usize,
    pub timed_out: usize,
    /// The first failure in words.
    example: Option<String>,
}

impl Count {
    fn broken(&self) -> usize {
        self.failed + self.timed_out
    }

    pub fn add(&mut self, verdict: &Verdict) {
        self.attempts += 1;
        match verdict {
            Verdict::Scored { .. } => {}
            Verdict::Abstain => self.abstained += 1,
            Verdict::Failed { why, .. } => {
                self.failed += 1;
                self.example
                    .get_or_insert_with(|| format!("for example: {why}"));
            }
            Verdict::TimedOut => {
                self.timed_out += 1;
                self.example
                    .get_or_insert_with(|| "it missed its deadline".to_owned());
            }
        }
    }
}
