//! Built-in plugin: countdown.
