//! How a problem of a data set is put to the model.

use farthing_sdk::prelude::*;

/// Where the problem goes in a template.
const QUESTION: &str = "{question}";

/// Messages for the model's chat template, or a raw text for a base model.
#[config]
#[derive(Clone, Debug)]
#[serde(
    untagged,
    expecting = "expected { user = \"..{question}..\", system = \"..\" } or { text = \"..{question}..\" }"
)]
pub enum PromptForm {
    Messages(MessagesForm),
    Text(TextForm),
}

#[config]
#[derive(Clone, Debug)]
pub struct MessagesForm {
    /// What the system message says; left out, there is none.
    #[serde(default)]
    pub system: Option<String>,
    /// What the user says, with `{question}` where the problem goes.
    pub user: String,
}

#[config]
#[derive(Clone, Debug)]
pub struct TextForm {
    /// The prompt as it is tokenized, with `{question}` where the problem goes.
    pub text: String,
}

impl Default for PromptForm {
    /// The wording that the Qwen2.5-Math and DeepSeek-R1 reports evaluate with: models know
    /// it, and it asks for the box that the reward looks for first.
    fn default() -> Self {
        Self::Messages(MessagesForm {
            system: None,
            user: format!(
                "{QUESTION}\nPlease reason step by step, and put your final answer within \\boxed{{}}."
            ),
        })
    }
}

impl PromptForm {
    /// # Errors
    /// When there is no place for the problem.
    pub fn check(&self) -> Result<()> {
        let (key, template) = match self {
            Self::Messages(form) => ("prompt.user", &form.user),
            Self::Text(form) => ("prompt.text", &form.text),
        };
        if template.contains(QUESTION) {
            return Ok(());
        }
        Err(Error::new(format!(
            "`{key}` has no place for the problem: {template:?}"
        ))
        .help("write {question} where the problem goes"))
    }

    pub fn pose(&self, question: &str) -> Prompt {
        match self {
            Self::Text(form) => Prompt::Text(form.text.replace(QUESTION, question)),
            Self::Messages(form) => {
                let message = |role: &str, content: String| Message {
                    role: role.to_owned(),
                    content,
                };
                let system = form.system.clone().map(|text| message("system", text));
                let user = message("user", form.user.replace(QUESTION, question));
                Prompt::Messages(system.into_iter().chain([user]).collect())
            }
        }
    }
}
