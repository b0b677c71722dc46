//! One panel: its title, axes, stages and curve.

use std::error::Error;

use plotters::chart::ChartBuilder;
use plotters::coord::ranged1d::{BoldPoints, Ranged};
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::element::{Circle, PathElement, Rectangle};
use plotters::style::{Color, RGBColor};

use super::canvas::{Anchor, Canvas, OVERSAMPLING, Surface, TextStyle};
use super::series::{Piece, Point, Series, StageSpan};
use super::{GREY, INK, Panel, Scale};

const GRID: RGBColor = RGBColor(226, 230, 234);
const BAND: RGBColor = RGBColor(246, 248, 250);
const BOUNDARY: RGBColor = RGBColor(173, 181, 189);
const ALARM: RGBColor = RGBColor(213, 94, 0);

const HAIRLINE: u32 = OVERSAMPLING;
const CURVE: u32 = OVERSAMPLING * 5 / 2;
const DOT: u32 = OVERSAMPLING * 4;

/// A text and where it goes, found while plotters holds the canvas.
struct Label {
    text: String,
    at: (f32, f32),
    style: TextStyle,
}

/// The rectangle of the axes: left, top, width, height.
type Frame = (f32, f32, f32, f32);

pub fn draw_panel(
    canvas: &mut Canvas,
    panel: &Panel,
    series: &Series,
    stages: &[StageSpan],
) -> Result<(), String> {
    let (left, top, width, height) = panel.frame;
    let title_line = top + 16.0;
    canvas.text(panel.title, (left, title_line), TextStyle::bold(17.0, INK));
    if let Some(last) = series.last() {
        let style = TextStyle::bold(17.0, panel.color).anchored(Anchor::End);
        canvas.text(
            &value_text(last, panel.scale),
            (left + width, title_line),
            style,
        );
    }
    if series.not_shown > 0 {
        let warning = match series.not_shown {
            1 => "1 value was not finite or huge".to_string(),
            count => format!("{count} values were not finite or huge"),
        };
        let style = TextStyle::regular(13.0, ALARM).anchored(Anchor::Middle);
        canvas.text(&warning, (left + width / 2.0, title_line), style);
    }
    let axes = (left + 52.0, top + 46.0, width - 52.0, height - 46.0 - 28.0);
    if series.pieces.is_empty() {
        let center = (left + width / 2.0, axes.1 + axes.3 / 2.0);
        let style = TextStyle::regular(14.0, GREY).anchored(Anchor::Middle);
        canvas.text(
            &format!("{} was not measured in this run", panel.metric),
            center,
            style,
        );
        return Ok(());
    }
    let labels =
        canvas.draw(|surface| draw_axes_and_curve(surface, panel, axes, series, stages))?;
    for Label { text, at, style } in labels {
        canvas.text(&text, at, style);
    }
    Ok(())
}

fn draw_axes_and_curve(
    surface: &Surface<'_>,
    panel: &Panel,
    axes: Frame,
    series: &Series,
    stages: &[StageSpan],
) -> Result<Vec<Label>, String> {
    let drawn = |length: f32| (length * OVERSAMPLING as f32) as u32;
    let area = surface.clone().shrink(
        (drawn(axes.0), drawn(axes.1)),
        (drawn(axes.2), drawn(axes.3)),
    );
    let (first, last) = series.steps();
    let (low, high) = series.range(panel.scale);
    let chart = ChartBuilder::on(&area)
        .build_cartesian_2d(first..last, low..high)
        .map_err(failed)?;
    let paint = chart.plotting_area();
    let position = |point: Point| {
        let (x, y) = chart.backend_coord(&point);
        (
            x as f32 / OVERSAMPLING as f32,
            y as f32 / OVERSAMPLING as f32,
        )
    };
    let mut labels = Vec::new();

    for (index, stage) in stages.iter().enumerate() {
        let next = stages
            .get(index + 1)
            .map_or(f64::INFINITY, |next| next.first as f64);
        let (begin, end) = ((stage.first as f64).max(first), next.min(last));
        if begin >= end {
            continue;
        }
        if index % 2 == 1 {
            let band = Rectangle::new([(begin, low), (end, high)], BAND.filled());
            paint.draw(&band).map_err(failed)?;
        }
        if begin > first {
            let boundary = PathElement::new(
                [(begin, low), (begin, high)],
                BOUNDARY.stroke_width(HAIRLINE),
            );
            paint.draw(&boundary).map_err(failed)?;
        }
        let x = position((begin, high)).0;
        let is_wide_enough = position((end, high)).0 - x > 7.5 * stage.name.len() as f32 + 8.0;
        if is_wide_enough {
            let at = (x + 1.0, axes.1 - 6.0);
            labels.push(Label {
                text: stage.name.clone(),
                at,
                style: TextStyle::regular(12.0, GREY),
            });
        }
    }

    let value_ticks = ticks(low, high, 6);
    let distance = value_ticks
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .fold(f64::INFINITY, f64::min);
    for tick in value_ticks {
        let line = PathElement::new([(first, tick), (last, tick)], GRID.stroke_width(HAIRLINE));
        paint.draw(&line).map_err(failed)?;
        labels.push(Label {
            text: tick_text(tick, distance, panel.scale),
            at: (axes.0 - 8.0, position((first, tick)).1 + 4.5),
            style: TextStyle::regular(13.0, GREY).anchored(Anchor::End),
        });
    }
    let below = axes.1 + axes.3 + 20.0;
    labels.push(Label {
        text: "step".to_string(),
        at: (panel.frame.0, below),
        style: TextStyle::regular(13.0, GREY),
    });
    for tick in ticks(first, last, 8)
        .into_iter()
        .filter(|tick| tick.fract() == 0.0)
    {
        labels.push(Label {
            text: format!("{tick:.0}"),
            at: (position((tick, low)).0, below),
            style: TextStyle::regular(13.0, GREY).anchored(Anchor::Middle),
        });
    }

    let inside = |point: &Point| (point.0, point.1.clamp(low, high));
    for Piece { raw, smooth } in &series.pieces {
        let line = |points: &[Point]| points.iter().map(inside).collect::<Vec<_>>();
        if raw != smooth {
            let faint = panel.color.mix(0.35).stroke_width(HAIRLINE);
            paint
                .draw(&PathElement::new(line(raw), faint))
                .map_err(failed)?;
        }
        let strong = panel.color.stroke_width(CURVE);
        paint
            .draw(&PathElement::new(line(smooth), strong))
            .map_err(failed)?;
        // Few values are measurements that one wants to count; the dots of many would hide the line.
        if series.count() <= 40 || raw.len() == 1 {
            for point in raw {
                let dot = Circle::new(inside(point), DOT, panel.color.filled());
                paint.draw(&dot).map_err(failed)?;
            }
        }
    }
    Ok(labels)
}

fn ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    RangedCoordf64::from(low..high).key_points(BoldPoints(count))
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
fn tick_text(tick: f64, distance: f64, scale: Scale) -> String {
    if scale == Scale::Share {
        return format!("{:.0} %", tick * 100.0);
    }
    let decimals = if distance.is_finite() {
        (-distance.log10().floor()).clamp(0.0, 9.0) as usize
    } else {
        2
    };
    let text = format!("{tick:.decimals$}");
    // A tick at zero may come out as a tiny negative number.
    if text.trim_matches(['-', '0', '.']).is_empty() {
        "0".to_string()
    } else {
        text
    }
}
