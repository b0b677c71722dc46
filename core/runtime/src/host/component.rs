//! What the host knows of a plugin and of its components before any of them is made.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc};

use serde::Serialize;
use serde_json::Value;

/// The five kinds of component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ComponentKind {
    Task,
    Reward,
    Sampler,
    Optimizer,
    Curriculum,
}

impl ComponentKind {
    /// Every kind, in the order in which they are listed.
    pub const ALL: [Self; 5] = [
        Self::Task,
        Self::Reward,
        Self::Sampler,
        Self::Optimizer,
        Self::Curriculum,
    ];

    /// The word for it in manifests, messages and across the boundary.
    pub fn name(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Reward => "reward",
            Self::Sampler => "sampler",
            Self::Optimizer => "optimizer",
            Self::Curriculum => "curriculum",
        }
    }
}

impl fmt::Display for ComponentKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for ComponentKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("{text:?} is no kind of component; the kinds are {names}")
        })
    }
}

/// A version of the sdk: major, minor, patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdkVersion(pub [u32; 3]);

impl SdkVersion {
    /// The version that this host was built with.
    pub const HOST: Self = Self(farthing_sdk::private::SDK_VERSION);

    /// The one rule of compatibility: a plugin built with sdk x.N loads in every host x.M with M >= N.
    pub fn loads_in(self, host: Self) -> bool {
        let ([plugin_major, plugin_minor, _], [host_major, host_minor, _]) = (self.0, host.0);
        plugin_major == host_major && plugin_minor <= host_minor
    }
}

impl fmt::Display for SdkVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(formatter, "{major}.{minor}.{patch}")
    }
}

impl FromStr for SdkVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Option<Vec<u32>> = text.split('.').map(|number| number.parse().ok()).collect();
        let version = numbers.and_then(|numbers| <[u32; 3]>::try_from(numbers).ok());
        version
            .map(Self)
            .ok_or_else(|| format!("{text:?} is no version; expected three numbers such as 0.1.0"))
    }
}

impl Serialize for SdkVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for SdkVersion {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Which library a component comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PluginIdentity {
    /// What manifests say before the slash.
    pub name: String,
    /// The plugin's own version.
    pub version: String,
    /// The sdk it was built with.
    pub sdk: SdkVersion,
    /// The compiler it was built with, as `rustc --version` prints it. Reported, never compared.
    pub rustc: String,
    /// Target triple.
    pub target: String,
    /// The library, symbolic links resolved.
    pub file: PathBuf,
    /// SHA-256 of the library's bytes, in lower-case hexadecimal.
    pub sha256: String,
}

/// One component of a loaded plugin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Component {
    #[serde(serialize_with = "identity")]
    pub plugin: Arc<PluginIdentity>,
    pub kind: ComponentKind,
    /// What manifests say after the slash.
    pub name: String,
    /// One line.
    pub description: String,
    /// JSON Schema of its configuration.
    pub schema: Value,
}

impl Component {
    /// The name that manifests use: `plugin/component`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.plugin.name, self.name)
    }
}

fn identity<S: serde::Serializer>(
    plugin: &Arc<PluginIdentity>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    plugin.as_ref().serialize(serializer)
}
