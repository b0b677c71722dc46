//! The reward: does the answer mean what the gold means?
//!
//! `extraction` says which part of the completion is the answer, `farthing-math-equivalence`
//! whether it is equal, `writing` whether it is the question once more. What none of them can
//! tell is no score: a gold that cannot be read makes the reward abstain, and a comparison
//! that ran out of its work limit fails, which the host counts. An answer that cannot be read
//! is wrong, and the part `readable` says so, because a grader that fails to read right
//! answers shows there first.

use farthing_math_equivalence::{Answer, Policy, Verdict, compare, parse};
use farthing_sdk::prelude::*;

use crate::{
    extraction::{Extraction, Found, Several},
    gold::{Facts, readable},
    writing::Writing,
};

#[config]
#[derive(Clone, Debug)]
#[serde(default)]
pub struct Config {
    /// Where the answer is looked for.
    pub extraction: Extraction,
    /// What counts as the same answer.
    pub equivalence: Policy,
    /// What a readable answer that is wrong is worth. 0: a reward for form that is paid for
    /// wrong answers teaches a small model to stop trying.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub format_score: f64,
    /// Whether an answer that copies a formula of the problem is wrong even where it is equal
    /// to the gold: "3+4" to "what is 3+4?".
    pub refuse_echo: bool,
    /// Whether the answer may have no more operations left to work out than the gold has:
    /// `2+2` is then no answer where the gold is 4. Off, because `2\sqrt{3}` and `\sqrt{12}`
    /// are both answers; on where the question itself is something to be worked out.
    pub worked_out: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            extraction: Extraction::default(),
            equivalence: Policy::default(),
            format_score: 0.0,
            refuse_echo: true,
            worked_out: false,
        }
    }
}

pub struct Equal(Config);

/// 1 when the answer of the completion means the same as the problem's gold answer.
#[component("equal")]
impl Reward for Equal {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        if !(0.0..=1.0).contains(&config.format_score) {
            bail!(
                "`format_score` must be from 0 to 1, found {}",
                config.format_score
            );
        }
        config.extraction.check()?;
        Ok(Self(config))
    }

    fn score(&self, problem: &ProblemView<'_>, attempt: &Attempt<'_>) -> Result<Outcome> {
        let golds = problem.facts::<Facts>()?.golds()?;
        let Some(found) = self.0.extraction.read(attempt.completion, attempt.finished) else {
            return self.abstain_or(&golds, outcome(0.0, 0.0, 0.0, 0.0));
        };
        match self.judge(problem, &golds, &found)? {
            Judgement::GoldUnreadable => Ok(Outcome::Abstain),
            Judgement::AnswerUnreadable => Ok(outcome(0.0, 1.0, 0.0, 0.0)),
            Judgement::Wrong(answer) => {
                Ok(outcome(self.0.format_score, 1.0, 1.0, 0.0).with_answer(answer))
            }
            Judgement::Right(answer) => Ok(outcome(1.0, 1.0, 1.0, 1.0).with_answer(answer)),
        }
    }
}

fn outcome(value: f64, extracted: f64, readable: f64, correct: f64) -> Outcome {
    Outcome::scored(value)
        .with_part("extracted", extracted)
        .with_part("readable", readable)
        .with_part("correct", correct)
}

/// What is said of an answer; a text is what it votes for in maj@k.
enum Judgement {
    GoldUnreadable,
    AnswerUnreadable,
    Wrong(String),
    Right(String),
}

impl Equal {
    /// A completion without an answer is wrong whatever the gold is, but a gold that nobody
    /// can meet says nothing about a completion.
    fn abstain_or(&self, golds: &[String], outcome: Outcome) -> Result<Outcome> {
        let usable = golds
            .iter()
            .any(|gold| readable(gold, &self.0.equivalence).is_ok());
        Ok(match usable {
            true => outcome,
            false => Outcome::Abstain,
        })
    }

