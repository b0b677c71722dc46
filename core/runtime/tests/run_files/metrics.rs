//! The metrics files: same bytes whatever the order, the run's interruptions, or the numbers.

use std::fs;
use std::path::Path;

use farthing_runtime::run::logging::Logging;
use farthing_runtime::run::metrics::{MetricValue, read_rows};
use farthing_runtime::run::{
    MetricRegistry, MetricRow, MetricsPosition, RunError, RunMetrics, RunPaths, Terminal,
};
use proptest::prelude::*;

fn open(root: &Path, position: MetricsPosition) -> Result<RunMetrics, RunError> {
    RunMetrics::open(&RunPaths::new(root), position, MetricRegistry::runtime())
}

fn step_row(step: u64) -> MetricRow {
    let mut row = MetricRow::new(step, if step < 5 { "sft" } else { "rl" });
    row.set("loss", 1.0 / step as f64)
        .set("num_tokens", step * 100)
        .set("reward", 0.1f32);
    row.set("step_time", 0.25).set("perf/throughput", 0.125);
    row
}

#[test]
fn a_row_is_the_same_whatever_the_order_of_setting() {
    let mut one = MetricRow::new(7, "rl");
    one.set("reward", 0.5)
        .set("kl", -0.0)
        .set("completions/max_length", 12usize)
        .set("loss", 3.0);
    let mut other = MetricRow::new(7, "rl");
    other
        .set("loss", 9.0)
        .set("loss", 3.0)
        .set("completions/max_length", 12usize)
        .set("kl", -0.0)
        .set("reward", 0.5);
    let expected =
        r#"{"step":7,"stage":"rl","completions/max_length":12,"kl":-0.0,"loss":3.0,"reward":0.5}"#;
    assert_eq!(one.to_json_line(), expected);
    assert_eq!(other.to_json_line(), expected);
}

#[test]
fn numbers_that_are_not_finite_are_null_and_named() {
    let mut row = MetricRow::new(1, "rl");
    row.set("loss", f64::NAN)
        .set("kl", f32::INFINITY)
        .set("reward", 1.5)
        .set("grad_norm", f64::NEG_INFINITY);
    let line = row.to_json_line();
    assert_eq!(
        line,
        r#"{"step":1,"stage":"rl","grad_norm":null,"kl":null,"loss":null,"reward":1.5,"nonfinite":["grad_norm","kl","loss"]}"#
    );
    let place = tempfile::tempdir().unwrap();
    open(place.path(), MetricsPosition::default())
        .unwrap()
        .append(&row)
        .unwrap();
    let [read] = &read_rows(&place.path().join("metrics.jsonl")).unwrap()[..] else {
        panic!("one row")
    };
    assert!(read.get("loss").unwrap().is_nan());
    assert_eq!(read.get("reward"), Some(1.5));
    assert_eq!(read.get("nonfinite"), None);
}

proptest! {
    #[test]
    fn every_real_number_reads_back_to_the_same_bits(bits: u64) {
        let value = f64::from_bits(bits);
        prop_assume!(value.is_finite());
        let mut row = MetricRow::new(0, "s");
        row.set("loss", value);
        let line = row.to_json_line();
        let digits = line.rsplit(':').next().unwrap().trim_end_matches('}');
        prop_assert_eq!(digits.parse::<f64>().unwrap().to_bits(), bits);
    }
}

#[test]
fn wall_clock_figures_go_to_their_own_file() {
    let place = tempfile::tempdir().unwrap();
    let mut metrics = open(place.path(), MetricsPosition::default()).unwrap();
    metrics.append(&step_row(2)).unwrap();
    let mut quick = MetricRow::new(3, "sft");
    quick.set("loss", 0.5);
    metrics.append(&quick).unwrap();
    let read = |name: &str| fs::read_to_string(place.path().join(name)).unwrap();
    assert_eq!(
        read("metrics.jsonl"),
        "{\"step\":2,\"stage\":\"sft\",\"loss\":0.5,\"num_tokens\":200,\"reward\":0.10000000149011612}\n\
         {\"step\":3,\"stage\":\"sft\",\"loss\":0.5}\n"
    );
    assert_eq!(
        read("timing.jsonl"),
        "{\"step\":2,\"stage\":\"sft\",\"perf/throughput\":0.125,\"step_time\":0.25}\n"
    );
}

