//! Why a component cannot be found or made, and why scoring cannot go on.

use std::{error::Error, fmt, time::Duration};

use super::{component::ComponentKind, load_error::without_remedy};

/// Why a component cannot be found or made, or rewards cannot go on scoring.
///
/// `Display` gives message and help in one line; [`HostError::message`] and [`HostError::help`] give them apart.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostError {
    /// The name has another form.
    BadName {
        name: String,
        suggestion: Option<String>,
    },
    /// No loaded plugin has this name.
    UnknownPlugin {
        kind: ComponentKind,
        name: String,
        plugin: String,
        /// What is loaded instead, as a clause.
        loaded: String,
        suggestion: Option<String>,
    },
    /// The plugin is there, and has no such component.
    UnknownComponent {
        kind: ComponentKind,
        plugin: String,
        component: String,
        /// What it has instead, as a clause.
        has: String,
        suggestion: Option<String>,
    },
    /// The plugin refused to make it.
    Refused {
        kind: ComponentKind,
        name: String,
        /// Message, help and causes as the plugin gave them.
        error: Box<farthing_sdk::Error>,
    },
    /// A reward hangs in so many threads that no more are given to it.
    Stuck {
        reward: String,
        stuck: usize,
        deadline: Duration,
    },
    /// The operating system gives no thread to score in.
    NoThread { why: String },
}

impl HostError {
    /// What is wrong, without the remedy.
    pub fn message(&self) -> String {
        match self {
            Self::BadName { name, .. } => {
                format!("{name:?} is no component's name; expected `plugin/component`")
            }
            Self::UnknownPlugin {
                kind,
                name,
                plugin,
                loaded,
                ..
            } => {
                format!("there is no plugin `{plugin}` for the {kind} `{name}`; {loaded}")
            }
            Self::UnknownComponent {
                kind,
                plugin,
                component,
                has,
                ..
            } => {
                format!("plugin `{plugin}` has no {kind} `{component}`; {has}")
            }
            Self::Refused { kind, name, error } => {
                format!(
                    "the {kind} `{name}` cannot be made: {}",
                    without_remedy(error)
                )
            }
            Self::Stuck {
                reward,
                stuck,
                deadline,
            } => format!(
                "the reward `{reward}` passed its deadline of {deadline:?} again while {stuck} threads are still stuck \
                 in earlier calls, and a thread cannot be stopped from outside"
            ),
            Self::NoThread { why } => format!("cannot start a thread to score in: {why}"),
        }
    }

    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::BadName { suggestion, .. }
            | Self::UnknownPlugin { suggestion, .. }
            | Self::UnknownComponent { suggestion, .. } => suggestion
                .as_ref()
                .map(|name| format!("did you mean `{name}`?")),
            Self::Refused { error, .. } => {
                (!error.remedy().is_empty()).then(|| error.remedy().to_owned())
            }
            Self::Stuck { .. } => Some("mend the reward, or give it a longer deadline".into()),
            Self::NoThread { .. } => {
                Some("free processes or memory, or raise the limit (`ulimit -u`)".into())
            }
        }
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message())?;
        match self.help() {
            Some(help) => write!(formatter, "; {help}"),
            None => Ok(()),
        }
    }
}

impl Error for HostError {}
