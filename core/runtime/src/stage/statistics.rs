//! Means, spreads and pass@k: small formulas that several stages report.

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

#[cfg(test)]
mod tests {
    use super::{pass_at, standard_deviation};

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
