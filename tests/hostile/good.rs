//! Nothing wrong with this one: every kind of component, a log, state that comes back, and a look around.

use std::sync::atomic::{AtomicU64, Ordering};

use farthing_sdk::prelude::*;

farthing_sdk::plugin!("good", surroundings = surroundings);

fn surroundings() -> Result<Vec<Surrounding>> {
    Ok(vec![
        Surrounding::on("air", "breathable"),
        Surrounding::off("water", "there is none; bring your own"),
    ])
}

#[config]
struct Config {
    /// Attempts at each problem.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    group: usize,
}

fn one() -> usize {
    1
}

struct Counting;

/// Problems that ask for the number after their own.
#[component("counting")]
impl Task for Counting {
    type Config = Config;

    fn new(_: Config) -> Result<Self> {
        Ok(Self)
    }

    fn problem(&self, _: Split, index: u64, _: u64) -> Result<Problem> {
        Ok(Problem {
            id: index.to_string(),
            prompt: Prompt::Text(format!("{index}, ")),
            facts: json!({ "next": index + 1 }),
            tags: vec![],
        })
    }
}

struct Next {
    scored: AtomicU64,
}

#[data]
struct Facts {
    next: u64,
}

/// 1 for the number that comes next.
#[component("next")]
impl Reward for Next {
    type Config = Config;

    fn new(_: Config) -> Result<Self> {
        tracing::info!(answer = 42, kind = "reward", "a reward was made");
        Ok(Self {
            scored: AtomicU64::new(0),
        })
    }

    fn score(&self, problem: &ProblemView<'_>, attempt: &Attempt<'_>) -> Result<Outcome> {
        let facts: &Facts = problem.facts()?;
        self.scored.fetch_add(1, Ordering::Relaxed);
        let right = attempt.completion.trim() == facts.next.to_string();
        Ok(Outcome::scored(u8::from(right)).with_part("length", attempt.completion.len() as f64))
    }

    fn save_state(&self) -> Result<Value> {
        Ok(json!(self.scored.load(Ordering::Relaxed)))
    }

    fn load_state(&mut self, state: Value) -> Result<()> {
        self.scored = serde_json::from_value::<u64>(state)?.into();
        Ok(())
    }
}

struct Plain(Config);

/// Draws as the policy does.
#[component("plain")]
impl Sampler for Plain {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        Ok(Self(config))
    }

    fn plan(&self, _: &PlanRequest) -> Result<DecodingPlan> {
        Ok(DecodingPlan {
            group: self.0.group,
            ..DecodingPlan::default()
        })
    }
}

struct Nothing;

/// Learns nothing.
#[component("nothing")]
impl Optimizer for Nothing {
    type Config = Config;

    fn new(_: Config) -> Result<Self> {
        Ok(Self)
    }

    fn advantages(&mut self, _: &Rollout<'_>, _: &mut Advantages<'_>) -> Result<()> {
        Ok(())
    }

    fn loss(&mut self, _: &MicroBatch<'_>, _: &mut LossOutput<'_>) -> Result<f64> {
        Ok(0.0)
    }
}

struct Ordinary;

/// The problems as they come.
#[component("ordinary")]
impl Curriculum for Ordinary {
    type Config = Config;

    fn new(_: Config) -> Result<Self> {
        Ok(Self)
    }
}
