//! How an exercise is put, and how a worked solution of it reads.
//!
//! `tiny` writes both in formulas alone: `12+35*2=` and `35*2=70;12+70=82;\boxed{82}`. The
//! others write for a model that knows words.

use farthing_sdk::prelude::*;

use super::exercise::{Exercise, latex};

pub enum Template {
    Tiny,
    Chat,
    Custom(String),
}

const QUESTION: &str = "{question}";

impl Template {
    /// # Errors
    /// When the text is no known name and has no place for the question.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "tiny" => Ok(Self::Tiny),
            "chat" => Ok(Self::Chat),
            own if own.contains(QUESTION) => Ok(Self::Custom(own.to_owned())),
            _ => Err(Error::new(format!(
                "unknown template {text:?}: expected \"tiny\", \"chat\", or a text"
            ))
            .help("a text of your own says where the exercise goes with {question}")),
        }
    }

    pub fn pose(&self, exercise: &Exercise) -> Prompt {
        match self {
            Self::Tiny => Prompt::Text(exercise.terse.clone()),
            Self::Custom(text) => Prompt::Text(text.replace(QUESTION, &exercise.question)),
            Self::Chat => Prompt::Messages(vec![Message {
                role: "user".to_owned(),
                content: format!(
                    "{}\nPlease reason step by step, and put your final answer within \\boxed{{}}.",
                    exercise.question
                ),
            }]),
        }
    }

    /// The completion of someone who takes these steps.
    pub fn work_out(&self, steps: &[String], answer: &str) -> String {
        match self {
            Self::Tiny => {
                let steps: String = steps.iter().map(|step| format!("{step};")).collect();
                format!("{steps}\\boxed{{{answer}}}")
            }
            Self::Chat | Self::Custom(_) => {
                let step = |(index, step): (usize, &String)| {
                    let begin = if index == 0 { "First" } else { "Then" };
                    format!("{begin}, ${}$.\n", latex(step))
                };
                let steps: String = steps.iter().enumerate().map(step).collect();
                format!("{steps}The answer is $\\boxed{{{}}}$.", latex(answer))
            }
        }
    }
}
