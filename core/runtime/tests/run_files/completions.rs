//! The completions table, read back with the parquet crate as other tools would.

use std::fs::{self, File};
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt32Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use farthing_runtime::run::completions::CompletionsPosition;
use farthing_runtime::run::{CompletionRow, CompletionsWriter, RewardCell, RunError};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::reader::{FileReader, SerializedFileReader};

/// An attempt at `step` with one reward.
pub fn row(step: u64, attempt: u32) -> CompletionRow {
    CompletionRow {
        step,
        stage: "rl".to_string(),
        task: "arithmetic/sums".to_string(),
        problem_id: format!("p{step}"),
        attempt,
        prompt: "1 + 1 = ?\n".to_string(),
        completion: format!("<answer>{attempt}</answer> ünï"),
        finish: "eos".to_string(),
        rewards: vec![RewardCell {
            name: "text/tags".to_string(),
            value: Some(0.1 * f64::from(attempt)),
            outcome: "scored".to_string(),
        }],
        reward: Some(f64::from(attempt)),
        advantage: None,
    }
}

/// The rows of all parts: step, attempt, completion.
pub fn read_table(table: &Path) -> Vec<(u64, u32, String)> {
    let mut rows = Vec::new();
    for batch in batches(table) {
        let column = |name| batch.column_by_name(name).unwrap();
        let steps = column("step").as_primitive::<UInt64Type>();
        let attempts = column("attempt").as_primitive::<UInt32Type>();
        let completions = column("completion").as_string::<i32>();
        for index in 0..batch.num_rows() {
            rows.push((
                steps.value(index),
                attempts.value(index),
                completions.value(index).to_string(),
            ));
        }
    }
    rows
}

