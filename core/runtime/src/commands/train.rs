//! `farthing train`: runs a manifest, or goes on with a run.

use std::path::{Path, PathBuf};

use farthing_engine::{Model, Tokenizer};
use serde_json::Value;

use super::limit_threads;
use crate::error::{Result, RuntimeError};
use crate::host::Lock;
use crate::host::ScoringPool;
use crate::manifest::{Manifest, ManifestFile, Stage};
use crate::memory::MemoryEstimate;
use crate::model_access::ModelAccess;
use crate::plan::{Plan, initial_model, tokenizer};
use crate::plugin_access::PluginAccess;
use crate::run::curves::draw_curves;
use crate::run::metrics::read_rows;
use crate::run::{
    Checkpoints, Interrupt, MetricRow, RunDirectory, RunPaths, Terminal, VerifiedCheckpoint,
    logging::Logging,
};
use crate::stage::components::LiveTask;
use crate::trainer::{Parts, Position, StageEnd, Trainer};

/// What to train.
pub struct TrainRequest<'a> {
    pub manifest: &'a Path,
    /// `key=value`.
    pub overrides: &'a [String],
    /// The run directory; `runs/<name>` if left out.
    pub out: Option<&'a Path>,
    pub resume: bool,
    pub access: &'a PluginAccess,
    pub models: &'a ModelAccess,
    pub terminal: &'a Terminal,
    pub logging: &'a Logging,
    pub interrupt: Interrupt,
}

/// How a run ended.
#[derive(Debug)]
pub struct Trained {
    pub directory: PathBuf,
    /// The newest checkpoint.
    pub checkpoint: Option<PathBuf>,
    /// The evaluations, in order: a table of before and after can be made of them.
    pub evaluations: Vec<MetricRow>,
    /// True when the budget ended the run before its last stage.
    pub budget_spent: bool,
}

/// Trains.
pub fn train(request: TrainRequest<'_>) -> Result<Trained> {
    let mut file = Plan::read(request.manifest, request.overrides, request.access)?;
    let root = request.out.map_or_else(
        || Path::new("runs").join(&file.manifest.run.name),
        Path::to_path_buf,
    );
    if request.resume {
        pin_commit(&mut file, &root)?;
    }
    limit_threads(&file.manifest);
    let plan = Plan::of(file, request.access, request.models)?;
    let memory = MemoryEstimate::of(&plan, &plan.rehearse()?)?;
    memory.refuse_excess()?;
    if let Some(model) = &plan.hub_model {
        // Before there is a run: a download that fails leaves none behind.
        model.fetch_weights()?;
    }
    let run = match request.resume {
        true => RunDirectory::resume(&root)?,
        false => RunDirectory::create(&root)?,
    };
    request.logging.attach(&run.paths().log())?;
    let lock = lock_of(&plan);
    let newest = match request.resume {
        true => checkpoint_to_resume(run.paths(), plan.manifest())?,
        false => None,
    };
    // A checkpoint's own copies say what it was trained with, also where the run's are lost.
    let began_with = match &newest {
        Some(checkpoint) => RunPaths::new(checkpoint.path()),
        None => run.paths().clone(),
    };
    if request.resume {
        refuse_other_plugins(&began_with.plugin_lock(), &lock)?;
        refuse_other_manifest(&began_with.manifest(), plan.manifest())?;
    }
    let mut trainer = begin(plan, &memory, run, &request, lock.to_toml(), newest)?;
    let end = trainer.train();
    let paths = RunPaths::new(&root);
    finish(&paths, &trainer.manifest);
    match end? {
        StageEnd::Interrupted => Err(RuntimeError::Interrupted {
            signal: trainer.interrupted_by(),
            step: trainer.position.step,
        }),
        end => Ok(Trained {
            checkpoint: Checkpoints::new(paths.checkpoints())
                .newest()?
                .newest
                .map(|checkpoint| checkpoint.path().to_path_buf()),
            evaluations: evaluations(&paths)?,
            directory: root,
            budget_spent: end == StageEnd::BudgetSpent,
        }),
    }
}

/// A run goes on with the commit of the hub that it began with, whatever its branch means by now.
fn pin_commit(file: &mut ManifestFile, root: &Path) -> Result<()> {
    let paths = RunPaths::new(root);
    let mut stored = paths.manifest();
    if !stored.exists()
        && let Some(checkpoint) = Checkpoints::new(paths.checkpoints()).newest()?.newest
    {
        stored = RunPaths::new(checkpoint.path()).manifest();
    }
    // What cannot be read is refused where the whole manifests are compared.
    let text = std::fs::read_to_string(stored).unwrap_or_default();
    let stored: toml::Table = toml::from_str(&text).unwrap_or_default();
    let key = |name: &str| stored.get("model")?.get(name)?.as_str();
    let model = &mut file.manifest.model;
    let is_same = model.path.as_deref() == key("path").map(Path::new);
    if model.hub_id().is_some() && model.commit.is_none() && is_same {
        model.commit = key("commit").map(str::to_owned);
    }
    Ok(())
}

