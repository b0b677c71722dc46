//! What a plugin found of the machine it runs on.
//!
//! Some plugins are only as good as what surrounds them: a sandbox is made of what the kernel
//! offers, a verifier of a program that must be installed. Whoever uses them wants to see it
//! before a run and not in one, so `farthing plugins inspect` asks.

use serde::{Deserialize, Serialize};

use crate::Result;

/// One thing that a plugin looked for.
///
/// ```
/// use farthing_sdk::prelude::*;
///
/// farthing_sdk::plugin!("solver", surroundings = surroundings);
///
/// fn surroundings() -> Result<Vec<Surrounding>> {
///     let path = std::path::Path::new("/usr/bin/z3");
///     Ok(vec![match path.exists() {
///         true => Surrounding::on("z3", path.display()),
///         false => Surrounding::off("z3", "there is no /usr/bin/z3; install the package z3"),
///     }])
/// }
/// # assert_eq!(surroundings().unwrap().len(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surrounding {
    /// What it is: `seccomp`, `z3`.
    pub name: String,
    /// Whether it is there and works.
    pub on: bool,
    /// Which form of it was found; or why it is missing, and the remedy.
    pub detail: String,
}

impl Surrounding {
    /// It is there and works; the detail says which form of it, or nothing.
    pub fn on(name: impl ToString, detail: impl ToString) -> Self {
        Self {
            name: name.to_string(),
            on: true,
            detail: detail.to_string(),
        }
    }

    /// It is missing; the detail says why, and what to do about it.
    pub fn off(name: impl ToString, detail: impl ToString) -> Self {
        Self {
            on: false,
            ..Self::on(name, detail)
        }
    }
}

/// The function that `plugin!` was given. At most one is registered in a library.
#[doc(hidden)]
pub struct Survey(pub fn() -> Result<Vec<Surrounding>>);

inventory::collect!(Survey);

/// What this library found; nothing where it looks for nothing.
pub(crate) fn survey() -> Result<Vec<Surrounding>> {
    let mut found = Vec::new();
    for Survey(look) in inventory::iter::<Survey> {
        found.extend(look()?);
    }
    Ok(found)
}
