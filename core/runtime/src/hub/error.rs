//! What can go wrong between an id and a model on the disk. Every message says what was asked of whom, what was expected
//! and what was found; [`HubError::remedy`] says what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a model of the hub is not here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// An environment variable, or a file that one names, that cannot be used.
    #[error("{variable} {problem}")]
    Setting { variable: String, problem: String },

    /// No answer: no network, no such host, nobody listening, a certificate nobody trusts.
    #[error("{host} cannot be reached for {model}: {why}")]
    Unreachable {
        model: String,
        host: String,
        why: String,
    },

    /// Not allowed: no token, a wrong one, or a licence not accepted.
    #[error("{host} refuses {model} (status {status}): {why}")]
    Refused {
        model: String,
        host: String,
        status: u16,
        why: String,
        has_token: bool,
        /// The hub says that the model is behind a licence or a form.
        gated: bool,
    },

    /// The hub knows neither a public model of this id nor one that the token may see.
    #[error("{host} has no model {repository}, or none that {who} may see")]
    NoSuchModel {
        repository: String,
        host: String,
        who: &'static str,
    },

    #[error("{host} has the model {repository}, but no revision `{revision}` of it")]
    NoSuchRevision {
        repository: String,
        host: String,
        revision: String,
    },

    /// A file that the repository lists and the server does not give.
    #[error("{host} has no file {file} in {model}, which its own list names")]
    NoSuchFile {
        model: String,
        host: String,
        file: String,
    },

    /// The server has a trouble of its own.
    #[error("{url} answered with status {status} for {model}: {why}")]
    Server {
        model: String,
        url: String,
        status: u16,
        why: String,
    },

    /// An answer that no hub gives: the page of a proxy or a portal, headers missing, JSON of another shape.
    #[error("{url} does not answer like a model hub: {problem}")]
    NotAHub { url: String, problem: String },

    /// The repository holds something else than a model that can be trained.
    #[error("{model}: {problem}")]
    Unfit {
        model: String,
        problem: String,
        remedy: &'static str,
    },

    /// Offline, and not everything is in the cache.
    #[error("{model} is not whole in the cache {}: {missing}; and {why}", cache.display())]
    NotCached {
        model: String,
        cache: PathBuf,
        missing: String,
        why: String,
    },

    /// The connection ended again and again.
    #[error("{file} of {model} broke off after {found} of {expected} bytes: {why}")]
    BrokeOff {
        model: String,
        file: String,
        expected: String,
        found: u64,
        why: String,
    },

    /// What arrived is not what the hub announced.
    #[error("{file} of {model} arrived damaged: expected {expected}, found {found}")]
    Damaged {
        model: String,
        file: String,
        expected: String,
        found: String,
    },

    #[error(
        "{} has no room for {file} of {model}: it needs {} more bytes and {} are free",
        cache.display(), needed, free
    )]
    NoRoom {
        model: String,
        file: String,
        cache: PathBuf,
        needed: u64,
        free: u64,
    },

    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },

    #[error("interrupted by {signal} while fetching {model}")]
    Interrupted { model: String, signal: &'static str },
}

impl HubError {
    /// Turns an operating system error into one that says what was tried on which path.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// What the person can do.
    pub fn remedy(&self) -> String {
        match self {
            Self::Setting { variable, .. } if variable == "SSL_CERT_FILE" => {
                "install ca-certificates, or set SSL_CERT_FILE to a file with the certificates you trust".to_owned()
            }
            Self::Setting { variable, .. } => format!("correct {variable} or unset it"),
            Self::Unreachable { .. } => {
                "check the network, HTTPS_PROXY and HF_ENDPOINT; a model that is in the cache is used without any with \
                 HF_HUB_OFFLINE=1; a directory on this machine needs none: give its path, beginning with ./ or /"
                    .to_owned()
            }
            Self::Refused {
                gated: true,
                has_token,
                model,
                host,
                ..
            } => {
                let page = model.split('@').next().unwrap_or_default();
                let token = match has_token {
                    true => "with the account that the token belongs to",
                    false => "and set HF_TOKEN to a token of that account (or run `hf auth login`)",
                };
                format!("accept its terms at {host}/{page} {token}")
            }
            Self::Refused {
                has_token: true, ..
            } => "the token (HF_TOKEN, or the file of `hf auth login`) may have expired or may not read this model: \
                  make one that may read it, or unset it for a public model; check the id too"
                .to_owned(),
            Self::Refused { .. } => {
                "check the id; a private or gated model needs a token: set HF_TOKEN, or run `hf auth login`".to_owned()
            }
            Self::NoSuchModel { .. } => {
                "check the id: owner, name, capitals; a private model needs a token in HF_TOKEN; a directory was looked \
                 for first and is not there either: if one was meant, give its path, beginning with ./ or /"
                    .to_owned()
            }
            Self::NoSuchRevision { .. } => {
                "give a branch, a tag or a full commit hash behind the `@`, or leave it out".to_owned()
            }
            Self::NoSuchFile { .. } => {
                "try again; if it stays, the repository is damaged: choose another revision (`owner/name@revision`)"
                    .to_owned()
            }
            Self::Server { .. } | Self::BrokeOff { .. } => {
                "try again later: what has arrived is kept, and the download goes on from there".to_owned()
            }
            Self::NotAHub { .. } => {
                "check HF_ENDPOINT, and whether a proxy or a login page of the network answers in the hub's place"
                    .to_owned()
            }
            Self::Unfit { remedy, .. } => (*remedy).to_owned(),
            Self::NotCached { .. } => {
                "fetch it once with a network (unset HF_HUB_OFFLINE), set HF_HOME or HF_HUB_CACHE to the cache that has \
                 it, or give a directory"
                    .to_owned()
            }
            Self::Damaged { .. } => {
                "nothing of it was kept: try again; if it stays, a proxy or mirror changes the file: unset HF_ENDPOINT \
                 or HTTPS_PROXY"
                    .to_owned()
            }
            Self::NoRoom { .. } => {
                "free some, or set HF_HUB_CACHE to a directory on a larger disk".to_owned()
            }
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "free some room, or set HF_HUB_CACHE to a directory on a larger disk; what has arrived is kept"
                        .to_owned()
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "set HF_HUB_CACHE to a directory that you may write".to_owned()
                }
                _ => "see that the cache (HF_HUB_CACHE) is a directory on a healthy disk".to_owned(),
            },
            Self::Interrupted { .. } => {
                "start again: what has arrived is kept, and the download goes on from there".to_owned()
            }
        }
    }
}
