//! What is well formed but beyond this version or this machine. When a later version can do one of these things, its
//! lines here go.

use std::path::Path;

use farthing_engine::AdapterFile;
use farthing_engine::gguf::is_gguf;
use serde_json::Value;

use super::diagnostic::{Diagnostic, Diagnostics, Problem};
use super::file::ManifestFile;
use super::keys::Model;
use super::source::Place;
use super::tree::{Node, join};
use crate::hub::ModelId;

/// Reports keys that this version reads but cannot follow, each with what works.
pub(super) fn refuse_planned(tree: &Node, diagnostics: &mut Diagnostics) {
    let mut refuse = |pointer: &str, message: &str, help: &str| {
        let place = tree.key_place_of(pointer);
        diagnostics
            .add(Diagnostic::new(Problem::Unavailable, message, place, "not available").help(help));
    };
    let plugins = tree.at("/plugins").map(Node::to_json);
    for name in plugins
        .iter()
        .filter_map(Value::as_object)
        .flat_map(|table| table.keys())
    {
        let pointer = join(&join("/plugins", name), "isolation");
        if tree.at(&pointer).and_then(Node::as_str) == Some("process") {
            refuse(
                &pointer,
                "plugins in a process of their own are not available in this version",
                "leave `isolation` out: the plugin runs in-process, where a panic, an error or a passed deadline \
                 costs one attempt",
            );
        }
    }
    for task in tree.elements("/task") {
        for reward in tree.elements(&join(&task, "rewards")) {
            let pointer = join(&reward, "python");
            if tree.at(&pointer).is_some() {
                refuse(
                    &pointer,
                    "Python rewards are not available in this version",
                    "write the reward as a plugin and name it with `use`",
                );
            }
        }
    }
}

impl ManifestFile {
    /// Reports files that are not there and keys that this version reads but cannot follow, each with what works.
    pub fn refuse_unavailable(&self, diagnostics: &mut Diagnostics) {
        refuse_planned(&self.tree, diagnostics);
        self.model_files(&self.manifest.model, diagnostics);
    }

    /// `commit` can only repeat a commit that `path` names.
    fn refuse_other_commit(&self, model: &Model, diagnostics: &mut Diagnostics) {
        let given = model.path.as_deref().and_then(Path::to_str);
        let given = given.and_then(ModelId::parse);
        let named = given.as_ref().and_then(ModelId::commit);
        if let (Some(named), Some(commit)) = (named, &model.commit)
            && named != commit
        {
            let message = format!("`path` names the commit {named} and `commit` is {commit}");
            let place = self.tree.place_of("/model/commit");
            diagnostics.add(
                Diagnostic::new(Problem::Conflict, message, place, "another commit")
                    .help("leave one of the two out"),
            );
        }
    }

    fn model_files(&self, model: &Model, diagnostics: &mut Diagnostics) {
        if let Some(path) = &model.path {
            let place = self.tree.place_of("/model/path");
            if model.hub_id().is_some() {
                self.refuse_other_commit(model, diagnostics);
            } else {
                require_model(
                    path,
                    place,
                    "config.json, *.safetensors and tokenizer.json",
                    diagnostics,
                );
            }
        }
        if model.commit.is_some() && model.hub_id().is_none() {
            let message = "`commit` belongs to a model of the hub, and `path` names none";
            let place = self.tree.place_of("/model/commit");
            diagnostics.add(
                Diagnostic::new(Problem::Conflict, message, place, "of no use here")
                    .help("leave `commit` out, or give `path = \"owner/name\"`"),
            );
        }
        if let Some(path) = model
            .tokenizer
            .as_ref()
            .and_then(|tokenizer| tokenizer.path.as_ref())
        {
            require_model(
                path,
                self.tree.place_of("/model/tokenizer/path"),
                "tokenizer.json",
                diagnostics,
            );
        }
    }
}

/// A directory, or a GGUF file.
fn require_model(path: &Path, place: Place, contents: &str, diagnostics: &mut Diagnostics) {
    if AdapterFile::is_in(path) {
        let message = format!("{} is an adapter, not a whole model", path.display());
        diagnostics.add(
            Diagnostic::new(Problem::File, message, place, "adapters alone").help(
                "`farthing export` writes it as a whole model, the adapters added to the weights",
            ),
        );
        return;
    }
    if !(path.is_dir() || path.is_file() && is_gguf(path)) {
        let found = if path.exists() {
            "a file"
        } else {
            "nothing there"
        };
        let message = format!("{} is not a directory: found {found}", path.display());
        diagnostics.add(
            Diagnostic::new(Problem::File, message, place, "not a directory").help(format!(
                "give a directory with {contents}, or a .gguf file; paths are relative to the manifest's directory"
            )),
        );
    }
}
