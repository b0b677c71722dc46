//! `farthing eval`: measures any model on a manifest's tasks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use farthing_engine::{Model, Tokenizer};
use serde::Serialize;
use serde_json::Value;

use super::limit_threads;
use crate::error::{Result, RuntimeError};
use crate::host::ScoringPool;
use crate::manifest::{EvalStage, Manifest, Stage};
use crate::memory::evaluation_budget;
use crate::model_access::ModelAccess;
use crate::plan::{Plan, longest_prompt};
use crate::plugin_access::PluginAccess;
use crate::stage::components::{LiveSampler, LiveTask, States};
use crate::stage::eval;
use crate::stage::measuring::{Figures, Judge, ProblemFigures};
use crate::stage::rollout::decoding_budget;
use crate::stage::seeds::StageSeeds;
use crate::stage::statistics::Estimate;

/// What was measured on one model.
#[derive(Debug, Serialize)]
pub struct Evaluation {
    pub model: String,
    pub attempts: usize,
    pub temperature: f32,
    pub seconds: f64,
    #[serde(flatten)]
    pub all: Figures,
    pub by_tag: BTreeMap<String, Figures>,
    #[serde(skip)]
    problems: Vec<ProblemFigures>,
}

/// Models measured on the same problems.
#[derive(Debug, Serialize)]
pub struct Comparison {
    pub evaluations: Vec<Evaluation>,
    /// Of each model after the first.
    pub differences: Vec<Difference>,
}

/// How a model differs from the first one, problem by problem: what is hard about a problem is hard for both, so the
/// intervals are narrower than those of the figures themselves.
#[derive(Debug, Serialize)]
pub struct Difference {
    pub model: String,
    /// By the figure's name, `pass@8`, with the tag after a slash where it is of one tag's problems.
    pub figures: BTreeMap<String, Estimate>,
}

/// Measures models (each a path, the newest checkpoint of a run directory, or a model of the hub) as the manifest's last
/// `eval` stage says; without one, as the `eval` of its last `rl` stage.
pub fn evaluate(
    paths: &[PathBuf],
    manifest: &Path,
    overrides: &[String],
    access: &PluginAccess,
    models: &ModelAccess,
) -> Result<Comparison> {
    let file = Plan::read(manifest, overrides, access)?;
    limit_threads(&file.manifest);
    let plan = Plan::of(file, access, models)?;
    let (index, stage) = evaluation_of(plan.manifest())?;
    let evaluations = paths
        .iter()
        .map(|path| evaluate_one(path, &plan, index, &stage, models))
        .collect::<Result<Vec<_>>>()?;
    let differences = match evaluations.split_first() {
        None => Vec::new(),
        Some((first, others)) => others
            .iter()
            .map(|other| Difference::between(first, other))
            .collect(),
    };
    Ok(Comparison {
        evaluations,
        differences,
    })
}

fn evaluate_one(
    path: &Path,
    plan: &Plan,
    index: usize,
    stage: &EvalStage,
    models: &ModelAccess,
) -> Result<Evaluation> {
    let loaded = models.load(path, &plan.device)?;
    let bench = Bench {
        model: loaded.model.computing_in(plan.dtype)?.for_inference(),
        tokenizer: loaded.tokenizer,
        tasks: LiveTask::all(&plan.host, &plan.manifest().tasks, &States::new())?,
        pool: ScoringPool::new()?,
        seed: plan.manifest().run.seed,
    };
    let chosen = LiveTask::indices(&bench.tasks, &stage.tasks);
    let sampler = LiveSampler::new(&plan.host, &stage.sampler, &Value::Null)?;
    let seeds = StageSeeds::new(bench.seed, index);
    let split = stage.split.into();
    let prompt = longest_prompt(&bench.tasks, &chosen, split, bench.seed, &bench.tokenizer)?;
    let budget = decoding_budget(evaluation_budget(plan, stage, prompt));
    let measured = eval::attempt(&bench, stage, budget, &chosen, &sampler, seeds)?;
    let (all, by_tag) = measured.figures();
    Ok(Evaluation {
        model: loaded.path.display().to_string(),
        attempts: stage.attempts as usize,
        temperature: measured.temperature,
        seconds: measured.seconds,
        all,
        by_tag,
        problems: measured.problems(),
    })
}

/// The manifest's evaluation and the stage whose seeds it takes.
fn evaluation_of(manifest: &Manifest) -> Result<(usize, EvalStage)> {
    let stages = manifest.stages.iter().enumerate();
    if let Some((index, Stage::Eval(stage))) = stages
        .clone()
        .rev()
        .find(|(_, stage)| matches!(stage, Stage::Eval(_)))
    {
        return Ok((index, stage.clone()));
    }
    for (index, stage) in stages.rev() {
        if let Stage::Rl(stage) = stage
            && let Some(evaluation) = stage.evaluation()
        {
            return Ok((index, evaluation));
        }
    }
    Err(RuntimeError::Usage(
        "the manifest says no evaluation; add a stage with `kind = \"eval\"`".to_owned(),
    ))
}

struct Bench {
    model: Model,
    tokenizer: Tokenizer,
    tasks: Vec<LiveTask>,
    pool: ScoringPool,
    seed: u64,
}

