//! The components that a manifest uses, and the check of their configurations.
//!
//! The manifest knows no plugin. It hands out every `use` with its configuration and the places of both; whoever has
//! loaded the plugins brings the schemas back.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::diagnostic::{Diagnostic, Diagnostics, Problem};
use super::schema::CompiledSchema;
use super::source::{MANIFEST_FILE, Place, Sources};
use super::tree::{Node, join};
use super::wording::Subject;

/// What a component is used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ComponentRole {
    Task,
    Reward,
    Sampler,
    Optimizer,
    Curriculum,
}

impl ComponentRole {
    /// The word for it in messages.
    pub fn name(self) -> &'static str {
        match self {
            ComponentRole::Task => "task",
            ComponentRole::Reward => "reward",
            ComponentRole::Sampler => "sampler",
            ComponentRole::Optimizer => "optimizer",
            ComponentRole::Curriculum => "curriculum",
        }
    }
}

/// One `use` in the manifest.
#[derive(Clone, Debug)]
pub struct ComponentUse<'a> {
    pub role: ComponentRole,
    /// The component, as `plugin/component`.
    pub name: &'a str,
    /// Where the name is written.
    pub place: Place,
    pub config: ConfigAt<'a>,
}

/// A component's configuration and where it is written.
#[derive(Clone, Debug)]
pub struct ConfigAt<'a> {
    component: &'a str,
    config: Map<String, Value>,
    tree: &'a Node,
    /// The JSON pointer of `config` in the manifest.
    pointer: String,
    used_at: Place,
}

impl ConfigAt<'_> {
    /// The configuration as the component gets it.
    pub fn to_json(&self) -> Value {
        Value::Object(self.config.clone())
    }

    /// The place of a value in the configuration by its JSON pointer (`""` for the whole); for what is not written,
    /// the nearest table around it, or the component's name.
    pub fn place_of(&self, pointer: &str) -> Place {
        match self.tree.at(&self.pointer) {
            Some(_) => self.tree.place_of(&format!("{}{pointer}", self.pointer)),
            None => self.used_at.clone(),
        }
    }
}

/// Reports everything in a component's configuration that its schema does not allow, each at its own line.
///
/// A schema that is wrong itself is reported as the component's fault.
pub fn check_component_config(
    config: &ConfigAt<'_>,
    schema: &Value,
    diagnostics: &mut Diagnostics,
) {
    let compiled = match CompiledSchema::new(schema) {
        Ok(compiled) => compiled,
        Err(reason) => {
            let message = format!(
                "`{}` gives a configuration schema that is not valid: {reason}",
                config.component
            );
            diagnostics.add(
                Diagnostic::new(
                    Problem::Unavailable,
                    message,
                    config.used_at.clone(),
                    "used here",
                )
                .help("this is a fault of the plugin: tell its author, or use another version"),
            );
            return;
        }
    };
    let subject = Subject {
        tree: config.tree,
        pointer: &config.pointer,
        component: Some(config.component),
        absent_at: config.used_at.clone(),
    };
    compiled.check(&config.to_json(), &subject, diagnostics);
}

/// What is wrong with a configuration that was given as a JSON text beside any manifest.
pub fn check_config_text(
    component: &str,
    text: &str,
    config: &Value,
    schema: &Value,
) -> Diagnostics {
    let mut diagnostics = Diagnostics::new(Arc::new(Sources::new("--config", text)));
    let place = Place::new(MANIFEST_FILE, 0..text.len());
    let config = ConfigAt {
        component,
        config: config.as_object().cloned().unwrap_or_default(),
        tree: &Node::from_json(config, &place),
        pointer: String::new(),
        used_at: place,
    };
    check_component_config(&config, schema, &mut diagnostics);
    diagnostics
}

/// Every component that a manifest uses, in the order of the keys: tasks with their rewards, then stages.
///
/// It reads the tree, not the types: a mistake elsewhere in a stage must not hide the one in its sampler.
pub(super) fn components(tree: &Node) -> Vec<ComponentUse<'_>> {
    use ComponentRole::{Curriculum, Optimizer, Reward, Sampler, Task};
    let mut uses = Vec::new();
    for task in tree.elements("/task") {
        uses.extend(component_at(tree, Task, &task));
        for reward in tree.elements(&join(&task, "rewards")) {
            uses.extend(component_at(tree, Reward, &reward));
        }
    }
    for stage in tree.elements("/stage") {
        for (role, key) in [
            (Sampler, "sampler"),
            (Optimizer, "optimizer"),
            (Curriculum, "curriculum"),
            (Sampler, "eval/sampler"),
            (Sampler, "probe/sampler"),
        ] {
            uses.extend(component_at(tree, role, &format!("{stage}/{key}")));
        }
    }
    uses
}

/// The component that stands at a pointer, if one does.
fn component_at<'a>(tree: &'a Node, role: ComponentRole, at: &str) -> Option<ComponentUse<'a>> {
    let place = join(at, "use");
    let name = tree.at(&place).and_then(Node::as_str)?;
    let place = tree.place_of(&place);
    let pointer = join(at, "config");
    let config = match tree.at(&pointer).map(Node::to_json) {
        None => Map::new(),
        Some(Value::Object(config)) => config,
        // No table: its form is reported.
        Some(_) => return None,
    };
    let config = ConfigAt {
        component: name,
        config,
        tree,
        pointer,
        used_at: place.clone(),
    };
    Some(ComponentUse {
        role,
        name,
        place,
        config,
    })
}
