//! A model at one commit: its description here at once, its weights when they are asked for.
//!
//! A branch is looked up on the hub each time, as `huggingface_hub` does, because it may have moved; a commit cannot, so
//! one that is whole in the cache costs no request. If the hub cannot be reached and the cache has what the branch meant
//! last, that is used, with a warning.

use std::path::{Path, PathBuf};

use super::cache::Cache;
use super::download::Download;
use super::http::Http;
use super::{HubError, HubSettings, ModelId, Result, Watch};

/// What says how a model is shaped, how its text is cut and how it is talked to. Only the first must exist.
pub const DESCRIPTION_FILES: [&str; 6] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
];

/// One model hub.
#[derive(Debug)]
pub struct Hub {
    settings: HubSettings,
    http: Http,
}

/// A model at one commit, in the cache.
#[derive(Debug)]
pub struct Snapshot {
    /// The id as it was given.
    pub id: ModelId,
    pub commit: String,
    pub(super) cache: Cache,
    /// The files of the repository; `None` if the cache was enough.
    pub(super) listing: Option<Vec<String>>,
    /// Why no server may be asked for what is missing.
    pub(super) offline: Option<String>,
}

impl Hub {
    pub fn new(settings: HubSettings) -> Result<Self> {
        let http = Http::new(&settings)?;
        Ok(Self { settings, http })
    }

    pub fn settings(&self) -> &HubSettings {
        &self.settings
    }

    pub(super) fn http(&self) -> &Http {
        &self.http
    }

    /// Settles the commit and fetches what describes the model: some megabytes, most of them the tokenizer's.
    pub fn describe(&self, id: &ModelId, watch: &mut dyn Watch) -> Result<Snapshot> {
        let cache = Cache::of(&self.settings.cache, id);
        if self.settings.offline {
            return Snapshot::cached(id, cache, "HF_HUB_OFFLINE is set".to_owned());
        }
        if let Some(commit) = id.commit()
            && DESCRIPTION_FILES
                .iter()
                .all(|file| is_settled(&cache, commit, file))
        {
            return Ok(Snapshot {
                id: id.clone(),
                commit: commit.to_owned(),
                cache,
                listing: None,
                offline: None,
            });
        }
        let (commit, listing) = match self.http.listing(id) {
            Ok(answer) => answer,
            Err(error @ (HubError::Unreachable { .. } | HubError::Server { .. })) => {
                let Ok(snapshot) = Snapshot::cached(id, cache, error.to_string()) else {
                    return Err(error);
                };
                tracing::warn!(
                    "{error}; going on with what the cache has, {}",
                    snapshot.commit
                );
                return Ok(snapshot);
            }
            Err(error) => return Err(error),
        };
        let snapshot = Snapshot {
            id: id.clone(),
            commit,
            cache,
            listing: Some(listing),
            offline: None,
        };
        snapshot.fetch_description(self, watch)?;
        snapshot.cache.remember_commit(id, &snapshot.commit)?;
        Ok(snapshot)
    }
}

impl Snapshot {
    /// The directory of the model, as Hugging Face lays one out.
    pub fn directory(&self) -> PathBuf {
        self.cache.snapshot(&self.commit)
    }

    /// The id with its commit.
    pub fn pinned(&self) -> ModelId {
        self.id.at(&self.commit)
    }

    /// The cache that holds it.
    pub fn cache(&self) -> &Path {
        self.cache.root()
    }

    /// What the cache has under the id. `why` says why no server can be asked.
    fn cached(id: &ModelId, cache: Cache, why: String) -> Result<Self> {
        let refuse = |missing: String, why: String| HubError::NotCached {
            model: id.to_string(),
            cache: cache.root().to_owned(),
            missing,
            why,
        };
        let Some(commit) = cache.commit(id) else {
            let missing = format!("nothing is there under `{}`", id.revision());
            return Err(refuse(missing, why));
        };
        if cache.find(&commit, "config.json").is_none() {
            return Err(refuse("config.json is missing".to_owned(), why));
        }
        Ok(Self {
            id: id.clone(),
            commit,
            cache,
            listing: None,
            offline: Some(why),
        })
    }

    fn fetch_description(&self, hub: &Hub, watch: &mut dyn Watch) -> Result<()> {
        for file in DESCRIPTION_FILES {
            if self.lists(file) {
                self.fetch(hub, file, watch)?;
            } else if file == "config.json" {
                return Err(self.unfit(
                    "there is no config.json among its files",
                    "choose a repository with a transformers model (config.json, *.safetensors, tokenizer.json)",
                ));
            } else {
                self.cache.remember_missing(&self.commit, file)?;
            }
        }
        Ok(())
    }

    pub(super) fn lists(&self, file: &str) -> bool {
        match &self.listing {
            Some(listing) => listing.iter().any(|name| name == file),
            // A commit whose list nobody needed: what is not known to be missing may be there.
            None => !self.cache.is_known_missing(&self.commit, file),
        }
    }

    /// Puts a file into the snapshot, unless it is there.
    pub(super) fn fetch(&self, hub: &Hub, file: &str, watch: &mut dyn Watch) -> Result<()> {
        if self.cache.find(&self.commit, file).is_some() {
            return Ok(());
        }
        if let Some(why) = &self.offline {
            return Err(self.not_cached(format!("{file} is missing"), why));
        }
        Download {
            http: hub.http(),
            cache: &self.cache,
            id: &self.pinned(),
            commit: &self.commit,
            file,
        }
        .run(watch)
    }

    pub(super) fn not_cached(&self, missing: String, why: &str) -> HubError {
        HubError::NotCached {
            model: self.id.to_string(),
            cache: self.cache.root().to_owned(),
            missing,
            why: why.to_owned(),
        }
    }

    pub(super) fn unfit(&self, problem: &str, remedy: &'static str) -> HubError {
        HubError::Unfit {
            model: self.id.to_string(),
            problem: problem.to_owned(),
            remedy,
        }
    }
}

/// Whether the cache knows the file, or that there is none.
fn is_settled(cache: &Cache, commit: &str, file: &str) -> bool {
    cache.find(commit, file).is_some()
        || (file != "config.json" && cache.is_known_missing(commit, file))
}
