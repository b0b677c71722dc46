//! What no schema can say: keys that exclude or need each other, names that must be unique or must exist, numbers
//! that must fit each other.
//!
//! Whether a key is there is asked of the tree and not of the types, so that these checks work beside a mistake in the
//! same table.

mod merges;
mod model;
mod stages;
mod tasks;

use super::diagnostic::{Diagnostic, Diagnostics, Problem};
use super::sections::Sections;
use super::source::Place;
use super::tree::{Content, Node, dotted};

/// Adds every inconsistency in what is there.
pub(super) fn check(sections: &Sections, tree: &Node, diagnostics: &mut Diagnostics) {
    let mut check = Check {
        sections,
        tree,
        diagnostics,
    };
    check.model();
    check.tasks();
    check.stages();
}

struct Check<'a> {
    sections: &'a Sections,
    tree: &'a Node,
    diagnostics: &'a mut Diagnostics,
}

impl Check<'_> {
    /// Exactly one of two keys of a table must be given; `choice` says what they are.
    fn one_of(&mut self, table: &str, first: &str, second: &str, choice: &str) {
        let Some(Content::Table(_)) = self.tree.at(table).map(|node| &node.content) else {
            return;
        };
        if self.has(&format!("{table}/{first}")) || self.has(&format!("{table}/{second}")) {
            self.not_both(table, first, second, choice);
            return;
        }
        let message = format!("`{}` needs `{first}` or `{second}`", dotted(table));
        let place = self.tree.place_of(table);
        let help = format!("give one of the two: {choice}");
        self.add(Diagnostic::new(Problem::Conflict, message, place, "has neither").help(help));
    }

    /// At most one of two keys of a table may be given.
    fn not_both(&mut self, table: &str, first: &str, second: &str, choice: &str) {
        let pointers = [first, second].map(|key| format!("{table}/{key}"));
        if !pointers.iter().all(|pointer| self.has(pointer)) {
            return;
        }
        let mut places = pointers.map(|pointer| self.tree.key_place_of(&pointer));
        places.sort();
        let [earlier, later] = places;
        let message = format!("`{first}` and `{second}` exclude each other");
        let help = format!("take one of the two out: {choice}");
        self.add(
            Diagnostic::new(Problem::Conflict, message, later, "and this")
                .also(earlier, "this")
                .help(help),
        );
    }

    /// Reports each name that an earlier one has.
    fn unique(&mut self, what: &str, names: &[(String, Place)]) {
        for (position, (name, place)) in names.iter().enumerate() {
            if let Some((_, first)) = names[..position]
                .iter()
                .find(|(earlier, _)| earlier == name)
            {
                let message = format!("two {what} are named `{name}`");
                self.add(
                    Diagnostic::new(Problem::Duplicate, message, place.clone(), "the second")
                        .also(first.clone(), "the first")
                        .help("give one of them another `name`, or take it out"),
                );
            }
        }
    }

    fn invalid(&mut self, pointer: &str, message: String, help: &str) {
        let place = self.tree.place_of(pointer);
        self.add(Diagnostic::new(Problem::InvalidValue, message, place, "does not fit").help(help));
    }

    fn has(&self, pointer: &str) -> bool {
        self.tree.at(pointer).is_some()
    }

    fn add(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.add(diagnostic);
    }
}

/// Where a task, reward or stage got its name.
fn name_place(tree: &Node, pointer: &str) -> Place {
    let given = ["name", "use", "python", "kind"].map(|key| format!("{pointer}/{key}"));
    let written = given.iter().find(|pointer| tree.at(pointer).is_some());
    tree.place_of(written.map_or(pointer, |pointer| pointer))
}
