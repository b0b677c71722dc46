//! From a file to a resolved manifest, or to everything that is wrong with it.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

use super::availability::refuse_planned;
use super::complete::{complete, complete_plugins};
use super::component::{ComponentUse, components};
use super::consistency;
use super::diagnostic::{Diagnostic, Diagnostics, Problem};
use super::keys::{Manifest, Plugins};
use super::overrides;
use super::sections::Sections;
use super::source::{MANIFEST_FILE, Place, Sources};
use super::text::{CHECK_PATH, read_text};
use super::tree::Node;

/// A manifest that has the right form, with the places of everything in it.
///
/// What depends on plugins or the machine is checked later, into [`ManifestFile::diagnostics`].
#[derive(Clone, Debug)]
pub struct ManifestFile {
    /// Every default filled in, every path absolute, every name present.
    pub manifest: Manifest,
    pub(super) tree: Node,
    sources: Arc<Sources>,
}

/// A manifest as far as it could be read, with everything that is wrong with its form.
///
/// A wrong form must not hide what else is wrong, so the checks that need plugins work on a draft as well.
#[derive(Debug)]
pub struct ManifestDraft {
    sections: Sections,
    tree: Node,
    directory: PathBuf,
    diagnostics: Diagnostics,
    /// False behind a syntax error, where keys can be lost and values cut.
    whole: bool,
}

impl ManifestDraft {
    /// Reads a manifest file and applies the overrides, each `KEY=VALUE` with dots in the key.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, Diagnostics> {
        let text = read_text(path)?;
        let absolute = std::path::absolute(path).map_err(|error| {
            Diagnostics::unreadable(
                path,
                format!("cannot resolve {}: {error}", path.display()),
                CHECK_PATH,
            )
        })?;
        let directory = absolute.parent().unwrap_or(&absolute);
        let name = path.display().to_string();
        Ok(Self::parse(&name, &text, directory, overrides))
    }

    /// The same for a text; `name` stands for the file in messages, `directory` is what paths are relative to.
    pub fn parse(name: &str, text: &str, directory: &Path, overrides: &[String]) -> Self {
        let mut sources = Sources::new(name, text);
        let mut reading = Reading::default();
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let place = Place::new(MANIFEST_FILE, error.span().unwrap_or(0..0));
            reading.syntax_error(error.message(), place, &sources);
        }
        let mut tree =
            Node::from_document(document.get_ref(), MANIFEST_FILE, &mut reading.problems);
        overrides::apply(overrides, &mut tree, &mut sources, &mut reading.problems);

        let sources = Arc::new(sources);
        let mut checks = Diagnostics::new(Arc::clone(&sources));
        let sections = Sections::read(&tree, &mut checks);
        consistency::check(&sections, &tree, &mut checks);

        let mut diagnostics = Diagnostics::new(Arc::clone(&sources));
        let unread: HashSet<&Place> = reading
            .problems
            .iter()
            .filter_map(Diagnostic::place)
            .collect();
        let news = checks
            .iter()
            .filter(|found| !reading.explains(found, &unread, &sources));
        news.chain(&reading.problems)
            .for_each(|found| diagnostics.add(found.clone()));
        Self {
            sections,
            tree,
            directory: directory.to_owned(),
            diagnostics,
            whole: reading.broken_lines.is_empty(),
        }
    }

    /// True if nothing is wrong with the form.
    pub fn is_sound(&self) -> bool {
        self.diagnostics.is_empty()
    }

    /// The plugins section with absolute paths, if it has the right form.
    pub fn plugins(&self) -> Option<Plugins> {
        let mut plugins = self.sections.plugins.clone()?;
        complete_plugins(&mut plugins, &self.directory);
        Some(plugins)
    }

    /// The components about whose naming nothing was said yet; none behind a syntax error.
    pub fn components(&self) -> Vec<ComponentUse<'_>> {
        let mut components = match self.whole {
            true => components(&self.tree),
            false => Vec::new(),
        };
        let blamed: HashSet<&Place> = self
            .diagnostics
            .iter()
            .filter_map(Diagnostic::place)
            .collect();
        components.retain(|component| !blamed.contains(&component.place));
        components
    }

    /// Reports the keys that this version reads but cannot follow.
    pub fn refuse_planned(&self, diagnostics: &mut Diagnostics) {
        refuse_planned(&self.tree, diagnostics);
    }

    /// An empty collection for further checks of this draft.
    pub fn diagnostics(&self) -> Diagnostics {
        Diagnostics::new(Arc::clone(&self.diagnostics.sources))
    }

    /// The place of the value at a JSON pointer; see [`ManifestFile::place_of`].
    pub fn place_of(&self, pointer: &str) -> Place {
        self.tree.place_of(pointer)
    }

    /// The manifest, or everything that is wrong with its form.
    pub fn finish(self) -> Result<ManifestFile, Diagnostics> {
        if !self.diagnostics.is_empty() {
            return Err(self.diagnostics);
        }
        let mut manifest = self
            .sections
            .into_manifest()
            .expect("a manifest without problems has all its sections");
        complete(&mut manifest, &self.directory);
        Ok(ManifestFile {
            manifest,
            tree: self.tree,
            sources: Arc::clone(&self.diagnostics.sources),
        })
    }

    /// What is wrong with the form, and what `more` adds to it.
    pub fn refuse(self, more: &Diagnostics) -> Diagnostics {
        let mut all = self.diagnostics;
        more.iter().for_each(|found| all.add(found.clone()));
        all
    }
}

