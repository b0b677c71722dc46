//! Progress for a person: a bar on a terminal, a plain line every few steps elsewhere.
//!
//! A bar redraws itself many times a second, which turns the log of a batch job into noise; a plain line
//! carries the same four numbers: reward, loss, tokens per second, time left.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::terminal::Terminal;

const DEFAULT_LINE_EVERY: u64 = 10;

/// The numbers of a finished step that a person wants to see.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StepSummary {
    /// The mean reward, in reinforcement.
    pub reward: Option<f64>,
    /// The loss.
    pub loss: Option<f64>,
    /// Tokens processed in a second.
    pub tokens_per_second: Option<f64>,
}

/// Shows how far one stage is.
#[derive(Debug)]
pub struct Progress {
    terminal: Terminal,
    stage: String,
    total: u64,
    done: u64,
    done_before: u64,
    line_every: u64,
    began: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins a stage of `total` steps, of which `done` were done before this process (by a run that is
    /// resumed): they count as progress but not as speed.
    pub fn begin(terminal: &Terminal, stage: &str, total: u64, done: u64) -> Self {
        let bar = terminal.is_interactive().then(|| {
            let bar = terminal
                .bars()
                .add(ProgressBar::new(total).with_position(done));
            bar.set_style(
                ProgressStyle::with_template(
                    "{prefix:.bold} {bar:28.cyan/black.bright} {pos}/{len}  {msg}",
                )
                .expect("the template is a constant")
                .progress_chars("━━─"),
            );
            bar.set_prefix(stage.to_string());
            bar.tick();
            bar
        });
        Self {
            terminal: terminal.clone(),
            stage: stage.to_string(),
            total,
            done,
            done_before: done,
            line_every: DEFAULT_LINE_EVERY,
            began: Instant::now(),
            bar,
        }
    }

    /// Plain lines come every `steps` steps instead of every ten. The first and the last step always show.
    pub fn line_every(mut self, steps: u64) -> Self {
        self.line_every = steps.max(1);
        self
    }

    /// A step is finished.
    pub fn step(&mut self, summary: &StepSummary) {
        self.done += 1;
        let since_start = self.done - self.done_before;
        let left = time_left(
            self.began.elapsed(),
            since_start,
            self.total.saturating_sub(self.done),
        );
        let numbers = describe(summary, left);
        if let Some(bar) = &self.bar {
            bar.set_message(numbers);
            bar.set_position(self.done);
        } else if since_start == 1
            || self.done == self.total
            || self.done.is_multiple_of(self.line_every)
        {
            let width = self.total.to_string().len();
            let Self {
                stage, done, total, ..
            } = self;
            self.terminal
                .line(&format!("{stage} {done:>width$}/{total}  {numbers}"));
        }
    }

    /// The stage is over, or was interrupted. The bar goes; a last line says how it ended.
    pub fn finish(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            self.terminal.bars().remove(bar);
            let took = describe_duration(self.began.elapsed());
            let Self {
                stage, done, total, ..
            } = &self;
            self.terminal.line(&format!(
                "{stage} {done}/{total}  {}  in {took}",
                bar.message()
            ));
        }
    }
}

/// The four numbers in one line; those that are unknown are left out.
pub fn describe(summary: &StepSummary, time_left: Option<Duration>) -> String {
    let parts = [
        summary.reward.map(|reward| format!("reward {reward:.4}")),
        summary.loss.map(|loss| format!("loss {loss:.4}")),
        summary.tokens_per_second.map(describe_speed),
        time_left.map(|left| format!("{} left", describe_duration(left))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

/// How long the rest takes at the speed so far; nothing before the first step and after the last.
pub fn time_left(elapsed: Duration, done: u64, remaining: u64) -> Option<Duration> {
    if done == 0 || remaining == 0 {
        return None;
    }
    let seconds = elapsed.as_secs_f64() / done as f64 * remaining as f64;
    Duration::try_from_secs_f64(seconds).ok()
}

/// `45s`, `3m20s`, `1h02m`.
pub fn describe_duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().round() as u64;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

fn describe_speed(tokens_per_second: f64) -> String {
    if tokens_per_second < 1e4 {
        format!("{tokens_per_second:.0} tok/s")
    } else if tokens_per_second < 1e6 {
        format!("{:.1}k tok/s", tokens_per_second / 1e3)
    } else {
        format!("{:.1}M tok/s", tokens_per_second / 1e6)
    }
}
