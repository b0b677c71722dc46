//! What a step's rewards and completions come to, under TRL's names.

use super::components::{LiveReward, LiveTask};
use super::judging::{Count, JudgedGroup, verdicts_of};
use super::rollout::{DrawnAttempt, Group};
use super::statistics::{mean, mean_of, standard_deviation};
use crate::host::Verdict;
use crate::run::MetricRow;

/// Writes the rewards' metrics of a step, each name with `prefix` in front.
pub(crate) fn report(
    tasks: &[LiveTask],
    groups: &[Group],
    judged: &[JudgedGroup],
    prefix: &str,
    row: &mut MetricRow,
) {
    let totals: Vec<Vec<f64>> = judged
        .iter()
        .map(|group| group.totals.iter().flatten().copied().collect())
        .filter(|totals: &Vec<f64>| !totals.is_empty())
        .collect();
    let mut set = |name: &str, value: f64| {
        row.set(format!("{prefix}{name}"), value);
    };
    // A mean over nothing is no zero: where every attempt failed there is no reward to report.
    if !totals.is_empty() {
        let spreads: Vec<f64> = totals
            .iter()
            .map(|totals| standard_deviation(totals))
            .collect();
        let alike = spreads
            .iter()
            .map(|&spread| f64::from(u8::from(spread == 0.0)));
        set("reward", mean(totals.iter().flatten().copied()));
        set("reward_std", mean(spreads.iter().copied()));
        set("frac_reward_zero_std", mean(alike));
    }
    let shares = judged.iter().filter_map(solved_share);
    let shares: Vec<f64> = shares.collect();
    let share_of = |is: fn(f64) -> bool| mean(shares.iter().map(|&s| f64::from(u8::from(is(s)))));
    if !shares.is_empty() {
        set("by_group/frac_all_good", share_of(|share| share == 1.0));
        set("by_group/frac_all_bad", share_of(|share| share == 0.0));
        set(
            "by_group/frac_mixed",
            share_of(|share| share > 0.0 && share < 1.0),
        );
    }
    for (index, task) in tasks.iter().enumerate() {
        for (number, reward) in task.rewards.iter().enumerate() {
            let verdicts: Vec<_> = verdicts_of(groups, judged, index, number).collect();
            if !verdicts.is_empty() {
                report_reward(&metric_name(tasks, task, reward), &verdicts, prefix, row);
            }
        }
    }
}

/// The share of a group's judged attempts that solved the problem.
pub(crate) fn solved_share(group: &JudgedGroup) -> Option<f64> {
    let known = group.solved.iter().flatten();
    mean_of(known.map(|&solved| f64::from(u8::from(solved))))
}

/// The reward's name in metrics: with its task's name where two tasks use the same one.
fn metric_name(tasks: &[LiveTask], task: &LiveTask, reward: &LiveReward) -> String {
    let users = tasks
        .iter()
        .filter(|task| task.rewards.iter().any(|other| other.name == reward.name));
    if users.count() > 1 {
        format!("{}:{}", task.name, reward.name)
    } else {
        reward.name.clone()
    }
}

fn report_reward(name: &str, verdicts: &[&Verdict], prefix: &str, row: &mut MetricRow) {
    let mut count = Count::default();
    let mut values = Vec::new();
    let mut parts: Vec<(&str, Vec<f64>)> = Vec::new();
    for verdict in verdicts {
        count.add(verdict);
        let Verdict::Scored {
            value, parts: own, ..
        } = verdict
        else {
            continue;
        };
        values.push(*value);
        for (part, value) in own.iter() {
            match parts.iter_mut().find(|(known, _)| *known == part) {
                Some((_, values)) => values.push(value),
                None => parts.push((part, vec![value])),
            }
        }
    }
    let at = |what: &str| format!("{prefix}rewards/{name}/{what}");
    if !values.is_empty() {
        row.set(at("mean"), mean(values.iter().copied()));
        row.set(at("std"), standard_deviation(&values));
    }
    for (part, values) in parts {
        row.set(at(&format!("part/{part}")), mean(values));
    }
    row.set(at("abstained"), count.abstained);
    row.set(at("failed"), count.failed);
    row.set(at("timed_out"), count.timed_out);
}

/// The length of every completion, in tokens.
pub(crate) fn lengths(groups: &[Group]) -> impl Iterator<Item = u64> + '_ {
    groups
        .iter()
        .flat_map(|group| &group.attempts)
        .map(|attempt| attempt.drawn.tokens.len() as u64)
}

/// TRL's figures on the lengths of completions.
pub(crate) fn report_completions(groups: &[Group], prefix: &str, row: &mut MetricRow) {
    let attempts = || groups.iter().flat_map(|group| &group.attempts);
    let length = |attempt: &DrawnAttempt| attempt.drawn.tokens.len() as f64;
    let all: Vec<f64> = attempts().map(length).collect();
    let ended: Vec<f64> = attempts()
        .filter(|attempt| attempt.finished())
        .map(length)
        .collect();
    if all.is_empty() {
        return;
    }
    let mut set = |name: &str, values: &[f64]| {
        if values.is_empty() {
            return;
        }
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = values.iter().copied().fold(0.0, f64::max);
        row.set(
            format!("{prefix}completions/mean_{name}"),
            mean(values.iter().copied()),
        );
        row.set(format!("{prefix}completions/min_{name}"), least);
        row.set(format!("{prefix}completions/max_{name}"), greatest);
    };
    set("length", &all);
    set("terminated_length", &ended);
    let clipped = 1.0 - ended.len() as f64 / all.len() as f64;
    row.set(format!("{prefix}completions/clipped_ratio"), clipped);
}
