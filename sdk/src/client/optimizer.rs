//! An objective as the host holds it: makes the output arrays, checks what comes back.

use farthing_abi::{
    Boxed, RawArray, RawArrayMut, RawMetric, RawMetricSink, RawMetricSink_TO, RawNumber,
    RawOptimizer_TO,
    abi_stable::{sabi_trait::TD_Opaque, sabi_types::RMut, std_types::RSliceMut},
};
use serde_json::Value;

use super::{answered, from_json, state};
use crate::{Error, Fold, MicroBatch, Need, Result, Rollout};

/// An objective behind the boundary.
pub struct OptimizerClient {
    raw: RawOptimizer_TO<Boxed>,
    needs: Vec<Need>,
}

/// One metric of one call, to be folded over micro-batches.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    pub name: String,
    pub value: f64,
    pub weight: f64,
    pub fold: Fold,
}

/// What an objective made of a step's rewards.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AdvantageArrays {
    /// (N)
    pub sequence: Vec<f32>,
    /// (T), empty unless the objective needs it.
    pub token: Vec<f32>,
    pub metrics: Vec<Metric>,
}

/// What an objective made of a micro-batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LossArrays {
    pub loss: f64,
    /// (T)
    pub dlogp: Vec<f32>,
    /// (T), empty unless the objective needs it.
    pub dentropy: Vec<f32>,
    /// (T), empty unless the objective needs it.
    pub dvalues: Vec<f32>,
    pub metrics: Vec<Metric>,
}

impl OptimizerClient {
    pub fn new(raw: RawOptimizer_TO<Boxed>) -> Result<Self> {
        let needs = from_json(raw.needs())?;
        Ok(Self { raw, needs })
    }

    /// The optional arrays that this objective reads or writes.
    pub fn needs(&self, need: Need) -> bool {
        self.needs.contains(&need)
    }

    /// # Errors
    /// What the objective says, or the first advantage that is not finite.
    pub fn advantages(&mut self, rollout: &Rollout<'_>) -> Result<AdvantageArrays> {
        let tokens = rollout.old_logp.len();
        let mut out = AdvantageArrays {
            sequence: vec![0.0; rollout.rewards.len()],
            token: self.optional(Need::TokenAdvantages, tokens),
            metrics: Vec::new(),
        };
        let inputs = named([
            ("old_logp", Some(rollout.old_logp)),
            ("ref_logp", rollout.ref_logp),
            ("values", rollout.values),
        ]);
        let mut sink = Sink(&mut out.metrics);
        let mut outputs = [
            output("advantages", &mut out.sequence),
            output("token_advantages", &mut out.token),
        ];
        answered(self.raw.advantages(
            rollout.group_offsets.into(),
            rollout.rewards.into(),
            rollout.sequence_offsets.into(),
            inputs.as_slice().into(),
            RSliceMut::from_mut_slice(&mut outputs),
            RawMetricSink_TO::from_ptr(RMut::new(&mut sink), TD_Opaque),
        ))?;
        finite("advantage", &out.sequence)?;
        finite("token advantage", &out.token)?;
        Ok(out)
    }

    /// # Errors
    /// What the objective says, or the first derivative that is not finite.
    pub fn loss(&mut self, batch: &MicroBatch<'_>) -> Result<LossArrays> {
        let tokens = batch.logp.len();
        let mut out = LossArrays {
            loss: 0.0,
            dlogp: vec![0.0; tokens],
            dentropy: self.optional(Need::Entropy, tokens),
            dvalues: self.optional(Need::Values, tokens),
            metrics: Vec::new(),
        };
        let inputs = named([
            ("logp", Some(batch.logp)),
            ("old_logp", Some(batch.old_logp)),
            ("advantages", Some(batch.advantages)),
            ("token_advantages", batch.token_advantages),
            ("ref_logp", batch.ref_logp),
            ("entropy", batch.entropy),
            ("sampler_logp", batch.sampler_logp),
            ("values", batch.values),
        ]);
        let totals = [
            ("tokens", batch.totals.tokens),
            ("sequences", batch.totals.sequences),
            ("groups", batch.totals.groups),
            ("max_new_tokens", batch.totals.max_new_tokens),
        ]
        .map(|(name, value)| RawNumber {
            name: name.into(),
            value,
        });
        let mut sink = Sink(&mut out.metrics);
        let mut outputs = [
            output("dlogp", &mut out.dlogp),
            output("dentropy", &mut out.dentropy),
            output("dvalues", &mut out.dvalues),
        ];
        out.loss = answered(self.raw.loss(
            batch.group_offsets.into(),
            batch.sequence_offsets.into(),
            inputs.as_slice().into(),
            totals.as_slice().into(),
            RSliceMut::from_mut_slice(&mut outputs),
            RawMetricSink_TO::from_ptr(RMut::new(&mut sink), TD_Opaque),
        ))?;
        if !out.loss.is_finite() {
            return Err(Error::new(format!("the loss is {}", out.loss)));
        }
        finite("d loss / d logp", &out.dlogp)?;
        finite("d loss / d entropy", &out.dentropy)?;
        finite("d loss / d values", &out.dvalues)?;
        Ok(out)
    }

    pub fn save_state(&self) -> Result<Value> {
        state(self.raw.save_state())
    }

    fn optional(&self, need: Need, tokens: usize) -> Vec<f32> {
        let length = if self.needs(need) { tokens } else { 0 };
        vec![0.0; length]
    }
}

fn named<'a, const N: usize>(arrays: [(&'a str, Option<&'a [f32]>); N]) -> Vec<RawArray<'a>> {
    let present = |(name, values): (&'a str, Option<&'a [f32]>)| {
        values.map(|values| RawArray {
            name: name.into(),
            values: values.into(),
        })
    };
    arrays.into_iter().filter_map(present).collect()
}

fn output<'a>(name: &'a str, values: &'a mut [f32]) -> RawArrayMut<'a> {
    RawArrayMut {
        name: name.into(),
        values: values.into(),
    }
}

fn finite(what: &str, values: &[f32]) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(i) => Err(Error::new(format!(
            "{what} {i} of {} is {}, which is not finite",
            values.len(),
            values[i]
        ))),
    }
}

struct Sink<'a>(&'a mut Vec<Metric>);

impl RawMetricSink for Sink<'_> {
    fn record(&mut self, metric: RawMetric<'_>) {
        self.0.push(Metric {
            name: metric.name.as_str().to_owned(),
            value: metric.value,
            weight: metric.weight,
            fold: match metric.fold {
                1 => Fold::Sum,
                2 => Fold::Min,
                3 => Fold::Max,
                _ => Fold::Mean,
            },
        });
    }
}
