//! Runs a measuring process to its end, with what it wrote and how much memory it took.
//!
//! One process at a time has the machine. Its output goes to files, because a full pipe would stop it. The kernel keeps
//! the peak of resident memory (`VmHWM`), which only grows, so looking at it now and then until the end finds it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::cargo::{root, shown};

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What a process left.
pub struct Finished {
    pub stdout: String,
    /// Most resident memory in bytes; 0 where the kernel does not tell.
    pub peak: u64,
}

impl Finished {
    /// The last line of standard output that is a JSON object.
    pub fn json(&self) -> Result<Value> {
        let lines = self.stdout.lines().rev();
        let mut objects = lines.filter_map(|line| serde_json::from_str(line).ok());
        objects
            .find(Value::is_object)
            .with_context(|| format!("expected a line of JSON, found {:?}", self.stdout))
    }
}

/// Runs the command in the workspace's root; `log` is where its output stays for a look afterwards.
pub fn run(command: &mut Command, log: &Path) -> Result<Finished> {
    let (out, err) = (log.with_extension("out"), log.with_extension("err"));
    let file = |path: &PathBuf| {
        File::create(path).with_context(|| format!("cannot create {}", path.display()))
    };
    let shown = shown(command);
    let mut child = command
        .current_dir(root())
        .stdout(file(&out)?)
        .stderr(file(&err)?)
        .spawn()
        .with_context(|| format!("cannot start `{shown}`"))?;
    let status_file = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0;
    let status = loop {
        if let Some(bytes) = fs::read_to_string(&status_file)
            .ok()
            .and_then(|text| peak_of(&text))
        {
            peak = peak.max(bytes);
        }
        match child.try_wait()? {
            Some(status) => break status,
            None => std::thread::sleep(LOOK_EVERY),
        }
    };
    if !status.success() {
        let text = fs::read_to_string(&err).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(15)..].join("\n");
        bail!(
            "`{shown}` failed with {status}; all it said is in {}:\n{last}",
            err.display()
        );
    }
    let stdout =
        fs::read_to_string(&out).with_context(|| format!("cannot read {}", out.display()))?;
    Ok(Finished { stdout, peak })
}

/// `VmHWM` of a `/proc/PID/status`, in bytes.
fn peak_of(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_the_kernels_text() {
        let text = "Name:\tfarthing\nVmPeak:\t  999 kB\nVmHWM:\t  2048 kB\nVmRSS:\t 1024 kB\n";
        assert_eq!(peak_of(text), Some(2048 * 1024));
        assert_eq!(peak_of("Name:\tfarthing\n"), None);
    }

    #[test]
    fn the_last_object_counts() {
        let finished = Finished {
            stdout: "warming up\n{\"a\":1}\n{\"a\":2}\n[3]\n".into(),
            peak: 0,
        };
        assert_eq!(finished.json().expect("there are objects")["a"], 2);
        let nothing = Finished {
            stdout: "no\n".into(),
            peak: 0,
        };
        assert!(nothing.json().is_err());
    }
}
