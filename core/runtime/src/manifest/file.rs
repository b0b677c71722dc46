//! From a file to a resolved manifest, or to everything that is wrong with it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

use super::consistency;
use super::diagnostic::{Diagnostic, Diagnostics, Problem};
use super::keys::{EvalStage, Manifest, SftStage, Stage};
use super::overrides;
use super::sections::Sections;
use super::source::{MANIFEST_FILE, Place, Sources};
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

/// A manifest is a page or two; this is far beyond, and keeps a device or a data set from being read as one.
const LARGEST_FILE: u64 = 4 << 20;

impl ManifestFile {
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
        Self::parse(&path.display().to_string(), &text, directory, overrides)
    }

    /// The same for a text; `name` stands for the file in messages, `directory` is what paths are relative to.
    pub fn parse(
        name: &str,
        text: &str,
        directory: &Path,
        overrides: &[String],
    ) -> Result<Self, Diagnostics> {
        let mut sources = Sources::new(name, text);
        let mut problems = Vec::new();

        let (document, errors) = DeTable::parse_recoverable(text);
        let mut syntax_lines = Vec::new();
        for error in errors {
            let place = Place::new(MANIFEST_FILE, error.span().unwrap_or(0..0));
            let (line, _) = sources.line_and_column(&place);
            // The first complaint about a line is the cause, the others are its echo.
            if !syntax_lines.contains(&line) {
                syntax_lines.push(line);
                problems.push(syntax_problem(error.message(), place));
            }
        }
        let mut tree = Node::from_document(document.get_ref(), MANIFEST_FILE, &mut problems);
        overrides::apply(overrides, &mut tree, &mut sources, &mut problems);

        let sources = Arc::new(sources);
        let mut checks = Diagnostics::new(Arc::clone(&sources));
        let sections = Sections::read(&tree, &mut checks);
        consistency::check(&sections, &tree, &mut checks);

        let mut diagnostics = Diagnostics::new(Arc::clone(&sources));
        problems
            .into_iter()
            .for_each(|problem| diagnostics.add(problem));
        // Behind a syntax error keys can be lost and values cut: a complaint about those would be wrong.
        let echo = |found: &Diagnostic| {
            let on_broken_line = || {
                let place = found.place().filter(|place| !place.is_override());
                place.is_some_and(|place| syntax_lines.contains(&sources.line_and_column(place).0))
            };
            !syntax_lines.is_empty() && (found.problem == Problem::MissingKey || on_broken_line())
        };
        checks
            .iter()
            .filter(|found| !echo(found))
            .for_each(|found| diagnostics.add(found.clone()));
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        let mut manifest = sections
            .into_manifest()
            .expect("a manifest without problems has all its sections");
        complete(&mut manifest, directory);
        Ok(Self {
            manifest,
            tree,
            sources,
        })
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

const CHECK_PATH: &str = "give the path of a manifest, such as run.toml";

fn read_text(path: &Path) -> Result<String, Diagnostics> {
    let shown = path.display();
    let unreadable = |message: String| Diagnostics::unreadable(path, message, CHECK_PATH);
    let metadata = std::fs::metadata(path)
        .map_err(|error| unreadable(format!("cannot read {shown}: {error}")))?;
    if !metadata.is_file() {
        return Err(unreadable(format!("{shown} is not a regular file")));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(format!("cannot read {shown}: {error}")))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(unreadable(format!(
            "{shown} has more than {} MiB, which is no manifest",
            LARGEST_FILE >> 20
        )));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count()
            + 1;
        unreadable(format!(
            "{shown} is not UTF-8 text: line {line} has the first wrong byte, at offset {valid}"
        ))
    })
}

fn syntax_problem(message: &str, place: Place) -> Diagnostic {
    // The parser's messages can have a second line with what it expected.
    let (message, expected) = message.split_once('\n').unwrap_or((message, ""));
    let problem = if message.starts_with("duplicate key") {
        Problem::Duplicate
    } else {
        Problem::Syntax
    };
    let label = if problem == Problem::Duplicate {
        "given a second time"
    } else {
        "here"
    };
    let diagnostic = Diagnostic::new(problem, message, place, label);
    match (problem, expected) {
        (Problem::Duplicate, _) => diagnostic.help("keep one of the two"),
        (_, "") => diagnostic,
        (_, expected) => diagnostic.help(expected),
    }
}

/// Fills in what depends on other keys, and makes paths absolute.
fn complete(manifest: &mut Manifest, directory: &Path) {
    for stage in &mut manifest.stages {
        match stage {
            Stage::Sft(stage) if stage.epochs.is_none() && stage.steps.is_none() => {
                stage.epochs = Some(SftStage::DEFAULT_EPOCHS);
            }
            Stage::Eval(stage) => complete_pass_at(stage),
            _ => {}
        }
    }
    let absolute = |path: &mut PathBuf| *path = directory.join(&*path);
    let plugins = &mut manifest.plugins;
    plugins.search.iter_mut().for_each(absolute);
    plugins
        .files
        .values_mut()
        .for_each(|plugin| absolute(&mut plugin.path));
    if let Some(path) = manifest
        .model
        .path
        .as_mut()
        .filter(|path| !is_hub_id(path, directory))
    {
        absolute(path);
    }
    if let Some(path) = manifest
        .model
        .tokenizer
        .as_mut()
        .and_then(|tokenizer| tokenizer.path.as_mut())
    {
        absolute(path);
    }
    for python in manifest
        .tasks
        .iter_mut()
        .flat_map(|task| &mut task.rewards)
        .filter_map(|r| r.python.as_mut())
    {
        absolute(&mut python.file);
    }
}

fn complete_pass_at(stage: &mut EvalStage) {
    if stage.pass_at.is_empty() {
        stage.pass_at = vec![1, stage.attempts];
        stage.pass_at.dedup();
    }
}

/// `owner/name` that is nothing in `directory`.
fn is_hub_id(path: &Path, directory: &Path) -> bool {
    let part = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    let Some((owner, name)) = path.to_str().and_then(|text| text.split_once('/')) else {
        return false;
    };
    part(owner) && part(name) && !name.ends_with(".gguf") && !directory.join(path).exists()
}
