//! Built-in plugin: sampling.
