//! `[[task]]`: problems, and the rewards that judge attempts at them.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use super::component::{COMPONENT_FORM, COMPONENT_PATTERN};
use super::{HumanDuration, NAME_FORM, NAME_PATTERN};

/// One source of problems and its rewards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// The task, as `plugin/component`.
    #[serde(rename = "use")]
    #[schemars(regex(pattern = COMPONENT_PATTERN), extend("x-expected" = COMPONENT_FORM))]
    pub component: String,
    /// The name by which stages, metrics and completions know the task; each is unique.
    #[serde(default)]
    #[schemars(
        regex(pattern = NAME_PATTERN),
        extend("x-expected" = NAME_FORM, "x-default" = "the component's part of `use`")
    )]
    pub name: String,
    /// The task's share of the problems in training, relative to the other tasks' weights; 0 rests the task, which is
    /// then only evaluated on.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0))]
    pub weight: f64,
    /// The task's own keys, checked against the schema that it gives.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(extend("x-default" = "empty"))]
    pub config: Map<String, Value>,
    /// What judges an attempt. Its reward is the sum of the values, each times its weight. Needed by stages that
    /// sample (`rl`, `eval`).
    #[serde(default)]
    pub rewards: Vec<Reward>,
}

/// One judge of attempts: either `use` or `python`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reward {
    /// A reward of a plugin, as `plugin/component`.
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    #[schemars(
        regex(pattern = COMPONENT_PATTERN),
        extend("x-expected" = COMPONENT_FORM, "x-default" = "none: give `python`")
    )]
    pub component: Option<String>,
    /// A Python function, as `FILE.py:FUNCTION`. Not available in this version: `check` refuses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-default" = "none: give `use`"))]
    pub python: Option<PythonFunction>,
    /// The name in the metrics (`rewards/NAME/mean`) and in the completions; each is unique in its task.
    #[serde(default)]
    #[schemars(
        length(min = 1, max = 64),
        extend("x-default" = "`use` as written, or the Python function's name")
    )]
    pub name: String,
    /// The factor of this reward's value in the sum. 0 watches without rewarding; a negative one penalises.
    #[serde(default = "one")]
    pub weight: f64,
    /// The reward's own keys, checked against the schema that it gives.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(extend("x-default" = "empty"))]
    pub config: Map<String, Value>,
    /// How long one attempt's scoring may take before its outcome is `timed_out`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-default" = "the stage's `reward_deadline`"))]
    pub deadline: Option<HumanDuration>,
    /// What happens to an attempt whose scoring failed or timed out: `drop` takes the attempt out of its group,
    /// `stop` ends the run, a number is used as the value. An error is never silently a zero, because a zero says
    /// that the attempt was wrong.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// The share of a step's attempts whose scoring may fail or time out before the run stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0), extend("x-default" = "the stage's `max_failure_share`"))]
    pub max_failure_share: Option<f64>,
}

/// What happens to an attempt whose scoring failed or timed out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum OnFailure {
    /// The attempt leaves its group: its reward is unknown, so nothing is learned from it.
    #[default]
    Drop,
    /// The run ends after a checkpoint.
    Stop,
    /// The attempt counts with this value.
    Value(f64),
}

impl Serialize for OnFailure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            OnFailure::Drop => serializer.serialize_str("drop"),
            OnFailure::Stop => serializer.serialize_str("stop"),
            OnFailure::Value(value) => serializer.serialize_f64(*value),
        }
    }
}

impl<'de> Deserialize<'de> for OnFailure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match (value.as_str(), value.as_f64()) {
            (Some("drop"), _) => Ok(OnFailure::Drop),
            (Some("stop"), _) => Ok(OnFailure::Stop),
            (_, Some(number)) => Ok(OnFailure::Value(number)),
            _ => Err(de::Error::custom(format!(
                "expected \"drop\", \"stop\" or a number, found {value}"
            ))),
        }
    }
}

impl JsonSchema for OnFailure {
    fn schema_name() -> Cow<'static, str> {
        "OnFailure".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{ "enum": ["drop", "stop"] }, { "type": "number" }],
            "x-expected": "\"drop\", \"stop\" or a number",
        })
    }
}

/// A function in a Python file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonFunction {
    pub file: PathBuf,
    pub function: String,
}

impl FromStr for PythonFunction {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.rsplit_once(':') {
            Some((file, function)) if !file.is_empty() && !function.is_empty() => Ok(Self {
                file: PathBuf::from(file),
                function: function.to_owned(),
            }),
            _ => Err(format!("expected `FILE.py:FUNCTION`, found `{text}`")),
        }
    }
}

impl fmt::Display for PythonFunction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file.display(), self.function)
    }
}

impl Serialize for PythonFunction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PythonFunction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl JsonSchema for PythonFunction {
    fn schema_name() -> Cow<'static, str> {
        "PythonFunction".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^[^\n\r]+\.py:[A-Za-z_][A-Za-z0-9_]*$",
            "x-expected": "a Python function, written `FILE.py:FUNCTION`",
        })
    }
}

fn one() -> f64 {
    1.0
}
