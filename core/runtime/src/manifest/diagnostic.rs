//! Problems of a manifest, collected so that one run of the program shows all of them.
//!
//! A [`Diagnostic`] says what is wrong, where, and what to do about it. Every check, here and in the code that
//! knows plugins and devices, adds to one [`Diagnostics`]; nothing stops at the first problem.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::source::{Place, Sources};

/// What sort of problem a diagnostic reports; for tests and for output that programs read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Problem {
    /// The file could not be read.
    File,
    /// The text is not TOML.
    Syntax,
    /// An override could not be applied.
    Override,
    /// A key that the manifest or a component does not have.
    UnknownKey,
    /// A key that must be given is not there.
    MissingKey,
    /// A value of another type than the key takes.
    WrongType,
    /// A value of the right type that is not among those allowed.
    InvalidValue,
    /// Two things that exclude each other, or none of two of which one is needed.
    Conflict,
    /// A name given twice.
    Duplicate,
    /// A name that nothing has.
    Reference,
    /// Something well formed that this version cannot do.
    Unavailable,
}

impl Problem {
    /// The word by which programs know this sort of problem.
    pub fn code(self) -> &'static str {
        match self {
            Problem::File => "file",
            Problem::Syntax => "syntax",
            Problem::Override => "override",
            Problem::UnknownKey => "unknown-key",
            Problem::MissingKey => "missing-key",
            Problem::WrongType => "wrong-type",
            Problem::InvalidValue => "invalid-value",
            Problem::Conflict => "conflict",
            Problem::Duplicate => "duplicate",
            Problem::Reference => "reference",
            Problem::Unavailable => "unavailable",
        }
    }
}

/// One problem: what is wrong, where, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub problem: Problem,
    pub message: String,
    /// The characters to blame and what to say beside them; the first is the main one. Empty for a file that could
    /// not be read.
    pub labels: Vec<(Place, String)>,
    /// What the author can do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A problem at one place; `label` says in a few words what stands there.
    pub fn new(
        problem: Problem,
        message: impl Into<String>,
        place: Place,
        label: impl Into<String>,
    ) -> Self {
        Self {
            problem,
            message: message.into(),
            labels: vec![(place, label.into())],
            help: None,
        }
    }

    /// Points at a second place, such as the first of two definitions.
    pub fn also(mut self, place: Place, label: impl Into<String>) -> Self {
        self.labels.push((place, label.into()));
        self
    }

    /// Says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The main place, if the problem has one.
    pub fn place(&self) -> Option<&Place> {
        self.labels.first().map(|(place, _)| place)
    }
}

/// All problems found so far in one manifest, with the texts they point into.
#[derive(Clone)]
pub struct Diagnostics {
    pub(super) sources: Arc<Sources>,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    pub(super) fn new(sources: Arc<Sources>) -> Self {
        Self {
            sources,
            list: Vec::new(),
        }
    }

    /// The only problem of a file that could not even be read.
    pub(super) fn unreadable(path: &Path, message: String, help: &str) -> Self {
        let mut diagnostics = Self::new(Arc::new(Sources::new(&path.display().to_string(), "")));
        diagnostics.add(Diagnostic {
            problem: Problem::File,
            message,
            labels: Vec::new(),
            help: Some(help.to_owned()),
        });
        diagnostics
    }

    /// Adds a problem.
    pub fn add(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The problems in the order of the text: the file from top to bottom, then the overrides.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        let mut ordered: Vec<&Diagnostic> = self.list.iter().collect();
        ordered.sort_by_key(|diagnostic| diagnostic.place().cloned().unwrap_or_default());
        ordered.into_iter()
    }

    /// The same problems with file, line and column, for programs.
    pub fn to_json(&self) -> serde_json::Value {
        self.iter()
            .map(|diagnostic| {
                let place = diagnostic.place().cloned().unwrap_or_default();
                let (line, column) = self.sources.line_and_column(&place);
                serde_json::json!({
                    "problem": diagnostic.problem.code(),
                    "message": diagnostic.message,
                    "file": self.sources.get(&place).name,
                    "line": line,
                    "column": column,
                    "help": diagnostic.help,
                })
            })
            .collect()
    }

    /// `Ok` with the value if nothing was found, otherwise everything that was.
    pub fn into_result<T>(self, value: T) -> Result<T, Diagnostics> {
        if self.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(super::render::Style::Plain))
    }
}

impl fmt::Debug for Diagnostics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for Diagnostics {}
