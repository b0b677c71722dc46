//! What this machine has of what the reward is made of, for `farthing plugins inspect`.

use farthing_sandbox::{LayerState, Sandbox, SandboxPolicy};
use farthing_sdk::prelude::*;

use crate::python::Interpreter;

/// Every layer of the sandbox, probed by running something behind it, and the interpreter.
pub fn surroundings() -> Result<Vec<Surrounding>> {
    // Nothing is demanded here, so that everything is reported.
    let policy = SandboxPolicy {
        minimum: [].into(),
        ..SandboxPolicy::default()
    };
    let mut found: Vec<Surrounding> = match Sandbox::new(&policy) {
        Ok(sandbox) => sandbox
            .layers()
            .iter()
            .map(|status| match &status.state {
                LayerState::On(detail) => Surrounding::on(status.layer, detail),
                LayerState::Off(why) => Surrounding::off(status.layer, why),
            })
            .collect(),
        Err(error) => vec![Surrounding::off("sandbox", error)],
    };
    found.push(match Interpreter::find(None) {
        Ok(python) => {
            let (major, minor, patch) = python.version;
            let path = python.path.display();
            Surrounding::on("python", format!("{major}.{minor}.{patch}, {path}"))
        }
        Err(error) => Surrounding::off("python", error),
    });
    Ok(found)
}
