//! Built-in plugin: text.
