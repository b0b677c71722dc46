//! Medians, and how far apart the measurements behind one lie.

use serde::Serialize;

/// Times of one kind, in seconds. Serialised with everything, so that a doubt can be settled later.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Times(pub Vec<f64>);

impl Times {
    pub fn add(&mut self, seconds: impl IntoIterator<Item = f64>) {
        self.0.extend(seconds);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The middle one, or the mean of the two in the middle.
    pub fn median(&self) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => None,
            odd if odd % 2 == 1 => Some(sorted[middle]),
            _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
        }
    }

    pub fn least(&self) -> Option<f64> {
        self.0.iter().copied().min_by(f64::total_cmp)
    }

    pub fn greatest(&self) -> Option<f64> {
        self.0.iter().copied().max_by(f64::total_cmp)
    }
}

impl FromIterator<f64> for Times {
    fn from_iter<I: IntoIterator<Item = f64>>(seconds: I) -> Self {
        Self(seconds.into_iter().collect())
    }
}

/// `theirs / ours`: how many times as fast we are.
pub fn times_as_fast(ours: &Times, theirs: &Times) -> Option<f64> {
    Some(theirs.median()? / ours.median()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(values: &[f64]) -> Times {
        values.iter().copied().collect()
    }

    #[test]
    fn the_median_does_not_follow_one_slow_step() {
        assert_eq!(times(&[]).median(), None);
        assert_eq!(times(&[2.0]).median(), Some(2.0));
        assert_eq!(times(&[3.0, 1.0, 90.0]).median(), Some(3.0));
        assert_eq!(times(&[4.0, 1.0, 2.0, 90.0]).median(), Some(3.0));
    }

    #[test]
    fn a_ratio_above_one_means_that_we_are_faster() {
        assert_eq!(times_as_fast(&times(&[2.0]), &times(&[6.0])), Some(3.0));
        assert_eq!(times_as_fast(&times(&[]), &times(&[6.0])), None);
    }
}
