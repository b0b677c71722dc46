//! Where the hub and its cache are, and who asks: the environment variables of `huggingface_hub`, with its meanings.
//!
//! | Variable | Meaning |
//! |---|---|
//! | `HF_ENDPOINT` | the hub's address, for a mirror; `https://huggingface.co` if unset |
//! | `HF_HUB_CACHE` | the cache; `$HF_HOME/hub` if unset |
//! | `HF_HOME` | Hugging Face's directory; `$XDG_CACHE_HOME/huggingface` or `~/.cache/huggingface` if unset |
//! | `HF_HUB_OFFLINE` | 1: ask no server, use the cache alone |
//! | `HF_TOKEN`, `HF_TOKEN_PATH` | the token, or the file with it; `$HF_HOME/token` if unset |
//! | `HF_HUB_DISABLE_IMPLICIT_TOKEN` | 1: send no token |

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{HubError, Result};

const DEFAULT_ENDPOINT: &str = "https://huggingface.co";

/// A secret that goes to the hub and nowhere else, neither into a log nor into a message.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(pub(super) String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Token {
    /// `None` for an empty text; an error for one that no header can carry.
    pub fn new(text: &str, from: &str) -> Result<Option<Self>> {
        let text = text.trim();
        match text {
            "" => Ok(None),
            _ if text.bytes().all(|b| b.is_ascii_graphic()) => Ok(Some(Self(text.to_owned()))),
            _ => Err(HubError::Setting {
                variable: from.to_owned(),
                problem:
                    "is no token: expected one word of plain characters such as hf_abc; found \
                          a blank or another character inside"
                        .to_owned(),
            }),
        }
    }
}

/// How to reach the hub.
#[derive(Clone, Debug)]
pub struct HubSettings {
    /// Scheme, host and, of a mirror, a path; no slash at the end.
    pub endpoint: String,
    pub cache: PathBuf,
    pub token: Option<Token>,
    /// Ask no server.
    pub offline: bool,
    /// Go through the proxy that `HTTPS_PROXY`, `HTTP_PROXY` or `ALL_PROXY` names.
    pub use_proxy: bool,
    /// How long a silent server is waited for.
    pub patience: Duration,
    /// The pause before a server that is overloaded is asked again.
    pub retry_pause: Duration,
}

impl HubSettings {
    /// A hub without a token, past any proxy.
    pub fn at(endpoint: &str, cache: &Path) -> Self {
        Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            cache: cache.to_owned(),
            token: None,
            offline: false,
            use_proxy: false,
            patience: Duration::from_secs(60),
            retry_pause: Duration::from_secs(2),
        }
    }

    /// As the environment says.
    pub fn from_env() -> Result<Self> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// The same with the environment as a function.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let get = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let is_on = |name: &str| {
            get(name).is_some_and(|value| {
                ["1", "on", "yes", "true"].contains(&value.trim().to_lowercase().as_str())
            })
        };
        let user = get("HOME").map(PathBuf::from);
        let directory = |value: String| match (value.strip_prefix("~/"), &user) {
            (Some(rest), Some(user)) => user.join(rest),
            _ => PathBuf::from(value),
        };
        let home = match (get("HF_HOME"), get("XDG_CACHE_HOME"), &user) {
            (Some(home), ..) => directory(home),
            (None, Some(cache), _) => directory(cache).join("huggingface"),
            (None, None, Some(user)) => user.join(".cache/huggingface"),
            (None, None, None) => {
                return Err(HubError::Setting {
                    variable: "HF_HOME".to_owned(),
                    problem:
                        "is not set, and neither is HOME: expected a directory for fetched models"
                            .to_owned(),
                });
            }
        };
        let given = get("HF_ENDPOINT").unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
        let endpoint = given.trim().trim_end_matches('/');
        if super::url::Url::parse(endpoint).is_none() {
            return Err(HubError::Setting {
                variable: "HF_ENDPOINT".to_owned(),
                problem: format!(
                    "is no address: expected one like {DEFAULT_ENDPOINT}, found {given:?}"
                ),
            });
        }
        let cache = get("HF_HUB_CACHE").or_else(|| get("HUGGINGFACE_HUB_CACHE"));
        let cache = cache.map_or_else(|| home.join("hub"), directory);
        let token = match is_on("HF_HUB_DISABLE_IMPLICIT_TOKEN") {
            true => None,
            false => token(&get, &home)?,
        };
        Ok(Self {
            token,
            offline: is_on("HF_HUB_OFFLINE") || is_on("TRANSFORMERS_OFFLINE"),
            use_proxy: true,
            ..Self::at(endpoint, &cache)
        })
    }
}

