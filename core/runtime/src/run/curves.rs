//! `curves.png`: the five curves that tell whether a run learns, on one page.
//!
//! Reward and held-out pass@1 are the question and stand large in the first row; loss, completion length and
//! entropy are the diagnosis below. Each curve shows the values as they were, faint, and a moving average
//! over them, strong. The average begins anew with each stage, since a stage changes what the numbers mean.
//! Colours are those of Okabe and Ito, which colour-blind readers can tell apart.

use std::error::Error;
use std::path::Path;

use plotters::chart::ChartBuilder;
use plotters::coord::ranged1d::{BoldPoints, Ranged};
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::element::{Circle, PathElement, Rectangle};
use plotters::style::{Color, RGBColor};

use super::canvas::{Anchor, Canvas, OVERSAMPLING, Surface, TextStyle};
use super::error::RunError;
use super::metric_registry as names;
use super::metrics::{self, MetricRow};

const SIZE: (u32, u32) = (1600, 1000);
const MARGIN: f32 = 40.0;
const INK: RGBColor = RGBColor(33, 37, 41);
const GREY: RGBColor = RGBColor(108, 117, 125);
const GRID: RGBColor = RGBColor(226, 230, 234);
const BAND: RGBColor = RGBColor(246, 248, 250);
const BOUNDARY: RGBColor = RGBColor(173, 181, 189);
const ALARM: RGBColor = RGBColor(213, 94, 0);

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
    Panel { title: "Reward", metric: names::REWARD, color: RGBColor(0, 114, 178), scale: Scale::Free, frame: (40.0, 112.0, 745.0, 420.0) },
    Panel { title: "Held-out pass@1", metric: names::HELD_OUT_PASS_AT_1, color: RGBColor(0, 158, 115), scale: Scale::Share, frame: (815.0, 112.0, 745.0, 420.0) },
    Panel { title: "Loss", metric: names::LOSS, color: RGBColor(213, 94, 0), scale: Scale::Free, frame: (40.0, 572.0, 487.0, 388.0) },
    Panel { title: "Completion length, tokens", metric: names::COMPLETION_LENGTH, color: RGBColor(204, 121, 167), scale: Scale::Free, frame: (557.0, 572.0, 487.0, 388.0) },
    Panel { title: "Entropy, nats per token", metric: names::ENTROPY, color: RGBColor(86, 180, 233), scale: Scale::Free, frame: (1074.0, 572.0, 486.0, 388.0) },
];

/// Draws the curves of the run whose metrics lie at `metrics` to `picture`.
pub fn draw_curves(metrics: &Path, picture: &Path, title: &str) -> Result<(), RunError> {
    let rows = metrics::read_rows(metrics)?;
    draw_rows(&rows, picture, title)
}

/// The same from rows in memory.
pub fn draw_rows(rows: &[MetricRow], picture: &Path, title: &str) -> Result<(), RunError> {
    let stages = stages_of(rows);
    let mut canvas = Canvas::new(SIZE.0, SIZE.1);
    canvas.text(title, (MARGIN, 58.0), TextStyle { size: 28.0, bold: true, color: INK, anchor: Anchor::Start });
    canvas.text(&subtitle(rows), (MARGIN, 86.0), text(15.0, GREY));
    for panel in &PANELS {
        let series = Series::of(panel, rows, &stages);
        draw_panel(&mut canvas, panel, &series, &stages)
            .map_err(|why| RunError::Draw { path: picture.to_path_buf(), why })?;
    }
    canvas.save(picture)
}

fn text(size: f32, color: RGBColor) -> TextStyle {
    TextStyle { size, bold: false, color, anchor: Anchor::Start }
}

/// One stage's span of steps.
struct Stage {
    name: String,
    first: u64,
    last: u64,
}

fn stages_of(rows: &[MetricRow]) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    for row in rows {
        match stages.last_mut() {
            Some(stage) if stage.name == row.stage => stage.last = stage.last.max(row.step),
            _ => stages.push(Stage { name: row.stage.clone(), first: row.step, last: row.step }),
        }
    }
    stages
}

fn subtitle(rows: &[MetricRow]) -> String {
    let Some(last) = rows.iter().map(|row| row.step).max() else {
        return "no steps yet".to_string();
    };
    let mut parts = vec![format!("{last} steps")];
    let held_out: Vec<f64> = finite(rows, names::HELD_OUT_PASS_AT_1).collect();
    if let (Some(first), Some(last)) = (held_out.first(), held_out.last()) {
        parts.push(format!("held-out pass@1 {:.1} % → {:.1} %", first * 100.0, last * 100.0));
    }
    let rewards: Vec<f64> = finite(rows, names::REWARD).collect();
    if let (Some(first), Some(last)) = (rewards.first(), rewards.last()) {
        parts.push(format!("reward {first:.3} → {last:.3}"));
    }
    parts.join("  ·  ")
}

