//! `farthing score`: a reward as a filter. JSON lines in, one outcome a line out.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::Duration;

use farthing_sdk::client::ProblemText;
use farthing_sdk::{Problem, Prompt};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{Result, RuntimeError};
use crate::host::PluginHost;
use crate::host::{AttemptText, Job, ScoringPool, Verdict};

/// One line of input.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    problem: LineProblem,
    completion: String,
    /// The completion's length in tokens; without a model at hand, its characters stand in.
    tokens: Option<u64>,
    #[serde(default = "yes")]
    finished: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineProblem {
    facts: Value,
    #[serde(default)]
    id: String,
    #[serde(default)]
    prompt: Option<Prompt>,
    #[serde(default)]
    tags: Vec<String>,
}

/// Lines that are scored together.
const CHUNK: usize = 1024;

/// Scores every line of `input` with the reward `component`.
///
/// A line that is not what is expected stops the command, and the error names it; outcomes of the lines before are
/// written.
pub fn score(
    host: &PluginHost,
    component: &str,
    config: &Value,
    deadline: Duration,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> Result<()> {
    let reward = Arc::new(host.reward(component, config, &Value::Null)?);
    let pool = ScoringPool::new()?;
    let mut number = 0;
    let mut lines = input.lines();
    loop {
        let mut jobs = Vec::new();
        let mut broken = None;
        for line in lines.by_ref().take(CHUNK) {
            number += 1;
            match read(line, number) {
                Ok(None) => {}
                Ok(Some(line)) => jobs.push(job(component, &reward, line, deadline)?),
                Err(error) => {
                    broken = Some(error);
                    break;
                }
            }
        }
        let (empty, stop) = (jobs.is_empty(), broken.is_some());
        for verdict in pool.score(jobs)?.into_iter().flatten() {
            writeln!(out, "{}", outcome(&verdict)).map_err(unwritable)?;
        }
        out.flush().map_err(unwritable)?;
        if let Some(error) = broken {
            return Err(error);
        }
        if empty || stop {
            return Ok(());
        }
    }
}

fn read(line: std::io::Result<String>, number: usize) -> Result<Option<Line>> {
    let refuse =
        |problem: String| RuntimeError::Usage(format!("line {number} of the input: {problem}"));
    let line = line.map_err(|error| refuse(error.to_string()))?;
    if line.trim().is_empty() {
        return Ok(None);
    }
    serde_json::from_str(&line).map(Some).map_err(|error| {
        refuse(format!(
            "{error}; expected {{\"problem\":{{\"facts\":..}},\"completion\":\"..\"}}"
        ))
    })
}

fn job(
    name: &str,
    reward: &Arc<farthing_sdk::client::RewardClient>,
    line: Line,
    deadline: Duration,
) -> Result<Job> {
    let problem = Problem {
        id: line.problem.id,
        prompt: line.problem.prompt.unwrap_or(Prompt::Text(String::new())),
        facts: line.problem.facts,
        tags: line.problem.tags,
    };
    let text = ProblemText::new(&problem).map_err(RuntimeError::component("reward", "input"))?;
    let attempt = AttemptText {
        tokens: line
            .tokens
            .unwrap_or_else(|| line.completion.chars().count() as u64),
        completion: line.completion,
        finished: line.finished,
    };
    Ok(Job {
        name: name.into(),
        reward: Arc::clone(reward),
        problem: Arc::new(text),
        attempts: Arc::from([attempt]),
        deadline,
    })
}

/// The outcome as the design writes it.
pub fn outcome(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Scored {
            value,
            parts,
            answer,
        } => {
            let parts: serde_json::Map<String, Value> = parts
                .iter()
                .map(|(name, value)| (name.to_owned(), json!(value)))
                .collect();
            let mut outcome = json!({ "outcome": "scored", "value": value, "parts": parts });
            if let Some(answer) = answer {
                outcome["answer"] = json!(answer);
            }
            outcome
        }
        Verdict::Abstain => json!({ "outcome": "abstain" }),
        Verdict::Failed { why, .. } => json!({ "outcome": "failed", "why": why }),
        Verdict::TimedOut => json!({ "outcome": "timed_out" }),
    }
}

fn unwritable(error: std::io::Error) -> RuntimeError {
    RuntimeError::Usage(format!("the outcomes cannot be written: {error}"))
}

fn yes() -> bool {
    true
}
