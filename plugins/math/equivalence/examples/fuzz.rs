//! Looks for answers that panic or take long: mutates and joins known answers, from a fixed
//! seed, for as many seconds as its argument says.
//!
//! `cargo run --package farthing-math-equivalence --example fuzz -- 60 [seed]` prints how many
//! pairs it tried, the verdicts, and the slowest pair. A panic shows the pair and ends it.

use std::{
    env, fs,
    panic::{self, AssertUnwindSafe},
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use farthing_math_equivalence::{Policy, Verdict, compare, parse};

/// What answers are made of, beside those of the corpus.
const PIECES: &[&str] = &[
    "\\frac",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "\\{",
    "\\}",
    "^",
    "_",
    "!",
    "\\sqrt",
    "\\sin",
    "\\ln",
    "\\log_",
    "\\pm",
    "\\cup",
    "\\infty",
    "\\text{",
    "\\overline{",
    "\\begin{pmatrix}",
    "\\end{pmatrix}",
    "&",
    "\\\\",
    "\\pi",
    "x",
    "y",
    "e",
    "i",
    "2",
    "10",
    "999999999999",
    "1e999",
    "0",
    ".",
    ",",
    ";",
    ":",
    "=",
    "<",
    "\\le",
    "/",
    "*",
    "+",
    "-",
    "|",
    "\\in",
    "\\mathbb{R}",
    "\\setminus",
    " or ",
    " and ",
    "%",
    "$",
    "°",
    "½",
    "²",
    "∞",
    "\\binom",
    "\\lfloor",
    "\\rfloor",
    "\\arcsin",
    "\\cosh",
    " cm",
    " apples",
    "100!",
    "10^10^10",
    "\\left",
    "\\right",
    "'",
    "\\!",
];

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
    let policy = Policy::default();
    let until = Instant::now() + Duration::from_secs(seconds.unwrap_or(10));
    let (mut tried, mut read, mut equal, mut undecided) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut slowest = (Duration::ZERO, String::new(), String::new());
    while Instant::now() < until {
        let gold = mutated(&mut random, &texts);
        let given = match random.below(3) {
            0 => mutated(&mut random, &[gold.as_str()]),
            1 => gold.clone() + " ",
            _ => mutated(&mut random, &texts),
        };
        let start = Instant::now();
        let graded = panic::catch_unwind(AssertUnwindSafe(|| {
            let gold = parse(&gold, &policy).ok()?;
            let given = parse(&given, &policy).ok()?;
            Some(compare(&gold, &given, &policy))
        }));
        let time = start.elapsed();
        tried += 1;
        match graded {
            Ok(verdict) => {
                read += u64::from(verdict.is_some());
                equal += u64::from(verdict == Some(Verdict::Equal));
                undecided += u64::from(matches!(verdict, Some(Verdict::Undecided(_))));
            }
            Err(_) => {
                println!("a panic on\n{gold}\nand\n{given}");
                return ExitCode::FAILURE;
            }
        }
        if time > slowest.0 {
            slowest = (time, gold, given);
        }
    }
    println!(
        "{tried} pairs, {read} of them readable, {equal} equal, {undecided} undecided; the \
         slowest took {:?}:\n{}\n{}",
        slowest.0, slowest.1, slowest.2
    );
    ExitCode::SUCCESS
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
