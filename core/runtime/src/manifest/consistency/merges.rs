//! Merges and the probes that they follow: stages that exist, methods that fit, and problems that are reported on in the
//! end and chose nothing before.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Check;
use crate::manifest::diagnostic::{Diagnostic, Problem};
use crate::manifest::keys::{EvalStage, MergeMethod, MergeStage, Split, Stage};
use crate::manifest::suggestion::{name_list, nearest};

impl Check<'_> {
    pub(super) fn merge(&mut self, index: usize, stage: &MergeStage) {
        let at = format!("/stage/{index}");
        self.one_of(
            &at,
            "from",
            "models",
            "a stage that probes its checkpoints, or directories",
        );
        if let Some(from) = &stage.from {
            self.merged_stage(index, from);
        }
        if self.has("/model/lora") {
            let place = self.tree.place_of(&format!("{at}/kind"));
            let message = "checkpoints of a run with `lora` are adapters, which are not merged";
            let lora = self.tree.key_place_of("/model/lora");
            self.add(
                Diagnostic::new(Problem::Conflict, message, place, "merges whole models")
                    .also(lora, "trains adapters")
                    .help("leave `model.lora` out, or merge what `farthing export` writes in a run of its own"),
            );
        }
        if stage.method != MergeMethod::TaskArithmetic {
            for key in ["base", "scale"] {
                if self.has(&format!("{at}/{key}")) {
                    let message = format!("`{key}` belongs to `method = \"task-arithmetic\"`");
                    self.invalid(
                        &format!("{at}/{key}"),
                        message,
                        "take it out, or change the method",
                    );
                }
            }
        }
        if stage.method == MergeMethod::Slerp && stage.from.is_none() && stage.models.len() != 2 {
            let message = format!(
                "slerp goes from one model to another, and there are {}",
                stage.models.len()
            );
            self.invalid(
                &format!("{at}/method"),
                message,
                "give two `models`, or merge linearly",
            );
        }
    }

    /// `from` names an earlier stage that probes.
    fn merged_stage(&mut self, index: usize, from: &str) {
        let earlier = &self.sections.stages[..index];
        if earlier.iter().any(Option::is_none) {
            // What is wrong with the form of one of them is reported, and it may be the one that is named.
            return;
        }
        let earlier = earlier.iter().flatten();
        let probing: Vec<&str> = earlier
            .clone()
            .filter(|stage| stage.probe().is_some())
            .map(Stage::name)
            .collect();
        if probing.contains(&from) {
            return;
        }
        let exists = earlier.into_iter().any(|stage| stage.name() == from);
        let (message, help) = match (exists, nearest(from, probing.iter().copied())) {
            (true, _) => (
                format!("the stage `{from}` probes nothing, so no checkpoint of it was selected"),
                "give it a `probe`".to_owned(),
            ),
            (false, Some(near)) => (
                format!("there is no stage `{from}` before this one"),
                format!("did you mean `{near}`?"),
            ),
            (false, None) if probing.is_empty() => (
                format!("there is no stage `{from}` before this one"),
                "name an earlier stage that has a `probe`".to_owned(),
            ),
            (false, None) => (
                format!("there is no stage `{from}` before this one"),
                format!("the stages that probe are {}", name_list(probing)),
            ),
        };
        let place = self.tree.place_of(&format!("/stage/{index}/from"));
        self.add(Diagnostic::new(Problem::Reference, message, place, "to merge from").help(help));
    }

    /// Problems that select checkpoints are not those that the result is reported on.
    pub(super) fn probes_apart(&mut self) {
        let stages: Vec<(usize, &Stage)> = self
            .sections
            .stages
            .iter()
            .enumerate()
            .filter_map(|(index, stage)| Some((index, stage.as_ref()?)))
            .collect();
        for &(index, stage) in &stages {
            let Some(probe) = stage.probe() else { continue };
            let probed = self.seen(&probe.evaluation(stage.name(), stage.tasks()));
            for &(other, reporting) in &stages {
                let reported = match reporting {
                    Stage::Eval(stage) => self.seen(stage),
                    Stage::Rl(stage) => match stage.evaluation() {
                        Some(evaluation) => self.seen(&evaluation),
                        None => continue,
                    },
                    Stage::Sft(_) | Stage::Merge(_) => continue,
                };
                let Some((task, last)) = probed.shared_with(&reported) else {
                    continue;
                };
                let message = format!(
                    "the probe of `{}` selects checkpoints by problems of `{task}` that `{}` reports on",
                    stage.name(),
                    reporting.name()
                );
                let place = self.tree.place_of(&format!("/stage/{index}/probe"));
                let reporting = self.tree.place_of(&format!("/stage/{other}/kind"));
                self.add(
                    Diagnostic::new(Problem::Conflict, message, place, "selects")
                        .also(reporting, "reports")
                        .help(format!(
                            "what is reported would look better than it is: pass over these problems with `skip = {last}` in the probe"
                        )),
                );
            }
        }
    }

    fn seen(&self, evaluation: &EvalStage) -> Seen {
        let all = self.sections.task_names.iter().flatten();
        let tasks = match evaluation.tasks.is_empty() {
            true => all.cloned().collect(),
            false => evaluation.tasks.iter().cloned().collect(),
        };
        let end = evaluation.skip.saturating_add(evaluation.problems.into());
        Seen {
            tasks,
            split: evaluation.split,
            problems: evaluation.skip..end,
        }
    }
}

/// The problems that a measurement takes.
struct Seen {
    tasks: BTreeSet<String>,
    split: Split,
    problems: Range<u64>,
}

impl Seen {
    /// A task of which both take the same problems, and the number after the last that `other` takes.
    fn shared_with<'a>(&'a self, other: &'a Seen) -> Option<(&'a str, u64)> {
        let overlap =
            self.problems.start < other.problems.end && other.problems.start < self.problems.end;
        let task = self.tasks.intersection(&other.tasks).next()?;
        (overlap && self.split == other.split).then_some((task.as_str(), other.problems.end))
    }
}
