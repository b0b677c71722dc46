//! Runs a measuring process to its end, with what it wrote and how much memory it took.
//!
//! One process at a time has the machine. Its output goes to files, because a full pipe would stop it. The kernel keeps
//! the peak of resident memory (`VmHWM`), which only grows, so looking at it now and then until the end finds it. It also
//! says how much processor time the machine gave to others meanwhile, without which nobody can judge a time.

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
    /// Share of the machine's processor time that went to others while it ran, a hypervisor's neighbours included.
    pub others: f64,
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
    let times_file = PathBuf::from(format!("/proc/{}/stat", child.id()));
    let machine = || fs::read_to_string("/proc/stat").unwrap_or_default();
    let (before, mut own, mut peak) = (ticks_of_machine(&machine()), 0, 0);
    let status = loop {
        own = fs::read_to_string(&times_file)
            .ok()
            .and_then(|text| ticks_of_process(&text))
            .unwrap_or(0)
            .max(own);
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
    let after = ticks_of_machine(&machine());
    let (busy, all) = (after.0 - before.0, after.1 - before.1);
    Ok(Finished {
        stdout,
        peak,
        others: busy.saturating_sub(own) as f64 / all.max(1) as f64,
    })
}

/// Busy ticks and all ticks of all processors, from `/proc/stat`.
fn ticks_of_machine(text: &str) -> (u64, u64) {
    let first = text.lines().next().unwrap_or_default();
    // user nice system idle iowait irq softirq steal; guests are within user.
    let ticks = first.split_whitespace().skip(1).take(8);
    let ticks: Vec<u64> = ticks.filter_map(|tick| tick.parse().ok()).collect();
    let all: u64 = ticks.iter().sum();
    let idle: u64 = ticks.iter().skip(3).take(2).sum();
    (all - idle, all)
}

/// Ticks that all threads of a process have used, from `/proc/PID/stat`.
fn ticks_of_process(text: &str) -> Option<u64> {
    // The program's name may hold anything, so counting starts behind its closing parenthesis.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
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
    fn processor_time_is_read_from_the_kernels_text() {
        let text = "cpu  10 1 2 100 5 3 4 6 50 0\ncpu0 1 1 1 1\n";
        assert_eq!(ticks_of_machine(text), (26, 131));
        let text = "7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 40 2 0 0";
        assert_eq!(ticks_of_process(text), Some(42));
    }

    #[test]
    fn the_last_object_counts() {
        let finished = Finished {
            stdout: "warming up\n{\"a\":1}\n{\"a\":2}\n[3]\n".into(),
            peak: 0,
            others: 0.0,
        };
        assert_eq!(finished.json().expect("there are objects")["a"], 2);
        let nothing = Finished {
            stdout: "no\n".into(),
            peak: 0,
            others: 0.0,
        };
        assert!(nothing.json().is_err());
    }
}
