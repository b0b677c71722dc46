//! The plugin host, tried with plugins that are wrong in one way each (`tests/hostile`) and with damaged files.

mod calls;
mod components;
mod files;
mod frozen;
mod libraries;
mod locking;
mod probing;
mod refusals;
mod scoring;
mod searching;