fn parts(table: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(table)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    // Readers take every file that does not begin with a dot.
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

fn batches(table: &Path) -> Vec<RecordBatch> {
    let read = |name: String| {
        let file = File::open(table.join(name)).unwrap();
        ParquetRecordBatchReaderBuilder::try_new(file)
            .unwrap()
            .build()
            .unwrap()
            .map(Result::unwrap)
    };
    parts(table).into_iter().flat_map(read).collect()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

#[test]
fn every_value_comes_back() {
    let place = tempfile::tempdir().unwrap();
    let table = place.path().join("completions.parquet");
    let mut writer = CompletionsWriter::open(&table, &names(&["text/tags", "sums/exact"])).unwrap();
    let mut odd = row(3, 1);
    odd.rewards = vec![RewardCell {
        name: "sums/exact".to_string(),
        value: None,
        outcome: "failed: division by zero".to_string(),
    }];
    (odd.reward, odd.advantage) = (None, Some(-0.5));
    writer.push(row(3, 0)).unwrap();
    writer.push(odd).unwrap();
    assert_eq!(
        writer.flush().unwrap().unwrap(),
        table.join("part-step-000003.parquet")
    );
    assert_eq!(writer.flush().unwrap(), None);

    let [batch] = &batches(&table)[..] else {
        panic!("one part")
    };
    let schema = batch.schema();
    let columns: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    let expected = "step stage task problem_id attempt prompt completion finish rewards/text/tags \
                    outcomes/text/tags rewards/sums/exact outcomes/sums/exact reward advantage";
    assert_eq!(
        columns.join(" "),
        expected.split_whitespace().collect::<Vec<_>>().join(" ")
    );

    let numbers = |name| {
        let column = batch
            .column_by_name(name)
            .unwrap()
            .as_primitive::<Float64Type>();
        column.iter().collect::<Vec<_>>()
    };
    let texts = |name| {
        let column = batch.column_by_name(name).unwrap().as_string::<i32>();
        column
            .iter()
            .map(|text| text.map(str::to_string))
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers("rewards/text/tags"), [Some(0.0), None]);
    assert_eq!(numbers("rewards/sums/exact"), [None, None]);
    assert_eq!(numbers("reward"), [Some(0.0), None]);
    assert_eq!(numbers("advantage"), [None, Some(-0.5)]);
    assert_eq!(
        texts("outcomes/text/tags"),
        [Some("scored".to_string()), None]
    );
    assert_eq!(
        texts("outcomes/sums/exact"),
        [None, Some("failed: division by zero".to_string())]
    );
    assert_eq!(
        texts("completion")[1].as_deref(),
        Some("<answer>1</answer> ünï")
    );
    assert_eq!(texts("prompt")[0].as_deref(), Some("1 + 1 = ?\n"));
    assert!(!batch.column_by_name("stage").unwrap().is_nullable());

    let reader =
        SerializedFileReader::new(File::open(table.join("part-step-000003.parquet")).unwrap())
            .unwrap();
    let compression = reader.metadata().row_group(0).column(6).compression();
    assert!(
        matches!(compression, Compression::ZSTD(_)),
        "{compression:?}"
    );
}

#[test]
fn a_resumed_table_equals_an_undisturbed_one() {
    let place = tempfile::tempdir().unwrap();
    let rewards = names(&["text/tags"]);
    let write = |writer: &mut CompletionsWriter, steps: std::ops::RangeInclusive<u64>| {
        for step in steps {
            for attempt in 0..3 {
                writer.push(row(step, attempt)).unwrap();
            }
            if step % 5 == 0 {
                writer.flush().unwrap();
            }
        }
    };
    let straight = place.path().join("straight");
    write(
        &mut CompletionsWriter::open(&straight, &rewards).unwrap(),
        1..=20,
    );

    let resumed = place.path().join("resumed");
    let mut writer = CompletionsWriter::open(&resumed, &rewards).unwrap();
    write(&mut writer, 1..=10);
    let position = writer.position().unwrap();
    let stored = serde_json::to_string(&position).unwrap();
    write(&mut writer, 11..=18);
    drop(writer);
    fs::write(resumed.join(".tmp-77-part-step-000018.parquet"), "half").unwrap();

    let mut writer = CompletionsWriter::open(&resumed, &rewards).unwrap();
    writer
        .truncate_to(serde_json::from_str(&stored).unwrap())
        .unwrap();
    assert_eq!(
        parts(&resumed),
        ["part-step-000005.parquet", "part-step-000010.parquet"]
    );
    write(&mut writer, 11..=20);

    assert_eq!(read_table(&resumed), read_table(&straight));
    assert_eq!(
        fs::read_dir(&resumed).unwrap().count(),
        4,
        "no scratch file is left"
    );
    for part in parts(&straight) {
        assert_eq!(
            fs::read(straight.join(&part)).unwrap(),
            fs::read(resumed.join(&part)).unwrap(),
            "{part}"
        );
    }
}

#[test]
fn a_second_flush_at_one_step_replaces_nothing_and_is_dropped_on_resume() {
    let place = tempfile::tempdir().unwrap();
    let rewards = names(&["text/tags"]);
    let mut writer = CompletionsWriter::open(place.path(), &rewards).unwrap();
    writer.push(row(10, 0)).unwrap();
    let position = writer.position().unwrap();
    writer.push(row(10, 1)).unwrap();
    writer.flush().unwrap();
    assert_eq!(
        parts(place.path()),
        ["part-step-000010-1.parquet", "part-step-000010.parquet"]
    );
    drop(writer);

    let mut writer = CompletionsWriter::open(place.path(), &rewards).unwrap();
    writer.push(row(10, 2)).unwrap();
    writer.flush().unwrap();
    assert_eq!(read_table(place.path()).len(), 3);
    writer.truncate_to(position).unwrap();
    assert_eq!(
        read_table(place.path())
            .iter()
            .map(|row| row.1)
            .collect::<Vec<_>>(),
        [0]
    );
    writer.truncate_to(CompletionsPosition::default()).unwrap();
    assert!(parts(place.path()).is_empty());
}

#[test]
fn a_reward_without_a_column_is_an_error() {
    let place = tempfile::tempdir().unwrap();
    let mut writer = CompletionsWriter::open(place.path(), &names(&["sums/exact"])).unwrap();
    let error = writer.push(row(1, 0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no column for reward `text/tags` in the completions table; its rewards are sums/exact"
    );
    let twice = CompletionsWriter::open(place.path(), &names(&["a/b", "a/b"]));
    assert!(matches!(twice, Err(RunError::DuplicateReward { .. })));
}
