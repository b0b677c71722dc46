//! How a problem is put into words.
//!
//! `base` and `chat` are TinyZero's prompts to the letter, because models react to single
//! words and its results are the ones to compare with. Its base prompt opens the first
//! `<think>` itself. `chat` leaves the frame to the model's own chat template, so there the
//! model opens the tag.

use farthing_sdk::prelude::*;

pub enum Template {
    /// `3 7 16>21:`, for a character-level model.
    Tiny,
    Base,
    Chat,
    Custom(String),
}

impl Template {
    /// # Errors
    /// When the text is no known name and lacks a placeholder.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "tiny" => Ok(Self::Tiny),
            "base" => Ok(Self::Base),
            "chat" => Ok(Self::Chat),
            own if own.contains("{numbers}") && own.contains("{target}") => {
                Ok(Self::Custom(own.to_owned()))
            }
            _ => Err(Error::new(format!(
                "unknown template {text:?}: expected \"tiny\", \"base\", \"chat\", or a text"
            ))
            .help("a text of your own says where the problem goes with {numbers} and {target}")),
        }
    }

    /// Whether the prompt ends in an open `<think>`, which a completion then only closes.
    pub fn opens_think(&self) -> bool {
        match self {
            Self::Tiny | Self::Chat => false,
            Self::Base => true,
            Self::Custom(text) => text.trim_end().ends_with("<think>"),
        }
    }

    /// The prompt that names the numbers in this order.
    pub fn pose(&self, numbers: &[u64], target: u64) -> Prompt {
        match self {
            Self::Tiny => Prompt::Text(format!("{}>{}:", joined(numbers, " "), target)),
            Self::Base => Prompt::Text(filled(BASE, numbers, target)),
            Self::Custom(text) => Prompt::Text(filled(text, numbers, target)),
            Self::Chat => Prompt::Messages(vec![
                message("system", CHAT_SYSTEM.to_owned()),
                message("user", filled(CHAT_USER, numbers, target)),
            ]),
        }
    }
}

fn filled(text: &str, numbers: &[u64], target: u64) -> String {
    text.replace("{numbers}", &format!("[{}]", joined(numbers, ", ")))
        .replace("{target}", &target.to_string())
}

fn joined(numbers: &[u64], separator: &str) -> String {
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    numbers.join(separator)
}

fn message(role: &str, content: String) -> Message {
    Message {
        role: role.to_owned(),
        content,
    }
}

const BASE: &str = "A conversation between User and Assistant. The user asks a question, and the \
    Assistant solves it. The assistant first thinks about the reasoning process in the mind and \
    then provides the user with the answer.\n\
    User: Using the numbers {numbers}, create an equation that equals {target}. You can use basic \
    arithmetic operations (+, -, *, /) and each number can only be used once. Show your work in \
    <think> </think> tags. And return the final answer in <answer> </answer> tags, for example \
    <answer> (1 + 2) / 3 </answer>.\n\
    Assistant: Let me solve this step by step.\n\
    <think>";

const CHAT_SYSTEM: &str = "You are a helpful assistant. You first thinks about the reasoning \
    process in the mind and then provides the user with the answer.";

// The space in front is TinyZero's.
const CHAT_USER: &str = " Using the numbers {numbers}, create an equation that equals {target}. \
    You can use basic arithmetic operations (+, -, *, /) and each number can only be used once. \
    Show your work in <think> </think> tags. And return the final answer in <answer> </answer> \
    tags, for example <answer> (1 + 2) / 3 </answer>.";
