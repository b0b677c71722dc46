//! `metrics.jsonl` and `timing.jsonl`: the numbers of every step.
//!
//! Two files, because `metrics.jsonl` must be byte-equal from run to run and after a resume, which no
//! wall-clock figure ever is. The [registry](super::metric_registry) says which file a metric belongs to,
//! so no caller can mix them up.
//!
//! A row has `step` and `stage` first and then its metrics by name, whatever the order in which they were
//! set. Numbers are printed with the fewest digits that read back to the same value. JSON has no NaN; a
//! number that is not finite is written as `null` and named in the row's `nonfinite` list, because a reader
//! must be able to tell it from a metric that was not measured.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde::{Deserialize, Serialize as SerializeDerive};
use serde_json::Value;

use super::directory::RunPaths;
use super::error::RunError;
use super::json_lines::{self, JsonLinesFile};
use super::metric_registry::{MetricFile, MetricRegistry};

const STEP: &str = "step";
const STAGE: &str = "stage";
const NONFINITE: &str = "nonfinite";

/// The numbers of one step.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricRow {
    /// Counted over the whole run.
    pub step: u64,
    /// Name of the stage.
    pub stage: String,
    values: BTreeMap<String, MetricValue>,
}

/// A count prints without a decimal point, a real number always with one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MetricValue {
    /// How many.
    Count(u64),
    /// How much.
    Real(f64),
}

impl MetricRow {
    /// A row without metrics yet.
    pub fn new(step: u64, stage: impl Into<String>) -> Self {
        Self {
            step,
            stage: stage.into(),
            values: BTreeMap::new(),
        }
    }

    /// Sets a metric, replacing an earlier value.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<MetricValue>) -> &mut Self {
        self.values.insert(name.into(), value.into());
        self
    }

    /// The value of a metric as a real number; NaN if it was not finite, nothing if it was not measured.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.values.get(name).map(|value| value.as_f64())
    }

    /// All metrics by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, MetricValue)> {
        self.values
            .iter()
            .map(|(name, value)| (name.as_str(), *value))
    }

    /// The row as one line of JSON.
    pub fn to_json_line(&self) -> String {
        serde_json::to_string(self).expect("a map of strings and numbers always serialises")
    }

    fn only(&self, keep: impl Fn(&str) -> bool) -> Self {
        let values = self
            .values
            .iter()
            .filter(|(name, _)| keep(name))
            .map(|(name, value)| (name.clone(), *value));
        Self {
            step: self.step,
            stage: self.stage.clone(),
            values: values.collect(),
        }
    }
}

impl MetricValue {
    /// The value as a real number.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Count(count) => count as f64,
            Self::Real(real) => real,
        }
    }
}

impl From<u64> for MetricValue {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<usize> for MetricValue {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

impl From<f64> for MetricValue {
    fn from(real: f64) -> Self {
        Self::Real(real)
    }
}

impl From<f32> for MetricValue {
    fn from(real: f32) -> Self {
        Self::Real(f64::from(real))
    }
}

impl Serialize for MetricRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(STEP, &self.step)?;
        map.serialize_entry(STAGE, &self.stage)?;
        let mut nonfinite = Vec::new();
        for (name, value) in &self.values {
            match value {
                MetricValue::Count(count) => map.serialize_entry(name, count)?,
                MetricValue::Real(real) if real.is_finite() => map.serialize_entry(name, real)?,
                MetricValue::Real(_) => {
                    map.serialize_entry(name, &())?;
                    nonfinite.push(name);
                }
            }
        }
        if !nonfinite.is_empty() {
            map.serialize_entry(NONFINITE, &nonfinite)?;
        }
        map.end()
    }
}

/// How long the two files were at a checkpoint. Stored in it, given back on resume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, SerializeDerive, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsPosition {
    /// Bytes of `metrics.jsonl`.
    pub metrics: u64,
    /// Bytes of `timing.jsonl`.
    pub timing: u64,
}

