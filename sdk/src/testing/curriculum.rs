//! The kit for curricula.

use serde_json::Value;

use super::{create, create_with_state};
use crate::{
    CheckpointReport, Curriculum, Error, GroupReport, NextRequest, Pick, Progress, Result,
    Selected, StepReport, TaskEntry, client::CurriculumClient, shim,
};

/// Makes `T` with this configuration.
pub fn curriculum<T: Curriculum>(config: Value) -> Result<CurriculumKit> {
    let raw = create(&config, shim::curriculum::create::<T>)?;
    let resume = Box::new(move |state: &Value| {
        let raw = create_with_state(&config, state, shim::curriculum::create::<T>)?;
        Ok(CurriculumClient::new(raw))
    });
    Ok(CurriculumKit {
        client: CurriculumClient::new(raw),
        resume,
    })
}

/// A curriculum under test.
pub struct CurriculumKit {
    client: CurriculumClient,
    resume: Box<dyn Fn(&Value) -> Result<CurriculumClient>>,
}

impl CurriculumKit {
    /// The problems of the next step.
    pub fn next(&mut self, request: &NextRequest) -> Result<Vec<Pick>> {
        self.client.next(request)
    }

    /// Whether this group is trained on.
    pub fn keep(&mut self, group: &GroupReport) -> Result<bool> {
        self.client.keep(group)
    }

    /// Shows it a finished step.
    pub fn observe(&mut self, step: &StepReport) -> Result<()> {
        self.client.observe(step)
    }

    /// Whether the stage ends here.
    pub fn finished(&mut self, progress: &Progress) -> Result<bool> {
        self.client.finished(progress)
    }

    /// The checkpoints that a merge takes.
    pub fn select(&mut self, checkpoints: &[CheckpointReport]) -> Result<Vec<Selected>> {
        self.client.select(checkpoints)
    }

    /// Replaces the curriculum by a new one with its saved state, as a resumed run does.
    pub fn resume(&mut self) -> Result<()> {
        self.client = (self.resume)(&self.client.save_state()?)?;
        Ok(())
    }

    /// Runs a short stage twice, once undisturbed and once resumed after every step, and
    /// checks that picks exist and that both choose the same.
    ///
    /// # Errors
    /// Names the step at which they part.
    pub fn check(&mut self) -> Result<()> {
        let start = self.client.save_state()?;
        let straight = self.walk(false)?;
        self.client = (self.resume)(&start)?;
        let resumed = self.walk(true)?;
        match straight.iter().zip(&resumed).position(|(a, b)| a != b) {
            None => Ok(()),
            Some(step) => Err(Error::new(format!(
                "a resumed curriculum chooses otherwise at step {step}"
            ))
            .help("return everything that later choices depend on from save_state")),
        }
    }

    fn walk(&mut self, resume: bool) -> Result<Vec<(Vec<Pick>, Vec<bool>, bool)>> {
        const STEPS: u64 = 5;
        let mut choices = Vec::new();
        for step in 0..STEPS {
            let picks = self.next(&sample_request(step))?;
            if picks.is_empty() {
                return Err(Error::new(format!(
                    "no problems were picked for step {step}"
                )));
            }
            let groups: Vec<GroupReport> = picks.iter().map(sample_group).collect();
            let kept = groups
                .iter()
                .map(|group| self.keep(group))
                .collect::<Result<_>>()?;
            self.observe(&StepReport { step, groups })?;
            let finished = self.finished(&Progress {
                step: step + 1,
                steps: STEPS,
            })?;
            choices.push((picks, kept, finished));
            if resume {
                self.resume()?;
            }
        }
        Ok(choices)
    }
}

fn sample_request(step: u64) -> NextRequest {
    let task = |name: &str, size| TaskEntry {
        name: name.into(),
        weight: 1.0,
        size,
    };
    NextRequest {
        step,
        drawn: 0,
        count: 4,
        seed: 1,
        cursor: 4 * step,
        tasks: vec![task("finite", Some(7)), task("endless", None)],
    }
}

/// Rewards of 0 and 1 that depend on the pick: some groups are mixed, some are not.
fn sample_group(pick: &Pick) -> GroupReport {
    let reward = |i: u64| f64::from(u8::from((pick.index >> i) & 1 == 1));
    GroupReport {
        task: format!("task-{}", pick.task),
        index: pick.index,
        tags: Vec::new(),
        rewards: (0..4).map(reward).collect(),
        tokens: vec![8; 4],
    }
}
