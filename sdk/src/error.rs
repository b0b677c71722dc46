//! The one error type of a plugin: a message for a person, an optional remedy, the causes.

use std::fmt;

/// `Result` with the sdk's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a component could not do its work.
///
/// Any `std::error::Error` turns into one with `?`. An error is never a score: the host
/// counts it, and the manifest says what happens then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    message: String,
    help: String,
    causes: Vec<String>,
    panicked: bool,
}

impl Error {
    /// An error with this message: lower case, saying what was expected and what was found.
    pub fn new(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            help: String::new(),
            causes: Vec::new(),
            panicked: false,
        }
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn help(mut self, help: impl fmt::Display) -> Self {
        self.help = help.to_string();
        self
    }

    /// Puts a wider message in front; the present one becomes its first cause.
    #[must_use]
    pub fn context(mut self, message: impl fmt::Display) -> Self {
        let inner = std::mem::replace(&mut self.message, message.to_string());
        self.causes.insert(0, inner);
        self
    }

    /// The message without help and causes.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The remedy; empty where none was given.
    pub fn remedy(&self) -> &str {
        &self.help
    }

    /// The causes, outermost first.
    pub fn causes(&self) -> &[String] {
        &self.causes
    }

    /// True when this is a panic that the plugin's shim caught.
    pub fn is_panic(&self) -> bool {
        self.panicked
    }

    /// The error that a plugin sent over the boundary.
    #[doc(hidden)]
    pub fn from_raw(raw: farthing_abi::RawError) -> Self {
        Self {
            message: raw.message.into(),
            help: raw.help.into(),
            causes: raw.causes.into_iter().map(Into::into).collect(),
            panicked: raw.panicked,
        }
    }

    pub(crate) fn panic(message: String) -> Self {
        Self {
            panicked: true,
            ..Self::new(message)
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for cause in &self.causes {
            write!(f, ": {cause}")?;
        }
        if !self.help.is_empty() {
            write!(f, " (help: {})", self.help)?;
        }
        Ok(())
    }
}

impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        let mut causes = Vec::new();
        let mut next = error.source();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        Self {
            causes,
            ..Self::new(&error)
        }
    }
}

impl From<Error> for farthing_abi::RawError {
    fn from(error: Error) -> Self {
        Self {
            message: error.message.into(),
            help: error.help.into(),
            causes: error.causes.into_iter().map(Into::into).collect(),
            panicked: error.panicked,
        }
    }
}

/// Returns early with an [`Error`] made like `format!` makes text.
#[macro_export]
macro_rules! bail {
    ($($message:tt)*) => {
        return ::core::result::Result::Err($crate::Error::new(::std::format!($($message)*)))
    };
}
