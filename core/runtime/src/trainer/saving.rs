//! Saving: what a checkpoint holds, and when one may be written.

use super::position::POSITION_FILE;
use super::{Position, Trainer, UpdateState};
use crate::error::{Result, RuntimeError};
use crate::run::checkpoint::step_name;
use crate::stage::components::States;

/// The update rule's state in a checkpoint.
pub(super) const UPDATE_RULE_FILE: &str = "state/update_rule.safetensors";

impl Trainer {
    /// The position now, before a step, with the states of all components.
    pub fn standing(&self, stage_states: States) -> Result<Position> {
        Ok(Position {
            task_states: self.task_states()?,
            stage_states,
            ..self.position.clone()
        })
    }

    /// Saves the position from before a step that failed, so that the run can go on once the cause is gone. A failure
    /// to save is logged and leaves the first error to be reported.
    pub fn save_after_failure(
        &mut self,
        error: &RuntimeError,
        update: Option<&UpdateState>,
        before: Position,
    ) -> Result<()> {
        if matches!(error, RuntimeError::Run(_)) || self.saved_at == Some(before.step) {
            return Ok(());
        }
        self.position = before;
        if let Err(second) = self.write_checkpoint(update) {
            tracing::error!("no checkpoint could be written after the failure: {second}");
        }
        Ok(())
    }

    /// Writes a checkpoint of the run as it stands.
    pub(super) fn save(&mut self, update: Option<&UpdateState>) -> Result<()> {
        self.position.task_states = self.task_states()?;
        self.write_checkpoint(update)
    }

    fn task_states(&self) -> Result<States> {
        let mut states = States::new();
        for (index, task) in self.tasks.iter().enumerate() {
            task.save(index, &mut states)?;
        }
        Ok(states)
    }

    /// Writes a checkpoint. The weights must be finite: a broken model never takes the place of a good one.
    fn write_checkpoint(&mut self, update: Option<&UpdateState>) -> Result<()> {
        if let Some(name) = self.model.first_not_finite()? {
            return Err(RuntimeError::Checkpoint {
                path: self.checkpoints.directory().to_owned(),
                problem: format!("tensor `{name}` is not finite, so no checkpoint is written"),
            });
        }
        self.position.metrics = self.metrics.position()?;
        self.position.completions = self.completions.position()?;
        self.position.seconds = self.clock.seconds();

        let name = step_name(self.position.step);
        let mut writer = self.checkpoints.begin(&name)?;
        match (self.model.lora(), self.manifest.model.adapter_base()) {
            (Some(_), Some(base)) => self.model.save_adapters(writer.path(), &base)?,
            _ => self.model.save(writer.path())?,
        }
        self.tokenizer.save(writer.path())?;
        if let Some(update) = update {
            writer.write(UPDATE_RULE_FILE, |path| update.rule.save(path, &self.model))?;
        }
        let position = serde_json::to_vec_pretty(&self.position).expect("a position serialises");
        writer.write(POSITION_FILE, |path| std::fs::write(path, position))?;
        writer.write("farthing.lock", |path| {
            std::fs::write(path, &self.lock_text)
        })?;
        writer.write("run.toml", |path| {
            std::fs::write(path, self.manifest.to_toml())
        })?;
        writer.commit(serde_json::json!({
            "step": self.position.step,
            "stage": self.position.stage,
            "stage_step": self.position.stage_step,
        }))?;
        self.saved_at = Some(self.position.step);
        self.prune()
    }

    /// Deletes the checkpoints that need not be kept. A run that was killed before it could do so does it when it goes
    /// on.
    pub(super) fn prune(&self) -> Result<()> {
        // Pruning looks at sizes alone: a damaged newer one must not push out the one whose bytes were read.
        let known_good = self.saved_at.map(step_name);
        let ends = self.position.stage_ends.iter().chain(&known_good);
        let selected = self.position.selections.values();
        let selected = selected.flat_map(|selection| &selection.selected);
        let selected = selected.map(|chosen| &chosen.name);
        let protected: Vec<&str> = ends.chain(selected).map(String::as_str).collect();
        let keep = self.manifest.run.keep_checkpoints as usize;
        self.checkpoints.prune(keep, &protected)?;
        Ok(())
    }
}
