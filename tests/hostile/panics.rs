//! Panics wherever the host can call: when it is made if `at` says so, and otherwise in every method.

use farthing_sdk::prelude::*;

farthing_sdk::plugin!("panics", surroundings = surroundings);

fn surroundings() -> Result<Vec<Surrounding>> {
    panic!("looking around")
}

#[config]
struct Config {
    /// Panics when the component is made.
    #[serde(default)]
    early: bool,
    /// Panics when the optimizer is asked what it needs, which happens as it is made.
    #[serde(default)]
    needy: bool,
}

impl Config {
    fn checked(self) -> Result<Self> {
        match self.early {
            true => panic!("in new"),
            false => Ok(self),
        }
    }
}

struct Every(Config);

/// A task that panics.
#[component("every")]
impl Task for Every {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        config.checked().map(Self)
    }

    fn size(&self, _: Split) -> Result<Option<u64>> {
        panic!("in size")
    }

    fn problem(&self, _: Split, _: u64, _: u64) -> Result<Problem> {
        panic!("in problem")
    }

    fn solution(&self, _: &Problem, _: u64) -> Result<Option<String>> {
        panic!("in solution")
    }

    fn save_state(&self) -> Result<Value> {
        panic!("in save_state")
    }

    fn load_state(&mut self, _: Value) -> Result<()> {
        panic!("in load_state")
    }
}

/// A reward that panics.
#[component("every")]
impl Reward for Every {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        config.checked().map(Self)
    }

    fn score(&self, _: &ProblemView<'_>, _: &Attempt<'_>) -> Result<Outcome> {
        panic!("in score")
    }

    fn save_state(&self) -> Result<Value> {
        panic!("in save_state")
    }

    fn load_state(&mut self, _: Value) -> Result<()> {
        panic!("in load_state")
    }
}

struct Group;

/// A reward of whole groups that panics.
#[component("group")]
impl Reward for Group {
    type Config = Value;
    const WHOLE_GROUPS: bool = true;

    fn new(_: Value) -> Result<Self> {
        Ok(Self)
    }

    fn score(&self, _: &ProblemView<'_>, _: &Attempt<'_>) -> Result<Outcome> {
        panic!("in score")
    }

    fn score_group(&self, _: &ProblemView<'_>, _: &[Attempt<'_>]) -> Result<Vec<Result<Outcome>>> {
        panic!("in score_group")
    }
}

/// A sampler that panics.
#[component("every")]
impl Sampler for Every {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        config.checked().map(Self)
    }

    fn plan(&self, _: &PlanRequest) -> Result<DecodingPlan> {
        panic!("in plan")
    }

    fn steer(&self, _: &Pause) -> Result<Steer> {
        panic!("in steer")
    }

    fn logits(&self, _: &[u32], _: &mut [f32]) -> Result<()> {
        panic!("in logits")
    }

    fn save_state(&self) -> Result<Value> {
        panic!("in save_state")
    }

    fn load_state(&mut self, _: Value) -> Result<()> {
        panic!("in load_state")
    }
}

/// An optimizer that panics.
#[component("every")]
impl Optimizer for Every {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        config.checked().map(Self)
    }

    fn needs(&self) -> Vec<Need> {
        match self.0.needy {
            true => panic!("in needs"),
            false => vec![],
        }
    }

    fn advantages(&mut self, _: &Rollout<'_>, _: &mut Advantages<'_>) -> Result<()> {
        panic!("in advantages")
    }

    fn loss(&mut self, _: &MicroBatch<'_>, _: &mut LossOutput<'_>) -> Result<f64> {
        panic!("in loss")
    }

    fn save_state(&self) -> Result<Value> {
        panic!("in save_state")
    }

    fn load_state(&mut self, _: Value) -> Result<()> {
        panic!("in load_state")
    }
}

/// A curriculum that panics.
#[component("every")]
impl Curriculum for Every {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        config.checked().map(Self)
    }

    fn next(&mut self, _: &NextRequest) -> Result<Vec<Pick>> {
        panic!("in next")
    }

    fn keep(&mut self, _: &GroupReport) -> Result<bool> {
        panic!("in keep")
    }

    fn observe(&mut self, _: &StepReport) -> Result<()> {
        panic!("in observe")
    }

    fn finished(&mut self, _: &Progress) -> Result<bool> {
        panic!("in finished")
    }

    fn select(&mut self, _: &[CheckpointReport]) -> Result<Vec<Selected>> {
        panic!("in select")
    }

    fn save_state(&self) -> Result<Value> {
        panic!("in save_state")
    }

    fn load_state(&mut self, _: Value) -> Result<()> {
        panic!("in load_state")
    }
}
