//! Pairs of answers with their truth, and what a side said about each.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::bench::statistics::Times;

/// A gold answer, a given one, and whether they mean the same.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Pair {
    pub kind: String,
    pub gold: String,
    pub answer: String,
    pub equal: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Equal,
    /// Different, or an answer that cannot be read, which nobody would reward either.
    Different,
    /// A timeout, an error, or a limit of work: the side would not say.
    None,
}

impl Verdict {
    pub fn is_right(self, equal: bool) -> bool {
        self == if equal { Self::Equal } else { Self::Different }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Judged {
    pub verdict: Verdict,
    pub seconds: f64,
}

pub fn read_pairs(path: &Path) -> Result<Vec<Pair>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let pair = |(number, line)| {
        serde_json::from_str(line)
            .with_context(|| format!("{}:{}: not a pair", path.display(), number + 1))
    };
    text.lines().enumerate().map(pair).collect()
}

/// Reads a side's lines, one for each pair: `{"equal": true, ..}` of theirs, `{"verdict": "equal", ..}` of ours.
pub fn read_judged(text: &str, expected: usize) -> Result<Vec<Judged>> {
    #[derive(Deserialize)]
    struct Line {
        equal: Option<bool>,
        verdict: Option<String>,
        seconds: f64,
    }
    let mut all = Vec::new();
    for line in text.lines() {
        let said: Line =
            serde_json::from_str(line).with_context(|| format!("not a verdict: {line}"))?;
        let verdict = match (said.equal, said.verdict.as_deref()) {
            (Some(true), _) | (_, Some("equal")) => Verdict::Equal,
            (Some(false), _) | (_, Some("different" | "unreadable")) => Verdict::Different,
            (None, None | Some("undecided")) => Verdict::None,
            (None, Some(other)) => bail!("unknown verdict {other:?} in {line}"),
        };
        all.push(Judged {
            verdict,
            seconds: said.seconds,
        });
    }
    if all.len() != expected {
        bail!("expected {expected} verdicts, found {}", all.len());
    }
    Ok(all)
}

/// One side's verdict about each pair, and its times, one for each turn.
#[derive(Debug)]
pub struct Side {
    pub verdicts: Vec<Verdict>,
    pub times: Vec<Times>,
    /// Verdicts that were not the first turn's.
    pub changed: usize,
}

impl Side {
    pub fn new(pairs: &[Pair]) -> Self {
        Self {
            verdicts: Vec::new(),
            times: vec![Times::default(); pairs.len()],
            changed: 0,
        }
    }

    /// Adds a turn whose verdicts may differ from the first one's, which count.
    pub fn add_unsteady(&mut self, turn: Vec<Judged>) -> Result<()> {
        if turn.len() != self.times.len() {
            bail!(
                "expected {} verdicts, found {}",
                self.times.len(),
                turn.len()
            );
        }
        let verdicts = turn.iter().map(|judged| judged.verdict);
        if self.verdicts.is_empty() {
            self.verdicts = verdicts.collect();
        } else {
            let before = self.verdicts.iter().copied();
            self.changed += before.zip(verdicts).filter(|(old, new)| old != new).count();
        }
        for (times, judged) in self.times.iter_mut().zip(turn) {
            times.add([judged.seconds]);
        }
        Ok(())
    }

    /// Adds a turn whose verdicts must be the first one's.
    pub fn add(&mut self, turn: Vec<Judged>) -> Result<()> {
        self.add_unsteady(turn)?;
        if self.changed > 0 {
            bail!("{} verdicts differ from the first turn's", self.changed);
        }
        Ok(())
    }

    /// The fastest of a pair's turns, in microseconds: what else the machine does can only add to a time.
    pub fn microseconds(&self, pair: usize) -> Option<f64> {
        Some(self.times[pair].least()? * 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_lines_are_read() {
        let text = "{\"equal\":true,\"seconds\":1}\n{\"equal\":null,\"seconds\":2}\n\
                    {\"verdict\":\"unreadable\",\"why\":\"x\",\"seconds\":3}\n{\"verdict\":\"undecided\",\"seconds\":4}\n";
        let judged = read_judged(text, 4).expect("four lines");
        let verdicts: Vec<Verdict> = judged.iter().map(|judged| judged.verdict).collect();
        assert_eq!(
            verdicts,
            [
                Verdict::Equal,
                Verdict::None,
                Verdict::Different,
                Verdict::None
            ]
        );
        // A side that died in the middle is no side.
        assert!(read_judged(text, 5).is_err());
        assert!(read_judged("{\"verdict\":\"maybe\",\"seconds\":1}", 1).is_err());
    }

    #[test]
    fn no_verdict_is_never_right() {
        for equal in [true, false] {
            assert!(!Verdict::None.is_right(equal));
        }
        assert!(Verdict::Different.is_right(false) && !Verdict::Different.is_right(true));
    }

    #[test]
    fn a_verdict_that_changes_is_noticed() {
        let pairs = [Pair {
            kind: "integers".into(),
            gold: "1".into(),
            answer: "1".into(),
            equal: true,
        }];
        let turn = |verdict| {
            vec![Judged {
                verdict,
                seconds: 1.0,
            }]
        };
        let mut side = Side::new(&pairs);
        side.add(turn(Verdict::Equal)).expect("the first turn");
        side.add(turn(Verdict::Equal)).expect("the same again");
        assert!(side.add(turn(Verdict::None)).is_err());
        assert_eq!((side.changed, side.verdicts[0]), (1, Verdict::Equal));
    }
}
