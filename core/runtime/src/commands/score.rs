//! `farthing score`: a reward as a filter. JSON lines in, one outcome a line out.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Read, Write};
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

/// The most lines that are scored together.
const CHUNK: usize = 1024;

/// Scores every line of `input` with the reward `component`.
///
/// The lines that have arrived are scored together on all cores, and answered before more is read: a program at the other
/// end of the pipe may wait for an outcome before it writes the next line.
///
/// A line that is not what is expected stops the command, and the error names it; outcomes of the lines before are
/// written.
pub fn score(
    host: &PluginHost,
    component: &str,
    config: &Value,
    deadline: Duration,
    input: impl Read,
    out: &mut dyn Write,
) -> Result<()> {
    let reward = Arc::new(host.reward(component, config, &Value::Null)?);
    let pool = ScoringPool::new()?;
    let mut input = Lines {
        input: BufReader::with_capacity(1 << 20, input),
        number: 0,
    };
    loop {
        let mut jobs = Vec::new();
        let next = loop {
            match input.next() {
                Ok(Some(line)) => jobs.push(job(component, &reward, line, deadline)?),
                end => break end.map(|_| false),
            }
            if jobs.len() == CHUNK || !input.has_arrived() {
                break Ok(true);
            }
        };
        for verdict in pool.score(jobs)?.into_iter().flatten() {
            writeln!(out, "{}", outcome(&verdict)).map_err(unwritable)?;
        }
        out.flush().map_err(unwritable)?;
        if !next? {
            return Ok(());
        }
    }
}

struct Lines<R> {
    input: BufReader<R>,
    number: usize,
}

impl<R: Read> Lines<R> {
    /// The next line that is not blank, or `None` at the end.
    fn next(&mut self) -> Result<Option<Line>> {
        let mut text = String::new();
        loop {
            text.clear();
            self.number += 1;
            let bytes = self.input.read_line(&mut text);
            if bytes.map_err(|error| self.refuse(&error))? == 0 {
                return Ok(None);
            }
            if text.trim().is_empty() {
                continue;
            }
            return serde_json::from_str(&text).map(Some).map_err(|error| {
                self.refuse(&format_args!(
                    "{error}; expected {{\"problem\":{{\"facts\":..}},\"completion\":\"..\"}}"
                ))
            });
        }
    }

    /// Whether a whole line that is not blank lies here already.
    fn has_arrived(&self) -> bool {
        let bytes = self.input.buffer();
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').unwrap_or(0);
        bytes[..whole]
            .iter()
            .any(|byte| !byte.is_ascii_whitespace())
    }

    fn refuse(&self, problem: &dyn Display) -> RuntimeError {
        RuntimeError::Usage(format!("line {} of the input: {problem}", self.number))
    }
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
