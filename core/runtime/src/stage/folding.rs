//! Metrics of micro-batches and updates on their way to one number for the step.

use std::collections::BTreeMap;

use farthing_sdk::Fold;
use farthing_sdk::client::Metric;

/// Metrics of micro-batches on their way to one number each.
#[derive(Default)]
pub(crate) struct Folded {
    /// Value, weight, fold.
    metrics: BTreeMap<String, (f64, f64, Fold)>,
}

impl Folded {
    pub fn add(&mut self, metrics: &[Metric]) {
        for metric in metrics {
            self.record(&metric.name, metric.value, metric.weight, metric.fold);
        }
    }

    pub fn record(&mut self, name: &str, value: f64, weight: f64, fold: Fold) {
        let Some((known, total, _)) = self.metrics.get_mut(name) else {
            let first = if fold == Fold::Mean {
                value * weight
            } else {
                value
            };
            self.metrics.insert(name.to_owned(), (first, weight, fold));
            return;
        };
        match fold {
            Fold::Mean => *known += value * weight,
            Fold::Sum => *known += value,
            Fold::Min => *known = known.min(value),
            Fold::Max => *known = known.max(value),
        }
        *total += weight;
    }

    pub fn mean(&mut self, name: &str, values: &[f32]) {
        let sum: f64 = values.iter().map(|&value| f64::from(value)).sum();
        let count = values.len().max(1) as f64;
        self.record(name, sum / count, count, Fold::Mean);
    }

    /// TRL's figures for the agreement of decoding and training: they must be one policy.
    pub fn compare_passes(&mut self, logp: &[f32], sampler_logp: &[f32]) {
        let count = logp.len().max(1) as f64;
        let differences: Vec<f64> = logp
            .iter()
            .zip(sampler_logp)
            .map(|(&logp, &sampler)| f64::from(logp) - f64::from(sampler))
            .collect();
        let absolute = || differences.iter().map(|difference| difference.abs());
        let name = "sampling/sampling_logp_difference";
        self.record(
            &format!("{name}/mean"),
            absolute().sum::<f64>() / count,
            count,
            Fold::Mean,
        );
        self.record(
            &format!("{name}/max"),
            absolute().fold(0.0, f64::max),
            1.0,
            Fold::Max,
        );
        let ratios: Vec<f64> = differences
            .iter()
            .map(|difference| difference.exp())
            .collect();
        let name = "sampling/importance_sampling_ratio";
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        self.record(
            &format!("{name}/mean"),
            ratios.iter().sum::<f64>() / count,
            count,
            Fold::Mean,
        );
        if !ratios.is_empty() {
            self.record(&format!("{name}/min"), least, 1.0, Fold::Min);
            self.record(&format!("{name}/max"), greatest, 1.0, Fold::Max);
        }
    }

    pub fn finish(self) -> BTreeMap<String, f64> {
        let folded = |(name, (value, weight, fold)): (String, (f64, f64, Fold))| match fold {
            Fold::Mean if weight > 0.0 => (name, value / weight),
            _ => (name, value),
        };
        self.metrics.into_iter().map(folded).collect()
    }
}