fn token(get: &impl Fn(&str) -> Option<String>, home: &Path) -> Result<Option<Token>> {
    for name in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"] {
        if let Some(text) = get(name) {
            return Token::new(&text, name);
        }
    }
    let path = get("HF_TOKEN_PATH").map_or_else(|| home.join("token"), PathBuf::from);
    match std::fs::read_to_string(&path) {
        Ok(text) => Token::new(&text, &path.display().to_string()),
        // Most people have none.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(HubError::io("read the token in", &path)(source)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<HubSettings> {
        HubSettings::from_variables(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_cache_is_where_huggingface_hub_has_it() {
        let cache = |variables: &[(&str, &str)]| of(variables).unwrap().cache;
        let home = ("HOME", "/none");
        assert_eq!(cache(&[home]), Path::new("/none/.cache/huggingface/hub"));
        let xdg = ("XDG_CACHE_HOME", "/xdg");
        assert_eq!(cache(&[home, xdg]), Path::new("/xdg/huggingface/hub"));
        let hf = ("HF_HOME", "~/hf");
        assert_eq!(cache(&[home, xdg, hf]), Path::new("/none/hf/hub"));
        let hub = ("HF_HUB_CACHE", "/cache");
        assert_eq!(cache(&[home, xdg, hf, hub]), Path::new("/cache"));
        assert_eq!(
            cache(&[home, ("HF_HUB_CACHE", " ")]),
            Path::new("/none/.cache/huggingface/hub")
        );
        assert!(of(&[]).unwrap_err().to_string().contains("HF_HOME"));
    }

    #[test]
    fn offline_is_what_huggingface_hub_takes_for_yes() {
        for (value, expected) in [
            ("1", true),
            ("ON", true),
            ("true", true),
            ("0", false),
            ("", false),
        ] {
            let settings = of(&[("HOME", "/none"), ("HF_HUB_OFFLINE", value)]).unwrap();
            assert_eq!(settings.offline, expected, "{value:?}");
        }
    }

    #[test]
    fn a_token_comes_from_the_variable_or_a_file_and_is_never_shown() {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().to_str().unwrap();
        std::fs::write(directory.path().join("token"), "hf_file\n").unwrap();
        let token = |more: &[(&str, &str)]| {
            let mut variables = vec![("HF_HOME", home)];
            variables.extend(more);
            of(&variables).map(|settings| settings.token.map(|token| token.0))
        };
        assert_eq!(token(&[]).unwrap().as_deref(), Some("hf_file"));
        assert_eq!(
            token(&[("HF_TOKEN", " hf_variable ")]).unwrap().as_deref(),
            Some("hf_variable")
        );
        assert_eq!(
            token(&[("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]).unwrap(),
            None
        );
        let error = token(&[("HF_TOKEN", "hf_se cret\r\nX: y")])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("HF_TOKEN") && !error.contains("cret"),
            "{error}"
        );
        let settings = of(&[("HF_HOME", home)]).unwrap();
        assert!(!format!("{settings:?}").contains("hf_file"));
    }

    #[test]
    fn an_endpoint_is_an_address() {
        let of = |endpoint| of(&[("HOME", "/none"), ("HF_ENDPOINT", endpoint)]);
        assert_eq!(
            of("https://mirror.example/hf/").unwrap().endpoint,
            "https://mirror.example/hf"
        );
        for wrong in [
            "mirror.example",
            "ftp://mirror.example",
            "http://",
            "https:// x",
        ] {
            let error = of(wrong).unwrap_err().to_string();
            assert!(
                error.contains("HF_ENDPOINT") && error.contains(wrong),
                "{error}"
            );
        }
    }
}
