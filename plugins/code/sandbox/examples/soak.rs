//! Runs programs of every kind of end for as long as one likes, and says what is left of them.
//!
//! ```sh
//! cargo run --release -p farthing-sandbox --example soak -- --runs 10000 --threads 4
//! ```

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use farthing_sandbox::{End, Job, Limits, Sandbox, SandboxError, SandboxPolicy};

const DAEMON: &str = "
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: time.sleep(1000)
    os._exit(0)
os.wait()";

const BOMB: &str = "
import os
while True:
    try: os.fork()
    except OSError: os._exit(5)";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let given = |name: &str, default: usize| {
        let value = arguments
            .iter()
            .skip_while(|argument| *argument != name)
            .nth(1);
        value.map_or(Ok(default), |value| value.parse())
    };
    let (runs, threads) = (given("--runs", 1000)?, given("--threads", 2)?);

    let sandbox = Sandbox::new(&SandboxPolicy::default())?;
    for layer in sandbox.layers() {
        println!("{layer}");
    }
    let (before, begun) = (descriptors()?, Instant::now());
    let (next, wrong) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= runs {
                        break;
                    }
                    if let Err(fault) = one(&sandbox, number) {
                        wrong.fetch_add(1, Ordering::Relaxed);
                        println!("run {number}: {fault}");
                    }
                    if number % 1000 == 999 {
                        println!(
                            "{} runs in {:.0} s",
                            number + 1,
                            begun.elapsed().as_secs_f64()
                        );
                    }
                }
            });
        }
    });
    println!(
        "{runs} runs in {:.0} s; {} ended otherwise than they must; descriptors before {before}, after {}; children {:?}",
        begun.elapsed().as_secs_f64(),
        wrong.into_inner(),
        descriptors()?,
        std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default(),
    );
    Ok(())
}

fn one(sandbox: &Sandbox, number: usize) -> Result<(), String> {
    let ample = Limits {
        cpu: Duration::from_secs(20),
        wall: Duration::from_secs(60),
        ..Limits::default()
    };
    let (program, limits, expected) = match number % 8 {
        0..=2 => ("print(sum(range(1000)))", ample, End::Exited(0)),
        3 => (DAEMON, ample, End::Exited(0)),
        4 => (
            "import time; time.sleep(1000)",
            Limits {
                wall: Duration::from_millis(30),
                ..ample
            },
            End::Wall,
        ),
        5 => (
            "while True: print('x' * 1000)",
            Limits {
                output: 100_000,
                ..ample
            },
            End::Output,
        ),
        6 => ("import os; os.abort()", ample, End::Signalled(6)),
        _ => (BOMB, ample, End::Exited(5)),
    };
    let arguments = ["-I", "-S", "-c", program];
    let ran = sandbox
        .run(&Job {
            program: Path::new("/usr/bin/python3"),
            arguments: &arguments,
            environment: &[],
            files: &[("input.txt", b"some text")],
            stdin: b"some input",
            limits,
            channel: true,
        })
        .map(|finished| finished.end);
    match ran {
        Ok(end) if end == expected => Ok(()),
        // A busy machine may not come to run a program at all for so short a time.
        Err(SandboxError::Starved { .. }) if expected == End::Wall => Ok(()),
        other => Err(format!("expected {expected:?}, found {other:?}")),
    }
}

fn descriptors() -> std::io::Result<usize> {
    Ok(std::fs::read_dir("/proc/self/fd")?.count())
}
