//! `farthing merge`: one model from several, outside any run.

use std::path::{Path, PathBuf};

use farthing_engine::MergeInput;
pub use farthing_engine::MergeMethod;
use serde::Serialize;

use super::export::{refuse_existing, write_directory};
use crate::error::{Result, RuntimeError};
use crate::model_access::ModelAccess;

/// What to merge, each a path, a run directory for its newest checkpoint, or a model of the hub.
pub struct MergeRequest<'a> {
    pub out: &'a Path,
    pub models: &'a [PathBuf],
    /// One for each model, or none for equal ones.
    pub weights: &'a [f64],
    /// Its base named as the models are.
    pub method: MergeMethod,
    pub access: &'a ModelAccess,
}

/// What came out.
#[derive(Debug, Serialize)]
pub struct MergeReport {
    pub parameters: usize,
    pub models: Vec<MergedModel>,
}

/// A model of the merge.
#[derive(Debug, Serialize)]
pub struct MergedModel {
    pub path: PathBuf,
    /// Its share of 1.
    pub weight: f64,
    /// How far its weights are from the merged ones, over the norm of these.
    pub distance: f64,
}

/// Merges.
pub fn merge(request: &MergeRequest<'_>) -> Result<MergeReport> {
    refuse_existing(request.out)?;
    let weights = match request.weights {
        [] => vec![1.0; request.models.len()],
        weights if weights.len() == request.models.len() => weights.to_vec(),
        weights => {
            return Err(RuntimeError::Usage(format!(
                "{} weights for {} models; give one --weight for each model, or none",
                weights.len(),
                request.models.len()
            )));
        }
    };
    let path = |model: &PathBuf| request.access.checkpoint(model);
    let inputs = request.models.iter().zip(&weights);
    let inputs = inputs
        .map(|(model, &weight)| {
            let path = path(model)?;
            Ok(MergeInput { path, weight })
        })
        .collect::<Result<Vec<_>>>()?;
    let method = match &request.method {
        MergeMethod::TaskArithmetic { base, scale } => MergeMethod::TaskArithmetic {
            base: path(base)?,
            scale: *scale,
        },
        other => other.clone(),
    };
    let mut merged = farthing_engine::Merged::default();
    write_directory(request.out, |directory| {
        merged = farthing_engine::merge(&inputs, &method, directory)?;
        Ok(())
    })?;
    let total: f64 = weights.iter().sum();
    let models = inputs.into_iter().zip(&merged.distances);
    Ok(MergeReport {
        parameters: merged.parameters,
        models: models
            .map(|(input, &distance)| MergedModel {
                path: input.path,
                weight: input.weight / total,
                distance,
            })
            .collect(),
    })
}
