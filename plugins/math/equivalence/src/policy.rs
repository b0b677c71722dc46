//! Where a mathematician would ask what was meant, the policy answers.

/// What counts as the same where notation alone does not say.
#[derive(Clone, Debug, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {}
