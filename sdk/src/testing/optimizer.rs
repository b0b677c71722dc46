//! The kit for objectives: derivatives against finite differences, and micro-batches
//! against the whole.

use serde_json::Value;

use super::create;
use crate::{
    Error, MicroBatch, Need, Optimizer, Result, Rollout, Totals,
    client::{AdvantageArrays, LossArrays, OptimizerClient},
    rng::{self, rand::RngExt},
    shim,
};

/// Makes `T` with this configuration.
pub fn optimizer<T: Optimizer>(config: Value) -> Result<OptimizerKit> {
    let raw = create(&config, shim::optimizer::create::<T>)?;
    Ok(OptimizerKit(OptimizerClient::new(raw)?))
}

/// An objective under test.
pub struct OptimizerKit(OptimizerClient);

/// The arrays of a step that a probe moves by the same amount.
type Moved = fn(&mut SampleBatch) -> Vec<&mut Vec<f32>>;

/// A step to try an objective on; all fields may be changed.
#[derive(Clone, Debug)]
pub struct SampleBatch {
    /// (G+1)
    pub group_offsets: Vec<u32>,
    /// (N+1)
    pub sequence_offsets: Vec<u32>,
    /// (N)
    pub rewards: Vec<f64>,
    /// (T)
    pub logp: Vec<f32>,
    /// (T)
    pub old_logp: Vec<f32>,
    /// (T)
    pub ref_logp: Vec<f32>,
    /// (T)
    pub entropy: Vec<f32>,
    /// (T)
    pub sampler_logp: Vec<f32>,
    /// (T)
    pub values: Vec<f32>,
    /// The stage's limit on a completion.
    pub max_new_tokens: f64,
}

impl SampleBatch {
    /// A step of `groups` groups with 4 attempts of 1 to 6 tokens, rewards 0 or 1, and
    /// policies that differ by about `spread` nats a token.
    pub fn random(seed: u64, groups: usize, spread: f32) -> Self {
        const GROUP: usize = 4;
        let mut rng = rng::stream(seed, "sample-batch", 0);
        let sequences = groups * GROUP;
        let mut sequence_offsets = vec![0];
        for i in 0..sequences {
            sequence_offsets.push(sequence_offsets[i] + rng.random_range(1..=6_u32));
        }
        let tokens = sequence_offsets[sequences] as usize;
        let old_logp: Vec<f32> = (0..tokens)
            .map(|_| -rng.random_range(0.1..4.0_f32))
            .collect();
        let mut near = |array: &[f32]| -> Vec<f32> {
            let shift = |&value: &f32| value + spread * rng.random_range(-1.0..1.0_f32);
            array.iter().map(shift).collect()
        };
        Self {
            logp: near(&old_logp),
            ref_logp: near(&old_logp),
            sampler_logp: near(&old_logp),
            values: near(&vec![0.5; tokens]),
            entropy: near(&vec![1.0; tokens]),
            group_offsets: (0..=groups).map(|g| (g * GROUP) as u32).collect(),
            rewards: (0..sequences)
                .map(|_| f64::from(rng.random_range(0..=1_u8)))
                .collect(),
            sequence_offsets,
            old_logp,
            max_new_tokens: 8.0,
        }
    }

    fn totals(&self) -> Totals {
        Totals {
            tokens: self.logp.len() as f64,
            sequences: self.rewards.len() as f64,
            groups: (self.group_offsets.len() - 1) as f64,
            max_new_tokens: self.max_new_tokens,
        }
    }
}

impl OptimizerKit {
    /// The advantages of a step.
    pub fn advantages(&mut self, step: &SampleBatch) -> Result<AdvantageArrays> {
        let ref_logp = self
            .0
            .needs(Need::RefLogp)
            .then_some(step.ref_logp.as_slice());
        let values = self.0.needs(Need::Values).then_some(step.values.as_slice());
        self.0.advantages(&Rollout {
            group_offsets: &step.group_offsets,
            rewards: &step.rewards,
            sequence_offsets: &step.sequence_offsets,
            old_logp: &step.old_logp,
            ref_logp,
            values,
        })
    }

    /// The loss of the whole step in one micro-batch.
    pub fn loss(&mut self, step: &SampleBatch) -> Result<LossArrays> {
        let advantages = self.advantages(step)?;
        self.loss_with(step, &advantages)
    }

    /// The loss with these advantages.
    pub fn loss_with(
        &mut self,
        step: &SampleBatch,
        advantages: &AdvantageArrays,
    ) -> Result<LossArrays> {
        let sequences = step.rewards.len();
        self.part(step, advantages, 0..sequences)
    }

    /// Runs [`Self::check_derivatives`] and [`Self::check_split`] on several steps, with
    /// policies near each other and far apart.
    pub fn check(&mut self) -> Result<()> {
        for seed in 0..4 {
            for spread in [0.02, 0.5] {
                let step = SampleBatch::random(seed, 3, spread);
                self.check_derivatives(&step)?;
                self.check_split(&step)?;
            }
        }
        Ok(())
    }

    /// Checks d loss / d logp (and entropy, values) against central differences. Where the
    /// loss has a kink within the probe (a clip), either side's slope is accepted.
    ///
    /// # Errors
    /// Names the array and element that is off, with both numbers.
    pub fn check_derivatives(&mut self, step: &SampleBatch) -> Result<()> {
        self.check_moving(step, |step| vec![&mut step.logp])
    }