fn finite<'a>(rows: &'a [MetricRow], metric: &'a str) -> impl Iterator<Item = f64> + 'a {
    rows.iter().filter_map(move |row| row.get(metric)).filter(|value| value.is_finite())
}

/// The values of one metric, split where the stage changes.
struct Series {
    pieces: Vec<Piece>,
    nonfinite: usize,
}

struct Piece {
    raw: Vec<(f64, f64)>,
    smooth: Vec<(f64, f64)>,
}

impl Series {
    fn of(panel: &Panel, rows: &[MetricRow], stages: &[Stage]) -> Self {
        let total = finite(rows, panel.metric).count();
        // The average looks back over a fortieth of the run; a short run, and a share that is itself an
        // average over many problems, are shown as they are.
        let span = if panel.scale == Scale::Share { 1.0 } else { (total as f64 / 40.0).max(1.0) };
        let mut nonfinite = 0;
        let mut pieces = Vec::new();
        for stage in stages {
            let of_stage = rows.iter().filter(|row| row.stage == stage.name);
            let within = of_stage.filter(|row| (stage.first..=stage.last).contains(&row.step));
            let mut raw = Vec::new();
            for row in within {
                match row.get(panel.metric) {
                    Some(value) if value.is_finite() => raw.push((row.step as f64, value)),
                    Some(_) => nonfinite += 1,
                    None => {}
                }
            }
            if !raw.is_empty() {
                pieces.push(Piece { smooth: smoothed(&raw, span), raw });
            }
        }
        Self { pieces, nonfinite }
    }

    fn last(&self) -> Option<f64> {
        self.pieces.last()?.smooth.last().map(|point| point.1)
    }

    /// The range that shows the average whole and all but the wildest single values.
    fn range(&self, scale: Scale) -> (f64, f64) {
        if scale == Scale::Share {
            return (0.0, 1.0);
        }
        let mut raw: Vec<f64> = self.pieces.iter().flat_map(|piece| piece.raw.iter().map(|point| point.1)).collect();
        raw.sort_by(f64::total_cmp);
        let Some(end) = raw.len().checked_sub(1) else {
            return (0.0, 1.0);
        };
        let quantile = |share: f64| raw[(end as f64 * share).round() as usize];
        let smooth = || self.pieces.iter().flat_map(|piece| piece.smooth.iter().map(|point| point.1));
        let low = smooth().fold(quantile(0.01), f64::min);
        let high = smooth().fold(quantile(0.99), f64::max);
        // A constant curve needs some room too, of a size that its own digits can show.
        let room = ((high - low) * 0.08).max(high.abs().max(low.abs()) * 1e-3).max(1e-9);
        let floor = if low >= 0.0 { 0.0f64.max(low - room) } else { low - room };
        (floor, high + room)
    }
}

/// An exponential moving average over about `span` values, unbiased at the start.
fn smoothed(raw: &[(f64, f64)], span: f64) -> Vec<(f64, f64)> {
    let keep = 1.0 - 1.0 / span;
    let (mut sum, mut weight) = (0.0, 0.0);
    raw.iter()
        .map(|&(step, value)| {
            sum = sum * keep + value;
            weight = weight * keep + 1.0;
            (step, sum / weight)
        })
        .collect()
}

/// A text and where it goes, found while plotters holds the canvas.
struct Label {
    text: String,
    at: (f32, f32),
    style: TextStyle,
}

fn draw_panel(canvas: &mut Canvas, panel: &Panel, series: &Series, stages: &[Stage]) -> Result<(), String> {
    let (left, top, width, height) = panel.frame;
    canvas.text(panel.title, (left, top + 16.0), TextStyle { bold: true, ..text(17.0, INK) });
    let right = left + width;
    if let Some(last) = series.last() {
        let style = TextStyle { bold: true, anchor: Anchor::End, ..text(17.0, panel.color) };
        canvas.text(&value_text(last, panel.scale), (right, top + 16.0), style);
    }
    if series.nonfinite > 0 {
        let style = TextStyle { anchor: Anchor::Middle, ..text(13.0, ALARM) };
        let warning = format!("{} values were not finite", series.nonfinite);
        canvas.text(&warning, (left + width / 2.0, top + 16.0), style);
    }
    let plot = (left + 52.0, top + 34.0, width - 52.0, height - 34.0 - 28.0);
    if series.pieces.is_empty() {
        let style = TextStyle { anchor: Anchor::Middle, ..text(14.0, GREY) };
        let center = (plot.0 + plot.2 / 2.0, plot.1 + plot.3 / 2.0);
        canvas.text(&format!("`{}` was not measured in this run", panel.metric), center, style);
    }
    let labels = canvas.draw(|surface| draw_plot(surface, panel, plot, series, stages))?;
    for Label { text, at, style } in labels {
        canvas.text(&text, at, style);
    }
    Ok(())
}

