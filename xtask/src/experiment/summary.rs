//! What the seeds of an experiment come to: means over seeds, with intervals that say how far another set of seeds could
//! lie from them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;

use super::picture;

/// One way through the recipe.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Arm {
    pub name: &'static str,
    pub merged: bool,
    pub lambda: f64,
}

/// A model's shares on the held-out problems.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    pub pass_at_1: f64,
    pub pass_at_8: f64,
    pub pass_at_16: f64,
}

impl Measured {
    /// From an evaluation as `farthing eval --json` writes it.
    pub fn of(evaluation: &Value) -> Result<Self> {
        let share = |k: &str| {
            let value = evaluation["pass_at"][k]["value"].as_f64();
            value.with_context(|| format!("the evaluation has no pass@{k}"))
        };
        Ok(Self {
            pass_at_1: share("1")?,
            pass_at_8: share("8")?,
            pass_at_16: share("16")?,
        })
    }
}

/// One seed of one arm.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    pub before: Measured,
    pub after: Measured,
    pub tokens: f64,
}

/// All arms with their outcomes by seed.
#[derive(Debug, Serialize)]
pub struct Results {
    pub arms: Vec<(Arm, Vec<Outcome>)>,
}

/// A mean over seeds with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    pub value: f64,
    pub half_width: f64,
}

/// 97.5 % quantiles of Student's t distribution with 1, 2, .. degrees of freedom.
const QUANTILES: [f64; 9] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262,
];

impl Mean {
    /// Of one value for each seed.
    pub fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let value = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|x| (x - value).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        let degrees = values.len().saturating_sub(1).clamp(1, QUANTILES.len());
        let half_width = match values.len() {
            0 | 1 => f64::NAN,
            _ => QUANTILES[degrees - 1] * (variance / n).sqrt(),
        };
        Self { value, half_width }
    }

    /// In points of a hundred.
    fn percent(self, signed: bool) -> String {
        let (value, width) = (100.0 * self.value, 100.0 * self.half_width);
        match signed {
            true => format!("{value:+.1} ± {width:.1}"),
            false => format!("{value:.1} ± {width:.1}"),
        }
    }
}

impl Results {
    pub fn new(arms: &[Arm]) -> Self {
        Self {
            arms: arms.iter().map(|arm| (*arm, Vec::new())).collect(),
        }
    }

    pub fn add(&mut self, arm: usize, before: Measured, after: Measured, tokens: f64) {
        self.arms[arm].1.push(Outcome {
            before,
            after,
            tokens,
        });
    }

    /// The mean of a number over the seeds of an arm.
    pub fn mean(&self, arm: usize, number: impl Fn(&Outcome) -> f64) -> Mean {
        let values: Vec<f64> = self.arms[arm].1.iter().map(number).collect();
        Mean::of(&values)
    }

    /// The mean difference to the first arm, seed by seed.
    fn difference(&self, arm: usize, number: impl Fn(&Outcome) -> f64) -> Mean {
        let pairs = self.arms[arm].1.iter().zip(&self.arms[0].1);
        let differences: Vec<f64> = pairs.map(|(a, b)| number(a) - number(b)).collect();
        Mean::of(&differences)
    }

    /// The table: shares in points of a hundred, mean and 95 % interval over seeds.
    pub fn markdown(&self) -> String {
        let mut text = String::from(
            "| arm | before: pass@1 | pass@8 | after: pass@1 | pass@8 | pass@16 | pass@1 less plain | pass@8 less plain | tokens trained |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        );
        for (index, (arm, _)) in self.arms.iter().enumerate() {
            let share = |number: fn(&Outcome) -> f64| self.mean(index, number).percent(false);
            let gain = |number: fn(&Outcome) -> f64| match index {
                0 => "-".to_owned(),
                _ => self.difference(index, number).percent(true),
            };
            let tokens = self.mean(index, |outcome| outcome.tokens).value / 1e6;
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {tokens:.2} M |",
                arm.name,
                share(|outcome| outcome.before.pass_at_1),
                share(|outcome| outcome.before.pass_at_8),
                share(|outcome| outcome.after.pass_at_1),
                share(|outcome| outcome.after.pass_at_8),
                share(|outcome| outcome.after.pass_at_16),
                gain(|outcome| outcome.after.pass_at_1),
                gain(|outcome| outcome.after.pass_at_8),
            );
        }
        text
    }

    /// Writes `ssp-results.json`, `ssp-results.md` and `ssp-results.svg`.
    pub fn write(&self, out: &Path) -> Result<()> {
        fs::create_dir_all(out)?;
        let seeds = self.arms[0].1.len();
        let heading = format!(
            "<!-- Written by `cargo xtask experiment ssp --seeds {seeds}`. -->\n\n\
             Held-out Countdown, {seeds} seeds; shares in %, mean and 95 % interval over seeds.\n\n"
        );
        fs::write(out.join("ssp-results.md"), heading + &self.markdown())?;
        let json = serde_json::to_string_pretty(self)? + "\n";
        fs::write(out.join("ssp-results.json"), json)?;
        fs::write(out.join("ssp-results.svg"), picture::draw(self))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_students() {
        // scipy.stats.t.interval(0.95, 2, loc=2, scale=scipy.stats.sem([1, 2, 3])) == (-0.4841, 4.4841)
        let mean = Mean::of(&[1.0, 2.0, 3.0]);
        assert_eq!(mean.value, 2.0);
        assert!((mean.half_width - 2.4841).abs() < 1e-3, "{mean:?}");
        assert!(Mean::of(&[1.0]).half_width.is_nan());
    }

    #[test]
    fn the_table_has_a_row_for_each_arm() {
        let arm = |name| Arm {
            name,
            merged: false,
            lambda: 0.0,
        };
        let mut results = Results::new(&[arm("plain"), arm("other")]);
        let measured = |x: f64| Measured {
            pass_at_1: x,
            pass_at_8: x + 0.1,
            pass_at_16: x + 0.2,
        };
        for (seed, gain) in [(0.0, 0.02), (0.05, 0.04)] {
            results.add(0, measured(0.3), measured(0.5 + seed), 1e6);
            results.add(1, measured(0.3), measured(0.5 + seed + gain), 1e6);
        }
        insta::assert_snapshot!(results.markdown(), @"
        | arm | before: pass@1 | pass@8 | after: pass@1 | pass@8 | pass@16 | pass@1 less plain | pass@8 less plain | tokens trained |
        | --- | --- | --- | --- | --- | --- | --- | --- | --- |
        | plain | 30.0 ± 0.0 | 40.0 ± 0.0 | 52.5 ± 31.8 | 62.5 ± 31.8 | 72.5 ± 31.8 | - | - | 1.00 M |
        | other | 30.0 ± 0.0 | 40.0 ± 0.0 | 55.5 ± 44.5 | 65.5 ± 44.5 | 75.5 ± 44.5 | +3.0 ± 12.7 | +3.0 ± 12.7 | 1.00 M |
        ");
        // Each arm has a mark for its mean and a line for its interval, in both panels.
        let picture = picture::draw(&results);
        assert_eq!(picture.matches("<circle").count(), 4, "{picture}");
        assert_eq!(
            picture.matches("class=\"interval\"").count(),
            4,
            "{picture}"
        );
    }
}