    fn judge(
        &self,
        problem: &ProblemView<'_>,
        golds: &[String],
        found: &Found<'_>,
    ) -> Result<Judgement> {
        let policy = &self.0.equivalence;
        let text = found.last();
        let parsed = parse(text, policy);
        let mut undecided = None;
        let mut gold_unusable = false;
        for gold_text in golds {
            let Ok(gold) = readable(gold_text, policy) else {
                gold_unusable = true;
                continue;
            };
            let Ok(answer) = &parsed else { continue };
            match compare(&gold, answer, policy) {
                Verdict::Equal if self.refused(problem, golds, text)? => {
                    return Ok(Judgement::Wrong(format!("not an answer: {text}")));
                }
                Verdict::Equal if self.contradicted(found, golds) => {
                    return Ok(Judgement::Wrong("several answers".to_owned()));
                }
                // All that are right vote together, however they are written.
                Verdict::Equal => return Ok(Judgement::Right(gold_text.clone())),
                Verdict::Different => {}
                Verdict::Undecided(why) => undecided = Some((gold_text, why)),
            }
        }
        match (gold_unusable, undecided, parsed) {
            // The alternative that cannot be read may be the one that is meant.
            (true, ..) => Ok(Judgement::GoldUnreadable),
            (_, Some((gold, why)), _) => Err(Error::new(format!(
                "whether the answer {:?} equals the gold {gold:?} of problem {:?} is undecided: {why}",
                shortened(text),
                problem.id
            ))),
            (.., Err(_)) => Ok(Judgement::AnswerUnreadable),
            (.., Ok(answer)) => Ok(Judgement::Wrong(wrong_vote(&answer, text, golds))),
        }
    }

    /// Whether an answer that is equal to the gold is the question, or work that is left.
    fn refused(&self, problem: &ProblemView<'_>, golds: &[String], text: &str) -> Result<bool> {
        if !self.0.refuse_echo && !self.0.worked_out {
            return Ok(false);
        }
        let answer = Writing::of(text);
        let golds: Vec<Writing> = golds.iter().map(|gold| Writing::of(gold)).collect();
        if golds.contains(&answer) {
            return Ok(false);
        }
        let left = answer.operations_left();
        let work_left = self.0.worked_out && golds.iter().all(|gold| left > gold.operations_left());
        if work_left || !self.0.refuse_echo {
            return Ok(work_left);
        }
        Ok(answer.echoes(&Writing::of(&wording(problem)?)))
    }

    /// Whether, under `several = "refuse"`, the place has another answer besides the last.
    fn contradicted(&self, found: &Found<'_>, golds: &[String]) -> bool {
        let policy = &self.0.equivalence;
        let equals_some_gold = |text: &str| {
            let Ok(answer) = parse(text, policy) else {
                return false;
            };
            golds
                .iter()
                .filter_map(|gold| readable(gold, policy).ok())
                .any(|gold| compare(&gold, &answer, policy) == Verdict::Equal)
        };
        self.0.extraction.several == Several::Refuse
            && !found.answers.iter().all(|answer| equals_some_gold(answer))
    }
}

/// Wrong answers vote by their number where they are one, and otherwise by how they are written,
/// spaces and the like aside. A number that a policy refuses for its form (`2/4` for `1/2`) must
/// not vote with the gold.
fn wrong_vote(answer: &Answer, text: &str, golds: &[String]) -> String {
    answer
        .canonical()
        .filter(|number| number.len() <= LONGEST && !golds.contains(number))
        .unwrap_or_else(|| shortened(&Writing::of(text).to_string()))
}

/// The words of the problem, whoever says them.
fn wording(problem: &ProblemView<'_>) -> Result<String> {
    Ok(match problem.prompt()? {
        Prompt::Text(text) => text,
        Prompt::Messages(messages) => messages
            .iter()
            .map(|message| message.content.as_str())
            .collect::<Vec<&str>>()
            .join("\n"),
    })
}

/// Answers are short; what has more characters stays out of logs and votes.
const LONGEST: usize = 200;

fn shortened(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
