//! Learning: advantages, losses and weights.
//!
//! The objective sees plain arrays over the tokens that the model drew itself; injected tokens are in the forward pass
//! and in nothing else. A rollout is split into updates by whole groups and an update into micro-batches by whole
//! sequences; the objective divides by the update's totals, so the split changes memory and nothing else.

use farthing_engine::{
    AdamW, Coverage, EngineError, Gradients, Model, PassOptions, Scores, Uncovered, UncoveredReason,
};
use farthing_sdk::client::{AdvantageArrays, LossArrays, OptimizerClient};
use farthing_sdk::{Fold, MicroBatch, Need, Rollout, Totals};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::batching::{gather, offsets, runs, scatter, split_by_tokens, split_evenly};
use super::folding::Folded;
use super::seeds::StageSeeds;
use super::sequences::{Sequence, Trainable, drawn_positions, pack};
use crate::error::{Result, RuntimeError};

/// How a rollout is turned into updates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    pub num_iterations: usize,
    pub minibatches: usize,
    pub micro_batch_tokens: usize,
    /// Layers that run again for the backward pass.
    pub recomputed_layers: usize,
    pub max_new_tokens: usize,
    /// The temperature that the attempts were drawn with.
    pub temperature: f64,
    pub learning_rate: f64,
}

/// What learning changes.
pub(crate) struct Learner<'a> {
    pub model: &'a mut Model,
    pub reference: Option<&'a Model>,
    pub rule: &'a mut AdamW,
    pub gradients: &'a mut Gradients,
    pub optimizer: &'a mut OptimizerClient,
    pub optimizer_name: &'a str,
    pub stage: &'a str,
    pub seeds: StageSeeds,
    pub step: u64,
    /// Check that every tensor gets a gradient, at the first update that has one.
    pub check_coverage: &'a mut bool,
}

/// What a step's learning reports.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    /// One for each sequence, in the order of the groups.
    pub advantages: Vec<f32>,
    pub metrics: BTreeMap<String, f64>,
    pub tokens: u64,
    pub old_logp_time: Duration,
    pub reference_time: Duration,
    pub update_time: Duration,
}

/// Arrays over the drawn tokens of all sequences, one after another.
struct Arrays {
    /// (N+1)
    offsets: Vec<u32>,
    /// (T)
    sampler_logp: Vec<f32>,
    /// (T); `None` while the only update takes it from its own forward pass.
    old_logp: Option<Vec<f32>>,
    /// (T)
    ref_logp: Option<Vec<f32>>,
}

