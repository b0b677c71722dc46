//! What goes wrong that is not the program's doing: it never counts against the program.
//!
//! What the kernel said is the error's source, and not repeated in its own text.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// A fault of the machine, of its configuration, or of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The machine lacks layers that the policy requires. One line a layer: its name, why it is missing, the remedy.
    #[error("this machine lacks {} that the sandbox requires:\n{}", count(.missing.len()), .missing.join("\n"))]
    Missing {
        /// One line a layer.
        missing: Vec<String>,
    },
    /// A system call failed that must not.
    #[error("sandbox: {what}")]
    System {
        /// What was being done, to what.
        what: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// This process may have less of a resource than any program needs, and cannot give more than it has.
    #[error(
        "sandbox: this process's hard limit on {name} is {found}, and programs need {least}; raise it before this process starts (`ulimit -H {option}` shows it)"
    )]
    HostLimit {
        /// The resource.
        name: &'static str,
        /// The option of a shell's `ulimit` that is about it.
        option: &'static str,
        /// The limit of this process.
        found: u64,
        /// What is needed.
        least: u64,
    },
    /// The job's program could not be started.
    #[error("the sandbox could not start {}; expected an executable that is visible in the private root (a system path, or beneath one of the policy's `read_only` paths)", .program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The policy contradicts itself or the machine.
    #[error("sandbox: policy: {what}")]
    Policy {
        /// What is wrong, and what was expected.
        what: String,
    },
    /// The job contradicts itself or the sandbox.
    #[error("sandbox: job: {what}")]
    Job {
        /// What is wrong, and what was expected.
        what: String,
    },
    /// A program came to its deadline because the machine was too busy to run it. Another try may do better.
    #[error(
        "the machine is too busy: of {wall:.1?} the program waited {waited:.1?} for a processor; run fewer programs at a time, or give them more time"
    )]
    Starved {
        /// From its start to its deadline.
        wall: Duration,
        /// How long of that it could have run, and did not.
        waited: Duration,
    },
    /// The sandbox ended without saying how the program did.
    #[error("the sandbox was lost: {why}")]
    Lost {
        /// What is known.
        why: String,
    },
}

fn count(layers: usize) -> String {
    match layers {
        1 => "a layer".to_owned(),
        many => format!("{many} layers"),
    }
}
