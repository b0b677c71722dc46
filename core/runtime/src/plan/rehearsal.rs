//! A rehearsal: a few problems of every split that a stage draws from are posed.
//!
//! A prompt that the tokenizer cannot read, a split without problems and a task without worked solutions are found
//! before anything is trained, and not when the first stage that meets them begins. How long the texts are decides how
//! much memory a step takes, so they are measured here, rendered by the very code that renders them in a step.

use std::collections::{BTreeMap, BTreeSet};

use farthing_engine::Tokenizer;
use farthing_sdk::{Pick, Split};

use super::{Plan, tokenizer};
use crate::error::{Result, RuntimeError};
use crate::manifest::{self, Diagnostic, Problem, Stage};
use crate::stage::components::{LiveTask, States};
use crate::stage::rollout::pose;
use crate::stage::sft::example;

/// Problems of each split that are posed: enough to meet a long prompt where prompts differ, and a matter of
/// milliseconds.
const POSED: u64 = 16;

/// How long the texts of one stage are, in tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StageLengths {
    /// The longest prompt: one is enough to make the micro-batch that it is in the largest.
    pub prompt: usize,
    /// Worked solutions with their prompts, as they come.
    pub examples: Vec<usize>,
}

/// What a stage takes from a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Draws {
    Solutions,
    TrainPrompts,
    TestPrompts,
}

impl Draws {
    fn split(self) -> Split {
        match self {
            Self::TestPrompts => Split::Test,
            Self::Solutions | Self::TrainPrompts => Split::Train,
        }
    }
}

impl Plan {
    /// Poses some problems of each split that is needed. Returns the lengths that each stage works on.
    ///
    /// # Errors
    /// Every task that cannot be posed, at its line of the manifest.
    pub fn rehearse(&self) -> Result<Vec<StageLengths>> {
        let manifest = self.manifest();
        let tokenizer = tokenizer(manifest, self.model_directory().as_deref())?;
        let tasks = LiveTask::all(&self.host, &manifest.tasks, &States::new())?;
        let drawn: Vec<Vec<(usize, Draws)>> = manifest
            .stages
            .iter()
            .map(|stage| drawn_by(stage, &tasks))
            .collect();
        let mut measured: BTreeMap<(usize, Draws), Vec<usize>> = BTreeMap::new();
        let mut diagnostics = self.file.diagnostics();
        let mut reported = BTreeSet::new();
        for &(index, draws) in drawn.iter().flatten() {
            if measured.contains_key(&(index, draws)) {
                continue;
            }
            let found = match lengths(&tasks, index, draws, manifest.run.seed, &tokenizer) {
                Ok(none) if none.is_empty() => Err(format!(
                    "the {} split has no problems",
                    draws.split().name()
                )),
                found => found.map_err(|error| error.to_string()),
            };
            // Prompts and examples of one task have much in common.
            if let Err(problem) = &found
                && reported.insert((index, problem.clone()))
            {
                let task = &tasks[index].name;
                let message = format!("a stage cannot pose task `{task}`: {problem}");
                let place = self.file.place_of(&format!("/task/{index}/use"));
                diagnostics.add(
                    Diagnostic::new(Problem::InvalidValue, message, place, "its problems").help(
                        "change the task's configuration (its prompt, its splits), or the model's tokenizer",
                    ),
                );
            }
            measured.insert((index, draws), found.unwrap_or_default());
        }
        let lengths_of = |drawn: &Vec<(usize, Draws)>| {
            let mut lengths = StageLengths::default();
            for &(index, draws) in drawn {
                let found = &measured[&(index, draws)];
                match draws {
                    Draws::Solutions => lengths.examples.extend(found),
                    Draws::TrainPrompts | Draws::TestPrompts => {
                        let longest = found.iter().max().copied().unwrap_or_default();
                        lengths.prompt = lengths.prompt.max(longest);
                    }
                }
            }
            lengths
        };
        let lengths = drawn.iter().map(lengths_of).collect();
        diagnostics
            .into_result(lengths)
            .map_err(RuntimeError::Manifest)
    }
}

/// The longest of some prompts of these tasks, in tokens.
pub(crate) fn longest_prompt(
    tasks: &[LiveTask],
    chosen: &[usize],
    split: Split,
    seed: u64,
    tokenizer: &Tokenizer,
) -> Result<usize> {
    let mut longest = 0;
    for &index in chosen {
        let posed = pose(
            tasks,
            &picks(&tasks[index], index, split)?,
            split,
            seed,
            tokenizer,
        )?;
        let lengths = posed.iter().map(|posed| posed.prompt_tokens.len());
        longest = lengths.fold(longest, usize::max);
    }
    Ok(longest)
}

/// The lengths of some prompts, or examples, of one task.
fn lengths(
    tasks: &[LiveTask],
    index: usize,
    draws: Draws,
    seed: u64,
    tokenizer: &Tokenizer,
) -> Result<Vec<usize>> {
    let split = draws.split();
    let picks = picks(&tasks[index], index, split)?;
    match draws {
        Draws::Solutions => {
            let length = |&pick: &Pick| Ok(example(tasks, tokenizer, seed, pick, 0)?.tokens.len());
            picks.iter().map(length).collect()
        }
        Draws::TrainPrompts | Draws::TestPrompts => {
            let posed = pose(tasks, &picks, split, seed, tokenizer)?;
            Ok(posed
                .iter()
                .map(|posed| posed.prompt_tokens.len())
                .collect())
        }
    }
}

/// The problems that are posed, from the whole of a finite split: files are often sorted.
fn picks(task: &LiveTask, index: usize, split: Split) -> Result<Vec<Pick>> {
    let size = task
        .client
        .size(split)
        .map_err(RuntimeError::component("task", &task.name))?;
    let count = size.map_or(POSED, |size| size.min(POSED));
    let at = |number: u64| match size {
        None => number,
        Some(size) => (u128::from(number) * u128::from(size) / u128::from(count)) as u64,
    };
    let pick = |number| Pick {
        task: index as u64,
        index: at(number),
    };
    Ok((0..count).map(pick).collect())
}

/// The tasks that a stage draws from, by index, and what it takes from them.
fn drawn_by(stage: &Stage, tasks: &[LiveTask]) -> Vec<(usize, Draws)> {
    let all = LiveTask::indices(tasks, stage.tasks());
    let trained = || {
        let weights = all.iter().copied();
        weights.filter(|&index| tasks[index].weight > 0.0)
    };
    let with = |draws: Draws| move |index: usize| (index, draws);
    match stage {
        Stage::Sft(stage) => {
            let mut drawn: Vec<_> = trained().map(with(Draws::Solutions)).collect();
            if let Some(probe) = &stage.probe {
                let evaluation = probe.evaluation(&stage.name, &stage.tasks);
                drawn.extend(drawn_by(&Stage::Eval(evaluation), tasks));
            }
            drawn
        }
        Stage::Rl(stage) => {
            let mut drawn: Vec<_> = trained().map(with(Draws::TrainPrompts)).collect();
            if stage.eval.is_some() {
                drawn.extend(all.iter().copied().map(with(Draws::TestPrompts)));
            }
            drawn
        }
        Stage::Merge(_) => Vec::new(),
        Stage::Eval(stage) => {
            let draws = match stage.split {
                manifest::Split::Test => Draws::TestPrompts,
                manifest::Split::Train => Draws::TrainPrompts,
            };
            all.iter().copied().map(with(draws)).collect()
        }
    }
}