fn draw_plot(
    surface: &Surface<'_>,
    panel: &Panel,
    plot: (f32, f32, f32, f32),
    series: &Series,
    stages: &[Stage],
) -> Result<Vec<Label>, String> {
    let drawn = |length: f32| (length * OVERSAMPLING as f32) as u32;
    let area = surface.clone().shrink((drawn(plot.0), drawn(plot.1)), (drawn(plot.2), drawn(plot.3)));
    let first = stages.iter().map(|stage| stage.first).min().unwrap_or(0) as f64;
    let last = stages.iter().map(|stage| stage.last).max().unwrap_or(1) as f64;
    let steps = (first, if last > first { last } else { first + 1.0 });
    let (low, high) = series.range(panel.scale);
    let chart = ChartBuilder::on(&area)
        .build_cartesian_2d(steps.0..steps.1, low..high)
        .map_err(failed)?;
    let paint = chart.plotting_area();
    let position = |point: (f64, f64)| {
        let (x, y) = chart.backend_coord(&point);
        (x as f32 / OVERSAMPLING as f32, y as f32 / OVERSAMPLING as f32)
    };
    let mut labels = Vec::new();

    for (index, stage) in stages.iter().enumerate() {
        let (begin, end) = (stage.first as f64, stages.get(index + 1).map_or(steps.1, |next| next.first as f64));
        if index % 2 == 1 {
            paint.draw(&Rectangle::new([(begin, low), (end, high)], BAND.filled())).map_err(failed)?;
        }
        if index > 0 {
            let line = [(begin, low), (begin, high)];
            paint.draw(&PathElement::new(line, BOUNDARY.stroke_width(2))).map_err(failed)?;
        }
        let (x, y) = position((begin, high));
        if position((end, high)).0 - x > 7.5 * stage.name.len() as f32 + 8.0 {
            labels.push(Label { text: stage.name.clone(), at: (x + 6.0, y + 14.0), style: text(12.0, GREY) });
        }
    }

    let ticks = |low: f64, high: f64, count: usize| RangedCoordf64::from(low..high).key_points(BoldPoints(count));
    let value_ticks = ticks(low, high, 6);
    let spacing = value_ticks.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    for tick in value_ticks {
        let line = [(steps.0, tick), (steps.1, tick)];
        paint.draw(&PathElement::new(line, GRID.stroke_width(2))).map_err(failed)?;
        let at = (plot.0 - 8.0, position((steps.0, tick)).1 + 4.5);
        let style = TextStyle { anchor: Anchor::End, ..text(13.0, GREY) };
        labels.push(Label { text: tick_text(tick, spacing, panel.scale), at, style });
    }
    for tick in ticks(steps.0, steps.1, 8).into_iter().filter(|tick| tick.fract() == 0.0) {
        let at = (position((tick, low)).0, plot.1 + plot.3 + 20.0);
        let style = TextStyle { anchor: Anchor::Middle, ..text(13.0, GREY) };
        labels.push(Label { text: format!("{tick:.0}"), at, style });
    }
    labels.push(Label {
        text: "step".to_string(),
        at: (plot.0 - 8.0, plot.1 + plot.3 + 20.0),
        style: TextStyle { anchor: Anchor::End, ..text(13.0, GREY) },
    });

    let inside = |point: &(f64, f64)| (point.0, point.1.clamp(low, high));
    let count: usize = series.pieces.iter().map(|piece| piece.raw.len()).sum();
    for Piece { raw, smooth } in &series.pieces {
        if raw != smooth {
            let line: Vec<_> = raw.iter().map(inside).collect();
            paint.draw(&PathElement::new(line, panel.color.mix(0.35).stroke_width(2))).map_err(failed)?;
        }
        let line: Vec<_> = smooth.iter().map(inside).collect();
        paint.draw(&PathElement::new(line, panel.color.stroke_width(5))).map_err(failed)?;
        // Few values are measurements that one wants to count; many would hide the line.
        if count <= 40 || raw.len() == 1 {
            for point in raw {
                paint.draw(&Circle::new(inside(point), 8, panel.color.filled())).map_err(failed)?;
            }
        }
    }
    Ok(labels)
}

fn failed<E: Error + Send + Sync>(error: DrawingAreaErrorKind<E>) -> String {
    error.to_string()
}

fn value_text(value: f64, scale: Scale) -> String {
    match scale {
        Scale::Share => format!("{:.1} %", value * 100.0),
        Scale::Free if value.abs() >= 100.0 => format!("{value:.0}"),
        Scale::Free if value.abs() >= 10.0 => format!("{value:.1}"),
        Scale::Free => format!("{value:.3}"),
    }
}

/// As many decimals as the distance between two ticks needs.
fn tick_text(tick: f64, spacing: f64, scale: Scale) -> String {
    if scale == Scale::Share {
        return format!("{:.0} %", tick * 100.0);
    }
    let decimals = if spacing.is_finite() { (-spacing.log10().floor()).clamp(0.0, 9.0) as usize } else { 2 };
    let text = format!("{tick:.decimals$}");
    // A tick at zero may come out as a tiny negative number.
    if text.trim_matches(['-', '0', '.']).is_empty() { "0".to_string() } else { text }
}