impl Judge for Bench {
    fn model(&self) -> &Model {
        &self.model
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    fn tasks(&self) -> &[LiveTask] {
        &self.tasks
    }

    fn pool(&self) -> &ScoringPool {
        &self.pool
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}

impl Difference {
    fn between(first: &Evaluation, other: &Evaluation) -> Self {
        let pairs: Vec<_> = first.problems.iter().zip(&other.problems).collect();
        let mut figures = BTreeMap::new();
        let tags = first.by_tag.keys().map(Some);
        for tag in std::iter::once(None).chain(tags) {
            let of_tag =
                |problem: &ProblemFigures| tag.is_none_or(|tag| problem.tags.contains(tag));
            let pairs = || pairs.iter().filter(|(problem, _)| of_tag(problem));
            let suffix = tag.map_or(String::new(), |tag| format!("/{tag}"));
            let mut add = |name: String, differences: Vec<f64>| {
                let estimate = Estimate::of_differences(&differences);
                figures.extend(estimate.map(|estimate| (name + &suffix, estimate)));
            };
            for &k in first.all.pass_at.keys() {
                let difference = |(a, b): &(&ProblemFigures, &ProblemFigures)| {
                    Some(b.pass_at(k)? - a.pass_at(k)?)
                };
                add(
                    format!("pass@{k}"),
                    pairs().filter_map(difference).collect(),
                );
            }
            let difference =
                |(a, b): &(&ProblemFigures, &ProblemFigures)| Some(b.average()? - a.average()?);
            let name = format!("avg@{}", first.attempts);
            add(name, pairs().filter_map(difference).collect());
        }
        Self {
            model: other.model.clone(),
            figures,
        }
    }
}

impl Evaluation {
    /// The figures of all problems, or of one tag's, by name.
    fn named(&self, tag: Option<&str>) -> Vec<(String, &Estimate)> {
        let figures = match tag {
            None => Some(&self.all),
            Some(tag) => self.by_tag.get(tag),
        };
        let Some(figures) = figures else {
            return Vec::new();
        };
        let passes = figures.pass_at.iter();
        let passes = passes.map(|(k, estimate)| (format!("pass@{k}"), estimate));
        let average = figures.average.iter();
        let average = average.map(|estimate| (format!("avg@{}", self.attempts), estimate));
        let majority = figures.majority.iter().filter(|_| self.attempts > 1);
        let majority = majority.map(|estimate| (format!("maj@{}", self.attempts), estimate));
        passes.chain(average).chain(majority).collect()
    }
}

impl Comparison {
    /// What was measured, in a line.
    pub fn heading(&self) -> String {
        self.evaluations.first().map_or(String::new(), |first| {
            format!(
                "{} problems, {} attempts each at temperature {}; shares in % with their 95 % intervals over problems",
                first.all.problems, first.attempts, first.temperature
            )
        })
    }

    /// A row for each figure, a column for each model, and one for each difference to the first.
    pub fn table(&self) -> Vec<Vec<String>> {
        let Some(first) = self.evaluations.first() else {
            return Vec::new();
        };
        let mut heading = vec!["problems".to_owned(), "figure".to_owned()];
        heading.extend(
            self.evaluations
                .iter()
                .map(|evaluation| evaluation.model.clone()),
        );
        let number = |index: usize| format!("model {} - model 1", index + 2);
        heading.extend((0..self.differences.len()).map(number));
        let mut table = vec![heading];
        // With one tag the problems are the same as all.
        let tags = first.by_tag.iter().filter(|_| first.by_tag.len() > 1);
        let tags = tags.map(|(tag, figures)| (Some(tag.as_str()), figures.problems));
        for (tag, problems) in std::iter::once((None, first.all.problems)).chain(tags) {
            for (name, _) in first.named(tag) {
                let mut row = vec![
                    format!("{} ({problems})", tag.unwrap_or("all")),
                    name.clone(),
                ];
                row.extend(self.evaluations.iter().map(|evaluation| {
                    let named = evaluation.named(tag);
                    let found = named.iter().find(|(other, _)| *other == name);
                    found.map_or("-".to_owned(), |(_, estimate)| share_text(estimate))
                }));
                let key = tag.map_or(name.clone(), |tag| format!("{name}/{tag}"));
                row.extend(self.differences.iter().map(|difference| {
                    let found = difference.figures.get(&key);
                    found.map_or("-".to_owned(), difference_text)
                }));
                table.push(row);
            }
        }
        table
    }

    /// The table in Markdown.
    pub fn markdown(&self) -> String {
        let table = self.table();
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut text = format!("{}\n\n", self.heading());
        for (index, row) in table.iter().enumerate() {
            text += &line(row);
            if index == 0 {
                text += &line(&vec!["---".to_owned(); row.len()]);
            }
        }
        text
    }
}

fn share_text(estimate: &Estimate) -> String {
    let [value, low, high] = [estimate.value, estimate.low, estimate.high].map(|x| x * 100.0);
    format!("{value:.1} ({low:.1} to {high:.1})")
}

fn difference_text(estimate: &Estimate) -> String {
    let [value, low, high] = [estimate.value, estimate.low, estimate.high].map(|x| x * 100.0);
    format!("{value:+.1} ({low:+.1} to {high:+.1})")
}
