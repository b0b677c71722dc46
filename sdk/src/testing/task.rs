//! The kit for tasks.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::create;
use crate::{Error, Problem, Result, Split, Task, client::TaskClient, shim};

/// Makes `T` with this configuration.
pub fn task<T: Task>(config: Value) -> Result<TaskKit> {
    let raw = create(&config, shim::task::create::<T>)?;
    Ok(TaskKit(TaskClient::new(raw)))
}

/// A task under test.
pub struct TaskKit(TaskClient);

impl TaskKit {
    /// How many problems the split has; `None` for endless.
    pub fn size(&self, split: Split) -> Result<Option<u64>> {
        self.0.size(split)
    }

    /// The problem `index` of the split, under `seed`.
    pub fn problem(&self, split: Split, index: u64, seed: u64) -> Result<Problem> {
        self.0.problem(split, index, seed)
    }

    /// The worked solution number `variant`, if the task writes any.
    pub fn solution(&self, problem: &Problem, variant: u64) -> Result<Option<String>> {
        self.0.solution(problem, variant)
    }

    /// Checks the first `count` problems of a split: asking twice and in another order
    /// gives the same ones, one id never names two different sets of facts, and no id of
    /// this split is among the first `count` of the other, whatever the seed.
    ///
    /// # Errors
    /// Names the problem for which one of these does not hold.
    pub fn check(&self, split: Split, count: u64) -> Result<()> {
        let count = self.size(split)?.map_or(count, |size| size.min(count));
        let mut facts_of: HashMap<String, Value> = HashMap::new();
        for index in 0..count {
            let problem = self.problem(split, index, 1)?;
            if self.problem(split, index, 1)? != problem {
                return Err(Error::new(format!(
                    "problem {index} of {} differs when asked twice",
                    split.name()
                )));
            }
            let known = facts_of
                .entry(problem.id.clone())
                .or_insert_with(|| problem.facts.clone());
            if *known != problem.facts {
                return Err(Error::new(format!(
                    "two problems with different facts share the id {:?}",
                    problem.id
                )));
            }
        }
        let here: HashSet<String> = facts_of.into_keys().collect();
        self.check_other_split(split, count, &here)
    }

    fn check_other_split(&self, split: Split, count: u64, here: &HashSet<String>) -> Result<()> {
        let other = match split {
            Split::Train => Split::Test,
            Split::Test => Split::Train,
        };
        let count = self.size(other)?.map_or(count, |size| size.min(count));
        for seed in [1, 2] {
            for index in 0..count {
                let id = self.problem(other, index, seed)?.id;
                if here.contains(&id) {
                    return Err(Error::new(format!("problem {id:?} is in both splits")));
                }
            }
        }
        Ok(())
    }
}
