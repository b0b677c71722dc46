//! The values of one metric over the steps of a run, and the line to draw through them.

use super::{Panel, Scale};
use crate::run::metrics::MetricRow;

/// Beyond this a value is the sign of a fault, like one that is not finite, and would flatten all others.
const LARGEST_SHOWN: f64 = 1e30;

/// A value at a step.
pub type Point = (f64, f64);

/// One stage's span of steps.
pub struct StageSpan {
    pub name: String,
    pub first: u64,
    pub last: u64,
}

impl StageSpan {
    /// The stages of a run in their order.
    pub fn all_of(rows: &[MetricRow]) -> Vec<Self> {
        let mut stages: Vec<Self> = Vec::new();
        for row in rows {
            match stages.last_mut() {
                Some(stage) if stage.name == row.stage => stage.last = stage.last.max(row.step),
                _ => stages.push(Self {
                    name: row.stage.clone(),
                    first: row.step,
                    last: row.step,
                }),
            }
        }
        stages
    }
}

/// The values of one metric, split where the stage changes. A share is one piece: its few values come from
/// evaluations, which mean the same in every stage.
pub struct Series {
    pub pieces: Vec<Piece>,
    pub not_shown: usize,
}

/// The values that one line connects.
pub struct Piece {
    pub raw: Vec<Point>,
    pub smooth: Vec<Point>,
}

impl Series {
    /// The series that a panel shows.
    pub fn of(panel: &Panel, rows: &[MetricRow], stages: &[StageSpan]) -> Self {
        let mut not_shown = 0;
        let mut pieces = Vec::new();
        for stage in stages {
            let mut raw = Vec::new();
            let of_stage = rows.iter().filter(|row| row.stage == stage.name);
            for row in of_stage.filter(|row| (stage.first..=stage.last).contains(&row.step)) {
                match row.get(panel.metric) {
                    Some(value) if value.abs() <= LARGEST_SHOWN => {
                        raw.push((row.step as f64, value))
                    }
                    Some(_) => not_shown += 1,
                    None => {}
                }
            }
            if !raw.is_empty() {
                pieces.push(raw);
            }
        }
        let pieces = match panel.scale {
            Scale::Free => pieces
                .into_iter()
                .map(|raw| Piece {
                    smooth: smoothed(&raw),
                    raw,
                })
                .collect(),
            Scale::Share if pieces.is_empty() => Vec::new(),
            Scale::Share => vec![Piece {
                smooth: pieces.concat(),
                raw: pieces.concat(),
            }],
        };
        Self { pieces, not_shown }
    }

    /// Where the line ends.
    pub fn last(&self) -> Option<f64> {
        self.pieces.last()?.smooth.last().map(|point| point.1)
    }

    /// How many values there are.
    pub fn count(&self) -> usize {
        self.pieces.iter().map(|piece| piece.raw.len()).sum()
    }

    /// The span of steps to show: from the first to the last with a value.
    pub fn steps(&self) -> (f64, f64) {
        let steps = || {
            self.pieces
                .iter()
                .flat_map(|piece| piece.raw.iter().map(|point| point.0))
        };
        let first = steps().fold(f64::INFINITY, f64::min);
        let last = steps().fold(f64::NEG_INFINITY, f64::max);
        if first < last {
            (first, last)
        } else {
            (first - 0.5, first + 0.5)
        }
    }

    /// The span of values that shows the line whole and all but the wildest single values.
    pub fn range(&self, scale: Scale) -> (f64, f64) {
        if scale == Scale::Share {
            return (0.0, 1.0);
        }
        let raw = self
            .pieces
            .iter()
            .flat_map(|piece| piece.raw.iter().map(|point| point.1));
        let mut raw: Vec<f64> = raw.collect();
        raw.sort_by(f64::total_cmp);
        let Some(end) = raw.len().checked_sub(1) else {
            return (0.0, 1.0);
        };
        let quantile = |share: f64| raw[(end as f64 * share).round() as usize];
        let smooth = || {
            self.pieces
                .iter()
                .flat_map(|piece| piece.smooth.iter().map(|point| point.1))
        };
        let low = smooth().fold(quantile(0.01), f64::min);
        let high = smooth().fold(quantile(0.99), f64::max);
        // A constant curve needs some room too, of a size that its own digits can show.
        let room = ((high - low) * 0.08)
            .max(high.abs().max(low.abs()) * 1e-3)
            .max(1e-9);
        // What cannot be negative should not seem to have room below zero.
        let floor = if low >= 0.0 {
            (low - room).max(0.0)
        } else {
            low - room
        };
        (floor, high + room)
    }
}

/// A local linear fit with a Gaussian window whose standard deviation is a fiftieth of the piece. A plain
/// average would lag behind a slope at both ends, which is where one reads the result.
fn smoothed(raw: &[Point]) -> Vec<Point> {
    let deviation = raw.len() as f64 / 50.0;
    if deviation < 0.5 {
        return raw.to_vec();
    }
    let reach = (3.0 * deviation).ceil() as usize;
    let fit = |center: usize| {
        // Weighted sums of 1, x, x², y and xy, with x counted from the center.
        let (mut w0, mut wx, mut wxx, mut wy, mut wxy) = (0.0, 0.0, 0.0, 0.0, 0.0);
        let window = center.saturating_sub(reach)..(center + reach + 1).min(raw.len());
        for (index, &(_, y)) in window.clone().zip(&raw[window]) {
            let x = index as f64 - center as f64;
            let w = (-0.5 * (x / deviation).powi(2)).exp();
            w0 += w;
            wx += w * x;
            wxx += w * x * x;
            wy += w * y;
            wxy += w * x * y;
        }
        (wxx * wy - wx * wxy) / (w0 * wxx - wx * wx)
    };
    (0..raw.len())
        .map(|center| (raw[center].0, fit(center)))
        .collect()
}
