//! How many short Python tests a second this machine judges, and what of that is Python:
//! `cargo run --package farthing-code --example tests_per_second [-- TESTS]`.

use std::{
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use farthing_code::TestsReward;
use farthing_sdk::{
    prelude::*,
    testing::{self, RewardKit},
};

const THREADS: usize = 2;

fn main() -> Result<()> {
    let tests: usize = match std::env::args().nth(1) {
        Some(tests) => tests.parse()?,
        None => 400,
    };
    let plain = timed(tests, |_| {
        let python = Command::new("/usr/bin/python3")
            .args(["-I", "-S", "-c", "print(9)"])
            .stdout(Stdio::null())
            .status()?;
        match python.success() {
            true => Ok(()),
            false => bail!("python3 ended with {python}"),
        }
    })?;
    report("python3 -I -S alone, no sandbox", tests, plain, plain);

    let stream = |test: usize| json!({ "tests": [{ "stdin": format!("{test}\n"), "stdout": format!("{}\n", test * test) }] });
    let call = |test: usize| json!({ "entry_point": "f", "tests": [{ "args": [test], "expected": test * test }] });
    let reward = testing::reward::<TestsReward>(json!({}))?;
    let took = timed(tests, |test| {
        pass(&reward, &stream(test), "print(int(input()) ** 2)")
    })?;
    report("scripts, one test a process", tests, took, plain);
    let took = timed(tests, |test| {
        pass(&reward, &call(test), "def f(x): return x * x")
    })?;
    report("calls, one test a process", tests, took, plain);

    const SHARED: usize = 10;
    let reward = testing::reward::<TestsReward>(json!({ "calls_per_process": SHARED }))?;
    let took = timed(tests / SHARED, |test| {
        let calls: Vec<Value> = (test..test + SHARED)
            .map(|x| json!({ "args": [x], "expected": x * x }))
            .collect();
        let facts = json!({ "entry_point": "f", "tests": calls });
        pass(&reward, &facts, "def f(x): return x * x")
    })?;
    report("calls, ten tests a process", tests, took, plain);
    Ok(())
}

fn pass(reward: &RewardKit, facts: &Value, program: &str) -> Result<()> {
    match reward.score(facts, program)? {
        Outcome::Scored { value: 1.0, .. } => Ok(()),
        other => bail!("a right program was scored {other:?}"),
    }
}

/// The time of `count` calls on all threads together.
fn timed(count: usize, work: impl Fn(usize) -> Result<()> + Sync) -> Result<Duration> {
    let start = Instant::now();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|worker| {
                let work = &work;
                scope.spawn(move || (worker..count).step_by(THREADS).try_for_each(work))
            })
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().expect("no worker panics"))
    })?;
    Ok(start.elapsed())
}

fn report(what: &str, tests: usize, took: Duration, plain: Duration) {
    println!(
        "{what}: {:.1} tests a second on {THREADS} threads, {:.2} times plain Python's time",
        tests as f64 / took.as_secs_f64(),
        took.as_secs_f64() / plain.as_secs_f64(),
    );
}
