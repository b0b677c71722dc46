//! What a person who is not at a terminal reads of a run.

use std::time::Duration;

use farthing_runtime::run::progress::{describe, describe_duration, time_left};
use farthing_runtime::run::{Progress, StepSummary, Terminal};

#[test]
fn plain_lines_come_every_few_steps_and_at_both_ends() {
    let terminal = Terminal::in_memory();
    let mut progress = Progress::begin(&terminal, "rl", 25, 0).line_every(10);
    for step in 1..=25 {
        progress.step(&StepSummary {
            reward: Some(f64::from(step)),
            ..StepSummary::default()
        });
    }
    progress.finish();
    let text = terminal.captured();
    let lines: Vec<_> = text.lines().collect();
    let expected = [
        "rl  1/25  reward 1.",
        "rl 10/25  reward 10.",
        "rl 20/25  reward 20.",
        "rl 25/25  reward 25.",
    ];
    assert_eq!(lines.len(), expected.len(), "{text}");
    for (line, start) in lines.iter().zip(expected) {
        assert!(line.starts_with(start), "{text}");
    }
}

#[test]
fn a_resumed_stage_goes_on_counting() {
    let terminal = Terminal::in_memory();
    let mut progress = Progress::begin(&terminal, "sft", 100, 97).line_every(50);
    (0..3).for_each(|_| progress.step(&StepSummary::default()));
    progress.finish();
    let text = terminal.captured();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("sft  98/100  0s left"), "{text}");
    assert_eq!(lines[1].trim_end(), "sft 100/100");
}

#[test]
fn the_numbers_of_a_step_are_short() {
    let summary = StepSummary {
        reward: Some(0.43216),
        loss: Some(-0.01),
        tokens_per_second: Some(5123.0),
    };
    assert_eq!(
        describe(&summary, Some(Duration::from_secs(200))),
        "reward 0.4322  loss -0.0100  5123 tok/s  3m20s left"
    );
    let speed = |tokens_per_second| {
        describe(
            &StepSummary {
                tokens_per_second: Some(tokens_per_second),
                ..StepSummary::default()
            },
            None,
        )
    };
    assert_eq!(speed(12_345.0), "12.3k tok/s");
    assert_eq!(speed(2_500_000.0), "2.5M tok/s");
    assert_eq!(describe(&StepSummary::default(), None), "");
}

#[test]
fn time_left_follows_the_speed_so_far() {
    let minute = Duration::from_secs(60);
    assert_eq!(time_left(minute, 20, 40), Some(Duration::from_secs(120)));
    assert_eq!(time_left(minute, 0, 40), None);
    assert_eq!(time_left(minute, 20, 0), None);
    let durations = [
        (0.4, "0s"),
        (59.4, "59s"),
        (59.6, "1m00s"),
        (3599.0, "59m59s"),
        (3720.0, "1h02m"),
    ];
    for (seconds, text) in durations {
        assert_eq!(describe_duration(Duration::from_secs_f64(seconds)), text);
    }
}
