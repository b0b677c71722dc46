//! `farthing eval`: measures any model on a manifest's tasks.

use std::collections::BTreeMap;
use std::path::Path;

use farthing_engine::{Model, Tokenizer};
use serde::Serialize;
use serde_json::Value;

use crate::error::{Result, RuntimeError};
use crate::host::ScoringPool;
use crate::manifest::{EvalStage, Manifest, RlStage, Split, Stage};
use crate::memory::evaluation_budget;
use crate::model_access::ModelAccess;
use crate::plan::{Plan, longest_prompt};
use crate::plugin_access::PluginAccess;
use crate::stage::components::{LiveSampler, LiveTask, States};
use crate::stage::eval;
use crate::stage::measuring::Figures;
use crate::stage::measuring::Judge;
use crate::stage::rollout::decoding_budget;
use crate::stage::seeds::StageSeeds;

/// What was measured.
#[derive(Debug, Serialize)]
pub struct Evaluation {
    pub model: String,
    pub attempts: usize,
    pub temperature: f32,
    pub seconds: f64,
    #[serde(flatten)]
    pub all: Figures,
    pub by_tag: BTreeMap<String, Figures>,
}

/// Measures `model` (a path, the newest checkpoint of a run directory, or a model of the hub) as the manifest's last
/// `eval` stage says; without one, as the `eval` of its last `rl` stage.
pub fn evaluate(
    model: &Path,
    manifest: &Path,
    overrides: &[String],
    access: &PluginAccess,
    models: &ModelAccess,
) -> Result<Evaluation> {
    let plan = Plan::make(manifest, overrides, access, models)?;
    let (index, stage) = evaluation_of(plan.manifest())?;
    let loaded = models.load(model, &plan.device)?;
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
    let budget = decoding_budget(evaluation_budget(&plan, &stage, prompt));
    let measured = eval::attempt(&bench, &stage, budget, &chosen, &sampler, seeds)?;
    let (all, by_tag) = measured.figures();
    Ok(Evaluation {
        model: loaded.path.display().to_string(),
        attempts: stage.attempts as usize,
        temperature: measured.temperature,
        seconds: measured.seconds,
        all,
        by_tag,
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
            && let Some(evaluation) = periodic(stage)
        {
            return Ok((index, evaluation));
        }
    }
    Err(RuntimeError::Usage(
        "the manifest says no evaluation; add a stage with `kind = \"eval\"`".to_owned(),
    ))
}

fn periodic(stage: &RlStage) -> Option<EvalStage> {
    let eval = stage.eval.as_ref()?;
    Some(EvalStage {
        name: stage.name.clone(),
        tasks: stage.tasks.clone(),
        problems: eval.problems,
        attempts: eval.attempts,
        pass_at: vec![1, eval.attempts],
        sampler: eval
            .sampler
            .clone()
            .unwrap_or_else(|| stage.sampler.clone()),
        max_new_tokens: stage.max_new_tokens,
        decode_tokens: stage.decode_tokens,
        split: Split::Test,
        reward_deadline: stage.reward_deadline,
        max_failure_share: stage.max_failure_share,
    })
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

impl Evaluation {
    /// The figures for a person.
    pub fn text(&self) -> String {
        let mut lines = vec![format!(
            "{} on {} problems, {} attempts each at temperature {}, in {:.1} s",
            self.model, self.all.problems, self.attempts, self.temperature, self.seconds
        )];
        lines.push(figures_text("all", &self.all, self.attempts));
        if self.by_tag.len() > 1 {
            for (tag, figures) in &self.by_tag {
                lines.push(figures_text(tag, figures, self.attempts));
            }
        }
        lines.join("\n") + "\n"
    }
}

fn figures_text(name: &str, figures: &Figures, attempts: usize) -> String {
    let mut cells: Vec<String> = figures
        .pass_at
        .iter()
        .map(|(k, share)| format!("pass@{k} {:.1} %", share * 100.0))
        .collect();
    if let Some(average) = figures.average {
        cells.push(format!("avg@{attempts} {:.1} %", average * 100.0));
    }
    if let Some(majority) = figures.majority.filter(|_| attempts > 1) {
        cells.push(format!("maj@{attempts} {:.1} %", majority * 100.0));
    }
    format!("{name:<16} {}", cells.join("   "))
}