/// The checkpoint to go on from; none if the run was stopped before its first. A run whose checkpoints are damaged or
/// gone is refused: to begin it again would lose its rows and attempts too.
fn checkpoint_to_resume(
    paths: &RunPaths,
    manifest: &Manifest,
) -> Result<Option<VerifiedCheckpoint>> {
    let search = Checkpoints::new(paths.checkpoints()).newest()?;
    if search.newest.is_some() {
        return Ok(search.newest);
    }
    let mut lost: Vec<String> = search
        .skipped
        .iter()
        .map(|skipped| format!("{}: {}", skipped.path.display(), skipped.fault))
        .collect();
    let rows = match paths.metrics().exists() {
        true => read_rows(&paths.metrics())?,
        false => Vec::new(),
    };
    let trained = rows.iter().filter(|row| !is_evaluation(row));
    let steps = trained.map(|row| row.step + 1).max();
    if lost.is_empty()
        && let Some(steps) = steps.filter(|&steps| steps > first_checkpoint(manifest))
    {
        lost.push(format!(
            "metrics.jsonl has {steps} steps, and there is no checkpoint"
        ));
    }
    match lost.is_empty() {
        true => Ok(None),
        false => Err(RuntimeError::Checkpoint {
            path: paths.checkpoints(),
            problem: format!(
                "no whole checkpoint is there ({}); put one back, or start a new run with --out",
                lost.join("; ")
            ),
        }),
    }
}

/// The step at which a run has its first checkpoint at the latest.
fn first_checkpoint(manifest: &Manifest) -> u64 {
    let every = manifest.run.checkpoint_every;
    let first_steps = manifest.stages.iter().find_map(|stage| match stage {
        Stage::Sft(stage) => Some(stage.steps.unwrap_or(every)),
        Stage::Rl(stage) => Some(stage.steps),
        Stage::Merge(_) => Some(1),
        Stage::Eval(_) => None,
    });
    first_steps.unwrap_or(every).min(every).into()
}

fn lock_of(plan: &Plan) -> Lock {
    let plugins = plan.host.plugins();
    Lock::of(plugins.filter(|plugin| plan.uses_plugin(&plugin.name)))
}

/// A run goes on with the plugins that it began with: rewards that changed in the middle would change what it learns
/// without a word.
fn refuse_other_plugins(stored: &Path, lock: &Lock) -> Result<()> {
    let Some(old) = Lock::read(stored)? else {
        return Ok(());
    };
    for plugin in old.plugins() {
        let now = lock.get(&plugin.name).map(|plugin| plugin.sha256.as_str());
        if now != Some(plugin.sha256.as_str()) {
            return Err(RuntimeError::OtherPlugin {
                path: stored.to_path_buf(),
                plugin: format!("{} {}", plugin.name, plugin.version),
                expected: plugin.sha256.clone(),
                found: now.unwrap_or("no such plugin").to_owned(),
            });
        }
    }
    Ok(())
}

fn begin(
    plan: Plan,
    memory: &MemoryEstimate,
    run: RunDirectory,
    request: &TrainRequest<'_>,
    lock_text: String,
    newest: Option<VerifiedCheckpoint>,
) -> Result<Trainer> {
    let manifest = plan.manifest().clone();
    let model_directory = plan.model_directory();
    run.write(&run.paths().plugin_lock(), lock_text.as_bytes())?;
    run.write(&run.paths().manifest(), manifest.to_toml().as_bytes())?;
    let base = |tokenizer: &Tokenizer| {
        initial_model(
            &manifest,
            model_directory.as_deref(),
            tokenizer,
            &plan.device,
        )
    };
    let (position, model, tokenizer) = match &newest {
        Some(checkpoint) => {
            let path = checkpoint.path();
            tracing::info!("going on from {}", path.display());
            let tokenizer = Tokenizer::load(path)?;
            let model = match manifest.model.lora {
                None => Model::load(path, &plan.device)?,
                Some(_) => base(&tokenizer)?.with_adapters_from(path)?,
            };
            (Position::read(path)?, model, tokenizer)
        }
        None => {
            let tokenizer = tokenizer(&manifest, model_directory.as_deref())?;
            let model = match &manifest.model.lora {
                None => base(&tokenizer)?,
                Some(lora) => base(&tokenizer)?.with_adapters(lora.config(), manifest.run.seed)?,
            };
            (Position::start(), model, tokenizer)
        }
    };
    let model = model.computing_in(plan.dtype)?;
    tracing::info!(
        "computing in {} on {:?}",
        plan.dtype.as_str(),
        plan.device.location()
    );
    let tasks = LiveTask::all(&plan.host, &manifest.tasks, &position.task_states)?;
    Trainer::new(Parts {
        manifest,
        host: plan.host,
        tasks,
        model,
        tokenizer,
        pool: ScoringPool::new()?,
        run,
        position,
        recomputed_layers: memory.recomputed_layers,
        decode_tokens: memory.decode_tokens.clone(),
        resumed_from: newest.map(|checkpoint| checkpoint.path().to_path_buf()),
        terminal: request.terminal.clone(),
        interrupt: request.interrupt.clone(),
        lock_text,
        model_directory,
    })
}

