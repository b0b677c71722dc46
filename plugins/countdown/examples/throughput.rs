//! How fast problems are made, solved and scored on this machine:
//! `cargo run --package farthing-countdown --example throughput`.

use std::{hint::black_box, thread, time::Instant};

use farthing_countdown::{Countdown, Exact, Operation, Solver};
use farthing_sdk::{prelude::*, testing};

const ATTEMPTS: usize = 1_000_000;
const THREADS: usize = 2;
const GROUP: usize = 16;

fn main() -> Result<()> {
    scoring()?;
    listing()?;
    (2..=6).try_for_each(solving)
}

/// Spaces that are just small enough to be listed.
fn listing() -> Result<()> {
    for (numbers, max_number, max_target) in
        [(2, 200, 1000), (3, 25, 100), (4, 11, 100), (5, 6, 50)]
    {
        let start = Instant::now();
        let task = testing::task::<Countdown>(json!({
            "numbers": numbers, "max_number": max_number, "max_target": max_target,
        }))?;
        println!(
            "{numbers} numbers up to {max_number}, targets up to {max_target}: {:?} problems to \
             train on, {:?} held out, listed in {:?}",
            task.size(Split::Train)?,
            task.size(Split::Test)?,
            start.elapsed(),
        );
    }
    Ok(())
}

fn solving(count: usize) -> Result<()> {
    let problems = if count < 6 { 200 } else { 20 };
    let task = testing::task::<Countdown>(json!({ "numbers": count }))?;
    let mut solutions = Vec::new();
    let making = Instant::now();
    for index in 0..problems {
        solutions.push(task.problem(Split::Train, index, 1)?);
    }
    let making = making.elapsed();
    let explaining = Instant::now();
    for (variant, problem) in solutions.iter().enumerate() {
        black_box(task.solution(problem, variant as u64)?);
    }
    let explaining = explaining.elapsed();
    let solver = Solver::new(&Operation::ALL, false);
    let numbers: Vec<u64> = (0..count as u64).map(|i| 97 - 7 * i).collect();
    let refuting = Instant::now();
    // A prime beyond what these numbers make: the whole space has to be searched.
    black_box(solver.solvable(&numbers, 999_983));
    let refuting = refuting.elapsed();
    let listing = Instant::now();
    black_box(solver.targets(&numbers, 1..=100));
    println!(
        "{count} numbers: {:?} to make a problem, {:?} to explain it, {:?} to refute one, {:?} \
         to list all targets",
        making / problems as u32,
        explaining / problems as u32,
        refuting,
        listing.elapsed(),
    );
    Ok(())
}

fn scoring() -> Result<()> {
    let facts = json!({ "numbers": [44, 19, 35], "target": 98 });
    let working = "Let me try 44 - 19 = 25, then 35 + 25 = 60. That is not 98.\n".repeat(3);
    let completion = |answer: &str| format!("{working}</think>\n<answer>{answer}</answer>");
    let texts = [
        completion("(44 + 19) + 35"),
        completion("44 * 19 / 35"),
        completion("44 + 19"),
        working.clone(),
    ];
    let group: Vec<&str> = texts
        .iter()
        .map(String::as_str)
        .cycle()
        .take(GROUP)
        .collect();
    let reward = testing::reward::<Exact>(json!({}))?;
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..ATTEMPTS / THREADS / GROUP {
                    black_box(
                        reward
                            .score_group(&facts, &group)
                            .expect("the reward works"),
                    );
                }
            });
        }
    });
    let elapsed = start.elapsed();
    println!(
        "{ATTEMPTS} attempts of {} bytes in groups of {GROUP}, through the boundary's shims, on \
         {THREADS} threads: {elapsed:.2?}",
        texts[0].len()
    );
    Ok(())
}
