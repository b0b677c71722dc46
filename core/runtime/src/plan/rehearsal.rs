//! A rehearsal: one problem of every split that a stage draws from is posed.
//!
//! A prompt that the tokenizer cannot read and a split without problems are found before anything is trained, and not
//! when the first stage that meets them begins.

use std::collections::BTreeSet;

use farthing_sdk::{Pick, Split};

use super::{Plan, tokenizer};
use crate::error::{Result, RuntimeError};
use crate::manifest::{self, Diagnostic, Problem, Stage};
use crate::stage::components::{LiveTask, States};
use crate::stage::rollout::pose;

impl Plan {
    /// Poses the first problem of each split that is needed.
    ///
    /// # Errors
    /// Every task that cannot be posed, at its line of the manifest.
    pub fn rehearse(&self) -> Result<()> {
        let manifest = self.manifest();
        let tokenizer = tokenizer(manifest, self.model_directory().as_deref())?;
        let tasks = LiveTask::all(&self.host, &manifest.tasks, &States::new())?;
        let mut diagnostics = self.file.diagnostics();
        for (index, is_test) in needed(&manifest.stages, &tasks) {
            let split = if is_test { Split::Test } else { Split::Train };
            let task = &tasks[index];
            let size = task
                .client
                .size(split)
                .map_err(RuntimeError::component("task", &task.name))?;
            let first = Pick {
                task: index as u64,
                index: 0,
            };
            let problem = match size {
                Some(0) => format!("the {} split has no problems", split.name()),
                _ => match pose(&tasks, &[first], split, manifest.run.seed, &tokenizer) {
                    Ok(_) => continue,
                    Err(error) => error.to_string(),
                },
            };
            let message = format!("a stage cannot pose task `{}`: {problem}", task.name);
            let place = self.file.place_of(&format!("/task/{index}/use"));
            diagnostics.add(
                Diagnostic::new(Problem::InvalidValue, message, place, "its first problem").help(
                    "change the task's configuration (its prompt, its splits), or the model's tokenizer",
                ),
            );
        }
        diagnostics.into_result(()).map_err(RuntimeError::Manifest)
    }
}

/// The tasks that stages draw from, by index, and whether from the test split.
fn needed(stages: &[Stage], tasks: &[LiveTask]) -> BTreeSet<(usize, bool)> {
    let mut needed = BTreeSet::new();
    let mut draw = |names: &[String], is_test: bool, trains: bool| {
        for index in LiveTask::indices(tasks, names) {
            if !trains || tasks[index].weight > 0.0 {
                needed.insert((index, is_test));
            }
        }
    };
    for stage in stages {
        match stage {
            Stage::Sft(stage) => draw(&stage.tasks, false, true),
            Stage::Rl(stage) => {
                draw(&stage.tasks, false, true);
                if stage.eval.is_some() {
                    draw(&stage.tasks, true, false);
                }
            }
            Stage::Eval(stage) => {
                draw(&stage.tasks, stage.split == manifest::Split::Test, false);
            }
        }
    }
    needed
}
