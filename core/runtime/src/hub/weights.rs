//! The weights of a snapshot: one file, or shards that an index names. They are gigabytes, so how many is said before
//! they are fetched.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::snapshot::{Hub, Snapshot};
use super::{Result, Watch};

const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// A file with weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightFile {
    pub name: String,
    /// In bytes, if anybody says so.
    pub size: Option<u64>,
    /// Whether it is in the cache, whole.
    pub is_here: bool,
}

impl Snapshot {
    /// The files with weights, with their sizes. Fetches nothing but a shard index.
    pub fn weights(&self, hub: &Hub, watch: &mut dyn Watch) -> Result<Vec<WeightFile>> {
        let pinned = self.pinned();
        let describe = |name: String| {
            let here = self.cache.find(&self.commit, &name);
            let size = match (&here, &self.offline) {
                (Some(path), _) => path.metadata().ok().map(|file| file.len()),
                (None, Some(why)) => {
                    return Err(self.not_cached(format!("{name} is missing"), why));
                }
                (None, None) => hub.http().describe(&pinned, &name)?.size,
            };
            Ok(WeightFile {
                name,
                size,
                is_here: here.is_some(),
            })
        };
        self.weight_names(hub, watch)?
            .into_iter()
            .map(describe)
            .collect()
    }

    /// Fetches the weights and returns the whole model's directory.
    pub fn fetch_weights(&self, hub: &Hub, watch: &mut dyn Watch) -> Result<PathBuf> {
        for name in self.weight_names(hub, watch)? {
            self.fetch(hub, &name, watch)?;
        }
        Ok(self.directory())
    }

    /// One file before shards, as the engine takes them.
    fn weight_names(&self, hub: &Hub, watch: &mut dyn Watch) -> Result<Vec<String>> {
        let is_here = |name| self.cache.find(&self.commit, name).is_some();
        if is_here(SINGLE) {
            return Ok(vec![SINGLE.to_owned()]);
        }
        match (&self.listing, &self.offline) {
            (Some(_), _) if self.lists(SINGLE) => Ok(vec![SINGLE.to_owned()]),
            (Some(_), _) if self.lists(INDEX) => {
                self.fetch(hub, INDEX, watch)?;
                self.shards(&self.directory().join(INDEX))
            }
            (Some(_), _) => Err(self.without_weights()),
            (None, _) if is_here(INDEX) => self.shards(&self.directory().join(INDEX)),
            (None, Some(why)) => Err(self.not_cached(format!("{SINGLE} is missing"), why)),
            // The description was whole in the cache, so nobody has asked for the list yet.
            (None, None) => {
                let (_, listing) = hub.http().listing(&self.pinned())?;
                let listed = Self {
                    id: self.id.clone(),
                    commit: self.commit.clone(),
                    cache: self.cache.clone(),
                    listing: Some(listing),
                    offline: None,
                };
                listed.weight_names(hub, watch)
            }
        }
    }

    /// The shards that an index names: files beside it and nothing else, whatever the index says.
    fn shards(&self, index: &Path) -> Result<Vec<String>> {
        #[derive(serde::Deserialize)]
        struct ShardIndex {
            weight_map: BTreeMap<String, String>,
        }
        const REMEDY: &str =
            "the repository's index is wrong: choose another revision or another model";
        let text = std::fs::read(index).map_err(super::HubError::io("read", index))?;
        let parsed: ShardIndex = serde_json::from_slice(&text)
            .map_err(|error| self.unfit(&format!("{INDEX} is no shard index: {error}"), REMEDY))?;
        let shards: BTreeSet<String> = parsed.weight_map.into_values().collect();
        if shards.is_empty() {
            return Err(self.unfit(&format!("{INDEX} names no file"), REMEDY));
        }
        for shard in &shards {
            if !is_plain_name(shard) {
                let problem = format!(
                    "{INDEX} names {shard:?}: expected the plain name of a .safetensors file beside it"
                );
                return Err(self.unfit(&problem, REMEDY));
            }
            if self.listing.is_some() && !self.lists(shard) {
                let problem = format!("{INDEX} names {shard}, which is not among its files");
                return Err(self.unfit(&problem, REMEDY));
            }
        }
        Ok(shards.into_iter().collect())
    }

    fn without_weights(&self) -> super::HubError {
        let listing = self.listing.as_deref().unwrap_or_default();
        let is_weights = |name: &&String| {
            [
                ".bin",
                ".gguf",
                ".safetensors",
                ".pth",
                ".pt",
                ".onnx",
                ".h5",
            ]
            .iter()
            .any(|ending| name.ends_with(ending))
        };
        let found: Vec<&str> = listing
            .iter()
            .filter(is_weights)
            .take(5)
            .map(String::as_str)
            .collect();
        let found = match found.is_empty() {
            true => "no weights at all".to_owned(),
            false => found.join(", "),
        };
        self.unfit(
            &format!("expected {SINGLE} or {INDEX} among its files, found {found}"),
            "choose a repository with safetensors weights of a whole model, or convert it with transformers \
             (`save_pretrained`) and give the directory",
        )
    }
}

fn is_plain_name(name: &str) -> bool {
    let is_file_name = Path::new(name).file_name().is_some_and(|file| file == name);
    is_file_name
        && name.ends_with(".safetensors")
        && !name.starts_with('.')
        && !name
            .chars()
            .any(|c| c == '\\' || c == ':' || c.is_control())
}