impl Learner<'_> {
    /// Learns from one rollout.
    pub fn learn(&mut self, rollout: &Trainable, schedule: Schedule) -> Result<Learned> {
        let sequences: Vec<&Sequence> = rollout.groups.iter().flatten().collect();
        let mut learned = Learned::default();
        if sequences.is_empty() {
            return Ok(learned);
        }
        let arrays = self.arrays(&sequences, schedule, &mut learned)?;
        let advantages = self.advantages(rollout, &sequences, &arrays)?;

        let started = Instant::now();
        let mut folded = Folded::default();
        folded.add(&advantages.metrics);
        for _ in 0..schedule.num_iterations {
            for groups in split_evenly(rollout.groups.len(), schedule.minibatches) {
                self.update(rollout, groups, &arrays, &advantages, schedule, &mut folded)?;
            }
        }
        learned.update_time = started.elapsed();
        learned.tokens = sequences
            .iter()
            .map(|sequence| sequence.tokens.len() as u64)
            .sum();
        learned.metrics = folded.finish();
        learned.advantages = advantages.sequence;
        Ok(learned)
    }

    fn arrays(
        &mut self,
        sequences: &[&Sequence],
        schedule: Schedule,
        learned: &mut Learned,
    ) -> Result<Arrays> {
        let mut offsets = vec![0_u32];
        let mut sampler_logp = Vec::new();
        for sequence in sequences {
            sampler_logp.extend(sequence.drawn().map(|at| sequence.sampler_logp[at]));
            offsets.push(sampler_logp.len() as u32);
        }
        // A single update is exactly on-policy: its own forward pass gives the old log-probabilities, and the ratio
        // is 1 to the last bit.
        let on_policy = schedule.num_iterations == 1 && schedule.minibatches == 1;
        let started = Instant::now();
        let old_logp = match on_policy {
            true => None,
            false => Some(score_drawn(self.model, sequences, schedule)?),
        };
        learned.old_logp_time = started.elapsed();
        let started = Instant::now();
        let ref_logp = match self
            .reference
            .filter(|_| self.optimizer.needs(Need::RefLogp))
        {
            None => None,
            Some(reference) => Some(score_drawn(reference, sequences, schedule)?),
        };
        learned.reference_time = started.elapsed();
        Ok(Arrays {
            offsets,
            sampler_logp,
            old_logp,
            ref_logp,
        })
    }

    fn advantages(
        &mut self,
        rollout: &Trainable,
        sequences: &[&Sequence],
        arrays: &Arrays,
    ) -> Result<AdvantageArrays> {
        let group_offsets = offsets(rollout.groups.iter().map(Vec::len));
        let rewards: Vec<f64> = sequences.iter().map(|sequence| sequence.reward).collect();
        let rollout = Rollout {
            group_offsets: &group_offsets,
            rewards: &rewards,
            sequence_offsets: &arrays.offsets,
            old_logp: arrays.old_logp.as_deref().unwrap_or(&arrays.sampler_logp),
            ref_logp: arrays.ref_logp.as_deref(),
            values: None,
        };
        self.optimizer
            .advantages(&rollout)
            .map_err(RuntimeError::component("optimizer", self.optimizer_name))
    }

    /// One update of the weights from the groups in `groups`.
    fn update(
        &mut self,
        rollout: &Trainable,
        groups: Range<usize>,
        arrays: &Arrays,
        advantages: &AdvantageArrays,
        schedule: Schedule,
        folded: &mut Folded,
    ) -> Result<()> {
        let first: usize = rollout.groups[..groups.start].iter().map(Vec::len).sum();
        let members: Vec<(usize, &Sequence)> = rollout.groups[groups.clone()]
            .iter()
            .enumerate()
            .flat_map(|(group, members)| members.iter().map(move |sequence| (group, sequence)))
            .collect();
        let span = first..first + members.len();
        let totals = Totals {
            tokens: f64::from(arrays.offsets[span.end] - arrays.offsets[span.start]),
            sequences: members.len() as f64,
            groups: rollout.groups[groups]
                .iter()
                .filter(|group| !group.is_empty())
                .count() as f64,
            max_new_tokens: schedule.max_new_tokens as f64,
        };
        self.gradients.zero()?;
        let mut loss = 0.0;
        let mut has_signal = false;
        for part in micro_batches(&members, schedule.micro_batch_tokens) {
            let batch = MicroBatchParts {
                members: &members[part.clone()],
                sequences: first + part.start..first + part.end,
                totals,
            };
            let answer = self.micro_batch(&batch, arrays, advantages, schedule, folded)?;
            has_signal |= answer.dlogp.iter().any(|&derivative| derivative != 0.0);
            loss += answer.loss;
        }
        folded.record("loss", loss, 1.0, Fold::Mean);
        if has_signal && *self.check_coverage {
            *self.check_coverage = check_coverage(self.gradients, self.model, self.stage)?;
        }
        let grad_norm = apply(
            self.rule,
            self.model,
            self.gradients,
            schedule.learning_rate,
            self.stage,
            self.step,
        )?;
        folded.record("grad_norm", grad_norm, 1.0, Fold::Mean);
        Ok(())
    }

    /// Forward, objective, backward.
    fn micro_batch(
        &mut self,
        batch: &MicroBatchParts<'_>,
        arrays: &Arrays,
        advantages: &AdvantageArrays,
        schedule: Schedule,
        folded: &mut Folded,
    ) -> Result<LossArrays> {
        let sequences: Vec<&Sequence> = batch
            .members
            .iter()
            .map(|(_, sequence)| *sequence)
            .collect();
        let packed = pack(&sequences);
        let drawn = drawn_positions(&sequences);
        let options = PassOptions {
            temperature: schedule.temperature,
            recomputed_layers: schedule.recomputed_layers,
            dropout_seed: Some(self.seeds.dropout(self.rule.steps_taken())),
        };
        let pass = self.model.forward(&packed, options)?;
        let Scores { logp, entropy } = pass.scores();
        let logp = gather(logp, &drawn);
        let entropy = gather(entropy, &drawn);

        let start = arrays.offsets[batch.sequences.start];
        let tokens = start as usize..arrays.offsets[batch.sequences.end] as usize;
        let sequence_offsets: Vec<u32> = arrays.offsets
            [batch.sequences.start..=batch.sequences.end]
            .iter()
            .map(|offset| offset - start)
            .collect();
        let group_offsets = offsets(runs(batch.members.iter().map(|(group, _)| *group)));
        let sampler_logp = &arrays.sampler_logp[tokens.clone()];
        let [wants_token, wants_entropy, wants_sampler] =
            [Need::TokenAdvantages, Need::Entropy, Need::SamplerLogp]
                .map(|need| self.optimizer.needs(need));
        let input = MicroBatch {
            group_offsets: &group_offsets,
            sequence_offsets: &sequence_offsets,
            logp: &logp,
            old_logp: arrays
                .old_logp
                .as_ref()
                .map_or(&logp[..], |old| &old[tokens.clone()]),
            advantages: &advantages.sequence[batch.sequences.clone()],
            token_advantages: wants_token.then(|| &advantages.token[tokens.clone()]),
            ref_logp: arrays.ref_logp.as_ref().map(|array| &array[tokens.clone()]),
            entropy: wants_entropy.then_some(&entropy[..]),
            sampler_logp: wants_sampler.then_some(sampler_logp),
            values: None,
            totals: batch.totals,
        };
        let answer = self
            .optimizer
            .loss(&input)
            .map_err(RuntimeError::component("optimizer", self.optimizer_name))?;
        folded.add(&answer.metrics);
        folded.compare_passes(&logp, sampler_logp);
        folded.mean("entropy", &entropy);

        let predicted = packed.predicted_count();
        let dlogp = scatter(&answer.dlogp, &drawn, predicted);
        let dentropy = wants_entropy.then(|| scatter(&answer.dentropy, &drawn, predicted));
        pass.backward(&dlogp, dentropy.as_deref(), self.gradients)?;
        Ok(answer)
    }
}

