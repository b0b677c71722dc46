//! Our verdict and time for each pair of answers: JSON lines in (`gold`, `answer`), JSON lines out.
//!
//! `cargo xtask bench --peer math-verify` gives the same pairs to this program and to
//! `benches/peer/math_verify_pairs.py`. As there, a pair's time is reading both answers and comparing them, once, with
//! nothing kept from an earlier pair.
//!
//! With `--wrong`, for whoever changes the engine: the pairs (with `equal` beside them) whose verdict is wrong, a line
//! for each, and how many there were of each kind of mistake.

use std::env;
use std::io::{self, BufWriter, Write};
use std::time::{Duration, Instant};

use farthing_math_equivalence::{Policy, Unreadable, Verdict, compare, parse};
use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let wrong_only = env::args().skip(1).any(|word| word == "--wrong");
    let policy = Policy::default();
    let mut out = BufWriter::new(io::stdout().lock());
    let mut score = Score::default();
    for (number, line) in io::stdin().lines().enumerate() {
        let pair: Value = serde_json::from_str(&line?)?;
        let lacking = |key: &str| {
            let message = format!("line {}: expected {key:?}, found {pair}", number + 1);
            io::Error::new(io::ErrorKind::InvalidData, message)
        };
        let text = |key: &str| pair[key].as_str().ok_or_else(|| lacking(key));
        let (gold, answer) = (text("gold")?, text("answer")?);
        let started = Instant::now();
        let verdict = judge(gold, answer, &policy);
        let time = started.elapsed();
        let (verdict, why) = match verdict {
            Ok(Verdict::Equal) => ("equal", None),
            Ok(Verdict::Different) => ("different", None),
            Ok(Verdict::Undecided(why)) => ("undecided", Some(why)),
            Err(unreadable) => ("unreadable", Some(unreadable.to_string())),
        };
        if wrong_only {
            let equal = pair["equal"].as_bool().ok_or_else(|| lacking("equal"))?;
            if !score.count(verdict, equal, time) {
                writeln!(
                    out,
                    "{pair}: {verdict}{}",
                    why.map_or(String::new(), |why| format!(", as {why}"))
                )?;
            }
        } else {
            let seconds = time.as_secs_f64();
            let judged = json!({ "verdict": verdict, "why": why, "seconds": seconds });
            writeln!(out, "{judged}")?;
        }
    }
    if wrong_only {
        let Score {
            right,
            accepted,
            refused,
            undecided,
            slowest,
        } = score;
        writeln!(
            out,
            "{right} right, {accepted} falsely accepted, {refused} falsely refused, {undecided} undecided; slowest \
             {slowest:?}"
        )?;
    }
    out.flush()
}

fn judge(gold: &str, answer: &str, policy: &Policy) -> Result<Verdict, Unreadable> {
    let (gold, answer) = (parse(gold, policy)?, parse(answer, policy)?);
    Ok(compare(&gold, &answer, policy))
}

#[derive(Default)]
struct Score {
    right: usize,
    accepted: usize,
    refused: usize,
    undecided: usize,
    slowest: Duration,
}

impl Score {
    /// Whether the verdict is right; an answer that cannot be read is rightly no equal.
    fn count(&mut self, verdict: &str, equal: bool, time: Duration) -> bool {
        self.slowest = self.slowest.max(time);
        let kind = match (verdict, equal) {
            ("equal", true) | ("different" | "unreadable", false) => &mut self.right,
            ("undecided", _) => &mut self.undecided,
            (_, true) => &mut self.refused,
            (_, false) => &mut self.accepted,
        };
        *kind += 1;
        matches!(
            (verdict, equal),
            ("equal", true) | ("different" | "unreadable", false)
        )
    }
}
