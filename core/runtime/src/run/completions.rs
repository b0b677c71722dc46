//! `completions.parquet/`: every attempt of the run as a table.
//!
//! It is a directory of part files, not one file, because a parquet file can be read only once its footer
//! is written, and a run must leave a readable table after `kill -9`. Each flush publishes one whole part
//! atomically. All parts have the same columns, fixed when the table is opened, so that pandas, polars and
//! DuckDB read the directory as one table.
//!
//! Columns: `step`, `stage`, `task`, `problem_id`, `attempt`, `prompt`, `completion`, `finish`, for each
//! reward `rewards/<name>` (null unless it scored) and `outcomes/<name>` (`scored`, `abstain`,
//! `failed: why`, `timed_out`), then `reward` and `advantage` (null when the attempt has none).

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};

use super::durable::{self, FileOperations, OperatingSystem};
use super::error::RunError;

const PART_PREFIX: &str = "part-step-";
const PART_EXTENSION: &str = ".parquet";

/// One attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct CompletionRow {
    /// Counted over the whole run.
    pub step: u64,
    /// Name of the stage.
    pub stage: String,
    /// The task's name.
    pub task: String,
    /// The problem's id within the task.
    pub problem_id: String,
    /// Index of the attempt within its group.
    pub attempt: u32,
    /// The prompt as the model saw it.
    pub prompt: String,
    /// The completion as text.
    pub completion: String,
    /// Why decoding ended: `eos`, `stop`, `length`.
    pub finish: String,
    /// What each reward said. Rewards that did not look at this attempt are left out.
    pub rewards: Vec<RewardCell>,
    /// The weighted sum, if there is one.
    pub reward: Option<f64>,
    /// What the optimizer made of it, if the attempt was trained on.
    pub advantage: Option<f64>,
}

/// One reward's outcome for one attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct RewardCell {
    /// The reward's name, one of those given when the table was opened.
    pub name: String,
    /// The value, if it scored.
    pub value: Option<f64>,
    /// The outcome in words.
    pub outcome: String,
}

/// Buffers attempts and writes them as parts.
pub struct CompletionsWriter {
    directory: PathBuf,
    rewards: Vec<String>,
    schema: Arc<Schema>,
    rows: Vec<CompletionRow>,
    last_part: Option<PartKey>,
    files: Arc<dyn FileOperations>,
}

/// Which parts were written at a checkpoint. Stored in it, given back on resume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompletionsPosition {
    last_part: Option<PartKey>,
}

/// Orders parts. A second flush at one step, after an evaluation for instance, makes a part of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct PartKey {
    step: u64,
    number: u32,
}

impl CompletionsWriter {
    /// Opens the table in `directory`. `rewards` are the names of all rewards of the run, in all stages.
    pub fn open(directory: &Path, rewards: &[String]) -> Result<Self, RunError> {
        Self::open_with_file_operations(directory, rewards, Arc::new(OperatingSystem))
    }

    /// The same, with the file operations replaced: the seam for fault tests.
    pub fn open_with_file_operations(
        directory: &Path,
        rewards: &[String],
        files: Arc<dyn FileOperations>,
    ) -> Result<Self, RunError> {
        let duplicate = rewards
            .iter()
            .enumerate()
            .find(|(index, reward)| rewards[..*index].contains(reward));
        if let Some((_, reward)) = duplicate {
            return Err(RunError::DuplicateReward {
                reward: reward.clone(),
            });
        }
        if !directory.is_dir() {
            files
                .create_directory(directory)
                .map_err(RunError::io("create", directory))?;
            let parent = durable::parent_of(directory);
            files
                .sync_directory(parent)
                .map_err(RunError::io("sync the directory", parent))?;
        }
        let last_part = list(directory)?
            .iter()
            .filter_map(|name| PartKey::parse(name))
            .max();
        Ok(Self {
            directory: directory.to_path_buf(),
            rewards: rewards.to_vec(),
            schema: Arc::new(schema_of(rewards)),
            rows: Vec::new(),
            last_part,
            files,
        })
    }

    /// Adds an attempt. It is on disk after the next [`flush`](Self::flush).
    pub fn push(&mut self, row: CompletionRow) -> Result<(), RunError> {
        if let Some(stranger) = row
            .rewards
            .iter()
            .find(|cell| !self.rewards.contains(&cell.name))
        {
            return Err(RunError::UnknownReward {
                reward: stranger.name.clone(),
                known: self.rewards.clone(),
            });
        }
        self.rows.push(row);
        Ok(())
    }

    /// Writes the buffered attempts as one part named after the last step in it.
    pub fn flush(&mut self) -> Result<Option<PathBuf>, RunError> {
        let Some(step) = self.rows.iter().map(|row| row.step).max() else {
            return Ok(None);
        };
        let key = match self.last_part {
            Some(last) if last.step == step => PartKey {
                step,
                number: last.number + 1,
            },
            _ => PartKey { step, number: 0 },
        };
        let bytes = self
            .encode()
            .map_err(|source| RunError::Encode { step, source })?;
        let path = self.directory.join(key.file_name());
        durable::replace_file(self.files.as_ref(), &path, &bytes)?;
        self.rows.clear();
        self.last_part = Some(key);
        Ok(Some(path))
    }

