//! How a manifest names a plugin's component.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The form of `plugin/component`.
pub(in crate::manifest) const COMPONENT_PATTERN: &str = "^[a-z0-9][a-z0-9_-]*/[a-z0-9][a-z0-9_-]*$";

/// In words.
pub(in crate::manifest) const COMPONENT_FORM: &str = "a component, written `plugin/component`";

/// How a component with its configuration is written.
const TABLE_FORM: &str = "a component, written `{ use = \"plugin/component\", config = { .. } }`";

/// A component of a plugin and its configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-expected" = TABLE_FORM))]
pub struct Component {
    /// The component, as `plugin/component`. `farthing plugins list` shows what there is.
    #[serde(rename = "use")]
    #[schemars(regex(pattern = COMPONENT_PATTERN), extend("x-expected" = COMPONENT_FORM))]
    pub name: String,
    /// The component's own keys, checked against the schema that it gives.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(extend("x-default" = "empty"))]
    pub config: Map<String, Value>,
}
