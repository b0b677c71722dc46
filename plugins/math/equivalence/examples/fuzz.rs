//! Looks for answers that panic or take long: mutates and joins known answers, from a fixed
//! seed, for as many seconds as its argument says.
//!
//! `cargo run --package farthing-math-equivalence --example fuzz -- 60 [seed]` prints how many
//! pairs it tried, the verdicts, and the slowest pair. A panic, or an answer that is not equal
//! to itself, shows the pair and ends it; a pair over 50 ms fails it at the end.

#[path = "../tests/equivalence/pieces.rs"]
mod pieces;

use std::{
    env, fs,
    panic::{self, AssertUnwindSafe},
    path::Path,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use farthing_math_equivalence::{ListOrder, Percent, Policy, Units, Verdict, compare, parse};
use pieces::PIECES;

/// No pair may take longer, on a machine with nothing else to do.
const BOUND: Duration = Duration::from_millis(50);

struct Random(u64);

impl Random {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn choose<'t, T: ?Sized>(&mut self, from: &[&'t T]) -> &'t T {
        from[self.below(from.len())]
    }
}

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let seconds = arguments.next().and_then(|text| text.parse().ok());
    let seed = arguments.next().and_then(|text| text.parse().ok());
    let corpus = corpus();
    let texts: Vec<&str> = corpus.iter().map(String::as_str).collect();
    let mut random = Random(seed.unwrap_or(7));
    let policies = policies();
    let until = Instant::now() + Duration::from_secs(seconds.unwrap_or(10));
    let (mut tried, mut read, mut equal, mut undecided, mut slow) =
        (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
    let mut slowest = (Duration::ZERO, String::new(), String::new());
    while Instant::now() < until {
        let gold = mutated(&mut random, &texts);
        let given = match random.below(3) {
            0 => mutated(&mut random, &[gold.as_str()]),
            1 => gold.clone() + " ",
            _ => mutated(&mut random, &texts),
        };
        let policy = &policies[random.below(policies.len())];
        let Ok((verdict, mut time)) = graded(&gold, &given, policy) else {
            println!(
                "a panic, or an answer that differs from itself:\n{gold}\nand\n{given}\nunder {policy:?}"
            );
            return ExitCode::FAILURE;
        };
        tried += 1;
        read += u64::from(verdict.is_some());
        equal += u64::from(verdict == Some(Verdict::Equal));
        undecided += u64::from(matches!(verdict, Some(Verdict::Undecided(_))));
        if time > BOUND / 2 {
            // Once more, or the machine's other work would be taken for ours.
            time = (0..40)
                .filter_map(|_| graded(&gold, &given, policy).ok())
                .fold(time, |best, (_, again)| best.min(again));
        }
        if time > BOUND {
            slow += 1;
            println!("{time:?} for\n{gold}\nand\n{given}\nunder {policy:?}");
        }
        if time > slowest.0 {
            slowest = (time, gold, given);
        }
    }
    println!(
        "{tried} pairs, {read} of them readable, {equal} equal, {undecided} undecided, {slow} over {BOUND:?}; the \
         slowest took {:?}:\n{}\n{}",
        slowest.0, slowest.1, slowest.2
    );
    if slow == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The verdict, if both can be read, and how long it took.
fn graded(gold: &str, given: &str, policy: &Policy) -> thread::Result<(Option<Verdict>, Duration)> {
    panic::catch_unwind(AssertUnwindSafe(|| {
        let start = Instant::now();
        let answers = (parse(gold, policy), parse(given, policy));
        let (Ok(gold), Ok(given)) = &answers else {
            return (None, start.elapsed());
        };
        let verdict = compare(gold, given, policy);
        let time = start.elapsed();
        assert_eq!(compare(gold, gold, policy), Verdict::Equal);
        (Some(verdict), time)
    }))
}

/// The default, and one in which every choice is the other.
fn policies() -> [Policy; 2] {
    let other = Policy {
        decimal_tolerance: 0.01,
        percent: Percent::Hundredth,
        decimal_comma: true,
        drop_labels: false,
        case_of_words: true,
        units: Units::Required,
        reduced_fractions: true,
        list_order: ListOrder::Free,
        vectors_are_tuples: false,
        ratios_are_quotients: false,
    };
    [Policy::default(), other]
}

/// The answers of the tests' pairs, and the texts that once went wrong.
fn corpus() -> Vec<String> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut texts = Vec::new();
    let pairs = fs::read_to_string(tests.join("pairs/public.jsonl")).unwrap_or_default();
    for line in pairs.lines() {
        if let Ok(pair) = serde_json::from_str::<serde_json::Value>(line) {
            texts
                .extend(["gold", "answer"].map(|key| pair[key].as_str().unwrap_or("1").to_owned()));
        }
    }
    for file in fs::read_dir(tests.join("crashes"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let text = fs::read_to_string(file.path()).unwrap_or_default();
        texts.extend(text.lines().map(str::to_owned));
    }
    texts.push("1".to_owned());
    texts
}

fn mutated(random: &mut Random, texts: &[&str]) -> String {
    let mut text: Vec<char> = random.choose(texts).chars().collect();
    for _ in 0..random.below(6) {
        let at = random.below(text.len() + 1);
        let end = (at + random.below(8)).min(text.len());
        match random.below(5) {
            0 => drop(text.drain(at..end)),
            1 => drop(text.splice(at..at, random.choose(PIECES).chars())),
            2 => {
                let copy: Vec<char> = text[at..end].to_vec();
                for _ in 0..random.below(12) {
                    text.splice(at..at, copy.iter().copied());
                }
            }
            3 => {
                let other: Vec<char> = random.choose(texts).chars().collect();
                text.splice(at..at, other);
            }
            _ => {
                let piece = random.choose(PIECES);
                for _ in 0..random.below(60) {
                    text.splice(at..at, piece.chars());
                }
            }
        }
        text.truncate(4096);
    }
    text.into_iter().collect()
}
