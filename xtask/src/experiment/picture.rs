//! The picture of an experiment: for each arm its mean, its interval and its seeds, in a panel for each figure.

use std::fmt::Write as _;

use super::summary::{Outcome, Results};

const WIDTH: f64 = 760.0;
const ROW: f64 = 34.0;
const TOP: f64 = 46.0;
const LABELS: f64 = 150.0;
const GAP: f64 = 40.0;

/// A panel's title and what it shows.
const PANELS: [(&str, fn(&Outcome) -> f64); 2] = [
    ("pass@1 after, %", |outcome| outcome.after.pass_at_1),
    ("pass@8 after, %", |outcome| outcome.after.pass_at_8),
];

/// The picture as SVG.
pub fn draw(results: &Results) -> String {
    let height = TOP + ROW * results.arms.len() as f64 + 36.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (index, (arm, _)) in results.arms.iter().enumerate() {
        let y = row(index) + 4.0;
        let _ = writeln!(svg, "<text x=\"8\" y=\"{y}\">{}</text>", arm.name);
    }
    let width = (WIDTH - LABELS - GAP - 20.0) / 2.0;
    for (number, (title, figure)) in PANELS.into_iter().enumerate() {
        let left = LABELS + number as f64 * (width + GAP);
        panel(&mut svg, results, title, figure, left, width);
    }
    svg + "</svg>\n"
}

fn row(index: usize) -> f64 {
    TOP + ROW * (index as f64 + 0.5)
}

fn panel(
    svg: &mut String,
    results: &Results,
    title: &str,
    figure: fn(&Outcome) -> f64,
    left: f64,
    width: f64,
) {
    let (low, high) = range(results, figure);
    let x = |share: f64| left + width * ((share - low) / (high - low)).clamp(0.0, 1.0);
    let bottom = row(results.arms.len()) - ROW / 2.0;
    let _ = writeln!(
        svg,
        "<text x=\"{left:.1}\" y=\"20\" font-weight=\"bold\">{title}</text>"
    );
    let mut tick = (low * 100.0).ceil();
    let step = (((high - low) * 100.0) / 5.0).ceil().max(1.0);
    while tick <= high * 100.0 {
        let at = x(tick / 100.0);
        let _ = writeln!(
            svg,
            "<line x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{bottom:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#666\">{tick:.0}</text>",
            bottom + 18.0
        );
        tick += step;
    }
    for (index, (_, outcomes)) in results.arms.iter().enumerate() {
        let (mean, y) = (results.mean(index, figure), row(index));
        for outcome in outcomes {
            let at = x(figure(outcome));
            let _ = writeln!(
                svg,
                "<line x1=\"{at:.1}\" y1=\"{:.1}\" x2=\"{at:.1}\" y2=\"{:.1}\" stroke=\"#999\"/>",
                y - 6.0,
                y + 6.0
            );
        }
        if mean.half_width.is_finite() {
            let (from, to) = (
                x(mean.value - mean.half_width),
                x(mean.value + mean.half_width),
            );
            let _ = writeln!(
                svg,
                "<line class=\"interval\" x1=\"{from:.1}\" y1=\"{y:.1}\" x2=\"{to:.1}\" y2=\"{y:.1}\" stroke=\"#1f5fa8\" stroke-width=\"2\"/>"
            );
        }
        let _ = writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"#1f5fa8\"/>",
            x(mean.value)
        );
    }
}

/// From the least to the greatest of seeds and intervals, with a margin, within 0 and 1.
fn range(results: &Results, figure: fn(&Outcome) -> f64) -> (f64, f64) {
    let (mut low, mut high) = (1.0_f64, 0.0_f64);
    for (index, (_, outcomes)) in results.arms.iter().enumerate() {
        let mean = results.mean(index, figure);
        let ends = [mean.value - mean.half_width, mean.value + mean.half_width];
        let seeds = outcomes.iter().map(figure);
        for share in seeds.chain(ends).filter(|share| share.is_finite()) {
            (low, high) = (low.min(share), high.max(share));
        }
    }
    let margin = 0.05 * (high - low).max(0.02);
    ((low - margin).max(0.0), (high + margin).min(1.0))
}
