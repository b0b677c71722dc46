//! What a task poses, and how it looks to the other components.

use std::{any::Any, cell::OnceCell};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Error, Result};

/// One problem, as a task makes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// Unique within the task and stable from version to version: logs and
    /// decontamination refer to it.
    pub id: String,
    /// What the model reads.
    pub prompt: Prompt,
    /// What only the task and its rewards understand: numbers, a gold answer, tests. The
    /// model never sees it.
    pub facts: serde_json::Value,
    /// Groups for reports: `algebra`, `4-numbers`.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// What the model reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Prompt {
    /// Goes to the tokenizer as it is.
    Text(String),
    /// Rendered by the model's chat template.
    Messages(Vec<Message>),
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// What it says.
    pub content: String,
}

/// Which part of a task's problems. A problem is in one of them only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// What training stages draw from.
    Train,
    /// Held out: no training stage sees it.
    Test,
}

impl Split {
    /// `train` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

impl std::str::FromStr for Split {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "train" => Ok(Self::Train),
            "test" => Ok(Self::Test),
            _ => Err(Error::new(format!(
                "unknown split {text:?}: expected \"train\" or \"test\""
            ))),
        }
    }
}

/// A problem as its rewards see it: borrowed text, facts parsed once for a whole group.
pub struct ProblemView<'a> {
    /// The task's own name for it.
    pub id: &'a str,
    /// Groups for reports.
    pub tags: Vec<&'a str>,
    prompt_json: &'a str,
    facts_json: &'a str,
    facts: OnceCell<Box<dyn Any>>,
}

impl<'a> ProblemView<'a> {
    #[doc(hidden)]
    pub fn new(id: &'a str, tags: Vec<&'a str>, prompt_json: &'a str, facts_json: &'a str) -> Self {
        Self {
            id,
            tags,
            prompt_json,
            facts_json,
            facts: OnceCell::new(),
        }
    }

    /// The facts as the task wrote them, parsed into `T` at the first call.
    ///
    /// # Errors
    /// When the facts are not a `T`: the message names the problem and what is missing.
    pub fn facts<T: DeserializeOwned + 'static>(&self) -> Result<&T> {
        if self.facts.get().is_none() {
            let _ = self.facts.set(Box::new(self.parse_facts::<T>()?));
        }
        let cached = self.facts.get().and_then(|facts| facts.downcast_ref());
        cached.ok_or_else(|| {
            Error::new("facts() was called with two different types for one problem")
                .help("parse the facts into one type that has all the fields")
        })
    }

    /// The prompt before the chat template is applied.
    pub fn prompt(&self) -> Result<Prompt> {
        Ok(serde_json::from_str(self.prompt_json)?)
    }

    fn parse_facts<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(self.facts_json).map_err(|error| {
            Error::from(error).context(format!(
                "the facts of problem {:?} are not what this reward reads: {}",
                self.id,
                shortened(self.facts_json)
            ))
        })
    }
}

fn shortened(text: &str) -> String {
    const LIMIT: usize = 200;
    if text.chars().count() <= LIMIT {
        return text.to_owned();
    }
    text.chars().take(LIMIT).chain("...".chars()).collect()
}