/// A micro-batch: its sequences with their groups, and where they lie among all sequences.
struct MicroBatchParts<'a> {
    members: &'a [(usize, &'a Sequence)],
    sequences: Range<usize>,
    totals: Totals,
}

/// Applies the gradient, refusing one that is not finite. Returns its norm before clipping.
pub(crate) fn apply(
    rule: &mut AdamW,
    model: &mut Model,
    gradients: &Gradients,
    learning_rate: f64,
    stage: &str,
    step: u64,
) -> Result<f64> {
    let applied = rule.step(model, gradients, learning_rate);
    let report = applied.map_err(|error| match error {
        EngineError::NonFiniteGradient { .. } => RuntimeError::NonFinite {
            stage: stage.to_owned(),
            step,
            what: "gradient",
        },
        error => error.into(),
    })?;
    tracing::trace!(update = rule.steps_taken(), "updated");
    Ok(report.grad_norm)
}

/// Every trainable tensor must get a gradient at the first update. Returns whether to look again at the next one,
/// because factors of adapters get theirs only then.
pub(crate) fn check_coverage(gradients: &Gradients, model: &Model, stage: &str) -> Result<bool> {
    let Coverage { uncovered, waiting } = gradients.coverage(model)?;
    if uncovered.is_empty() {
        return Ok(waiting > 0);
    }
    const SHOWN: usize = 8;
    let described = |uncovered: &Uncovered| match uncovered.reason {
        UncoveredReason::Zero => format!("{} (zero)", uncovered.name),
        UncoveredReason::NonFinite => format!("{} (not finite)", uncovered.name),
    };
    let names: Vec<String> = uncovered.iter().take(SHOWN).map(described).collect();
    let mut names = names.join(", ");
    if uncovered.len() > SHOWN {
        names.push_str(&format!(" and {} more", uncovered.len() - SHOWN));
    }
    Err(RuntimeError::GradientCoverage {
        stage: stage.to_owned(),
        count: uncovered.len(),
        of: gradients.iter().count(),
        names,
    })
}

fn micro_batches(members: &[(usize, &Sequence)], budget: usize) -> Vec<Range<usize>> {
    split_by_tokens(
        members.iter().map(|(_, sequence)| sequence.tokens.len()),
        budget,
    )
}

fn score_drawn(model: &Model, sequences: &[&Sequence], schedule: Schedule) -> Result<Vec<f32>> {
    let mut logp = Vec::new();
    let lengths = sequences.iter().map(|sequence| sequence.tokens.len());
    for part in split_by_tokens(lengths, schedule.micro_batch_tokens) {
        let part = &sequences[part];
        let scores = model.score(&pack(part), schedule.temperature)?;
        logp.extend(gather(&scores.logp, &drawn_positions(part)));
    }
    Ok(logp)
}
