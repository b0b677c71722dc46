//! The manifest's sections, each checked against its schema and read on its own.
//!
//! A mistake in one section must not hide those in another, so a section that has the right form becomes its type even
//! when its neighbours do not, and the checks across sections work on what there is.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::diagnostic::{Diagnostic, Diagnostics, Problem};
use super::keys::{
    EvalStage, KINDS, Manifest, MergeStage, Model, PLANNED_KINDS, Plugins, Reward, RlStage, Run,
    SftStage, Stage, Task,
};
use super::schema::{CompiledSchema, schema_of};
use super::tree::Node;
use super::wording::Subject;

/// What could be read; `None` where the form is wrong.
#[derive(Debug)]
pub(super) struct Sections {
    pub run: Option<Run>,
    pub plugins: Option<Plugins>,
    pub model: Option<Model>,
    pub tasks: Vec<Option<Task>>,
    pub stages: Vec<Option<Stage>>,
    /// The tasks' names, also of tasks whose form is otherwise wrong.
    pub task_names: Vec<Option<String>>,
}

impl Sections {
    /// Checks the form of everything and reads what has the right one, names filled in.
    pub fn read(tree: &Node, diagnostics: &mut Diagnostics) -> Self {
        let json = tree.to_json();
        let checker = Checker { tree, json: &json };
        let mut offending = checker.check(&SCHEMAS.manifest, "", diagnostics);
        let stages = elements(&json, "stage");
        for index in 0..stages.len() {
            offending.extend(checker.check_stage(index, diagnostics));
        }
        let reader = Reader {
            tree,
            json: &json,
            offending,
        };

        let tasks = elements(&json, "task");
        let mut sections = Self {
            run: reader.read("/run", diagnostics),
            plugins: reader
                .read("/plugins", diagnostics)
                .or_else(|| json.get("plugins").is_none().then(Plugins::default)),
            model: reader.read("/model", diagnostics),
            tasks: (0..tasks.len())
                .map(|index| reader.read(&format!("/task/{index}"), diagnostics))
                .collect(),
            stages: (0..stages.len())
                .map(|index| reader.read(&format!("/stage/{index}"), diagnostics))
                .collect(),
            task_names: tasks.iter().map(task_name).collect(),
        };
        sections.fill_names(stages);
        sections
    }

    /// The whole manifest, if every section was read.
    pub fn into_manifest(self) -> Option<Manifest> {
        Some(Manifest {
            run: self.run?,
            plugins: self.plugins?,
            model: self.model?,
            tasks: self.tasks.into_iter().collect::<Option<_>>()?,
            stages: self.stages.into_iter().collect::<Option<_>>()?,
        })
    }

    fn fill_names(&mut self, stages: &[Value]) {
        for (task, name) in self.tasks.iter_mut().zip(&self.task_names) {
            if let (Some(task), Some(name)) = (task, name) {
                task.name.clone_from(name);
                task.rewards.iter_mut().for_each(fill_reward_name);
            }
        }
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for (stage, json) in self.stages.iter_mut().zip(stages) {
            let kind = json.get("kind").and_then(Value::as_str).unwrap_or_default();
            let count = seen.entry(kind).or_default();
            *count += 1;
            if let Some(stage) = stage
                && stage.name().is_empty()
            {
                *stage.name_mut() = if *count == 1 {
                    kind.to_owned()
                } else {
                    format!("{kind}-{count}")
                };
            }
        }
    }
}

/// A task's name: its own, or the component's part of `use`.
fn task_name(task: &Value) -> Option<String> {
    let text = |key: &str| task.get(key).and_then(Value::as_str);
    text("name")
        .or_else(|| text("use")?.split_once('/').map(|(_, component)| component))
        .map(str::to_owned)
}

fn fill_reward_name(reward: &mut Reward) {
    if reward.name.is_empty() {
        reward.name = match (&reward.component, &reward.python) {
            (Some(component), _) => component.clone(),
            (None, Some(python)) => python.function.clone(),
            (None, None) => String::new(),
        };
    }
}

