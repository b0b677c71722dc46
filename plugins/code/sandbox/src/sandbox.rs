//! The sandbox: made once, asked many times.

use std::fmt;

use crate::image;
use crate::machine::{Last, Machine, Run};
use crate::protocol::PROGRAM;
use crate::{Finished, Job, LayerState, LayerStatus, SandboxError, SandboxPolicy, probe, verdict};

/// Runs programs that nobody trusts; used from many threads at a time.
pub struct Sandbox {
    layers: Vec<LayerStatus>,
    machine: Machine,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sandbox = formatter.debug_struct("Sandbox");
        sandbox
            .field("layers", &self.layers)
            .finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Finds out what this machine offers by running through it a process that tries what each layer forbids, and
    /// refuses where that is less than the policy's minimum.
    pub fn new(policy: &SandboxPolicy) -> Result<Self, SandboxError> {
        let mut machine = Machine::new(policy)?;
        let layers = probe::probe(&mut machine)?;
        let missing: Vec<String> = layers
            .iter()
            .filter(|status| policy.requires(status.layer))
            .filter_map(|status| match &status.state {
                LayerState::On(_) => None,
                LayerState::Off(why) => Some(format!("  {}: {why}", status.layer)),
            })
            .collect();
        if missing.is_empty() {
            Ok(Self { layers, machine })
        } else {
            Err(SandboxError::Missing { missing })
        }
    }

    /// Every layer, from the outside in, and whether it holds.
    pub fn layers(&self) -> &[LayerStatus] {
        &self.layers
    }

    /// Runs one program to its end and the end of everything that it started.
    ///
    /// An error is a fault of the machine or of the job's description. It says nothing about the program.
    pub fn run(&self, job: &Job<'_>) -> Result<Finished, SandboxError> {
        let run = self.machine.start(job, Last::Program(job))?;
        let Run {
            observed,
            purposes,
            memory,
        } = run;
        if let Some((stage, step, result)) = observed.failed {
            let last = purposes
                .get(stage)
                .is_some_and(|steps| step + 1 == steps.len());
            return Err(match image::fault(&purposes, stage, step, result) {
                SandboxError::System { source, .. } if stage == PROGRAM && last => {
                    SandboxError::Program {
                        program: job.program.to_owned(),
                        source,
                    }
                }
                fault => fault,
            });
        }
        verdict::judge(&job.limits, observed, memory, &self.machine.kills)
    }
}
