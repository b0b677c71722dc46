//! [`Optimizer`] over the boundary: named arrays to fields and back.

use farthing_abi::{
    Boxed, RawArray, RawArrayMut, RawCreate, RawError, RawMetric, RawMetricSink_TO, RawNumber,
    RawOptimizer, RawOptimizer_TO,
    abi_stable::{
        sabi_trait::TD_Opaque,
        sabi_types::RMut,
        std_types::{RResult, RSlice, RSliceMut, RString},
    },
};

use super::{guard, made, to_json};
use crate::{
    Advantages, Error, Fold, LossOutput, Metrics, MicroBatch, Optimizer, Result, Rollout, Totals,
};

type Sink<'a, 'b> = RawMetricSink_TO<'a, RMut<'b, ()>>;

pub(crate) fn create<T: Optimizer>(create: RawCreate<'_>) -> Result<RawOptimizer_TO<Boxed>> {
    let optimizer = made(create, T::new, T::load_state)?;
    Ok(RawOptimizer_TO::from_value(Shim(optimizer), TD_Opaque))
}

struct Shim<T>(T);

impl<T: Optimizer> RawOptimizer for Shim<T> {
    fn needs(&self) -> RResult<RString, RawError> {
        guard(|| to_json(&self.0.needs()))
    }

    fn advantages(
        &mut self,
        groups: RSlice<'_, u32>,
        rewards: RSlice<'_, f64>,
        sequences: RSlice<'_, u32>,
        inputs: RSlice<'_, RawArray<'_>>,
        mut outputs: RSliceMut<'_, RawArrayMut<'_>>,
        mut metrics: Sink<'_, '_>,
    ) -> RResult<(), RawError> {
        guard(|| {
            let inputs = Inputs(inputs.as_slice());
            let rollout = Rollout {
                group_offsets: groups.as_slice(),
                rewards: rewards.as_slice(),
                sequence_offsets: sequences.as_slice(),
                old_logp: inputs.required("old_logp")?,
                ref_logp: inputs.optional("ref_logp"),
                values: inputs.optional("values"),
            };
            let [sequence, token] =
                split(outputs.as_mut_slice(), ["advantages", "token_advantages"]);
            let mut record = recorder(&mut metrics);
            self.0.advantages(
                &rollout,
                &mut Advantages {
                    sequence,
                    token,
                    metrics: Metrics::new(&mut record),
                },
            )
        })
    }

    fn loss(
        &mut self,
        groups: RSlice<'_, u32>,
        sequences: RSlice<'_, u32>,
        inputs: RSlice<'_, RawArray<'_>>,
        totals: RSlice<'_, RawNumber<'_>>,
        mut outputs: RSliceMut<'_, RawArrayMut<'_>>,
        mut metrics: Sink<'_, '_>,
    ) -> RResult<f64, RawError> {
        guard(|| {
            let inputs = Inputs(inputs.as_slice());
            let total = |name| number(totals.as_slice(), name);
            let batch = MicroBatch {
                group_offsets: groups.as_slice(),
                sequence_offsets: sequences.as_slice(),
                logp: inputs.required("logp")?,
                old_logp: inputs.required("old_logp")?,
                advantages: inputs.required("advantages")?,
                token_advantages: inputs.optional("token_advantages"),
                ref_logp: inputs.optional("ref_logp"),
                entropy: inputs.optional("entropy"),
                sampler_logp: inputs.optional("sampler_logp"),
                values: inputs.optional("values"),
                totals: Totals {
                    tokens: total("tokens")?,
                    sequences: total("sequences")?,
                    groups: total("groups")?,
                    max_new_tokens: total("max_new_tokens")?,
                },
            };
            let [dlogp, dentropy, dvalues] =
                split(outputs.as_mut_slice(), ["dlogp", "dentropy", "dvalues"]);
            let mut record = recorder(&mut metrics);
            self.0.loss(
                &batch,
                &mut LossOutput {
                    dlogp,
                    dentropy,
                    dvalues,
                    metrics: Metrics::new(&mut record),
                },
            )
        })
    }

    fn save_state(&self) -> RResult<RString, RawError> {
        guard(|| to_json(&self.0.save_state()?))
    }
}

struct Inputs<'a>(&'a [RawArray<'a>]);

impl<'a> Inputs<'a> {
    fn optional(&self, name: &str) -> Option<&'a [f32]> {
        let found = self.0.iter().find(|array| array.name.as_str() == name);
        found.map(|array| array.values.as_slice())
    }

    fn required(&self, name: &str) -> Result<&'a [f32]> {
        self.optional(name)
            .ok_or_else(|| Error::new(format!("the host passed no array {name:?}")))
    }
}

fn number(totals: &[RawNumber<'_>], name: &str) -> Result<f64> {
    let found = totals.iter().find(|total| total.name.as_str() == name);
    found
        .map(|total| total.value)
        .ok_or_else(|| Error::new(format!("the host passed no total {name:?}")))
}

/// The outputs of these names, in their order; one that the host did not ask for is empty.
fn split<'a, const N: usize>(
    outputs: &'a mut [RawArrayMut<'_>],
    names: [&str; N],
) -> [&'a mut [f32]; N] {
    let mut found: [&mut [f32]; N] = std::array::from_fn(|_| Default::default());
    for output in outputs {
        if let Some(i) = names.iter().position(|&name| name == output.name.as_str()) {
            found[i] = output.values.as_mut_slice();
        }
    }
    found
}

fn recorder(sink: &mut Sink<'_, '_>) -> impl FnMut(&str, f64, f64, Fold) {
    |name, value, weight, fold| {
        sink.record(RawMetric {
            name: name.into(),
            value,
            weight,
            fold: fold as u8,
        });
    }
}