    /// As [`Self::check_derivatives`], for objectives that stop the gradient at the
    /// importance ratio: `logp` and `old_logp` move together, so that the ratio stays.
    ///
    /// # Errors
    /// Names the array and element that is off, with both numbers.
    pub fn check_derivatives_at_fixed_ratio(&mut self, step: &SampleBatch) -> Result<()> {
        self.check_moving(step, |step| vec![&mut step.logp, &mut step.old_logp])
    }

    fn check_moving(&mut self, step: &SampleBatch, logp: Moved) -> Result<()> {
        let advantages = self.advantages(step)?;
        let base = self.loss_with(step, &advantages)?;
        let arrays: [(&str, &[f32], Moved); 3] = [
            ("logp", &base.dlogp, logp),
            ("entropy", &base.dentropy, |step| vec![&mut step.entropy]),
            ("values", &base.dvalues, |step| vec![&mut step.values]),
        ];
        for (name, derivative, moved) in arrays {
            for (t, &found) in derivative.iter().enumerate() {
                let mut loss_at = |shift: f32| {
                    let mut step = step.clone();
                    let mut made = 0.0;
                    for array in moved(&mut step) {
                        let before = array[t];
                        array[t] += shift;
                        // The step that f32 really made.
                        made = f64::from(array[t]) - f64::from(before);
                    }
                    Ok::<_, Error>((made, self.loss_with(&step, &advantages)?.loss))
                };
                let h = 1e-2;
                let (up, above) = loss_at(h)?;
                let (down, below) = loss_at(-h)?;
                let right = (above - base.loss) / up;
                let left = (below - base.loss) / down;
                let (low, high) = (left.min(right), left.max(right));
                let slack = 2e-4 + 2e-2 * low.abs().max(high.abs());
                let found = f64::from(found);
                if found < low - slack || found > high + slack {
                    return Err(Error::new(format!(
                        "d loss / d {name}[{t}] is {found}, but finite differences say \
                         {left} to the left and {right} to the right"
                    )));
                }
            }
        }
        Ok(())
    }

    /// Checks that two micro-batches give the derivatives and the loss of one.
    ///
    /// # Errors
    /// Names the first token whose derivative changes.
    pub fn check_split(&mut self, step: &SampleBatch) -> Result<()> {
        let advantages = self.advantages(step)?;
        let whole = self.loss_with(step, &advantages)?;
        let sequences = step.rewards.len();
        for cut in 1..sequences {
            let first = self.part(step, &advantages, 0..cut)?;
            let second = self.part(step, &advantages, cut..sequences)?;
            let dlogp: Vec<f32> = first.dlogp.iter().chain(&second.dlogp).copied().collect();
            if let Some(t) = (0..dlogp.len()).find(|&t| dlogp[t] != whole.dlogp[t]) {
                return Err(Error::new(format!(
                    "splitting the step before sequence {cut} changes d loss / d logp[{t}] \
                     from {} to {}",
                    whole.dlogp[t], dlogp[t]
                ))
                .help("divide by the totals of the whole update, not of the micro-batch"));
            }
            let sum = first.loss + second.loss;
            if (sum - whole.loss).abs() > 1e-9 * (1.0 + whole.loss.abs()) {
                return Err(Error::new(format!(
                    "splitting the step before sequence {cut} changes the loss from {} to {sum}",
                    whole.loss
                )));
            }
        }
        Ok(())
    }

    /// The share of the given sequences.
    fn part(
        &mut self,
        step: &SampleBatch,
        advantages: &AdvantageArrays,
        sequences: std::ops::Range<usize>,
    ) -> Result<LossArrays> {
        let (first, last) = (sequences.start, sequences.end);
        let offsets = &step.sequence_offsets[first..=last];
        let tokens = offsets[0] as usize..offsets[last - first] as usize;
        let sequence_offsets: Vec<u32> = offsets.iter().map(|offset| offset - offsets[0]).collect();
        let clamp = |&offset: &u32| offset.clamp(first as u32, last as u32) - first as u32;
        let mut group_offsets: Vec<u32> = step.group_offsets.iter().map(clamp).collect();
        group_offsets.dedup();
        let on_request = |need, array: &[f32]| {
            let wanted = self.0.needs(need);
            wanted.then(|| array[tokens.clone()].to_vec())
        };
        let ref_logp = on_request(Need::RefLogp, &step.ref_logp);
        let entropy = on_request(Need::Entropy, &step.entropy);
        let sampler_logp = on_request(Need::SamplerLogp, &step.sampler_logp);
        let values = on_request(Need::Values, &step.values);
        let token_advantages = on_request(Need::TokenAdvantages, &advantages.token);
        self.0.loss(&MicroBatch {
            group_offsets: &group_offsets,
            sequence_offsets: &sequence_offsets,
            logp: &step.logp[tokens.clone()],
            old_logp: &step.old_logp[tokens.clone()],
            advantages: &advantages.sequence[sequences],
            token_advantages: token_advantages.as_deref(),
            ref_logp: ref_logp.as_deref(),
            entropy: entropy.as_deref(),
            sampler_logp: sampler_logp.as_deref(),
            values: values.as_deref(),
            totals: step.totals(),
        })
    }
}
