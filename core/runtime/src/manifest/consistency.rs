//! What no schema can say: keys that exclude or need each other, names that must be unique or must exist, numbers
//! that must fit each other.

use std::collections::BTreeSet;

use super::diagnostic::{Diagnostic, Diagnostics, Problem};
use super::keys::{ModelInit, RlStage, SftStage, Stage, Task, TokenizerSource};
use super::sections::Sections;
use super::source::Place;
use super::suggestion::{name_list, nearest};
use super::tree::Node;

/// Adds every inconsistency among the sections that could be read.
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
    fn model(&mut self) {
        let Some(model) = &self.sections.model else {
            return;
        };
        match (&model.path, &model.init) {
            (Some(_), Some(_)) => self.both(
                "/model/path",
                "/model/init",
                "a model comes from files or from scratch",
            ),
            (None, None) => self.neither(
                "/model",
                "path",
                "init",
                "a directory, or a shape to start from scratch",
            ),
            (None, Some(init)) => self.init(init),
            (Some(_), None) => {}
        }
        match &model.tokenizer {
            Some(tokenizer) => self.tokenizer(tokenizer),
            None if model.init.is_some() => {
                let place = self.tree.key_place_of("/model/init");
                self.add(
                    Diagnostic::new(Problem::MissingKey, "missing key `tokenizer` in `model`", place, "starts from scratch")
                        .help("a model from scratch has none of its own: give { path = .. } or { characters = \"..\" }"),
                );
            }
            None => {}
        }
    }

    fn init(&mut self, init: &ModelInit) {
        let heads = init.num_attention_heads;
        if init.head_dim.is_none() && !init.hidden_size.is_multiple_of(heads) {
            let message = format!(
                "`hidden_size` {} is not a multiple of `num_attention_heads` {heads}",
                init.hidden_size
            );
            self.invalid(
                "/model/init/hidden_size",
                message,
                "change one of the two, or give `head_dim`",
            );
        } else if !init.head_width().is_multiple_of(2) {
            let message = format!("a head is {} wide, an odd number", init.head_width());
            let pointer = if init.head_dim.is_some() {
                "/model/init/head_dim"
            } else {
                "/model/init/num_attention_heads"
            };
            self.invalid(
                pointer,
                message,
                "rotary embedding turns pairs: choose an even width",
            );
        }
        if !heads.is_multiple_of(init.num_key_value_heads) {
            let message = format!(
                "`num_attention_heads` {heads} is not a multiple of `num_key_value_heads` {}",
                init.num_key_value_heads
            );
            self.invalid(
                "/model/init/num_key_value_heads",
                message,
                "query heads share key and value heads evenly",
            );
        }
    }

    fn tokenizer(&mut self, tokenizer: &TokenizerSource) {
        const AT: &str = "/model/tokenizer";
        match (&tokenizer.path, &tokenizer.characters) {
            (Some(_), Some(_)) => {
                self.both(
                    &format!("{AT}/path"),
                    &format!("{AT}/characters"),
                    "a tokenizer comes from one source",
                );
            }
            (None, None) => self.neither(AT, "path", "characters", "a directory, or an alphabet"),
            _ => {}
        }
        if tokenizer.path.is_some() && !tokenizer.tokens.is_empty() {
            self.both(
                &format!("{AT}/path"),
                &format!("{AT}/tokens"),
                "`tokens` belong to `characters`",
            );
        }
        let mut seen = BTreeSet::new();
        let twice = tokenizer
            .characters
            .iter()
            .flat_map(|text| text.chars())
            .find(|&character| !seen.insert(character));
        if let Some(character) = twice {
            let place = self.tree.place_of(&format!("{AT}/characters"));
            let message = format!("the character {character:?} occurs twice in the alphabet");
            self.add(
                Diagnostic::new(
                    Problem::Duplicate,
                    message,
                    place,
                    "each character is one token",
                )
                .help("keep one"),
            );
        }
        let mut seen = BTreeSet::new();
        for (index, token) in tokenizer.tokens.iter().enumerate() {
            if !seen.insert(token) {
                let place = self.tree.place_of(&format!("{AT}/tokens/{index}"));
                let message = format!("the token {token:?} is listed twice");
                self.add(
                    Diagnostic::new(Problem::Duplicate, message, place, "listed before")
                        .help("keep one"),
                );
            }
        }
    }

    fn tasks(&mut self) {
        let names: Vec<(usize, &str)> = self
            .sections
            .task_names
            .iter()
            .enumerate()
            .filter_map(|(i, name)| Some((i, name.as_deref()?)))
            .collect();
        self.unique("tasks", &names, |tree, index| {
            name_place(tree, &format!("/task/{index}"))
        });
        for (index, task) in self.sections.tasks.iter().enumerate() {
            if let Some(task) = task {
                self.rewards(index, task);
            }
        }
    }

    fn rewards(&mut self, task_index: usize, task: &Task) {
        let at = |index: usize| format!("/task/{task_index}/rewards/{index}");
        for (index, reward) in task.rewards.iter().enumerate() {
            match (&reward.component, &reward.python) {
                (Some(_), Some(_)) => {
                    let (component, python) = (
                        format!("{}/use", at(index)),
                        format!("{}/python", at(index)),
                    );
                    self.both(
                        &component,
                        &python,
                        "a reward is a plugin's component or a Python function",
                    );
                }
                (None, None) => self.neither(
                    &at(index),
                    "use",
                    "python",
                    "a component, or a Python function",
                ),
                _ => {}
            }
        }
        let names: Vec<(usize, &str)> = task
            .rewards
            .iter()
            .map(|reward| reward.name.as_str())
            .enumerate()
            .collect();
        let names: Vec<(usize, &str)> = names
            .into_iter()
            .filter(|(_, name)| !name.is_empty())
            .collect();
        self.unique(
            &format!("rewards of the task `{}`", task.name),
            &names,
            |tree, index| name_place(tree, &at(index)),
        );
    }

    fn stages(&mut self) {
        let stages = &self.sections.stages;
        let names: Vec<(usize, &str)> = stages
            .iter()
            .enumerate()
            .filter_map(|(index, stage)| Some((index, stage.as_ref()?.name())))
            .collect();
        self.unique("stages", &names, |tree, index| {
            name_place(tree, &format!("/stage/{index}"))
        });
        for (index, stage) in stages.iter().enumerate() {
            let Some(stage) = stage else { continue };
            self.stage_tasks(index, stage);
            match stage {
                Stage::Sft(stage) => self.sft(index, stage),
                Stage::Rl(stage) => self.rl(index, stage),
                Stage::Eval(stage) => {
                    for (number, k) in stage
                        .pass_at
                        .iter()
                        .enumerate()
                        .filter(|(_, k)| **k > stage.attempts)
                    {
                        let message = format!(
                            "pass@{k} needs at least {k} attempts at each problem, not {}",
                            stage.attempts
                        );
                        self.invalid(
                            &format!("/stage/{index}/pass_at/{number}"),
                            message,
                            "raise `attempts` or drop this k",
                        );
                    }
                    self.context(
                        &format!("/stage/{index}/max_new_tokens"),
                        stage.max_new_tokens,
                    );
                }
            }
        }
    }

    /// A stage's tasks exist, one of them has a weight, and those that are sampled can be scored.
    fn stage_tasks(&mut self, index: usize, stage: &Stage) {
        let known: Vec<&str> = self
            .sections
            .task_names
            .iter()
            .flatten()
            .map(String::as_str)
            .collect();
        for (number, name) in stage.tasks().iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let place = self
                    .tree
                    .place_of(&format!("/stage/{index}/tasks/{number}"));
                let help = match nearest(name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the tasks are {}", name_list(known.iter().copied())),
                };
                let message = format!("there is no task `{name}`");
                self.add(
                    Diagnostic::new(Problem::Reference, message, place, "no such task").help(help),
                );
            }
        }
        let used = |task: &&Task| stage.tasks().is_empty() || stage.tasks().contains(&task.name);
        let all_read = self.sections.tasks.iter().all(Option::is_some);
        let tasks: Vec<&Task> = self.sections.tasks.iter().flatten().filter(used).collect();
        let stage_place = self.tree.place_of(&format!("/stage/{index}/kind"));
        if all_read && !tasks.is_empty() && tasks.iter().all(|task| task.weight == 0.0) {
            let message = format!("every task of the stage `{}` has weight 0", stage.name());
            self.add(
                Diagnostic::new(
                    Problem::Conflict,
                    message,
                    stage_place.clone(),
                    "has no problems to draw",
                )
                .help("give one of its tasks a weight above 0"),
            );
        }
        if matches!(stage, Stage::Sft(_)) {
            return;
        }
        for task in tasks.into_iter().filter(|task| task.weight > 0.0) {
            let silent = task.rewards.iter().all(|reward| reward.weight == 0.0);
            let (message, help) = match stage {
                _ if task.rewards.is_empty() => (
                    format!(
                        "the task `{}` has no rewards, so its attempts cannot be scored",
                        task.name
                    ),
                    "add `rewards` to the task, or leave it out with the stage's `tasks`",
                ),
                Stage::Rl(_) if silent => (
                    format!(
                        "every reward of the task `{}` has weight 0, so nothing can be learned from it",
                        task.name
                    ),
                    "give one of its rewards a weight",
                ),
                _ => continue,
            };
            let position = self
                .sections
                .tasks
                .iter()
                .position(|other| other.as_ref() == Some(task))
                .unwrap_or_default();
            let task_place = name_place(self.tree, &format!("/task/{position}"));
            self.add(
                Diagnostic::new(Problem::Conflict, message, task_place, "this task")
                    .also(stage_place.clone(), "needs rewards")
                    .help(help),
            );
        }
    }

    fn sft(&mut self, index: usize, stage: &SftStage) {
        if stage.epochs.is_some() && stage.steps.is_some() {
            let (epochs, steps) = (
                format!("/stage/{index}/epochs"),
                format!("/stage/{index}/steps"),
            );
            self.both(&epochs, &steps, "the stage's length is said once");
        }
        self.learning_rate(index);
    }

    fn rl(&mut self, index: usize, stage: &RlStage) {
        if stage.minibatches > stage.problems_per_step {
            let message = format!(
                "{} problems cannot be split into {} minibatches: a problem's group stays together",
                stage.problems_per_step, stage.minibatches
            );
            self.invalid(
                &format!("/stage/{index}/minibatches"),
                message,
                "lower `minibatches` or raise `problems_per_step`",
            );
        }
        self.context(
            &format!("/stage/{index}/max_new_tokens"),
            stage.max_new_tokens,
        );
        self.learning_rate(index);
    }

    /// The default rates are for pretrained weights and would leave random ones random.
    fn learning_rate(&mut self, index: usize) {
        let from_scratch = self
            .sections
            .model
            .as_ref()
            .is_some_and(|model| model.init.is_some());
        if from_scratch && self.tree.at(&format!("/stage/{index}/update/lr")).is_none() {
            let place = self.tree.place_of(&format!("/stage/{index}/kind"));
            let message = format!("missing key `lr` in `stage.{index}.update`");
            self.add(
                Diagnostic::new(Problem::MissingKey, message, place, "trains a model from scratch").help(
                    "the default is for pretrained weights and far too small here: say update = { lr = 1e-3 } or near it",
                ),
            );
        }
    }

    fn context(&mut self, pointer: &str, max_new_tokens: u32) {
        let Some(init) = self
            .sections
            .model
            .as_ref()
            .and_then(|model| model.init.as_ref())
        else {
            return;
        };
        if max_new_tokens >= init.max_position_embeddings {
            let message = format!(
                "`max_new_tokens` {max_new_tokens} leaves no room for a prompt in the model's {} positions",
                init.max_position_embeddings
            );
            self.invalid(
                pointer,
                message,
                "lower it, or raise `model.init.max_position_embeddings`",
            );
        }
    }

    /// Reports each name that an earlier one has.
    fn unique(
        &mut self,
        what: &str,
        names: &[(usize, &str)],
        place: impl Fn(&Node, usize) -> Place,
    ) {
        for (position, (index, name)) in names.iter().enumerate() {
            if let Some((first, _)) = names[..position]
                .iter()
                .find(|(_, earlier)| earlier == name)
            {
                let message = format!("two {what} are named `{name}`");
                let diagnostic = Diagnostic::new(
                    Problem::Duplicate,
                    message,
                    place(self.tree, *index),
                    "the second",
                )
                .also(place(self.tree, *first), "the first")
                .help("give one of them another `name`, or take it out");
                self.add(diagnostic);
            }
        }
    }

    fn both(&mut self, first: &str, second: &str, why: &str) {
        let key = |pointer: &str| pointer.rsplit('/').next().unwrap_or_default().to_owned();
        let message = format!("`{}` and `{}` exclude each other", key(first), key(second));
        let (first, second) = (
            self.tree.key_place_of(first),
            self.tree.key_place_of(second),
        );
        let (first, second) = if first <= second {
            (first, second)
        } else {
            (second, first)
        };
        self.add(
            Diagnostic::new(Problem::Conflict, message, second, "and this")
                .also(first, "this")
                .help(format!("{why}: take one out")),
        );
    }

    fn neither(&mut self, table: &str, first: &str, second: &str, what: &str) {
        let message = format!(
            "`{}` needs `{first}` or `{second}`",
            super::tree::dotted(table)
        );
        let place = self.tree.place_of(table);
        let help = format!("give one of the two: {what}");
        self.add(Diagnostic::new(Problem::Conflict, message, place, "has neither").help(help));
    }

    fn invalid(&mut self, pointer: &str, message: String, help: &str) {
        let place = self.tree.place_of(pointer);
        self.add(Diagnostic::new(Problem::InvalidValue, message, place, "does not fit").help(help));
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
