//! Whether the completion has the expected tags, each once and in order.
//!
//! "Exactly once" is what makes it hard to please by accident: models that are paid for
//! tags repeat the last one for ever, or write the whole frame twice. A pair with nothing
//! in it does not count either, unless configured: it is the frame without the picture.

use farthing_sdk::prelude::*;

#[config]
#[derive(Clone, Debug)]
pub struct Config {
    /// Names of the tags in the order in which their pairs must come: `["think", "answer"]`
    /// for `<think>..</think> <answer>..</answer>`.
    #[schemars(length(min = 1, max = 16))]
    pub order: Vec<String>,
    /// Whether the prompt has opened the first tag already, as TinyZero's does; the
    /// completion then only closes it.
    #[serde(default)]
    pub prefix_open: bool,
    /// Whether there may be text before, between and after the pairs.
    #[serde(default)]
    pub allow_outside: bool,
    /// Whether a pair may have nothing but white space in it.
    #[serde(default)]
    pub allow_empty: bool,
    /// Whether a completion that meets some of the conditions gets that share of 1, and not
    /// 0. The conditions are: each pair, the order of all, nothing outside.
    #[serde(default)]
    pub partial: bool,
}

pub struct Tags {
    config: Config,
    tags: Vec<Tag>,
}

struct Tag {
    name: String,
    open: String,
    close: String,
}

/// 1 when each pair of tags occurs once, in order, with nothing outside them.
#[component("tags")]
impl Reward for Tags {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        let mut tags: Vec<Tag> = Vec::new();
        for name in &config.order {
            check_name(name)?;
            if tags.iter().any(|tag| tag.name == *name) {
                bail!("`order` names the tag {name:?} twice: each pair is expected once");
            }
            tags.push(Tag {
                name: name.clone(),
                open: format!("<{name}>"),
                close: format!("</{name}>"),
            });
        }
        if tags.is_empty() {
            bail!("`order` is empty: expected the names of one or more tags");
        }
        Ok(Self { config, tags })
    }

    fn score(&self, _: &ProblemView<'_>, attempt: &Attempt<'_>) -> Result<Outcome> {
        let marks = self.marks(attempt.completion);
        let pairs: Vec<bool> = (0..self.tags.len())
            .map(|tag| self.pair_is_good(tag, &marks, attempt.completion))
            .collect();
        let in_order = self.in_order(&marks);
        let clean = self.config.allow_outside
            || (in_order && self.outside_is_blank(&marks, attempt.completion));
        let met: Vec<bool> = pairs.iter().copied().chain([in_order, clean]).collect();
        let share = met.iter().filter(|&&met| met).count() as f64 / met.len() as f64;
        let value = if self.config.partial {
            share
        } else {
            share.floor()
        };
        let part = |met: bool| f64::from(u8::from(met));
        let mut outcome = Outcome::scored(value);
        for (tag, good) in self.tags.iter().zip(pairs) {
            outcome = outcome.with_part(tag.name.clone(), part(good));
        }
        Ok(outcome
            .with_part("order", part(in_order))
            .with_part("outside", part(clean)))
    }
}

/// One opening or closing tag in the text.
#[derive(Clone, Copy, Debug)]
struct Mark {
    tag: usize,
    closes: bool,
    start: usize,
    end: usize,
}

impl Tags {
    /// Every mark, up to the first that shows that some tag occurs too often; where the
    /// prompt has opened the first tag, that mark stands at the very beginning.
    fn marks(&self, text: &str) -> Vec<Mark> {
        let opened = Mark {
            tag: 0,
            closes: false,
            start: 0,
            end: 0,
        };
        let mut marks: Vec<Mark> = self
            .config
            .prefix_open
            .then_some(opened)
            .into_iter()
            .collect();
        for start in memchr::memchr_iter(b'<', text.as_bytes()) {
            let mark = self.tags.iter().enumerate().find_map(|(tag, names)| {
                let at = |name: &str, closes| {
                    text[start..].starts_with(name).then_some(Mark {
                        tag,
                        closes,
                        start,
                        end: start + name.len(),
                    })
                };
                at(&names.open, false).or_else(|| at(&names.close, true))
            });
            marks.extend(mark);
            // Two for each tag, and one too many of each.
            if marks.len() > 4 * self.tags.len() {
                break;
            }
        }
        marks
    }

    fn pair_is_good(&self, tag: usize, marks: &[Mark], text: &str) -> bool {
        let of_tag: Vec<&Mark> = marks.iter().filter(|mark| mark.tag == tag).collect();
        match of_tag[..] {
            [open, close] if !open.closes && close.closes => {
                self.config.allow_empty || !text[open.end..close.start].trim().is_empty()
            }
            _ => false,
        }
    }

    /// Whether the marks are those of `order` and no others.
    fn in_order(&self, marks: &[Mark]) -> bool {
        let expected = (0..self.tags.len()).flat_map(|tag| [(tag, false), (tag, true)]);
        marks
            .iter()
            .map(|mark| (mark.tag, mark.closes))
            .eq(expected)
    }

    /// For marks in order.
    fn outside_is_blank(&self, marks: &[Mark], text: &str) -> bool {
        let ends = std::iter::once(0).chain(marks.iter().skip(1).step_by(2).map(|mark| mark.end));
        let starts = marks
            .iter()
            .step_by(2)
            .map(|mark| mark.start)
            .chain([text.len()]);
        ends.zip(starts)
            .all(|(end, start)| text[end..start].trim().is_empty())
    }
}

fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '|');
    if name.is_empty() || !name.chars().all(plain) {
        return Err(Error::new(format!("{name:?} is no name of a tag"))
            .help("write the name without brackets: \"think\" for <think>..</think>"));
    }
    Ok(())
}
