//! The words for a violated schema: what is wrong, with which value, where, and what would be right.

mod phrase;
mod scene;
mod value;

use std::collections::BTreeSet;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

use self::scene::Scene;
use super::diagnostic::Diagnostics;
use super::source::Place;
use super::tree::Node;

pub(super) use self::phrase::{shortened, with_article};

/// The value that is checked and where it comes from.
pub(super) struct Subject<'a> {
    /// The whole manifest as written.
    pub tree: &'a Node,
    /// Where in the manifest the checked value stands.
    pub pointer: &'a str,
    /// The component whose configuration it is.
    pub component: Option<&'a str>,
    /// What to blame for a value that was not written at all.
    pub absent_at: Place,
}

/// A table with more unknown keys than this is another sort of table, and each key is compared with all known ones.
const MOST_UNKNOWN_KEYS: usize = 20;

/// Adds the diagnostics of a value's violations and returns the JSON pointers of the offending values.
pub(super) fn report_all<'e>(
    violations: impl Iterator<Item = ValidationError<'e>>,
    schema: &Value,
    subject: &Subject<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<String> {
    let violations: Vec<ValidationError<'e>> = violations.collect();
    report(violations.iter(), schema, subject, diagnostics);
    let pointer = |violation: &ValidationError<'_>| {
        format!("{}{}", subject.pointer, violation.instance_path().as_str())
    };
    violations.iter().map(pointer).collect()
}

fn report<'v, 'e: 'v>(
    violations: impl Iterator<Item = &'v ValidationError<'e>>,
    schema: &Value,
    subject: &Subject<'_>,
    diagnostics: &mut Diagnostics,
) {
    // jsonschema reports each missing key by itself; whoever forgot four of a table made one mistake, and whoever
    // misspelt one did not forget it.
    let mut missing: Vec<(Scene<'_>, Vec<&str>)> = Vec::new();
    let mut misspelt: BTreeSet<(String, String)> = BTreeSet::new();
    for violation in violations {
        let scene = Scene::new(violation, schema, subject);
        match violation.kind() {
            Kind::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                match missing
                    .iter_mut()
                    .find(|(other, _)| other.is_same_table(&scene))
                {
                    Some((_, keys)) => keys.push(key),
                    None => missing.push((scene, vec![key])),
                }
            }
            Kind::AdditionalProperties { unexpected }
            | Kind::UnevaluatedProperties { unexpected } => {
                for key in unexpected.iter().take(MOST_UNKNOWN_KEYS) {
                    diagnostics.add(scene.unknown_key(key));
                    if let Some(meant) = scene.meant_key(key) {
                        misspelt.insert((scene.pointer.clone(), meant.to_owned()));
                    }
                }
                if let Some(rest) = unexpected.len().checked_sub(MOST_UNKNOWN_KEYS + 1) {
                    diagnostics.add(scene.more_unknown_keys(rest + 1));
                }
            }
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                // A form in words says more than the branches' complaints.
                if scene.has_form_in_words() {
                    diagnostics.add(scene.wrong_type());
                } else if let Some(branch) = meant_branch(context, violation) {
                    report(branch.iter(), schema, subject, diagnostics);
                } else {
                    diagnostics.add(scene.none_of(context));
                }
            }
            kind => diagnostics.add(scene.wrong_value(kind, violation)),
        }
    }
    for (scene, mut keys) in missing {
        keys.retain(|key| !misspelt.contains(&(scene.pointer.clone(), (*key).to_owned())));
        if !keys.is_empty() {
            diagnostics.add(scene.missing_keys(&keys));
        }
    }
}

/// The branch of an `anyOf` that the author evidently meant: the only one whose violations all lie deeper than the
/// value itself (a tagged form whose tag fits), or that takes a value of this type at all.
fn meant_branch<'a>(
    context: &'a [Vec<ValidationError<'static>>],
    violation: &ValidationError<'_>,
) -> Option<&'a [ValidationError<'static>]> {
    let here = violation.instance_path().as_str();
    let wrong_here = |inner: &ValidationError<'_>| {
        let path = inner.instance_path().as_str();
        let rejects_type = path == here
            && matches!(
                inner.kind(),
                Kind::Type { .. } | Kind::Constant { .. } | Kind::Enum { .. }
            );
        let is_child = path
            .strip_prefix(here)
            .is_some_and(|rest| rest.matches('/').count() == 1);
        let rejects_tag = is_child && matches!(inner.kind(), Kind::Constant { .. });
        rejects_type || rejects_tag
    };
    let mut candidates = context
        .iter()
        .filter(|branch| !branch.iter().any(wrong_here));
    match (candidates.next(), candidates.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}