/// The two files of a run, open for writing.
#[derive(Debug)]
pub struct RunMetrics {
    registry: MetricRegistry,
    metrics: JsonLinesFile,
    timing: JsonLinesFile,
    warned: BTreeSet<String>,
}

impl RunMetrics {
    /// Opens both files. `MetricsPosition::default()` begins them anew; the position of a checkpoint drops
    /// the rows that were written after it.
    pub fn open(
        paths: &RunPaths,
        position: MetricsPosition,
        registry: MetricRegistry,
    ) -> Result<Self, RunError> {
        Ok(Self {
            registry,
            metrics: JsonLinesFile::open_at(&paths.metrics(), position.metrics)?,
            timing: JsonLinesFile::open_at(&paths.timing(), position.timing)?,
            warned: BTreeSet::new(),
        })
    }

    /// The descriptions by which names are judged.
    pub fn registry_mut(&mut self) -> &mut MetricRegistry {
        &mut self.registry
    }

    /// Appends a row, each metric to the file that the registry names. Names that the registry does not
    /// know are written to `metrics.jsonl` and warned about once.
    pub fn append(&mut self, row: &MetricRow) -> Result<(), RunError> {
        for (name, _) in row.iter() {
            self.warn_about(name);
        }
        let is_timing = |name: &str| self.registry.file_of(name) == MetricFile::Timing;
        let timing = row.only(is_timing);
        self.metrics.append(
            &row.only(|name| !is_timing(name) && !is_reserved(name))
                .to_json_line(),
        )?;
        if !timing.values.is_empty() {
            self.timing.append(&timing.to_json_line())?;
        }
        Ok(())
    }

    /// The position for a checkpoint. All rows before it are on the disk when this returns.
    pub fn position(&mut self) -> Result<MetricsPosition, RunError> {
        Ok(MetricsPosition {
            metrics: self.metrics.position()?,
            timing: self.timing.position()?,
        })
    }

    fn warn_about(&mut self, name: &str) {
        let complaint = if is_reserved(name) {
            "this name belongs to the row itself; the metric is left out"
        } else if self.registry.find(name).is_none() {
            "this metric has no description; declare it where it is computed"
        } else {
            return;
        };
        if self.warned.insert(name.to_string()) {
            tracing::warn!(metric = name, "{complaint}");
        }
    }
}

/// Reads the rows of a metrics or timing file, also of a run that is being written. A number that was not
/// finite comes back as NaN.
pub fn read_rows(path: &Path) -> Result<Vec<MetricRow>, RunError> {
    let text = fs::read_to_string(path).map_err(RunError::io("read", path))?;
    json_lines::whole_lines(&text)
        .enumerate()
        .map(|(index, line)| {
            parse_row(line).map_err(|why| RunError::BadRow {
                path: path.to_path_buf(),
                line: index + 1,
                why,
            })
        })
        .collect()
}

fn is_reserved(name: &str) -> bool {
    matches!(name, STEP | STAGE | NONFINITE)
}

fn parse_row(line: &str) -> Result<MetricRow, String> {
    let object: BTreeMap<String, Value> =
        serde_json::from_str(line).map_err(|error| error.to_string())?;
    let step = object
        .get(STEP)
        .and_then(Value::as_u64)
        .ok_or("it has no whole number `step`")?;
    let stage = object
        .get(STAGE)
        .and_then(Value::as_str)
        .ok_or("it has no text `stage`")?;
    let mut row = MetricRow::new(step, stage);
    for (name, value) in object.iter().filter(|(name, _)| !is_reserved(name)) {
        let value = match value {
            Value::Null => MetricValue::Real(f64::NAN),
            Value::Number(number) => match number.as_u64() {
                Some(count) => MetricValue::Count(count),
                None => MetricValue::Real(
                    number
                        .as_f64()
                        .ok_or_else(|| format!("`{name}` is out of range"))?,
                ),
            },
            other => return Err(format!("`{name}` is {other}, not a number")),
        };
        row.set(name.clone(), value);
    }
    Ok(row)
}
