//! Right components whose next answer depends on all that they have seen: a resumed run is the same run only if their
//! state came back.

use farthing_sdk::prelude::*;

farthing_sdk::plugin!("remembers");

#[config]
struct Config {}

struct Fading {
    rollouts: u32,
}

/// REINFORCE whose steps get shorter with each rollout.
#[component("fading")]
impl Optimizer for Fading {
    type Config = Config;

    fn new(_: Config) -> Result<Self> {
        Ok(Self { rollouts: 0 })
    }

    fn advantages(&mut self, rollout: &Rollout<'_>, out: &mut Advantages<'_>) -> Result<()> {
        self.rollouts += 1;
        for (advantage, reward) in out.sequence.iter_mut().zip(rollout.rewards) {
            *advantage = *reward as f32 / self.rollouts as f32;
        }
        Ok(())
    }

    fn loss(&mut self, batch: &MicroBatch<'_>, out: &mut LossOutput<'_>) -> Result<f64> {
        let mut loss = 0.0;
        for (sequence, advantage) in batch.sequences().zip(batch.advantages) {
            for token in sequence {
                let share = f64::from(*advantage) / batch.totals.tokens;
                loss -= share * f64::from(batch.logp[token]);
                out.dlogp[token] = -share as f32;
            }
        }
        Ok(loss)
    }

    fn save_state(&self) -> Result<Value> {
        Ok(json!(self.rollouts))
    }

    fn load_state(&mut self, state: Value) -> Result<()> {
        self.rollouts = serde_json::from_value(state)?;
        Ok(())
    }
}

#[data]
#[derive(Default)]
struct Wandering {
    attempts_seen: u64,
}

/// Problems that depend on how many attempts there have been so far.
#[component("wandering")]
impl Curriculum for Wandering {
    type Config = Config;

    fn new(_: Config) -> Result<Self> {
        Ok(Self::default())
    }

    fn next(&mut self, request: &NextRequest) -> Result<Vec<Pick>> {
        let mut request = request.clone();
        request.cursor += self.attempts_seen;
        Ok(request.draw())
    }

    fn observe(&mut self, step: &StepReport) -> Result<()> {
        self.attempts_seen += step
            .groups
            .iter()
            .map(|group| group.rewards.len() as u64)
            .sum::<u64>();
        Ok(())
    }

    fn save_state(&self) -> Result<Value> {
        Ok(serde_json::to_value(self)?)
    }

    fn load_state(&mut self, state: Value) -> Result<()> {
        *self = serde_json::from_value(state)?;
        Ok(())
    }
}
