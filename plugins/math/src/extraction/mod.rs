//! Which part of a completion is the answer.
//!
//! Graders disagree more often about where an answer stands than about what it means, and a
//! grader that looks everywhere pays for numbers that were never claimed. So the places are
//! looked at in a fixed order, the first that has an answer decides, and exactly one answer
//! is judged: the last of that place. A model that writes five answers gains nothing over one
//! that writes its last.
//!
//! Three things are decided here and not guessed:
//! - a box or a tag that is opened and never closed, or closed with nothing in it, is no
//!   answer, and takes nothing back from one that was closed before. Where it is the only one,
//!   places further down do not count either: the model meant to answer there and did not;
//! - answers joined by "or", "and" or a comma, `\boxed{2}` or `\boxed{3}`, are one answer, a
//!   list, so that a hedge is not worth what its last part is worth;
//! - places that nothing marks as the answer (bold, mathematics in running text) count in the
//!   last paragraph alone.
//!
//! All of it takes time linear in the completion.

mod boxes;
mod delimiters;
mod emphasis;
mod joined;
mod phrases;
mod statement;
mod tags;
mod unmarked;

use std::borrow::Cow;

use farthing_sdk::prelude::*;

pub use boxes::last_box;
pub use delimiters::unwrapped;

/// Where an answer may stand.
#[config]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// `\boxed{..}`, `\fbox{..}`, `\boxed 5`.
    Boxed,
    /// `<answer>..</answer>`.
    Tag,
    /// A line that says so: `Answer: 5`, `The answer is 5.`, `#### 5`.
    Phrase,
    /// `**5**` in the last paragraph.
    Bold,
    /// `$5$`, `\(5\)`, `\[5\]`, `$$5$$` in the last paragraph.
    Math,
    /// The whole completion, if it is one short line.
    Whole,
    /// The last number of the completion. A guess, for base models that know no notation.
    Number,
}

/// What counts when one place has several answers.
#[config]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Several {
    /// The last one: models correct themselves.
    Last,
    /// None, unless they all mean the same.
    Refuse,
}

/// The places in order, and what to do in doubt.
#[config]
#[derive(Clone, Debug)]
#[serde(default)]
pub struct Extraction {
    /// Where an answer is looked for; the first place that has one decides. The order goes
    /// from what can only be meant as the answer to what merely looks like one.
    #[schemars(length(min = 1))]
    pub places: Vec<Place>,
    /// What counts when one place has several different answers: `last`, because models
    /// correct themselves and a last answer is still one answer, or `refuse`.
    pub several: Several,
    /// Whether what stands between `<think>` and `</think>` is read too. It is not: a thought
    /// is no answer, and one that never ends is none either.
    pub thoughts: bool,
    /// The name of the answer tags, without brackets.
    #[schemars(length(min = 1, max = 64))]
    pub tag: String,
}

impl Default for Extraction {
    fn default() -> Self {
        Self {
            places: vec![
                Place::Boxed,
                Place::Tag,
                Place::Phrase,
                Place::Bold,
                Place::Math,
                Place::Whole,
            ],
            several: Several::Last,
            thoughts: false,
            tag: "answer".into(),
        }
    }
}

/// The answers of the place that decided, in the order of the text; at least one.
#[derive(Debug, PartialEq)]
pub struct Found<'a> {
    pub place: Place,
    pub answers: Vec<Cow<'a, str>>,
}

impl Found<'_> {
    /// The one that is judged.
    pub fn last(&self) -> &str {
        self.answers
            .last()
            .expect("a place without answers decides nothing")
    }
}

/// What one place has.
enum Search<'a> {
    /// Nothing that looks like it.
    Absent,
    /// An answer was begun and not given.
    Begun,
    /// Not empty.
    Answers(Vec<Cow<'a, str>>),
}

impl<'a> Search<'a> {
    fn of(answers: Vec<Cow<'a, str>>) -> Self {
        match answers.is_empty() {
            true => Self::Absent,
            false => Self::Answers(answers),
        }
    }
}

/// How many answers of one place are looked at, from the last one back.
const MOST_ANSWERS: usize = 32;

impl Extraction {
    /// # Errors
    /// Refuses what the schema cannot express.
    pub fn check(&self) -> Result<()> {
        if self.places.is_empty() {
            return Err(
                Error::new("`places` is empty: no answer would ever be found").help(
                    "name some of \"boxed\", \"tag\", \"phrase\", \"bold\", \"math\", \"whole\"",
                ),
            );
        }
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '|');
        if self.tag.is_empty() || !self.tag.chars().all(plain) {
            return Err(Error::new(format!("{:?} is no name of a tag", self.tag))
                .help("write the name without brackets: \"answer\" for <answer>..</answer>"));
        }
        Ok(())
    }

    /// What the completion answers. One that was cut off at the token limit (`finished` is
    /// false) answers only where the end of the answer can be seen: `the answer is 12` may
    /// have been on its way to 123.
    pub fn read<'a>(&self, completion: &'a str, finished: bool) -> Option<Found<'a>> {
        let completion = without_end_marks(completion);
        let text = match self.thoughts {
            true => completion,
            false => after_thoughts(completion)?,
        };
        for &place in &self.places {
            let search = match place {
                Place::Boxed => boxes::search(text),
                Place::Tag => tags::search(text, &self.tag),
                Place::Phrase => phrases::search(text, finished),
                Place::Bold | Place::Math | Place::Whole | Place::Number if !finished => {
                    Search::Absent
                }
                Place::Bold => emphasis::search(unmarked::last_paragraph(text)),
                Place::Math => delimiters::search(unmarked::last_paragraph(text)),
                Place::Whole => unmarked::whole(text),
                Place::Number => unmarked::last_number(text),
            };
            match search {
                Search::Absent => {}
                Search::Begun => return None,
                Search::Answers(answers) => return Some(Found { place, answers }),
            }
        }
        None
    }
}

/// The text without the marks of templates that end a turn: `<|eot_id|>`, `</s>`.
fn without_end_marks(text: &str) -> &str {
    const MARKS: [&str; 5] = [
        "</s>",
        "<eos>",
        "<end_of_turn>",
        "<｜end▁of▁sentence｜>",
        "[EOS]",
    ];
    const LONGEST: usize = 32;
    let mut text = text;
    loop {
        let end = text.trim_end();
        // `<|im_end|>` and all others of that form.
        let named = end.strip_suffix("|>").and_then(|rest| {
            let name = rest
                .rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                .filter(|open| rest.len() - open <= LONGEST)?;
            rest[..=name].strip_suffix("<|")
        });
        let Some(rest) =
            named.or_else(|| MARKS.into_iter().find_map(|mark| end.strip_suffix(mark)))
        else {
            return text;
        };
        text = rest;
    }
}

/// What follows the last thought; nothing if that thought never ends.
fn after_thoughts(text: &str) -> Option<&str> {
    const OPEN: &str = "<think>";
    const CLOSE: &str = "</think>";
    let rest = match memchr::memmem::rfind(text.as_bytes(), CLOSE.as_bytes()) {
        Some(at) => &text[at + CLOSE.len()..],
        None => text,
    };
    (!rest.contains(OPEN)).then_some(rest)
}