/// Keys that do not change what a run computes, and so may differ between a run and its resumption.
const FREE_KEYS: [&str; 8] = [
    "/run/name",
    "/run/threads",
    "/run/cost",
    "/run/checkpoint_every",
    "/run/keep_checkpoints",
    "/run/activation_checkpointing",
    "/run/device",
    "/plugins",
];

/// The same in any task or stage: what bounds memory, and what ends a run.
const FREE_ENDS: [&str; 3] = [
    "/micro_batch_tokens",
    "/decode_tokens",
    "/max_failure_share",
];

/// A run goes on with the manifest that it began with: otherwise it would be neither the old run nor a new one.
fn refuse_other_manifest(stored: &Path, manifest: &Manifest) -> Result<()> {
    let refuse = |differs: String| RuntimeError::OtherManifest {
        path: stored.to_path_buf(),
        differs,
    };
    let text = match std::fs::read_to_string(stored) {
        Ok(text) => text,
        // A run that was killed before its first word.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refuse(format!("everything: it cannot be read ({error})"))),
    };
    let json = |text: &str| {
        let table: toml::Value = toml::from_str(text).map_err(|error| error.to_string())?;
        serde_json::to_value(table).map_err(|error| error.to_string())
    };
    let old = with_new_defaults(&text).unwrap_or(text);
    let (old, new) = (
        json(&old).map_err(refuse)?,
        json(&manifest.to_toml()).map_err(refuse)?,
    );
    let mut differences = Vec::new();
    differing("", &old, &new, &mut differences);
    differences.retain(|at| {
        let free = FREE_KEYS.iter().any(|free| at.starts_with(free));
        !free && !FREE_ENDS.iter().any(|free| at.ends_with(free))
    });
    if differences.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = differences
        .iter()
        .map(|at| format!("`{}`", at.trim_start_matches('/').replace('/', ".")))
        .collect();
    Err(refuse(names.join(", ")))
}

/// A run's manifest as this version writes it: keys that did not exist when the run began have their defaults. Nothing
/// where this version cannot read it.
fn with_new_defaults(text: &str) -> Option<String> {
    let mut table: toml::Table = toml::from_str(text).ok()?;
    // Before there was a choice, everything was f32; the default is not.
    let run = table.get_mut("run")?.as_table_mut()?;
    run.entry("dtype").or_insert_with(|| "f32".into());
    let text = toml::to_string(&table).ok()?;
    let file = ManifestFile::parse("run.toml", &text, Path::new("/"), &[]).ok()?;
    Some(file.manifest.to_toml())
}

fn differing(at: &str, old: &Value, new: &Value, out: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                let value = |object: &serde_json::Map<String, Value>| {
                    object.get(key).cloned().unwrap_or(Value::Null)
                };
                differing(&format!("{at}/{key}"), &value(old), &value(new), out);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                differing(&format!("{at}/{index}"), old, new, out);
            }
        }
        _ if old == new => {}
        _ => out.push(at.to_owned()),
    }
}

/// Draws the picture of what there is, also of a run that ended early. A picture never fails a run.
fn finish(paths: &RunPaths, manifest: &Manifest) {
    if let Err(error) = draw_curves(&paths.metrics(), &paths.curves(), &manifest.run.name) {
        tracing::warn!("no curves were drawn: {error}");
    }
}

fn evaluations(paths: &RunPaths) -> Result<Vec<MetricRow>> {
    let rows = read_rows(&paths.metrics())?;
    Ok(rows.into_iter().filter(is_evaluation).collect())
}

fn is_evaluation(row: &MetricRow) -> bool {
    row.get("eval_num_problems").is_some()
}
