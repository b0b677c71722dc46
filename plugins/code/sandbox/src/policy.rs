//! What a sandbox must offer before it runs anything, and what it shows to programs.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::Layer;
use crate::probe::FLOOR;

/// What a [`Sandbox`](crate::Sandbox) is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxPolicy {
    /// The layers without which nothing runs. A layer that is not listed is still used where the machine has it.
    pub minimum: BTreeSet<Layer>,
    /// Directories and files, absolute, that programs may read and execute beside the system's own
    /// (`/usr` and what `/bin` and `/lib` name): the tree of an interpreter that lives elsewhere.
    pub read_only: Vec<PathBuf>,
}

impl Default for SandboxPolicy {
    /// Everything that a kernel of the last years offers to everybody. Landlock and cgroups are left out, because
    /// distributions and containers without them are common and the other layers do not lean on them.
    fn default() -> Self {
        Self {
            minimum: Layer::ALL
                .into_iter()
                .filter(|layer| !matches!(layer, Layer::Landlock | Layer::Cgroup))
                .collect(),
            read_only: Vec::new(),
        }
    }
}

impl SandboxPolicy {
    /// Whether nothing runs without this layer.
    pub(crate) fn requires(&self, layer: Layer) -> bool {
        self.minimum.contains(&layer) || FLOOR.contains(&layer)
    }
}
