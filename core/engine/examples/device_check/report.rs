//! Collects what the script left in its working directory, and writes it as one page and one JSON file.
//!
//! Each step of the script leaves `NAME.status` (its exit status), `NAME.out` (a line of JSON, if it got that far) and
//! `NAME.err`. A step that failed stays in the result with the end of what it said: a page without it would look better
//! than the device is.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use crate::peak;
use crate::precision::Precision;
use crate::result_page::page;
use crate::support::Options;
use crate::training_run;

/// Lines of a failed step's output that are kept.
const LAST_LINES: usize = 12;

pub fn run(options: &Options) -> Result<()> {
    let (work, out) = (options.path("work")?, options.path("out")?);
    let peak_tflops: f64 = options.number("peak-tflops", 0.0)?;
    let result = collect(&work, (peak_tflops > 0.0).then_some(peak_tflops))?;
    fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    let page = page(&result);
    let json = format!("{}\n", serde_json::to_string_pretty(&result)?);
    for (name, text) in [("result.md", &page), ("result.json", &json)] {
        let path = out.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    print!("{page}");
    match result["passed"].as_bool() {
        Some(true) => Ok(()),
        _ => bail!(
            "the check did not pass; what is wrong is in {}/result.md",
            out.display()
        ),
    }
}

fn collect(work: &Path, peak_tflops: Option<f64>) -> Result<Value> {
    let mut steps = Vec::new();
    for entry in fs::read_dir(work).with_context(|| format!("cannot list {}", work.display()))? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "status")
        {
            steps.push(path);
        }
    }
    steps.sort();
    let (mut parity, mut throughput, mut runs) = (Vec::new(), Vec::new(), Vec::new());
    for status in &steps {
        let name = status.file_stem().unwrap_or_default().to_string_lossy();
        let step = step(status, &name)?;
        match name.split_once('-') {
            Some(("parity", _)) => parity.push(step),
            Some(("throughput", _)) => throughput.push(with_shares(step, peak_tflops)),
            Some(("run", precision)) => runs.push(run_facts(work, precision, step)?),
            _ => bail!("{}: expected parity, throughput or run", status.display()),
        }
    }
    let in_order = |step: &Value| step["failures"].as_array().is_some_and(Vec::is_empty);
    let passed = [&parity, &runs]
        .iter()
        .all(|steps| !steps.is_empty() && steps.iter().all(in_order));
    Ok(json!({
        "passed": passed,
        "machine": facts(&work.join("machine.txt"))?,
        "build": facts(&work.join("build.txt"))?,
        "parity": parity,
        "training_runs": runs,
        "throughput": throughput,
    }))
}

/// What a step printed; a step that failed without a list of failures gets one.
fn step(status: &Path, name: &str) -> Result<Value> {
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let lines = read(&status.with_extension("out"));
    let printed = lines.lines().rev().find_map(|line| {
        let value: Value = serde_json::from_str(line).ok()?;
        value.is_object().then_some(value)
    });
    let mut step = printed.unwrap_or_else(|| json!({}));
    step["name"] = json!(name);
    let succeeded = read(status).trim() == "0";
    let said_why = step["failures"]
        .as_array()
        .is_some_and(|failures| !failures.is_empty());
    if succeeded && step["failures"].is_null() {
        step["failures"] = json!([]);
    }
    if !succeeded && !said_why {
        let text = read(&status.with_extension("err"));
        let lines: Vec<&str> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
        step["failures"] = json!([format!("exit status {}: {last}", read(status).trim())]);
    }
    Ok(step)
}

/// Adds the shares of the device's peak.
fn with_shares(mut step: Value, given: Option<f64>) -> Value {
    let known = step["device"].as_str().and_then(peak::bf16_tflops);
    let Some(peak) = given.or(known) else {
        return step;
    };
    step["peak_tflops"] = json!(peak);
    for phase in ["decoding", "training"] {
        if let Some(rate) = step[phase]["operations_per_second"].as_f64() {
            step[phase]["utilisation"] = json!(rate / (peak * 1e12));
        }
    }
    step
}

/// The facts of a run, with its own failure if it did not end well.
fn run_facts(work: &Path, precision: &str, step: Value) -> Result<Value> {
    let metrics = work.join(format!("run-{precision}/metrics.jsonl"));
    let metrics = fs::read_to_string(metrics).unwrap_or_default();
    let mut facts = training_run::facts(&metrics, Precision::named(precision)?)?;
    facts["name"] = step["name"].clone();
    // What a run that did not end well lacks follows from why it ended.
    if step["failures"]
        .as_array()
        .is_none_or(|own| !own.is_empty())
    {
        facts["failures"] = step["failures"].clone();
    }
    Ok(facts)
}

/// The lines `key: value` of a file.
fn facts(path: &Path) -> Result<Value> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let pairs = text.lines().filter_map(|line| line.split_once(": "));
    let facts: Map<String, Value> = pairs
        .map(|(key, value)| (key.to_owned(), json!(value)))
        .collect();
    Ok(Value::Object(facts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        for (name, text) in files {
            let path = scratch.path().join(name);
            fs::create_dir_all(path.parent().expect("it is in the directory"))
                .expect("directories");
            fs::write(path, text).expect("a file");
        }
        scratch
    }

    #[test]
    fn a_step_that_died_stays_in_the_result() {
        let work = directory(&[
            ("machine.txt", "gpu: NVIDIA L4\ndriver: 580.1\n"),
            ("build.txt", "commit: abc\n"),
            ("parity-f32.status", "0\n"),
            (
                "parity-f32.out",
                "{\"device\":\"NVIDIA L4\",\"failures\":[]}\n",
            ),
            ("throughput-a.status", "1\n"),
            ("throughput-a.err", "drawing\nout of memory\n"),
            ("throughput-b.status", "0\n"),
            (
                "throughput-b.out",
                "{\"device\":\"NVIDIA L4\",\"training\":{\"operations_per_second\":60.5e12}}\n",
            ),
        ]);
        let result = collect(work.path(), None).expect("the files are in order");
        // No run was made.
        assert_eq!(result["passed"], false);
        assert_eq!(result["machine"]["driver"], "580.1");
        assert_eq!(
            result["throughput"][0]["failures"][0],
            "exit status 1: drawing\nout of memory"
        );
        assert_eq!(result["throughput"][1]["training"]["utilisation"], 0.5);
        let given = collect(work.path(), Some(605.0)).expect("the files are in order");
        assert_eq!(given["throughput"][1]["training"]["utilisation"], 0.1);
    }
}
