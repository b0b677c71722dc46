//! The picture of a run: drawn on a machine without fonts, the same each time, whatever the run measured.

use std::fs;
use std::path::Path;

use farthing_runtime::run::curves::{draw_curves, draw_rows};
use farthing_runtime::run::{MetricRow, RunError};

use crate::support::leftovers;

fn rows() -> Vec<MetricRow> {
    (1..=120u64)
        .map(|step| {
            let mut row = MetricRow::new(step, if step <= 60 { "sft" } else { "rl" });
            row.set("loss", 2.0 / step as f64)
                .set("entropy", 1.0 - step as f64 / 200.0);
            if step > 60 {
                row.set("reward", (step % 7) as f64 / 7.0)
                    .set("completions/mean_length", 30 + step);
            }
            if step % 20 == 0 {
                row.set("eval_pass@1", step as f64 / 150.0);
            }
            row
        })
        .collect()
}

fn draw(rows: &[MetricRow]) -> Vec<u8> {
    let place = tempfile::tempdir().unwrap();
    let picture = place.path().join("curves.png");
    draw_rows(rows, &picture, "a run").unwrap();
    assert!(leftovers(place.path()).is_empty());
    fs::read(picture).unwrap()
}

/// Width and height from the header of a PNG file.
fn size(png: &[u8]) -> (u32, u32) {
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    assert_eq!(&png[12..16], b"IHDR");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[test]
fn the_picture_shows_the_numbers() {
    let picture = draw(&rows());
    assert_eq!(size(&picture), (1600, 1000));
    assert_eq!(
        picture,
        draw(&rows()),
        "the same rows give the same picture"
    );
    for metric in [
        "reward",
        "eval_pass@1",
        "loss",
        "completions/mean_length",
        "entropy",
    ] {
        let mut changed = rows();
        changed[119].set(metric, 0.75);
        assert_ne!(picture, draw(&changed), "{metric} is not shown");
    }
}

#[test]
fn odd_runs_have_a_picture_too() {
    let constant: Vec<_> = rows()
        .into_iter()
        .map(|mut row| {
            row.set("loss", 0.0);
            row
        })
        .collect();
    let mut broken = rows();
    broken[70]
        .set("reward", f64::NAN)
        .set("loss", f64::INFINITY);
    broken[80].set("loss", 1e300);
    let mut huge = rows();
    huge.iter_mut().for_each(|row| {
        row.set("entropy", f64::MAX);
    });
    for (name, rows) in [
        ("no rows", vec![]),
        ("one row", rows()[..1].to_vec()),
        ("two rows", rows()[..2].to_vec()),
        (
            "no metrics",
            vec![MetricRow::new(1, "rl"), MetricRow::new(2, "rl")],
        ),
        ("constant", constant),
        ("not finite", broken),
        ("huge", huge),
        ("step zero", vec![MetricRow::new(0, "eval")]),
    ] {
        assert_eq!(size(&draw(&rows)), (1600, 1000), "{name}");
    }
}

#[test]
fn drawing_reads_the_file_of_a_run_that_was_killed() {
    let place = tempfile::tempdir().unwrap();
    let metrics = place.path().join("metrics.jsonl");
    let text: String = rows().iter().map(|row| row.to_json_line() + "\n").collect();
    fs::write(&metrics, text + "{\"step\":121,\"st").unwrap();
    let picture = place.path().join("curves.png");
    draw_curves(&metrics, &picture, "a run").unwrap();
    assert_eq!(fs::read(&picture).unwrap(), draw(&rows()));
}

#[test]
fn a_picture_that_cannot_be_written_is_an_error() {
    let place = tempfile::tempdir().unwrap();
    let error = draw_rows(&rows(), &place.path().join("none/curves.png"), "a run").unwrap_err();
    assert!(matches!(error, RunError::Draw { .. }), "{error}");
    let error = draw_curves(
        Path::new("none.jsonl"),
        &place.path().join("curves.png"),
        "a run",
    )
    .unwrap_err();
    assert!(
        matches!(error, RunError::Io { action: "read", .. }),
        "{error}"
    );
}
