//! Whether two mathematical answers, in LaTeX or plain text, mean the same.
//!
//! ```
//! use farthing_math_equivalence::{Policy, Verdict, compare, parse};
//!
//! let policy = Policy::default();
//! let gold = parse(r"\frac{\sqrt{2}}{2}", &policy).expect("the gold answer is readable");
//! let given = parse("1/sqrt(2)", &policy).expect("so is the given one");
//! assert_eq!(compare(&gold, &given, &policy), Verdict::Equal);
//! ```
//!
//! A reward that is wrong teaches what is wrong, so three rules stand above all others here.
//! Exact numbers are compared exactly, and functions by proof where there is one. What cannot
//! be told within the limits is [`Verdict::Undecided`], never a guess. And the work is
//! bounded for every text, however hostile, by `limits`.
//!
//! From the outside in:
//!
//! | module     | what it does                                                          |
//! |------------|-----------------------------------------------------------------------|
//! | `lexer`    | text to tokens, LaTeX and plain alike; with `token` and `number`      |
//! | `reading`  | tokens to a kind of answer; with `equation`, `naming`, `sets`,        |
//! |            | `conditions`, `matrix`, `ratio`, `quantity`, `compound`, `units`,     |
//! |            | `words`, `choices`, `points`, and `slicing`                           |
//! | `grammar`  | tokens to a formula (`expr`), folding exact numbers on the way        |
//! | `compare`  | two answers, kind by kind; with `region`, `inequality`                |
//! | `equality` | two formulas: by `field` (proof), then by `value` (ball arithmetic),  |
//! |            | with `complex`, `real` and `series` below it                          |
//!
//! It is a library of its own, beside the plugin `math`, so that tasks and other rewards can
//! use it: a plugin cannot be linked into another.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod answer;
mod choices;
mod compare;
mod complex;
mod compound;
mod conditions;
mod equality;
mod equation;
mod expr;
mod field;
mod grammar;
mod inequality;
mod lexer;
mod limits;
mod matrix;
mod naming;
mod number;
mod points;
mod policy;
mod quantity;
mod ratio;
mod reading;
mod real;
mod region;
mod series;
mod sets;
mod slicing;
mod token;
mod units;
mod value;
mod words;

pub use answer::Answer;
pub use policy::{ListOrder, Percent, Policy, Units};

/// Why a text is not an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the answer at byte {at}: {why}")]
pub struct Unreadable {
    /// Byte of the text at which reading stopped.
    pub at: usize,
    /// What was found there, or was expected.
    pub why: String,
}

/// What a comparison found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The answers mean the same.
    Equal,
    /// They do not.
    Different,
    /// The work limit or the precision was not enough to tell; says which.
    Undecided(String),
}

/// Reads an answer.
///
/// # Errors
///
/// When the text is empty, too long or too deep, divides by zero, or is neither a formula nor
/// words.
pub fn parse(text: &str, policy: &Policy) -> Result<Answer, Unreadable> {
    let text = text.trim();
    // Markdown's bold is no part of what it marks.
    let bold = text
        .strip_prefix("**")
        .and_then(|text| text.strip_suffix("**"));
    let text = lexer::narrow(bold.unwrap_or(text).trim());
    let text = text.as_ref();
    if text.len() > limits::TEXT {
        return Err(Unreadable {
            at: limits::TEXT,
            why: format!(
                "the answer has {} bytes, more than {}",
                text.len(),
                limits::TEXT
            ),
        });
    }
    real::begin();
    let tokens = lexer::tokens(text, policy)?;
    let reader = reading::Reader { text, policy };
    let labelled = choices::labelled(&tokens);
    let form = match labelled {
        Some((chosen, behind)) if chosen.sure => reader
            .answer(behind)
            .unwrap_or(answer::Form::Choice(chosen.letter)),
        _ => reader.answer(&tokens)?,
    };
    Ok(Answer {
        text: text.into(),
        form,
        choice: labelled.map(|(chosen, _)| chosen),
    })
}

/// Whether `given` means the same as `gold`, under the policy that both were read with.
///
/// The sides are not alike: an interval as the gold answer takes an inequality that says the
/// same, solved for its variable; see the documentation of the plugin for each kind.
pub fn compare(gold: &Answer, given: &Answer, policy: &Policy) -> Verdict {
    if gold.text == given.text {
        return Verdict::Equal;
    }
    if let Some(same) = choices::same_letter(gold, given, policy) {
        return match same {
            true => Verdict::Equal,
            false => Verdict::Different,
        };
    }
    real::begin();
    let mut comparer = compare::Comparer { policy, pairs: 0 };
    match comparer.same(&gold.form, &given.form) {
        Ok(true) => Verdict::Equal,
        Ok(false) => Verdict::Different,
        // Where the given answer alone is what has no value, it is not the gold one.
        Err(_) if lacks_value(given) && !lacks_value(gold) => Verdict::Different,
        Err(undecided) => Verdict::Undecided(undecided.0),
    }
}

fn lacks_value(answer: &Answer) -> bool {
    real::begin();
    answer.form.any(&equality::has_no_value)
}
