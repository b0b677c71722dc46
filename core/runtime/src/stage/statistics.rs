//! Means, spreads and pass@k: small formulas that several stages report.

use serde::Serialize;

/// The arithmetic mean; 0 of nothing.
pub(crate) fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, count) = values
        .into_iter()
        .fold((0.0, 0_u64), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / count as f64 }
}

/// The arithmetic mean; nothing of nothing, where a zero would be a claim.
pub(crate) fn mean_of(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values = values.into_iter().peekable();
    values.peek()?;
    Some(mean(values))
}

/// The standard deviation with Bessel's correction, as `torch.std`; 0 of fewer than two values.
pub(crate) fn standard_deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    // From the first value, so that equal values have exactly their own mean and no spread.
    let centre = values[0] + mean(values.iter().map(|value| value - values[0]));
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

/// The unbiased estimate of the chance that at least one of `k` attempts is right, from `n` attempts of which `c` were
/// (Chen et al. 2021, arXiv 2107.03374, equation 1): `1 - C(n-c, k) / C(n, k)`.
pub(crate) fn pass_at(k: usize, n: usize, c: usize) -> f64 {
    if n < c + k {
        return 1.0;
    }
    1.0 - (n - c + 1..=n)
        .map(|i| 1.0 - k as f64 / i as f64)
        .product::<f64>()
}

/// A mean of shares over problems, with the interval that holds the mean over all problems of their kind in 95 of 100
/// measurements.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// The normal distribution has 95 % of its mass within so many standard deviations.
const DEVIATIONS: f64 = 1.959_963_984_540_054;

impl Estimate {
    /// The mean of values between 0 and 1, each of another problem; nothing of none.
    ///
    /// Problems are what was drawn at random, not attempts, so the standard error is that of the problems' values (Miller
    /// 2024, arXiv 2411.00640). The interval is Wilson's with as many draws as would have that standard error: it never
    /// leaves 0..1, and has a width where all problems have one value.
    pub fn of(values: &[f64]) -> Option<Self> {
        let value = mean_of(values.iter().copied())?;
        let n = values.len() as f64;
        let squared_error = standard_deviation(values).powi(2) / n;
        let draws = match squared_error > 0.0 {
            // Values between 0 and 1 spread no more than a coin does, so these are at least n - 1.
            true => value * (1.0 - value) / squared_error,
            false => n,
        };
        let weight = DEVIATIONS.powi(2) / draws;
        let centre = (value + weight / 2.0) / (1.0 + weight);
        let spread = (weight * (value * (1.0 - value) + weight / 4.0)).sqrt() / (1.0 + weight);
        Some(Self {
            value,
            low: (centre - spread).max(0.0),
            high: (centre + spread).min(1.0),
        })
    }

    /// The mean difference of two measurements of the same problems, pair by pair; nothing of none.
    pub fn of_differences(differences: &[f64]) -> Option<Self> {
        let value = mean_of(differences.iter().copied())?;
        let error = standard_deviation(differences) / (differences.len() as f64).sqrt();
        Some(Self {
            value,
            low: value - DEVIATIONS * error,
            high: value + DEVIATIONS * error,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Estimate, pass_at, standard_deviation};

    fn estimate_of(values: &[f64]) -> Estimate {
        Estimate::of(values).expect("there are values")
    }

    #[test]
    fn intervals_of_shares_are_wilsons() {
        // statsmodels.stats.proportion.proportion_confint(8, 10, method="wilson"), where a sample of 0 and 1 has
        // n - 1 draws in place of n.
        let values = [[1.0; 8].as_slice(), &[0.0; 3]].concat();
        let estimate = estimate_of(&values);
        assert!((estimate.value - 8.0 / 11.0).abs() < 1e-12);
        let (p, n, z2) = (8.0_f64 / 11.0, 10.0, 1.959_963_984_540_054_f64.powi(2));
        let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let spread = (z2 * (p * (1.0 - p) / n + z2 / (4.0 * n * n))).sqrt() / (1.0 + z2 / n);
        assert!(
            (estimate.low - (centre - spread)).abs() < 1e-12,
            "{estimate:?}"
        );
        assert!(
            (estimate.high - (centre + spread)).abs() < 1e-12,
            "{estimate:?}"
        );
    }

    #[test]
    fn intervals_have_a_width_where_all_values_are_one() {
        // proportion_confint(20, 20, method="wilson") == (0.8388..., 1.0)
        let estimate = estimate_of(&[1.0; 20]);
        assert!(
            (estimate.low - 0.838_875).abs() < 1e-5 && estimate.high == 1.0,
            "{estimate:?}"
        );
        let estimate = estimate_of(&[0.0; 20]);
        assert!(estimate.low == 0.0 && (estimate.high - 0.161_125).abs() < 1e-5);
        assert!(Estimate::of(&[]).is_none());
    }

    /// In how many of many samples the interval holds the truth.
    #[test]
    fn intervals_hold_the_truth_in_95_of_100_samples() {
        use farthing_sdk::rng::{rand::RngExt, stream};
        let mut rng = stream(9, "intervals", 0);
        let mut uniform = || rng.random::<f64>();
        // Problems are solved with chances that are uniform squared, 1/3 on average, 8 attempts each.
        let samples = 4000;
        let mut held = 0;
        for _ in 0..samples {
            let problem = |uniform: &mut dyn FnMut() -> f64| {
                let chance = uniform().powi(2);
                let solved = (0..8).filter(|_| uniform() < chance).count();
                solved as f64 / 8.0
            };
            let values: Vec<f64> = (0..60).map(|_| problem(&mut uniform)).collect();
            let estimate = estimate_of(&values);
            held += usize::from(estimate.low <= 1.0 / 3.0 && 1.0 / 3.0 <= estimate.high);
        }
        let share = held as f64 / f64::from(samples);
        assert!((0.94..0.965).contains(&share), "{share}");
    }

    #[test]
    fn differences_are_paired() {
        // Every problem got better by a tenth: nothing is left to chance.
        let estimate = Estimate::of_differences(&[0.1; 50]).expect("there are differences");
        assert!((estimate.low - 0.1).abs() < 1e-12 && (estimate.high - 0.1).abs() < 1e-12);
        let estimate =
            Estimate::of_differences(&[1.0, -1.0, 1.0, -1.0]).expect("there are differences");
        assert!(estimate.value == 0.0 && estimate.low < -1.0);
    }

    #[test]
    fn pass_at_k_counts_the_subsets_that_hold_a_right_attempt() {
        // By enumeration: of the C(5, 2) = 10 pairs of 5 attempts, 3 hold neither of the 2 right ones.
        assert!((pass_at(2, 5, 2) - 0.7).abs() < 1e-12);
        assert!((pass_at(1, 8, 3) - 3.0 / 8.0).abs() < 1e-12);
        assert_eq!(pass_at(4, 4, 1), 1.0);
        assert_eq!(pass_at(4, 8, 0), 0.0);
    }

    #[test]
    fn the_standard_deviation_is_the_unbiased_one() {
        // torch.std(torch.tensor([0., 0., 1., 1.])) == 0.57735
        assert!((standard_deviation(&[0.0, 0.0, 1.0, 1.0]) - 0.577_350_269).abs() < 1e-9);
        assert_eq!(standard_deviation(&[3.0]), 0.0);
        // The plain mean of eight times 1.1 is not 1.1.
        assert_eq!(standard_deviation(&[1.1; 8]), 0.0);
    }
}
