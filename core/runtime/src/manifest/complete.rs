//! Filling in what the types alone cannot: defaults that depend on other keys, and paths that depend on where the
//! manifest lies.

use std::path::{Path, PathBuf};

use super::keys::{Manifest, Plugins, SftStage, Stage};
use crate::hub::ModelId;

/// Fills in what depends on other keys, and makes paths absolute.
pub(super) fn complete(manifest: &mut Manifest, directory: &Path) {
    for stage in &mut manifest.stages {
        match stage {
            Stage::Sft(stage) => {
                if stage.epochs.is_none() && stage.steps.is_none() {
                    stage.epochs = Some(SftStage::DEFAULT_EPOCHS);
                }
                if let Some(probe) = &mut stage.probe {
                    complete_pass_at(&mut probe.pass_at, probe.attempts);
                }
            }
            Stage::Merge(stage) => {
                let models = stage.models.iter_mut().map(|model| &mut model.path);
                for path in models.chain(&mut stage.base) {
                    make_absolute(path, directory);
                }
            }
            Stage::Eval(stage) => complete_pass_at(&mut stage.pass_at, stage.attempts),
            Stage::Rl(_) => {}
        }
    }
    let absolute = |path: &mut PathBuf| make_absolute(path, directory);
    complete_plugins(&mut manifest.plugins, directory);
    if let Some(path) = manifest
        .model
        .path
        .as_mut()
        .filter(|path| !is_hub_id(path, directory))
    {
        absolute(path);
    }
    if let Some(path) = manifest
        .model
        .tokenizer
        .as_mut()
        .and_then(|tokenizer| tokenizer.path.as_mut())
    {
        absolute(path);
    }
    for python in manifest
        .tasks
        .iter_mut()
        .flat_map(|task| &mut task.rewards)
        .filter_map(|r| r.python.as_mut())
    {
        absolute(&mut python.file);
    }
}

/// Makes the paths of plugins absolute.
pub(super) fn complete_plugins(plugins: &mut Plugins, directory: &Path) {
    let files = plugins.files.values_mut().map(|plugin| &mut plugin.path);
    for path in plugins.search.iter_mut().chain(files) {
        make_absolute(path, directory);
    }
}

fn make_absolute(path: &mut PathBuf, directory: &Path) {
    // Through the components, so that `./` does not stay in the middle.
    *path = directory.join(&*path).components().collect();
}

fn complete_pass_at(pass_at: &mut Vec<u32>, attempts: u32) {
    if pass_at.is_empty() {
        *pass_at = vec![1, attempts];
        pass_at.dedup();
    }
}

/// A model of the hub that is nothing in `directory`.
fn is_hub_id(path: &Path, directory: &Path) -> bool {
    let is_id = path.to_str().and_then(ModelId::parse).is_some();
    // A link that leads nowhere is a path all the same.
    is_id && directory.join(path).symlink_metadata().is_err()
}
