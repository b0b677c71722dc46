//! `farthing score`: a reward as a filter. JSON lines in, one outcome a line out.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread;
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
/// The lines that have arrived are scored together on all cores, and answered before more is waited for: a program at the
/// other end of the pipe may wait for an outcome before it writes the next line.
///
/// A line that is not what is expected stops the command, and the error names it; outcomes of the lines before are
/// written.
pub fn score(
    host: &PluginHost,
    component: &str,
    config: &Value,
    deadline: Duration,
    input: impl Read + Send + 'static,
    out: &mut dyn Write,
) -> Result<()> {
    let reward = Arc::new(host.reward(component, config, &Value::Null)?);
    let pool = ScoringPool::new()?;
    let (sender, lines) = mpsc::sync_channel(CHUNK);
    // It may wait for input for ever, so nothing waits for it.
    thread::spawn(move || read(BufReader::new(input), &sender));
    let mut end = Ok(());
    while end.is_ok() {
        let mut jobs = Vec::new();
        let mut next = lines.recv().ok();
        while let Some(line) = next {
            match line.and_then(|line| job(component, &reward, line, deadline)) {
                Ok(job) => jobs.push(job),
                Err(error) => {
                    end = Err(error);
                    break;
                }
            }
            next = match jobs.len() < CHUNK {
                true => lines.try_recv().ok(),
                false => None,
            };
        }
        if jobs.is_empty() {
            break;
        }
        for verdict in pool.score(jobs)?.into_iter().flatten() {
            writeln!(out, "{}", outcome(&verdict)).map_err(RuntimeError::Output)?;
        }
        out.flush().map_err(RuntimeError::Output)?;
    }
    end
}

/// Sends every line that is not blank, and ends with the first that is wrong.
fn read(input: impl BufRead, lines: &SyncSender<Result<Line>>) {
    for (index, line) in input.lines().enumerate() {
        let line = match line {
            Ok(text) if text.trim().is_empty() => continue,
            Ok(text) => parse(&text, index + 1),
            Err(error) => Err(refuse(index + 1, &error)),
        };
        let is_wrong = line.is_err();
        if lines.send(line).is_err() || is_wrong {
            return;
        }
    }
}

fn parse(text: &str, number: usize) -> Result<Line> {
    const EXPECTED: &str = "{\"problem\":{\"facts\":..},\"completion\":\"..\"}";
    if !text.trim_start().starts_with('{') {
        return Err(refuse(
            number,
            &format_args!("expected {EXPECTED}, found no object"),
        ));
    }
    serde_json::from_str(text).map_err(|error| {
        let (column, error) = (error.column(), error.to_string());
        // The text is one line, and which one it is the person should hear once.
        let problem = error.split(" at line ").next().unwrap_or_default();
        refuse(
            number,
            &format_args!("{problem} at column {column}; expected {EXPECTED}"),
        )
    })
}

fn refuse(number: usize, problem: &dyn Display) -> RuntimeError {
    RuntimeError::Usage(format!("line {number} of the input: {problem}"))
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
            solution,
        } => {
            let parts: serde_json::Map<String, Value> = parts
                .iter()
                .map(|(name, value)| (name.to_owned(), json!(value)))
                .collect();
            let mut outcome = json!({ "outcome": "scored", "value": value, "parts": parts });
            if let Some(answer) = answer {
                outcome["answer"] = json!(answer);
            }
            if let Some(solution) = solution {
                outcome["solution"] = json!(solution);
            }
            outcome
        }
        Verdict::Abstain => json!({ "outcome": "abstain" }),
        Verdict::Failed { why, .. } => json!({ "outcome": "failed", "why": why }),
        Verdict::TimedOut => json!({ "outcome": "timed_out" }),
    }
}

fn yes() -> bool {
    true
}