#[test]
fn an_interrupted_run_ends_with_the_same_bytes() {
    let straight = tempfile::tempdir().unwrap();
    let mut metrics = open(straight.path(), MetricsPosition::default()).unwrap();
    (1..=10).for_each(|step| metrics.append(&step_row(step)).unwrap());

    // Every checkpoint, and every tear of the rows after it, leads to the same files.
    for checkpoint in 0..10 {
        for torn in [
            "",
            "{",
            "{\"step\":9,\"stage\":\"rl\",\"lo",
            "\n",
            "{}\n{\"st",
        ] {
            let resumed = tempfile::tempdir().unwrap();
            let mut metrics = open(resumed.path(), MetricsPosition::default()).unwrap();
            (1..=checkpoint).for_each(|step| metrics.append(&step_row(step)).unwrap());
            let stored = serde_json::to_string(&metrics.position().unwrap()).unwrap();
            (checkpoint + 1..=10.min(checkpoint + 2))
                .for_each(|step| metrics.append(&step_row(step)).unwrap());
            drop(metrics);
            for file in ["metrics.jsonl", "timing.jsonl"] {
                let path = resumed.path().join(file);
                let bytes = [fs::read(&path).unwrap().as_slice(), torn.as_bytes()].concat();
                fs::write(&path, bytes).unwrap();
            }

            let mut metrics = open(resumed.path(), serde_json::from_str(&stored).unwrap()).unwrap();
            (checkpoint + 1..=10).for_each(|step| metrics.append(&step_row(step)).unwrap());
            for file in ["metrics.jsonl", "timing.jsonl"] {
                let bytes = |root: &Path| fs::read(root.join(file)).unwrap();
                assert_eq!(
                    bytes(resumed.path()),
                    bytes(straight.path()),
                    "{file} from {checkpoint}, {torn:?}"
                );
            }
        }
    }
}

#[test]
fn a_file_that_lost_rows_cannot_be_resumed_silently() {
    let place = tempfile::tempdir().unwrap();
    let mut metrics = open(place.path(), MetricsPosition::default()).unwrap();
    (1..=3).for_each(|step| metrics.append(&step_row(step)).unwrap());
    let position = metrics.position().unwrap();
    drop(metrics);
    let path = place.path().join("metrics.jsonl");
    let bytes = fs::read(&path).unwrap();

    fs::write(&path, &bytes[..bytes.len() - 4]).unwrap();
    let error = open(place.path(), position).unwrap_err();
    assert!(
        matches!(error, RunError::LogTooShort { expected, found, .. } if expected == found + 4),
        "{error}"
    );

    fs::write(&path, [&bytes[..bytes.len() - 1], b" {}\n"].concat()).unwrap();
    let error = open(place.path(), position).unwrap_err();
    assert!(matches!(error, RunError::LogEdited { .. }), "{error}");

    fs::remove_file(&path).unwrap();
    let error = open(place.path(), position).unwrap_err();
    assert!(
        matches!(error, RunError::Io { action: "open", .. }),
        "{error}"
    );
}

#[test]
fn reading_stops_before_a_torn_line_but_not_over_a_bad_one() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("metrics.jsonl");
    fs::write(
        &path,
        "{\"step\":1,\"stage\":\"a\",\"loss\":1.5,\"num_tokens\":3}\n{\"step\":2,\"sta",
    )
    .unwrap();
    let rows = read_rows(&path).unwrap();
    assert_eq!(rows.len(), 1);
    let values: Vec<_> = rows[0].iter().collect();
    assert_eq!(
        values,
        [
            ("loss", MetricValue::Real(1.5)),
            ("num_tokens", MetricValue::Count(3))
        ]
    );

    fs::write(&path, "{\"step\":1,\"stage\":\"a\"}\n{\"stage\":\"a\"}\n").unwrap();
    let error = read_rows(&path).unwrap_err();
    assert!(error.to_string().contains("line 2 of"), "{error}");
    assert!(
        error
            .to_string()
            .ends_with("is not a metrics row: it has no whole number `step`"),
        "{error}"
    );
}

#[test]
fn an_undeclared_metric_is_written_and_warned_about_once() {
    let place = tempfile::tempdir().unwrap();
    let terminal = Terminal::in_memory();
    let (subscriber, _logging) = Logging::subscriber(&terminal, 0, None).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        let mut metrics = open(place.path(), MetricsPosition::default()).unwrap();
        for step in 0..3 {
            let mut row = step_row(step + 1);
            row.set("mystery", 1u64)
                .set("stage", 2u64)
                .set("eval_reward", 0.5);
            metrics.append(&row).unwrap();
        }
    });
    let warnings = terminal.captured();
    assert_eq!(warnings.matches("mystery").count(), 1, "{warnings}");
    assert!(
        warnings.contains("this metric has no description"),
        "{warnings}"
    );
    assert!(
        warnings.contains("this name belongs to the row itself"),
        "{warnings}"
    );
    assert_eq!(warnings.lines().count(), 2, "{warnings}");
    let text = fs::read_to_string(place.path().join("metrics.jsonl")).unwrap();
    assert!(
        text.lines()
            .all(|line| line.contains("\"mystery\":1") && line.matches("\"stage\"").count() == 1)
    );
}
