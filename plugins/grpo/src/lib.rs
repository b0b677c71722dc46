//! Built-in plugin: grpo.
