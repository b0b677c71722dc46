//! The components that a manifest uses, and the check of their configurations.
//!
//! The manifest knows no plugin. It hands out every `use` with its configuration and the places of both; whoever has
//! loaded the plugins brings the schemas back.

use serde_json::{Map, Value};

use super::diagnostic::{Diagnostic, Diagnostics, Problem};
use super::file::ManifestFile;
use super::keys::{Component, Stage};
use super::schema::CompiledSchema;
use super::source::Place;
use super::tree::Node;
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
    config: &'a Map<String, Value>,
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

impl ManifestFile {
    /// Every component that the manifest uses, in the order of the keys: tasks with their rewards, then stages.
    pub fn components(&self) -> Vec<ComponentUse<'_>> {
        let mut uses = Uses {
            file: self,
            list: Vec::new(),
        };
        for (index, task) in self.manifest.tasks.iter().enumerate() {
            let at = format!("/task/{index}");
            uses.add(ComponentRole::Task, &task.component, &task.config, &at);
            for (number, reward) in task.rewards.iter().enumerate() {
                if let Some(component) = &reward.component {
                    uses.add(
                        ComponentRole::Reward,
                        component,
                        &reward.config,
                        &format!("{at}/rewards/{number}"),
                    );
                }
            }
        }
        for (index, stage) in self.manifest.stages.iter().enumerate() {
            let at = |key: &str| format!("/stage/{index}/{key}");
            match stage {
                Stage::Sft(_) => {}
                Stage::Rl(stage) => {
                    uses.add_component(ComponentRole::Sampler, &stage.sampler, &at("sampler"));
                    uses.add_component(
                        ComponentRole::Optimizer,
                        &stage.optimizer,
                        &at("optimizer"),
                    );
                    if let Some(curriculum) = &stage.curriculum {
                        uses.add_component(
                            ComponentRole::Curriculum,
                            curriculum,
                            &at("curriculum"),
                        );
                    }
                    if let Some(sampler) =
                        stage.eval.as_ref().and_then(|eval| eval.sampler.as_ref())
                    {
                        uses.add_component(ComponentRole::Sampler, sampler, &at("eval/sampler"));
                    }
                }
                Stage::Eval(stage) => {
                    uses.add_component(ComponentRole::Sampler, &stage.sampler, &at("sampler"))
                }
            }
        }
        uses.list
    }
}

struct Uses<'a> {
    file: &'a ManifestFile,
    list: Vec<ComponentUse<'a>>,
}

impl<'a> Uses<'a> {
    fn add_component(&mut self, role: ComponentRole, component: &'a Component, at: &str) {
        self.add(role, &component.name, &component.config, at);
    }

    fn add(
        &mut self,
        role: ComponentRole,
        name: &'a str,
        config: &'a Map<String, Value>,
        at: &str,
    ) {
        let tree = &self.file.tree;
        let place = tree.place_of(&format!("{at}/use"));
        let config = ConfigAt {
            component: name,
            config,
            tree,
            pointer: format!("{at}/config"),
            used_at: place.clone(),
        };
        self.list.push(ComponentUse {
            role,
            name,
            place,
            config,
        });
    }
}
