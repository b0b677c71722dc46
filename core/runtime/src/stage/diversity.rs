//! How unlike each other a group's attempts are. Reinforcement narrows what a policy does; these figures say how much of
//! the spectrum is left.

use std::collections::BTreeSet;

use super::judging::JudgedGroup;
use super::rollout::Group;
use super::sequences::drawn;
use super::statistics::mean_of;
use crate::run::MetricRow;

/// Writes the figures of some groups, each name with `prefix` in front.
pub(crate) fn report_diversity(
    groups: &[Group],
    judged: &[JudgedGroup],
    prefix: &str,
    row: &mut MetricRow,
) {
    let pairs = || groups.iter().zip(judged);
    let answers = pairs().filter_map(|(group, judged)| {
        let answers = (0..group.attempts.len()).filter_map(|attempt| judged.answer(attempt));
        count_distinct(answers)
    });
    let solutions = pairs().filter_map(|(group, judged)| {
        let solved =
            (0..group.attempts.len()).filter(|&attempt| judged.solved[attempt] == Some(true));
        count_distinct(solved.map(|attempt| match judged.solution(attempt) {
            Some(solution) => solution.to_owned(),
            None => without_white_space(&group.attempts[attempt].text),
        }))
    });
    let figures = [
        ("distinct_answers", mean_of(answers)),
        ("distinct_solutions", mean_of(solutions)),
        ("surprisal", mean_of(surprisals(groups))),
    ];
    for (name, figure) in figures {
        if let Some(figure) = figure {
            row.set(format!("{prefix}diversity/{name}"), figure);
        }
    }
}

/// How many different ones there are; nothing of none.
fn count_distinct<T: Ord>(values: impl Iterator<Item = T>) -> Option<f64> {
    let distinct: BTreeSet<T> = values.collect();
    (!distinct.is_empty()).then_some(distinct.len() as f64)
}

/// Spaces and line breaks make no other solution, where the reward does not say what makes one.
fn without_white_space(text: &str) -> String {
    text.split_whitespace().collect()
}

/// -log p of each token that was drawn, and not put there by a sampler's steering.
fn surprisals(groups: &[Group]) -> impl Iterator<Item = f64> + '_ {
    let attempts = groups.iter().flat_map(|group| &group.attempts);
    attempts.flat_map(|attempt| {
        let logp = &attempt.drawn.logp;
        drawn(logp.len(), &attempt.drawn.injected).map(|at| -f64::from(logp[at]))
    })
}
