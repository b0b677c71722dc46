//! What was measured, and the arithmetic that makes it comparable.

use anyhow::{Result, bail};
use serde::Serialize;

use super::statistics::Times;
use super::work::{Phase, Work};

/// The machine's two limits; the best of all attempts to reach them.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Limits {
    /// A 2048 x 2048 x 2048 product by the `gemm` crate, FLOP/s.
    pub gemm_crate: f64,
    /// The same by `torch.mm`; 0 where PyTorch was not asked.
    pub torch_mm: f64,
    pub read_bytes_per_second: f64,
}

impl Limits {
    /// The larger of the two products.
    pub fn flops(&self) -> f64 {
        self.gemm_crate.max(self.torch_mm)
    }

    /// Raises each limit that `other` has found higher.
    pub fn raise(&mut self, other: Self) {
        self.gemm_crate = self.gemm_crate.max(other.gemm_crate);
        self.torch_mm = self.torch_mm.max(other.torch_mm);
        self.read_bytes_per_second = self.read_bytes_per_second.max(other.read_bytes_per_second);
    }
}

/// Steps of one side.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Steps {
    pub step: Times,
    pub generate: Times,
    pub reward: Times,
    pub update: Times,
    /// Peak resident bytes of the whole process, the largest of all turns.
    pub peak_bytes: u64,
    /// Resident bytes before any model is there: libraries and plugins.
    pub baseline_bytes: u64,
    /// Share of groups without a gradient, one value for each step.
    pub groups_without_signal: Vec<f64>,
}

/// Decoding of a single row: a long and a short completion, whose difference is the price of tokens alone.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SingleRow {
    pub tokens: usize,
    pub short_tokens: usize,
    pub long: Times,
    pub short: Times,
}

impl SingleRow {
    /// Seconds for one more token.
    pub fn seconds_per_token(&self) -> Option<f64> {
        let tokens = self.tokens.checked_sub(self.short_tokens)?;
        Some((self.long.median()? - self.short.median()?) / tokens as f64)
    }
}

/// Forward and backward alone.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Passes {
    pub micro_batches: u64,
    pub both: Times,
    pub score: Times,
    pub forward: Times,
    pub backward: Times,
    pub update: Times,
}

/// All numbers of one model.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Measured {
    pub name: String,
    pub parameters: u64,
    /// Tokens of a step, prompts included, as both sides counted them.
    pub tokens_of_a_step: f64,
    pub work: Work,
    pub phases: Vec<Phase>,
    pub ours: Steps,
    pub theirs: Steps,
    pub decode: Times,
    pub their_decode: Times,
    pub pass: Passes,
    pub their_pass_plain: Times,
    pub their_pass_fused: Times,
    pub row: SingleRow,
    /// Share of the processors that others had during each of our processes, and of theirs.
    pub others_beside_ours: Vec<f64>,
    pub others_beside_theirs: Vec<f64>,
}

impl Measured {
    /// PyTorch's passes in whichever way was faster.
    pub fn their_pass(&self) -> &Times {
        match (
            self.their_pass_plain.median(),
            self.their_pass_fused.median(),
        ) {
            (Some(plain), Some(fused)) if fused < plain => &self.their_pass_fused,
            _ => &self.their_pass_plain,
        }
    }

    /// Useful FLOP/s of forward and backward.
    pub fn pass_flops(&self) -> Option<f64> {
        Some(self.work.useful / self.pass.both.median()?)
    }

    /// Weight bytes per second while a single row is decoded.
    pub fn row_bytes_per_second(&self) -> Option<f64> {
        Some(self.parameters as f64 * 4.0 / self.row.seconds_per_token()?)
    }
}

/// Refuses steps whose completions were not all of full length: their times would compare different work.
pub fn refuse_short_completions(side: &str, shortest: &[f64], expected: usize) -> Result<()> {
    if shortest.is_empty() {
        bail!("{side} recorded no length of completions, so nothing shows that they were full");
    }
    for (step, &length) in shortest.iter().enumerate() {
        if length != expected as f64 {
            bail!(
                "{side}: the shortest completion of step {step} has {length} tokens, expected {expected} on both sides; \
                 the times are not comparable"
            );
        }
    }
    Ok(())
}

/// Refuses a comparison in which the sides trained on different numbers of tokens.
pub fn refuse_other_tokens(ours: &[f64], theirs: &[f64]) -> Result<()> {
    if ours != theirs {
        bail!(
            "after each step we had trained on {ours:?} tokens and TRL on {theirs:?}: the prompts are not the same"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_that_are_not_full_are_refused() {
        refuse_short_completions("TRL", &[64.0, 64.0], 64).expect("all are full");
        let error = refuse_short_completions("TRL", &[64.0, 63.0], 64).expect_err("one is short");
        let error = error.to_string();
        for part in ["TRL", "step 1", "63", "expected 64"] {
            assert!(error.contains(part), "{part} in {error}");
        }
        assert!(refuse_short_completions("we", &[], 64).is_err());
    }

    #[test]
    fn sides_that_saw_other_prompts_are_refused() {
        refuse_other_tokens(&[10.0, 20.0], &[10.0, 20.0]).expect("the same");
        assert!(refuse_other_tokens(&[10.0, 20.0], &[10.0, 21.0]).is_err());
        assert!(refuse_other_tokens(&[10.0], &[]).is_err());
    }

    #[test]
    fn a_rows_tokens_are_timed_without_its_prompt() {
        let row = SingleRow {
            tokens: 80,
            short_tokens: 16,
            long: Times(vec![3.0]),
            short: Times(vec![1.0]),
        };
        assert_eq!(row.seconds_per_token(), Some(2.0 / 64.0));
    }

    #[test]
    fn limits_only_rise() {
        let mut limits = Limits {
            gemm_crate: 2.0,
            torch_mm: 1.0,
            read_bytes_per_second: 5.0,
        };
        limits.raise(Limits {
            gemm_crate: 1.0,
            torch_mm: 3.0,
            read_bytes_per_second: 4.0,
        });
        assert_eq!(limits.flops(), 3.0);
        assert_eq!(limits.read_bytes_per_second, 5.0);
    }
}