impl ManifestFile {
    /// Reads a manifest file; see [`ManifestDraft::read`].
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, Diagnostics> {
        ManifestDraft::read(path, overrides)?.finish()
    }

    /// The same for a text; see [`ManifestDraft::parse`].
    pub fn parse(
        name: &str,
        text: &str,
        directory: &Path,
        overrides: &[String],
    ) -> Result<Self, Diagnostics> {
        ManifestDraft::parse(name, text, directory, overrides).finish()
    }

    /// Every component that the manifest uses.
    pub fn components(&self) -> Vec<ComponentUse<'_>> {
        components(&self.tree)
    }

    /// An empty collection for the checks that come after reading; its problems can point into this manifest.
    pub fn diagnostics(&self) -> Diagnostics {
        Diagnostics::new(Arc::clone(&self.sources))
    }

    /// The place of the value at a JSON pointer such as `/stage/1/optimizer/use`; of the nearest table around it if
    /// it was left to its default.
    pub fn place_of(&self, pointer: &str) -> Place {
        self.tree.place_of(pointer)
    }

    /// The resolved manifest as TOML. Reading it gives the same manifest, wherever it lies.
    pub fn to_toml(&self) -> String {
        self.manifest.to_toml()
    }
}

impl Manifest {
    /// This manifest as TOML; see [`ManifestFile::to_toml`].
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a manifest was read from TOML, so TOML can express it")
    }
}

/// What went wrong while the text was read.
#[derive(Default)]
struct Reading {
    problems: Vec<Diagnostic>,
    /// The lines of the file that are not TOML.
    broken_lines: BTreeSet<usize>,
}

impl Reading {
    fn syntax_error(&mut self, message: &str, place: Place, sources: &Sources) {
        // The parser's messages can have a second line with what it expected.
        let (message, expected) = message.split_once('\n').unwrap_or((message, ""));
        if message.starts_with("duplicate key") {
            self.problems.push(
                Diagnostic::new(Problem::Duplicate, message, place, "given a second time")
                    .help("keep one of the two"),
            );
            return;
        }
        // The first complaint about a line is the cause, the others are its echo.
        if self.broken_lines.insert(sources.line_and_column(&place).0) {
            let diagnostic = Diagnostic::new(Problem::Syntax, message, place, "here");
            self.problems.push(match expected {
                "" => diagnostic,
                expected => diagnostic.help(expected),
            });
        }
    }

    /// True for a complaint that only echoes a problem of reading: behind a syntax error keys can be lost and values
    /// cut, and a value that could not be read has a stand-in.
    fn explains(&self, found: &Diagnostic, unread: &HashSet<&Place>, sources: &Sources) -> bool {
        let Some(place) = found.place() else {
            return false;
        };
        if unread.contains(place) {
            return true;
        }
        let lost = matches!(
            found.problem,
            Problem::MissingKey | Problem::Conflict | Problem::Reference
        );
        let on_broken_line = || {
            !place.is_override()
                && self
                    .broken_lines
                    .contains(&sources.line_and_column(place).0)
        };
        !self.broken_lines.is_empty() && (lost || on_broken_line())
    }
}
