//! How a problem is put to the model.

use farthing_sdk::prelude::*;

/// A template, checked.
pub enum Phrasing {
    Chat { system: Option<String> },
    Base,
    Custom(String),
}

const REQUEST: &str = "Answer with one program in a single fenced block that begins with ```python. It is run on \
    tests that you do not see.";

impl Phrasing {
    /// # Errors
    /// When the text is no known name and lacks the placeholder.
    pub fn parse(template: &str, system: Option<String>) -> Result<Self> {
        match template {
            "chat" => Ok(Self::Chat { system }),
            _ if system.is_some() => bail!("`system` is for the template \"chat\""),
            "base" => Ok(Self::Base),
            own if own.contains("{problem}") => Ok(Self::Custom(own.to_owned())),
            _ => Err(Error::new(format!(
                "unknown template {template:?}: expected \"chat\", \"base\", or a text"
            ))
            .help("a text of your own says where the problem goes with {problem}")),
        }
    }

    /// The prompt.
    pub fn pose(&self, statement: &str) -> Prompt {
        let statement = statement.trim();
        let message = |role: &str, content: String| Message {
            role: role.to_owned(),
            content,
        };
        match self {
            Self::Chat { system } => {
                let system = system.clone().map(|text| message("system", text));
                let user = message("user", format!("{statement}\n\n{REQUEST}"));
                Prompt::Messages(system.into_iter().chain([user]).collect())
            }
            Self::Base => Prompt::Text(format!(
                "# Problem\n\n{statement}\n\n# Solution\n\nA program in Python, in one fenced block:\n\n"
            )),
            Self::Custom(text) => Prompt::Text(text.replace("{problem}", statement)),
        }
    }

    /// This program as the completion that was asked for. What a template of one's own asks for
    /// is not known, and a fenced block is what most do.
    pub fn answer(&self, program: &str) -> String {
        // A line of the program does not close a fence that is longer.
        let backticks = program.split(|c| c != '`').map(str::len);
        let fence = "`".repeat(backticks.max().unwrap_or_default().max(2) + 1);
        format!("{fence}python\n{}\n{fence}", program.trim_end())
    }
}
