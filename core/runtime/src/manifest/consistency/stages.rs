//! Stages: tasks that exist and can be scored, lengths said once, numbers that fit each other.

use super::{Check, name_place};
use crate::manifest::diagnostic::{Diagnostic, Problem};
use crate::manifest::keys::{EvalStage, RlStage, SftStage, Stage, Task};
use crate::manifest::source::Place;
use crate::manifest::suggestion::{name_list, nearest};
use crate::manifest::tree::{Node, dotted};

impl Check<'_> {
    pub(super) fn stages(&mut self) {
        let names = self.sections.stages.iter().enumerate();
        let names: Vec<(String, Place)> = names
            .filter_map(|(index, stage)| {
                let name = stage.as_ref()?.name().to_owned();
                Some((name, name_place(self.tree, &format!("/stage/{index}"))))
            })
            .collect();
        self.unique("stages", &names);
        for (index, stage) in self.sections.stages.iter().enumerate() {
            let at = format!("/stage/{index}");
            if self.tree.at(&format!("{at}/kind")).and_then(Node::as_str) == Some("sft") {
                self.not_both(&at, "epochs", "steps", "the stage's length is said once");
            }
            let Some(stage) = stage else { continue };
            self.task_references(&at, stage.tasks());
            if stage.draws() {
                self.stage_tasks(&at, stage);
            }
            match stage {
                Stage::Sft(stage) => self.sft(&at, stage),
                Stage::Rl(stage) => self.rl(&at, stage),
                Stage::Merge(stage) => self.merge(index, stage),
                Stage::Eval(stage) => self.eval(&at, stage),
            }
        }
        self.probes_apart();
    }

    fn sft(&mut self, at: &str, stage: &SftStage) {
        self.learning_rate(at, "1e-3");
        if let Some(probe) = &stage.probe {
            let at = format!("{at}/probe");
            self.task_references(&at, &probe.tasks);
            let evaluation = probe.evaluation(&stage.name, &stage.tasks);
            self.eval(&at, &evaluation);
            self.stage_tasks(&at, &Stage::Eval(evaluation));
        }
    }

    fn task_references(&mut self, at: &str, names: &[String]) {
        let known: Vec<&str> = self
            .sections
            .task_names
            .iter()
            .flatten()
            .map(String::as_str)
            .collect();
        for (number, name) in names.iter().enumerate() {
            if known.contains(&name.as_str()) {
                continue;
            }
            let place = self.tree.place_of(&format!("{at}/tasks/{number}"));
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

    /// A training stage has problems to draw, and attempts at a sampling stage's problems can be scored.
    fn stage_tasks(&mut self, at: &str, stage: &Stage) {
        let stage_place = name_place(self.tree, at);
        let is_used = |task: &Task| stage.tasks().is_empty() || stage.tasks().contains(&task.name);
        let tasks = self.sections.tasks.iter().enumerate();
        let used: Vec<(usize, &Task)> = tasks
            .filter_map(|(index, task)| Some((index, task.as_ref()?)))
            .filter(|(_, task)| is_used(task))
            .collect();
        let trains = !matches!(stage, Stage::Eval(_));
        let all_read = self.sections.tasks.iter().all(Option::is_some);
        if trains && all_read && !used.is_empty() && used.iter().all(|(_, task)| task.weight == 0.0)
        {
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
        for (index, task) in used {
            let unscored = task.rewards.is_empty();
            let silent = task.rewards.iter().all(|reward| reward.weight == 0.0);
            let (message, help) = match stage {
                Stage::Rl(_) if task.weight == 0.0 => continue,
                Stage::Rl(_) | Stage::Eval(_) if unscored => (
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
            let task_place = name_place(self.tree, &format!("/task/{index}"));
            self.add(
                Diagnostic::new(Problem::Conflict, message, task_place, "this task")
                    .also(stage_place.clone(), "needs rewards")
                    .help(help),
            );
        }
    }

    fn rl(&mut self, at: &str, stage: &RlStage) {
        if stage.minibatches > stage.problems_per_step {
            let message = format!(
                "{} problems cannot be split into {} minibatches: a problem's group stays together",
                stage.problems_per_step, stage.minibatches
            );
            let help = "lower `minibatches` or raise `problems_per_step`";
            self.invalid(&format!("{at}/minibatches"), message, help);
        }
        self.room_for_a_prompt(at, stage.max_new_tokens);
        self.learning_rate(at, "2e-4");
    }

    fn eval(&mut self, at: &str, stage: &EvalStage) {
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
            let help = "raise `attempts` or take this k out";
            self.invalid(&format!("{at}/pass_at/{number}"), message, help);
        }
        self.room_for_a_prompt(at, stage.max_new_tokens);
    }

    /// The default rates are for pretrained weights and would leave random ones random.
    fn learning_rate(&mut self, at: &str, usual: &str) {
        if !self.has("/model/init") || self.has(&format!("{at}/update/lr")) {
            return;
        }
        let place = self.tree.place_of(&format!("{at}/kind"));
        let message = format!("missing key `lr` in `{}.update`", dotted(at));
        self.add(Diagnostic::new(Problem::MissingKey, message, place, "trains a model from scratch").help(format!(
            "the default is for pretrained weights and far too small here: say update = {{ lr = {usual} }} or near it"
        )));
    }

    fn room_for_a_prompt(&mut self, at: &str, max_new_tokens: u32) {
        let model = self.sections.model.as_ref();
        let Some(init) = model.and_then(|model| model.init.as_ref()) else {
            return;
        };
        if max_new_tokens >= init.max_position_embeddings {
            let message = format!(
                "`max_new_tokens` {max_new_tokens} leaves no room for a prompt in the model's {} positions",
                init.max_position_embeddings
            );
            let help = "lower it, or raise `model.init.max_position_embeddings`";
            self.invalid(&format!("{at}/max_new_tokens"), message, help);
        }
    }
}
