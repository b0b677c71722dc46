//! Our verdict and time for each pair of answers: JSON lines in (`gold`, `answer`), JSON lines out.
//!
//! `cargo xtask bench --peer math-verify` gives the same pairs to this program and to
//! `benches/peer/math_verify_pairs.py`. As there, a pair's time is reading both answers and comparing them, once, with
//! nothing kept from an earlier pair.

use std::io::{self, BufWriter, Write};
use std::time::Instant;

use farthing_math_equivalence::{Policy, Unreadable, Verdict, compare, parse};
use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let policy = Policy::default();
    let mut out = BufWriter::new(io::stdout().lock());
    for (number, line) in io::stdin().lines().enumerate() {
        let pair: Value = serde_json::from_str(&line?)?;
        let text = |key: &str| {
            pair[key].as_str().ok_or_else(|| {
                let message = format!("line {}: expected a text {key:?}, found {pair}", number + 1);
                io::Error::new(io::ErrorKind::InvalidData, message)
            })
        };
        let (gold, answer) = (text("gold")?, text("answer")?);
        let started = Instant::now();
        let verdict = judge(gold, answer, &policy);
        let seconds = started.elapsed().as_secs_f64();
        let (verdict, why) = match verdict {
            Ok(Verdict::Equal) => ("equal", None),
            Ok(Verdict::Different) => ("different", None),
            Ok(Verdict::Undecided(why)) => ("undecided", Some(why)),
            Err(unreadable) => ("unreadable", Some(unreadable.to_string())),
        };
        let judged = json!({ "verdict": verdict, "why": why, "seconds": seconds });
        writeln!(out, "{judged}")?;
    }
    out.flush()
}

fn judge(gold: &str, answer: &str, policy: &Policy) -> Result<Verdict, Unreadable> {
    let (gold, answer) = (parse(gold, policy)?, parse(answer, policy)?);
    Ok(compare(&gold, &answer, policy))
}
