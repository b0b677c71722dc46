//! The manifest: one TOML file that says what to train, on what, how and for how long.
//!
//! Reading goes one way. The text becomes a tree of values with their places (`tree`), overrides change the tree
//! (`overrides`), JSON Schemas made from the types in `keys` check it (`schema`, `wording`), what no schema can say is
//! checked across keys (`consistency`), and names, defaults and paths are filled in (`complete`). Every problem is
//! collected with its line and remedy; a manifest with ten mistakes shows ten.
//!
//! The manifest knows neither plugins nor the engine. [`ManifestFile::components`] gives every component it uses with
//! the places of its configuration, and [`check_component_config`] holds one against the schema that a plugin gives.
//! [`ManifestFile::refuse_unavailable`] says what is well formed but beyond this version or this machine.

mod availability;
mod complete;
mod component;
mod consistency;
mod describe;
mod diagnostic;
mod file;
mod keys;
mod overrides;
mod reference;
mod render;
mod schema;
mod sections;
mod source;
mod suggestion;
mod text;
mod tree;
mod wording;

pub use component::{
    ComponentRole, ComponentUse, ConfigAt, check_component_config, check_config_text,
};
pub use diagnostic::{Diagnostic, Diagnostics, Problem};
pub use file::{ManifestDraft, ManifestFile};
pub use keys::*;
pub use reference::reference;
pub use render::Style;
pub use source::Place;
