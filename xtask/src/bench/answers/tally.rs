//! How often each side was right about a set of pairs, how long it took, and where they differ.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Serialize;

use super::pairs::{Pair, Side, Verdict};
use crate::bench::statistics::Times;

/// One side's verdicts and times over some pairs.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    pub right: usize,
    /// Different answers called equal: what a reward must never do.
    pub false_accepts: usize,
    /// Equal answers called different.
    pub false_rejects: usize,
    pub no_verdict: usize,
    pub microseconds: Spread,
}

/// Microseconds for a pair: each pair's is the fastest of its turns.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Spread {
    pub median: f64,
    pub mean: f64,
    pub slowest: f64,
}

/// Both sides over some pairs.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Both {
    pub pairs: usize,
    pub ours: Tally,
    pub theirs: Tally,
    /// Median of `theirs / ours`, pair by pair.
    pub times_as_fast: f64,
}

/// A pair about which a side was wrong.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    #[serde(flatten)]
    pub pair: Pair,
    pub ours: Verdict,
    pub theirs: Verdict,
}

impl Difference {
    pub fn we_are_right(&self) -> bool {
        self.ours.is_right(self.pair.equal)
    }

    pub fn they_are_right(&self) -> bool {
        self.theirs.is_right(self.pair.equal)
    }
}

/// One set of pairs.
#[derive(Debug, Serialize)]
pub struct Compared {
    pub title: String,
    pub all: Both,
    pub kinds: BTreeMap<String, Both>,
    /// Verdicts of theirs that changed from turn to turn.
    pub their_changed_verdicts: usize,
    /// Every pair about which at least one side was wrong.
    pub differences: Vec<Difference>,
}

impl Compared {
    pub fn new(title: &str, pairs: &[Pair], ours: &Side, theirs: &Side) -> Result<Self> {
        let mut kinds: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, pair) in pairs.iter().enumerate() {
            kinds.entry(&pair.kind).or_default().push(at);
        }
        let both = |which: &[usize]| Both::new(pairs, which, ours, theirs);
        let all: Vec<usize> = (0..pairs.len()).collect();
        let differences = pairs.iter().zip(ours.verdicts.iter().zip(&theirs.verdicts));
        let differences = differences.map(|(pair, (&ours, &theirs))| Difference {
            pair: pair.clone(),
            ours,
            theirs,
        });
        Ok(Self {
            title: title.into(),
            all: both(&all)?,
            kinds: kinds
                .into_iter()
                .map(|(kind, which)| Ok((kind.to_owned(), both(&which)?)))
                .collect::<Result<_>>()?,
            their_changed_verdicts: theirs.changed,
            differences: differences
                .filter(|difference| !(difference.we_are_right() && difference.they_are_right()))
                .collect(),
        })
    }
}

impl Both {
    fn new(pairs: &[Pair], which: &[usize], ours: &Side, theirs: &Side) -> Result<Self> {
        let mut ratios = Times::default();
        for &at in which {
            let (ours, theirs) = (ours.microseconds(at), theirs.microseconds(at));
            let (ours, theirs) = ours.zip(theirs).context("a pair was never timed")?;
            ratios.add([theirs / ours]);
        }
        Ok(Self {
            pairs: which.len(),
            ours: Tally::new(pairs, which, ours)?,
            theirs: Tally::new(pairs, which, theirs)?,
            times_as_fast: ratios.median().context("no pairs to compare")?,
        })
    }
}

impl Tally {
    fn new(pairs: &[Pair], which: &[usize], side: &Side) -> Result<Self> {
        let mut tally = Self::default();
        let mut times = Times::default();
        for &at in which {
            match (side.verdicts[at], pairs[at].equal) {
                (Verdict::None, _) => tally.no_verdict += 1,
                (Verdict::Equal, false) => tally.false_accepts += 1,
                (Verdict::Different, true) => tally.false_rejects += 1,
                (Verdict::Equal, true) | (Verdict::Different, false) => tally.right += 1,
            }
            times.add(side.microseconds(at));
        }
        tally.microseconds = Spread {
            median: times.median().context("no pairs to time")?,
            mean: times.0.iter().sum::<f64>() / times.len() as f64,
            slowest: times.greatest().context("no pairs to time")?,
        };
        Ok(tally)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::bench::answers::pairs::Judged;

    fn pair(kind: &str, equal: bool) -> Pair {
        Pair {
            kind: kind.into(),
            gold: "\\frac{1}{2}".into(),
            answer: "0.5".into(),
            equal,
        }
    }

    fn side(pairs: &[Pair], turns: &[&[(Verdict, f64)]]) -> Side {
        let mut side = Side::new(pairs);
        for turn in turns {
            let judged = turn.iter().map(|&(verdict, microseconds)| Judged {
                verdict,
                seconds: microseconds * 1e-6,
            });
            side.add(judged.collect()).expect("one for each pair");
        }
        side
    }

    /// Three pairs: we accept the wrong one, they reject the right one and time out at the last.
    pub fn compared() -> Compared {
        use Verdict::{Different, Equal, None};
        let pairs = [
            pair("integers", true),
            pair("integers", false),
            pair("words", false),
        ];
        let ours = side(
            &pairs,
            &[
                &[(Equal, 1.0), (Equal, 2.0), (Different, 3.0)],
                &[(Equal, 3.0), (Equal, 2.0), (Different, 3.0)],
            ],
        );
        let theirs = side(
            &pairs,
            &[&[(Different, 200.0), (Different, 400.0), (None, 3000.0)]],
        );
        Compared::new("three", &pairs, &ours, &theirs).expect("every pair was timed")
    }

    #[test]
    fn every_verdict_falls_into_one_class() {
        let Both { ours, theirs, .. } = compared().all;
        assert_eq!((ours.right, ours.false_accepts), (2, 1));
        assert_eq!((ours.false_rejects, ours.no_verdict), (0, 0));
        assert_eq!((theirs.right, theirs.false_accepts), (1, 0));
        assert_eq!((theirs.false_rejects, theirs.no_verdict), (1, 1));
    }

    #[test]
    fn a_ratio_is_taken_pair_by_pair() {
        let compared = compared();
        // The first pair's fastest turn took 1 microsecond: ratios of 200, 200 and 1000.
        assert!((compared.all.times_as_fast - 200.0).abs() < 1e-6);
        assert!((compared.kinds["integers"].times_as_fast - 200.0).abs() < 1e-6);
        assert!((compared.all.ours.microseconds.median - 2.0).abs() < 1e-6);
        assert!((compared.all.theirs.microseconds.slowest - 3000.0).abs() < 1e-6);
    }

    #[test]
    fn differences_keep_what_a_side_got_wrong() {
        let right: Vec<(bool, bool)> = compared()
            .differences
            .iter()
            .map(|difference| (difference.we_are_right(), difference.they_are_right()))
            .collect();
        assert_eq!(right, [(true, false), (false, true), (true, false)]);
    }
}
