//! Judges programs of every kind of end for as long as one likes, checks every verdict, and says what is left of them:
//! `cargo run --package farthing-code --example soak -- --minutes 60 --threads 3`, or `--attempts 10000`.
//!
//! It ends with an error if a verdict was another than it must be, or if this process then holds a descriptor, a child, a
//! mount, a temporary file or a cgroup that it did not hold after the first 200 attempts.

#[path = "../sandbox/tests/common/held.rs"]
mod held;

use std::{
    collections::BTreeMap,
    fs,
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use farthing_code::TestsReward;
use farthing_sdk::{
    prelude::*,
    testing::{self, RewardKit},
};
use held::{Held, cgroups_of, processes_with};

/// The argument by which daemons can be found.
const MARK: &str = "farthing-soak-daemon";

/// What is made once is made in so many attempts.
const FIRST: u64 = 200;

/// Name, program, and the verdicts that it may get; the answer to 3 is 9.
const PROGRAMS: &[(&str, &str, &[&str])] = &[
    ("right", "print(int(input()) ** 2)", &["accepted"]),
    ("wrong", "print(int(input()) * 2)", &["wrong"]),
    ("right again", "import sys; print(sum(range(4)) + int(sys.stdin.read()))", &["accepted"]),
    (
        "right, with a daemon",
        "import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, '-I', '-S', '-c', 'import time; time.sleep(1000)', 'farthing-soak-daemon'])
    os._exit(0)
os.wait()
print(9)",
        &["accepted"],
    ),
    ("silent", "pass", &["wrong"]),
    ("aborted", "import os; os.abort()", &["runtime_error"]),
    ("flood", "while True: print('x' * 1000)", &["output_limit"]),
    (
        "fork bomb",
        "import os
while True:
    try: os.fork()
    except OSError: os._exit(5)",
        &["runtime_error"],
    ),
    (
        "full disk",
        "f = open('file', 'wb')
while True: f.write(bytes(1 << 20)); f.flush()",
        &["runtime_error"],
    ),
    ("memory", "a = b'x' * (200 << 20)", &["memory_limit", "runtime_error"]),
    ("sleep", "import time; time.sleep(1000)", &["time_limit"]),
];

/// The parts of an outcome that say how a test ended.
const VERDICTS: &[&str] = &[
    "accepted",
    "wrong",
    "runtime_error",
    "time_limit",
    "memory_limit",
    "output_limit",
    "compile_error",
    "not_run",
];

fn main() -> Result<ExitCode> {
    let (minutes, attempts) = (given("--minutes")?, given("--attempts")?);
    let threads = given("--threads")?.unwrap_or(2);
    let soak = Soak::new()?;
    soak.judge(threads, &|number| number < FIRST);
    let first = soak.next.load(Ordering::Relaxed);

    let (before, memory, begun) = (Held::now(), resident()?, Instant::now());
    match (minutes, attempts) {
        (Some(_), Some(_)) => bail!("expected --minutes or --attempts, found both"),
        (Some(minutes), None) => {
            let time = Duration::from_secs(60 * minutes);
            soak.judge(threads, &|_| begun.elapsed() < time);
        }
        (None, attempts) => {
            let end = first + attempts.unwrap_or(1000);
            soak.judge(threads, &|number| number < end);
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let after = Held::now();

    let counts = soak.counts.into_inner().expect("no worker panics");
    for ((name, verdict), count) in &counts {
        println!("{count:>8} {name}: {verdict}");
    }
    let judged = counts.values().sum::<u64>() - first;
    println!(
        "{judged} attempts in {seconds:.0} s, {:.1} a second; {} descriptors before, {} after; {memory} KiB of memory before, {} after",
        judged as f64 / seconds,
        before.descriptors.len(),
        after.descriptors.len(),
        resident()?,
    );
    let unexpected = soak.unexpected.into_inner();
    println!("{unexpected} unexpected outcomes");
    let left = processes_with(MARK);
    println!("{} processes of daemons left", left.len());
    drop((soak.patient, soak.hurried));
    let cgroups = cgroups_of(std::process::id());
    println!("{} cgroups left", cgroups.len());
    if before != after {
        println!("before: {before:?}\nafter: {after:?}");
    }
    let clean = before == after && unexpected == 0 && left.is_empty() && cgroups.is_empty();
    Ok(if clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

struct Soak {
    patient: RewardKit,
    /// For programs that only the clock ends.
    hurried: RewardKit,
    next: AtomicU64,
    counts: Mutex<BTreeMap<(&'static str, String), u64>>,
    unexpected: AtomicU64,
}

impl Soak {
    fn new() -> Result<Self> {
        let reward = |wall_seconds: f64| {
            testing::reward::<TestsReward>(json!({
                "program": "raw",
                "limits": {
                    "cpu_seconds": 20, "wall_seconds": wall_seconds, "total_seconds": 120,
                    "memory_mib": 128, "output_mib": 1, "disk_mib": 4,
                },
            }))
        };
        Ok(Self {
            patient: reward(60.0)?,
            hurried: reward(0.1)?,
            next: AtomicU64::new(0),
            counts: Mutex::default(),
            unexpected: AtomicU64::new(0),
        })
    }

    /// Judges one program after another on all threads, for as long as `more` of the attempt's number is true.
    fn judge(&self, threads: u64, more: &(impl Fn(u64) -> bool + Sync)) {
        let begun = Instant::now();
        let worker = || {
            loop {
                let number = self.next.load(Ordering::Relaxed);
                if !more(number) {
                    break;
                }
                let number = self.next.fetch_add(1, Ordering::Relaxed);
                self.judge_one(number);
                if number % 5000 == 4999 {
                    println!(
                        "{} attempts, {:.0} s",
                        number + 1,
                        begun.elapsed().as_secs_f64()
                    );
                }
            }
        };
        thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(worker))));
    }

    fn judge_one(&self, number: u64) {
        let (name, program, expected) = PROGRAMS[(number % PROGRAMS.len() as u64) as usize];
        let sleeps = name == "sleep";
        let reward = if sleeps { &self.hurried } else { &self.patient };
        let facts = json!({ "tests": [{ "stdin": "3\n", "stdout": "9\n" }] });
        let (verdict, as_expected) = match reward.score(&facts, program) {
            Ok(Outcome::Scored { value, parts, .. }) => {
                let verdict = VERDICTS.iter().find(|name| parts.get(name) == Some(1.0));
                let verdict = *verdict.unwrap_or(&"none");
                let paid = value == f64::from(u8::from(verdict == "accepted"));
                (verdict.to_owned(), paid && expected.contains(&verdict))
            }
            Ok(Outcome::Abstain) => ("abstained".to_owned(), false),
            // A busy machine may not come to run a program at all for so short a time.
            Err(fault) if sleeps && fault.to_string().contains("too busy") => {
                ("failed: the machine was too busy".to_owned(), true)
            }
            Err(fault) => (format!("failed: {fault}"), false),
        };
        if !as_expected {
            self.unexpected.fetch_add(1, Ordering::Relaxed);
            println!("attempt {number}, {name}: {verdict}");
        }
        let mut counts = self.counts.lock().expect("no worker panics");
        *counts.entry((name, verdict)).or_default() += 1;
    }
}

/// The number behind this option.
fn given(name: &str) -> Result<Option<u64>> {
    let value = std::env::args()
        .skip_while(|argument| argument != name)
        .nth(1);
    Ok(value.map(|value| value.parse()).transpose()?)
}

/// What of this process is in memory, in KiB.
fn resident() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.unwrap_or_default().parse()?)
}