fn elements<'a>(json: &'a Value, key: &str) -> &'a [Value] {
    json.get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

struct Checker<'a> {
    tree: &'a Node,
    json: &'a Value,
}

impl Checker<'_> {
    /// Checks the value at `pointer` and returns the pointers of what is wrong.
    fn check(
        &self,
        schema: &CompiledSchema,
        pointer: &str,
        diagnostics: &mut Diagnostics,
    ) -> Vec<String> {
        let Some(value) = self.json.pointer(pointer) else {
            return Vec::new();
        };
        let subject = Subject {
            tree: self.tree,
            pointer,
            component: None,
            absent_at: self.tree.place_of(pointer),
        };
        schema.check(value, &subject, diagnostics)
    }

    /// A stage's keys depend on its kind, so the kind is looked at first.
    fn check_stage(&self, index: usize, diagnostics: &mut Diagnostics) -> Vec<String> {
        let pointer = format!("/stage/{index}");
        let Some(Value::Object(stage)) = self.json.pointer(&pointer) else {
            return Vec::new();
        };
        let kind = stage
            .get("kind")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let schema = match kind {
            "sft" => &SCHEMAS.sft,
            "rl" => &SCHEMAS.rl,
            "merge" => &SCHEMAS.merge,
            "eval" => &SCHEMAS.eval,
            planned if PLANNED_KINDS.contains(&planned) => {
                let place = self.tree.place_of(&format!("{pointer}/kind"));
                let message =
                    format!("stages of the kind \"{planned}\" are not available in this version");
                let help = format!("the kinds that work are {}", quoted(&KINDS));
                diagnostics.add(
                    Diagnostic::new(Problem::Unavailable, message, place, "not available")
                        .help(help),
                );
                return vec![pointer];
            }
            // Only the kind can be judged; the schema words what is wrong with it.
            _ => &SCHEMAS.kind_alone,
        };
        self.check(schema, &pointer, diagnostics)
    }
}

/// The manifest's schemas. Compiling them takes longer than checking with them, and a sweep reads many manifests.
struct Schemas {
    manifest: CompiledSchema,
    sft: CompiledSchema,
    rl: CompiledSchema,
    merge: CompiledSchema,
    eval: CompiledSchema,
    kind_alone: CompiledSchema,
}

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| {
    let compile = |schema: &Value| {
        CompiledSchema::new(schema).expect("the schemas of the manifest's own types are valid")
    };
    let kind = json!({
        "type": "string",
        "enum": KINDS,
        "description": "What the stage does; it decides which keys it has.",
    });
    let stage = |mut schema: Value| {
        schema["properties"]["kind"] = kind.clone();
        compile(&schema)
    };
    Schemas {
        manifest: compile(&schema_of::<Manifest>()),
        sft: stage(schema_of::<SftStage>()),
        rl: stage(schema_of::<RlStage>()),
        merge: stage(schema_of::<MergeStage>()),
        eval: stage(schema_of::<EvalStage>()),
        kind_alone: compile(&json!({ "required": ["kind"], "properties": { "kind": kind } })),
    }
});

fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    names.join(", ")
}

struct Reader<'a> {
    tree: &'a Node,
    json: &'a Value,
    offending: Vec<String>,
}

impl Reader<'_> {
    /// The section at `pointer`, if it is there and nothing in it offends.
    fn read<T: DeserializeOwned>(&self, pointer: &str, diagnostics: &mut Diagnostics) -> Option<T> {
        let inside = |offender: &String| {
            offender
                .strip_prefix(pointer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if self.offending.iter().any(inside) {
            return None;
        }
        match T::deserialize(self.json.pointer(pointer)?) {
            Ok(section) => Some(section),
            // The schema and the type disagree about a value: nobody's manifest should meet this, but if one does,
            // its author must hear about it.
            Err(error) => {
                diagnostics.add(Diagnostic::new(
                    Problem::InvalidValue,
                    error.to_string(),
                    self.tree.place_of(pointer),
                    "in this table",
                ));
                None
            }
        }
    }
}
