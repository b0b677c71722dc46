//! `--set stage.1.steps=10`: one value changed without editing the file.
//!
//! An override changes the tree before anything is checked, so the changed manifest passes the same checks, and a
//! wrong value is reported in the override's own text. The value is read as TOML; what is not TOML is a string, so
//! that `--set run.name=second-try` needs no quotes inside quotes.

use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, Problem};
use super::source::{Place, Sources};
use super::tree::{Content, Entry, Node};
use super::wording::{shortened, with_article};

/// Applies the overrides in order; a later one wins. Each problem names the override that caused it.
pub(super) fn apply(
    overrides: &[impl AsRef<str>],
    tree: &mut Node,
    sources: &mut Sources,
    problems: &mut Vec<Diagnostic>,
) {
    for text in overrides {
        let source = sources.add_override(text.as_ref());
        let before = problems.len();
        if let Some((path, node)) = parse(text.as_ref(), source, problems)
            && problems.len() == before
            && let Err(problem) = set(tree, &path, node)
        {
            problems.push(problem);
        }
    }
}

/// One step of an override's path.
struct Step {
    name: String,
    place: Place,
}

fn parse(text: &str, source: usize, problems: &mut Vec<Diagnostic>) -> Option<(Vec<Step>, Node)> {
    let whole = Place::new(source, 0..text.len());
    let Some(equals) = text.find('=') else {
        problems.push(
            Diagnostic::new(
                Problem::Override,
                format!("the override `{}` has no `=`", shortened(text)),
                whole,
                "no `=`",
            )
            .help("write it as KEY=VALUE, such as stage.1.steps=10"),
        );
        return None;
    };
    let path = match parse_path(&text[..equals], source) {
        Some(path) => path,
        None => {
            let key = Place::new(source, 0..equals);
            problems.push(
                Diagnostic::new(Problem::Override, format!("`{}` is not a key", shortened(&text[..equals])), key, "not a key")
                    .help("keys and list indices are joined by dots, such as stage.1.steps; indices count from 0"),
            );
            return None;
        }
    };
    Some((path, parse_value(text, equals + 1, source, problems)?))
}

/// The steps of a dotted key, read as TOML reads one so that `task.0.config."a.b"` works.
fn parse_path(key: &str, source: usize) -> Option<Vec<Step>> {
    // The line break would end the key and start something else.
    if key.contains(['\n', '\r', '[']) {
        return None;
    }
    let document = format!("{key}=0");
    let parsed = DeTable::parse(&document).ok()?;
    let mut table = parsed.get_ref();
    let mut path = Vec::new();
    loop {
        let (name, value) = table.iter().next()?;
        path.push(Step {
            name: name.get_ref().to_string(),
            place: Place::new(source, name.span()),
        });
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => return Some(path),
        }
    }
}

fn parse_value(
    text: &str,
    start: usize,
    source: usize,
    problems: &mut Vec<Diagnostic>,
) -> Option<Node> {
    let value = &text[start..];
    let place = Place::new(source, start..text.len());
    match DeValue::parse(value) {
        Ok(parsed) => Some(Node::from_value(&parsed, source, start, problems)),
        // Who starts with a quote or a bracket meant TOML; to take it as a string would hide the slip.
        Err(error) if value.trim_start().starts_with(['"', '\'', '[', '{']) => {
            let at = error.span().map_or(place, |span| {
                Place::new(source, span.start + start..span.end + start)
            });
            problems.push(
                Diagnostic::new(Problem::Override, format!("the value of the override `{}` is not TOML", shortened(text)), at, error.message())
                    .help("the shell may have taken quotes away: put single quotes around the whole override"),
            );
            None
        }
        Err(_) => Some(Node {
            place,
            content: Content::Leaf(value.into()),
        }),
    }
}

/// Puts `value` at the end of `path`. Missing tables are made; lists keep their length.
fn set(node: &mut Node, path: &[Step], value: Node) -> Result<(), Diagnostic> {
    let Some((step, rest)) = path.split_first() else {
        *node = value;
        return Ok(());
    };
    let kind = with_article(node.type_name());
    match &mut node.content {
        Content::Table(entries) => {
            let index = entries
                .iter()
                .position(|entry| entry.key == step.name)
                .unwrap_or_else(|| {
                    let node = Node {
                        place: step.place.clone(),
                        content: Content::Table(Vec::new()),
                    };
                    entries.push(Entry {
                        key: step.name.clone(),
                        key_place: step.place.clone(),
                        node,
                    });
                    entries.len() - 1
                });
            let entry = &mut entries[index];
            if rest.is_empty() {
                entry.key_place = step.place.clone();
            }
            set(&mut entry.node, rest, value)
        }
        Content::List(nodes) => {
            let count = nodes.len();
            match step
                .name
                .parse::<usize>()
                .ok()
                .and_then(|index| nodes.get_mut(index))
            {
                Some(node) => set(node, rest, value),
                None => {
                    let help = match count {
                        0 => "the list is empty; set it as a whole".to_owned(),
                        1 => "the list has one element, 0".to_owned(),
                        _ => format!("the list has {count} elements, 0 to {}", count - 1),
                    };
                    let message = format!("there is no element `{}`", shortened(&step.name));
                    Err(Diagnostic::new(
                        Problem::Override,
                        message,
                        step.place.clone(),
                        "not an element",
                    )
                    .help(help))
                }
            }
        }
        Content::Leaf(_) => {
            let message = format!("`{}` is a key inside {kind}", shortened(&step.name));
            Err(Diagnostic::new(
                Problem::Override,
                message,
                step.place.clone(),
                "has nothing inside",
            )
            .also(node.place.clone(), format!("this is {kind}")))
        }
    }
}
