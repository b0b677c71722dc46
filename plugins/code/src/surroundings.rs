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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

    use farthing_sandbox::{Layer, SandboxPolicy};

    use super::surroundings;

    #[test]
    fn every_layer_and_the_interpreter_are_listed() {
        let found = surroundings().unwrap();
        let names: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
        let layers = Layer::ALL.iter().map(|layer| layer.name());
        assert_eq!(names, layers.chain(["python"]).collect::<Vec<_>>());
        for layer in SandboxPolicy::default().minimum {
            let listed = found.iter().find(|one| one.name == layer.name()).unwrap();
            assert!(listed.on, "{listed:?}");
        }
        let python = found.last().unwrap();
        assert!(python.on && python.detail.starts_with("3."), "{python:?}");
    }
}
