//! `curves.png`: the five curves that tell whether a run learns, on one page.
//!
//! Reward and held-out pass@1 are the question and stand large in the first row; loss, completion length and
//! entropy are the diagnosis below. Each curve shows the values as they were, faint, and a smooth line
//! through them, strong. The line never reaches over a stage's end, since a stage changes what the numbers
//! mean. Each curve spans the steps at which it was measured, so that a short stage is not squeezed beside a
//! long one that lacks the metric. The colours are those of Okabe and Ito, which colour-blind readers can
//! tell apart.

mod canvas;
mod panel;
mod series;

use std::path::Path;

use plotters::style::RGBColor;

use super::error::RunError;
use super::metric_registry as names;
use super::metrics::{self, MetricRow};
use canvas::{Canvas, TextStyle};
use series::{Series, StageSpan};

const SIZE: (u32, u32) = (1600, 1000);
const MARGIN: f32 = 40.0;
const INK: RGBColor = RGBColor(33, 37, 41);
const GREY: RGBColor = RGBColor(108, 117, 125);

/// One curve and where it stands.
struct Panel {
    title: &'static str,
    metric: &'static str,
    color: RGBColor,
    scale: Scale,
    /// Left, top, width and height of the panel, its texts included.
    frame: (f32, f32, f32, f32),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scale {
    Free,
    /// A share, shown as per cent from 0 to 100.
    Share,
}

const PANELS: [Panel; 5] = [
    Panel {
        title: "Reward",
        metric: names::REWARD,
        color: RGBColor(0, 114, 178),
        scale: Scale::Free,
        frame: (40.0, 112.0, 745.0, 430.0),
    },
    Panel {
        title: "Held-out pass@1",
        metric: names::HELD_OUT_PASS_AT_1,
        color: RGBColor(0, 158, 115),
        scale: Scale::Share,
        frame: (815.0, 112.0, 745.0, 430.0),
    },
    Panel {
        title: "Loss",
        metric: names::LOSS,
        color: RGBColor(213, 94, 0),
        scale: Scale::Free,
        frame: (40.0, 576.0, 487.0, 394.0),
    },
    Panel {
        title: "Completion length, tokens",
        metric: names::COMPLETION_LENGTH,
        color: RGBColor(204, 121, 167),
        scale: Scale::Free,
        frame: (557.0, 576.0, 487.0, 394.0),
    },
    Panel {
        title: "Entropy, nats per token",
        metric: names::ENTROPY,
        color: RGBColor(86, 180, 233),
        scale: Scale::Free,
        frame: (1074.0, 576.0, 486.0, 394.0),
    },
];

/// Draws the curves of the run whose metrics lie at `metrics` to `picture`.
pub fn draw_curves(metrics: &Path, picture: &Path, title: &str) -> Result<(), RunError> {
    draw_rows(&metrics::read_rows(metrics)?, picture, title)
}

/// The same from rows in memory.
pub fn draw_rows(rows: &[MetricRow], picture: &Path, title: &str) -> Result<(), RunError> {
    let stages = StageSpan::all_of(rows);
    let mut canvas = Canvas::new(SIZE.0, SIZE.1);
    canvas.text(title, (MARGIN, 58.0), TextStyle::bold(28.0, INK));
    canvas.text(
        &subtitle(rows),
        (MARGIN, 86.0),
        TextStyle::regular(15.0, GREY),
    );
    for panel in &PANELS {
        let series = Series::of(panel, rows, &stages);
        panel::draw_panel(&mut canvas, panel, &series, &stages).map_err(|why| RunError::Draw {
            path: picture.to_path_buf(),
            why,
        })?;
    }
    canvas.save(picture)
}

fn subtitle(rows: &[MetricRow]) -> String {
    let Some(last) = rows.iter().map(|row| row.step).max() else {
        return "no steps yet".to_string();
    };
    let held_out = rows
        .iter()
        .filter_map(|row| row.get(names::HELD_OUT_PASS_AT_1));
    let held_out: Vec<f64> = held_out.filter(|value| value.is_finite()).collect();
    match held_out[..] {
        [first, .., last_value] => {
            let (first, last_value) = (first * 100.0, last_value * 100.0);
            format!("{last} steps  ·  held-out pass@1 {first:.1} % → {last_value:.1} %")
        }
        _ => format!("{last} steps"),
    }
}