    /// The position for a checkpoint. Flushes first, so that no part reaches over a checkpoint.
    pub fn position(&mut self) -> Result<CompletionsPosition, RunError> {
        self.flush()?;
        Ok(CompletionsPosition {
            last_part: self.last_part,
        })
    }

    /// Removes the parts that were written after `position`, whose steps will be done again, and what an
    /// unfinished flush left. `CompletionsPosition::default()` empties the table.
    pub fn truncate_to(&mut self, position: CompletionsPosition) -> Result<(), RunError> {
        self.rows.clear();
        for name in list(&self.directory)? {
            let is_redone =
                PartKey::parse(&name).is_some_and(|part| Some(part) > position.last_part);
            if is_redone || name.starts_with(".tmp-") {
                let path = self.directory.join(name);
                self.files
                    .remove(&path)
                    .map_err(RunError::io("remove", &path))?;
            }
        }
        self.last_part = position.last_part;
        self.files
            .sync_directory(&self.directory)
            .map_err(RunError::io("sync the directory", &self.directory))
    }

    fn encode(&self) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        let level = ZstdLevel::try_new(3)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .build();
        let mut bytes = Vec::new();
        let mut writer =
            ArrowWriter::try_new(&mut bytes, Arc::clone(&self.schema), Some(properties))?;
        writer.write(&self.batch()?)?;
        writer.close()?;
        Ok(bytes)
    }

    fn batch(&self) -> Result<RecordBatch, arrow_schema::ArrowError> {
        let text = |cell: fn(&CompletionRow) -> &String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(self.rows.iter().map(cell)))
        };
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from_iter_values(
                self.rows.iter().map(|row| row.step),
            )),
            text(|row| &row.stage),
            text(|row| &row.task),
            text(|row| &row.problem_id),
            Arc::new(UInt32Array::from_iter_values(
                self.rows.iter().map(|row| row.attempt),
            )),
            text(|row| &row.prompt),
            text(|row| &row.completion),
            text(|row| &row.finish),
        ];
        for reward in &self.rewards {
            let cells = || {
                self.rows
                    .iter()
                    .map(|row| row.rewards.iter().find(|cell| cell.name == *reward))
            };
            columns.push(Arc::new(Float64Array::from_iter(
                cells().map(|cell| cell.and_then(|cell| cell.value)),
            )));
            columns.push(Arc::new(StringArray::from_iter(
                cells().map(|cell| cell.map(|cell| cell.outcome.as_str())),
            )));
        }
        columns.push(Arc::new(Float64Array::from_iter(
            self.rows.iter().map(|row| row.reward),
        )));
        columns.push(Arc::new(Float64Array::from_iter(
            self.rows.iter().map(|row| row.advantage),
        )));
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

fn schema_of(rewards: &[String]) -> Schema {
    let required = |name: &str, kind| Field::new(name, kind, false);
    let nullable = |name: String, kind| Field::new(name, kind, true);
    let mut fields = vec![
        required("step", DataType::UInt64),
        required("stage", DataType::Utf8),
        required("task", DataType::Utf8),
        required("problem_id", DataType::Utf8),
        required("attempt", DataType::UInt32),
        required("prompt", DataType::Utf8),
        required("completion", DataType::Utf8),
        required("finish", DataType::Utf8),
    ];
    for reward in rewards {
        fields.push(nullable(format!("rewards/{reward}"), DataType::Float64));
        fields.push(nullable(format!("outcomes/{reward}"), DataType::Utf8));
    }
    fields.push(nullable("reward".to_string(), DataType::Float64));
    fields.push(nullable("advantage".to_string(), DataType::Float64));
    Schema::new(fields)
}

fn list(directory: &Path) -> Result<Vec<String>, RunError> {
    let failed = || RunError::io("list", directory);
    let entries = fs::read_dir(directory).map_err(failed())?;
    entries
        .map(|entry| {
            Ok(entry
                .map_err(failed())?
                .file_name()
                .to_string_lossy()
                .into_owned())
        })
        .collect()
}

impl PartKey {
    /// `part-step-000010.parquet`, `part-step-000010-1.parquet`.
    fn file_name(self) -> String {
        let Self { step, number } = self;
        let suffix = if number == 0 {
            String::new()
        } else {
            format!("-{number}")
        };
        format!("{PART_PREFIX}{step:06}{suffix}{PART_EXTENSION}")
    }

    fn parse(name: &str) -> Option<Self> {
        let middle = name
            .strip_prefix(PART_PREFIX)?
            .strip_suffix(PART_EXTENSION)?;
        let (step, number) = match middle.split_once('-') {
            Some((step, number)) => (step, number.parse().ok()?),
            None => (middle, 0),
        };
        Some(Self {
            step: step.parse().ok()?,
            number,
        })
    }
}
