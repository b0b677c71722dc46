//! `kind = "merge"`: the run goes on with one model made from several.

use std::path::Path;

use farthing_engine::{MergeInput, merge};

use crate::error::Result;
use crate::manifest::{MergeMethod, MergeStage};
use crate::run::RunError;
use crate::trainer::{StageEnd, Trainer};

/// Runs the stage: one step of the run, with a row of its own.
pub(crate) fn run(trainer: &mut Trainer, stage: &MergeStage) -> Result<StageEnd> {
    let inputs = inputs(trainer, stage);
    let scratch = trainer.scratch()?;
    let merged_at = scratch.path().join("merged");
    std::fs::create_dir(&merged_at).map_err(RunError::io("create", &merged_at))?;
    let method = method(trainer, stage, scratch.path())?;
    let names: Vec<String> = inputs.iter().map(name_of).collect();
    tracing::info!("merging {}", names.join(", "));
    let merged = merge(&inputs, &method, &merged_at)?;
    trainer.go_on_with(&merged_at)?;

    let total: f64 = inputs.iter().map(|input| input.weight).sum();
    let mut row = trainer.row(&stage.name);
    row.set("merge/models", inputs.len());
    for ((input, name), distance) in inputs.iter().zip(&names).zip(&merged.distances) {
        row.set(format!("merge/weight/{name}"), input.weight / total);
        row.set(format!("merge/distance/{name}"), *distance);
    }
    trainer.finish_step(&row)?;
    Ok(StageEnd::Finished)
}

fn inputs(trainer: &Trainer, stage: &MergeStage) -> Vec<MergeInput> {
    if let Some(from) = &stage.from {
        let selected = trainer.position.selection(from).selected.iter();
        return selected
            .map(|chosen| MergeInput {
                path: trainer.checkpoint(&chosen.name),
                weight: chosen.weight,
            })
            .collect();
    }
    let given = stage.models.iter().map(|model| MergeInput {
        path: model.path.clone(),
        weight: model.weight,
    });
    given.collect()
}

/// The engine's method. A base that is not given is the model that the run began with, written out as checkpoints are.
fn method(
    trainer: &Trainer,
    stage: &MergeStage,
    scratch: &Path,
) -> Result<farthing_engine::MergeMethod> {
    Ok(match stage.method {
        MergeMethod::Linear => farthing_engine::MergeMethod::Linear,
        MergeMethod::Slerp => farthing_engine::MergeMethod::Slerp,
        MergeMethod::TaskArithmetic => {
            let base = match &stage.base {
                Some(base) => base.clone(),
                None => {
                    let path = scratch.join("base");
                    trainer.save_initial_model(&path)?;
                    path
                }
            };
            let scale = stage.scale.unwrap_or(1.0);
            farthing_engine::MergeMethod::TaskArithmetic { base, scale }
        }
    })
}

/// The last part of an input's path.
fn name_of(input: &MergeInput) -> String {
    let name = input.path.file_name().unwrap_or(input.path.as_os_str());
    name.to_string_lossy().into_owned()
}
