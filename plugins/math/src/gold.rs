//! The answer that a problem is known to have, as data sets write it.

use farthing_math_equivalence::{Answer, Policy, Unreadable, Verdict, compare, parse};
use farthing_sdk::prelude::*;

use crate::extraction::{last_box, unwrapped};

/// The facts of a problem, as `math/equal` reads them: `{"answer": "\\frac{1}{2}"}`, or
/// `{"answers": ["2", "two"]}` where any of several will do.
#[data]
pub struct Facts {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<GoldText>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<GoldText>,
}

/// Data sets have `"answer": 204` as often as `"answer": "204"`.
#[data]
#[derive(Clone, Debug, PartialEq)]
#[serde(untagged)]
pub enum GoldText {
    Text(String),
    Number(serde_json::Number),
}

impl Facts {
    /// Every gold answer, without what surrounds it; at least one.
    ///
    /// # Errors
    /// When there is none, or an empty one.
    pub fn golds(&self) -> Result<Vec<String>> {
        let golds: Vec<String> = self
            .answer
            .iter()
            .chain(&self.answers)
            .map(|gold| match gold {
                GoldText::Text(text) => bare(text),
                GoldText::Number(number) => number.to_string(),
            })
            .collect();
        if golds.is_empty() {
            return Err(
                Error::new("the facts have neither `answer` nor `answers`").help(
                    "write {\"answer\": \"\\\\frac{1}{2}\"}, or {\"answers\": [..]} where any of several will do",
                ),
            );
        }
        Ok(golds)
    }
}

/// The gold without its box and its dollar signs.
pub fn bare(text: &str) -> String {
    match last_box(text) {
        Some(content) => content.into_owned(),
        None => unwrapped(text).to_owned(),
    }
}

/// Reads a gold and grades it against itself: a gold that does not pass would grade every
/// attempt wrong.
///
/// # Errors
/// Why the gold cannot be used.
pub fn readable(text: &str, policy: &Policy) -> Result<Answer, Unusable> {
    let gold = parse(text, policy).map_err(Unusable::Unreadable)?;
    match compare(&gold, &gold, policy) {
        Verdict::Equal => Ok(gold),
        Verdict::Different => Err(Unusable::NotItself),
        Verdict::Undecided(why) => Err(Unusable::Undecided(why)),
    }
}

/// What is wrong with a gold.
#[derive(Clone, Debug, PartialEq)]
pub enum Unusable {
    Unreadable(Unreadable),
    NotItself,
    Undecided(String),
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable(why) => why.fmt(f),
            Self::NotItself => f.write_str("it does not grade equal to itself"),
            Self::Undecided(why) => write!(f, "grading it against itself is undecided: {why}"),
        }
    }
}
