//! The components of a run, made from the manifest, with the state of a checkpoint where there is one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use farthing_sdk::Split;
use farthing_sdk::client::{OptimizerClient, RewardClient, SamplerClient, TaskClient};
use serde_json::{Map, Value};

use super::curriculum::LiveCurriculum;
use crate::error::{Result, RuntimeError};
use crate::host::PluginHost;
use crate::manifest::{self, OnFailure};

/// Saved states of components, by their place in the manifest.
pub(crate) type States = BTreeMap<String, Value>;

/// A task and what judges attempts at it.
pub(crate) struct LiveTask {
    pub name: String,
    pub weight: f64,
    pub client: TaskClient,
    /// Problems of the training split; `None` when endless.
    pub train_size: Option<u64>,
    pub rewards: Vec<LiveReward>,
}

/// A reward with the manifest's terms for it.
pub(crate) struct LiveReward {
    pub name: String,
    pub weight: f64,
    pub client: Arc<RewardClient>,
    pub deadline: Option<Duration>,
    pub on_failure: OnFailure,
    pub max_failure_share: Option<f64>,
}

impl LiveTask {
    /// Makes every task of the manifest with its rewards.
    pub fn all(host: &PluginHost, tasks: &[manifest::Task], states: &States) -> Result<Vec<Self>> {
        let live = |(index, task): (usize, &manifest::Task)| {
            let at = format!("task/{index}");
            let client = host.task(&task.component, &config(&task.config), state(states, &at))?;
            let train_size = client
                .size(Split::Train)
                .map_err(RuntimeError::component("task", &task.component))?;
            Ok(Self {
                name: task.name.clone(),
                weight: task.weight,
                client,
                train_size,
                rewards: LiveReward::all(host, task, &at, states)?,
            })
        };
        tasks.iter().enumerate().map(live).collect()
    }

    /// The indices of the tasks of these names, or of all where no name is given.
    pub fn indices(tasks: &[Self], names: &[String]) -> Vec<usize> {
        (0..tasks.len())
            .filter(|&index| names.is_empty() || names.contains(&tasks[index].name))
            .collect()
    }

    /// Adds the states of this task and its rewards, where they have any.
    pub fn save(&self, index: usize, states: &mut States) -> Result<()> {
        let saved = self.client.save_state();
        keep(states, format!("task/{index}"), "task", &self.name, saved)?;
        for (number, reward) in self.rewards.iter().enumerate() {
            let saved = reward.client.save_state();
            let at = format!("task/{index}/rewards/{number}");
            keep(states, at, "reward", &reward.name, saved)?;
        }
        Ok(())
    }
}

impl LiveReward {
    fn all(
        host: &PluginHost,
        task: &manifest::Task,
        at: &str,
        states: &States,
    ) -> Result<Vec<Self>> {
        let mut rewards = Vec::new();
        for (number, reward) in task.rewards.iter().enumerate() {
            // Python rewards are refused with the manifest, before anything is made.
            let Some(component) = &reward.component else {
                continue;
            };
            let saved = state(states, &format!("{at}/rewards/{number}"));
            rewards.push(Self {
                name: reward.name.clone(),
                weight: reward.weight,
                client: Arc::new(host.reward(component, &config(&reward.config), saved)?),
                deadline: reward.deadline.map(|deadline| deadline.0),
                on_failure: reward.on_failure,
                max_failure_share: reward.max_failure_share,
            });
        }
        Ok(rewards)
    }
}

/// A sampler with the name that messages use.
pub(crate) struct LiveSampler {
    pub name: String,
    pub client: SamplerClient,
}

impl LiveSampler {
    pub fn new(host: &PluginHost, component: &manifest::Component, state: &Value) -> Result<Self> {
        Ok(Self {
            name: component.name.clone(),
            client: host.sampler(&component.name, &config(&component.config), state)?,
        })
    }
}

/// The components of one `rl` stage.
pub(crate) struct RlComponents {
    pub sampler: LiveSampler,
    pub optimizer: OptimizerClient,
    pub optimizer_name: String,
    pub curriculum: LiveCurriculum,
}

impl RlComponents {
    pub fn new(host: &PluginHost, stage: &manifest::RlStage, states: &States) -> Result<Self> {
        let optimizer = &stage.optimizer;
        Ok(Self {
            sampler: LiveSampler::new(host, &stage.sampler, state(states, "sampler"))?,
            optimizer: host.optimizer(
                &optimizer.name,
                &config(&optimizer.config),
                state(states, "optimizer"),
            )?,
            optimizer_name: optimizer.name.clone(),
            curriculum: LiveCurriculum::new(host, stage.curriculum.as_ref(), states)?,
        })
    }

    /// The states that a resumed stage gets back.
    pub fn save(&self) -> Result<States> {
        let mut states = self.curriculum.save()?;
        let sampler = &self.sampler;
        let saved = sampler.client.save_state();
        keep(
            &mut states,
            "sampler".into(),
            "sampler",
            &sampler.name,
            saved,
        )?;
        let saved = self.optimizer.save_state();
        keep(
            &mut states,
            "optimizer".into(),
            "optimizer",
            &self.optimizer_name,
            saved,
        )?;
        Ok(states)
    }
}

fn config(config: &Map<String, Value>) -> Value {
    Value::Object(config.clone())
}

/// The saved state, or null for a fresh start.
pub(super) fn state<'a>(states: &'a States, at: &str) -> &'a Value {
    states.get(at).unwrap_or(&Value::Null)
}

pub(super) fn keep(
    states: &mut States,
    at: String,
    kind: &'static str,
    name: &str,
    saved: farthing_sdk::Result<Value>,
) -> Result<()> {
    let saved = saved.map_err(RuntimeError::component(kind, name))?;
    if !saved.is_null() {
        states.insert(at, saved);
    }
    Ok(())
}
