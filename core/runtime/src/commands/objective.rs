//! `farthing objective`: a policy objective on numbers from anywhere, to try it and to hold it against a reference.

use farthing_sdk::{MicroBatch, Need, Rollout, Totals};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Result, RuntimeError};
use crate::host::PluginHost;

/// The input.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    pub groups: Vec<InputGroup>,
    /// The limit on a completion; the longest sequence if left out.
    #[serde(default)]
    pub max_new_tokens: Option<f64>,
}

/// One group.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputGroup {
    pub rewards: Vec<f64>,
    pub sequences: Vec<InputSequence>,
}

/// One attempt's arrays; all have its length in tokens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSequence {
    pub logp: Vec<f32>,
    /// `logp` if left out: the first update of a rollout.
    #[serde(default)]
    pub old_logp: Option<Vec<f32>>,
    #[serde(default)]
    pub ref_logp: Option<Vec<f32>>,
    #[serde(default)]
    pub entropy: Option<Vec<f32>>,
    #[serde(default)]
    pub sampler_logp: Option<Vec<f32>>,
    #[serde(default)]
    pub values: Option<Vec<f32>>,
}

/// The output, nested as the input.
#[derive(Debug, Serialize)]
pub struct Output {
    pub advantages: Vec<Vec<f32>>,
    pub loss: f64,
    pub dlogp: Vec<Vec<Vec<f32>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dentropy: Option<Vec<Vec<Vec<f32>>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dvalues: Option<Vec<Vec<Vec<f32>>>>,
    pub metrics: Map<String, Value>,
}

/// Evaluates the objective `component` on `input`, as one micro-batch.
pub fn objective(
    host: &PluginHost,
    component: &str,
    config: &Value,
    input: &Input,
) -> Result<Output> {
    check_shape(input)?;
    let mut client = host.optimizer(component, config, &Value::Null)?;
    let sequences: Vec<&InputSequence> = input
        .groups
        .iter()
        .flat_map(|group| &group.sequences)
        .collect();
    let group_offsets = offsets(input.groups.iter().map(|group| group.sequences.len()));
    let sequence_offsets = offsets(sequences.iter().map(|sequence| sequence.logp.len()));
    let rewards: Vec<f64> = input
        .groups
        .iter()
        .flat_map(|group| group.rewards.clone())
        .collect();
    let logp = sequences
        .iter()
        .flat_map(|sequence| sequence.logp.clone())
        .collect::<Vec<_>>();
    let old_logp: Vec<f32> = sequences
        .iter()
        .flat_map(|sequence| {
            sequence
                .old_logp
                .clone()
                .unwrap_or_else(|| sequence.logp.clone())
        })
        .collect();
    let optional = |need: Need,
                    name: &str,
                    array: fn(&InputSequence) -> Option<&Vec<f32>>|
     -> Result<_> {
        if !client.needs(need) {
            return Ok(None);
        }
        let mut all = Vec::new();
        for (index, sequence) in sequences.iter().enumerate() {
            all.extend_from_slice(array(sequence).ok_or_else(|| {
                RuntimeError::Usage(format!(
                    "`{component}` needs `{name}` with this configuration, and sequence {index} has none"
                ))
            })?);
        }
        Ok(Some(all))
    };
    let ref_logp = optional(Need::RefLogp, "ref_logp", |s| s.ref_logp.as_ref())?;
    let entropy = optional(Need::Entropy, "entropy", |s| s.entropy.as_ref())?;
    let sampler_logp = optional(Need::SamplerLogp, "sampler_logp", |s| {
        s.sampler_logp.as_ref()
    })?;
    let values = optional(Need::Values, "values", |s| s.values.as_ref())?;

    let failed = || RuntimeError::component("optimizer", component);
    let advantages = client
        .advantages(&Rollout {
            group_offsets: &group_offsets,
            rewards: &rewards,
            sequence_offsets: &sequence_offsets,
            old_logp: &old_logp,
            ref_logp: ref_logp.as_deref(),
            values: values.as_deref(),
        })
        .map_err(failed())?;
    let longest = sequences
        .iter()
        .map(|sequence| sequence.logp.len())
        .max()
        .unwrap_or(0);
    let token_advantages = client
        .needs(Need::TokenAdvantages)
        .then_some(&advantages.token[..]);
    let answer = client
        .loss(&MicroBatch {
            group_offsets: &group_offsets,
            sequence_offsets: &sequence_offsets,
            logp: &logp,
            old_logp: &old_logp,
            advantages: &advantages.sequence,
            token_advantages,
            ref_logp: ref_logp.as_deref(),
            entropy: entropy.as_deref(),
            sampler_logp: sampler_logp.as_deref(),
            values: values.as_deref(),
            totals: Totals {
                tokens: logp.len() as f64,
                sequences: sequences.len() as f64,
                groups: input.groups.len() as f64,
                max_new_tokens: input.max_new_tokens.unwrap_or(longest as f64),
            },
        })
        .map_err(failed())?;

    let nest = |values: &[f32]| nested(values, &sequence_offsets, &group_offsets);
    let metrics = advantages.metrics.iter().chain(&answer.metrics);
    Ok(Output {
        advantages: group_offsets
            .windows(2)
            .map(|pair| advantages.sequence[pair[0] as usize..pair[1] as usize].to_vec())
            .collect(),
        loss: answer.loss,
        dlogp: nest(&answer.dlogp),
        dentropy: client.needs(Need::Entropy).then(|| nest(&answer.dentropy)),
        dvalues: client.needs(Need::Values).then(|| nest(&answer.dvalues)),
        metrics: metrics
            .map(|metric| (metric.name.clone(), metric.value.into()))
            .collect(),
    })
}

fn check_shape(input: &Input) -> Result<()> {
    let refuse = |problem: String| Err(RuntimeError::Usage(problem));
    if input.groups.is_empty() {
        return refuse("the input has no groups".to_owned());
    }
    if let Some(limit) = input.max_new_tokens
        && !(limit >= 1.0 && limit.is_finite())
    {
        return refuse(format!(
            "`max_new_tokens` is a number from 1, found {limit}"
        ));
    }
    for (g, group) in input.groups.iter().enumerate() {
        if group.rewards.len() != group.sequences.len() {
            return refuse(format!(
                "group {g} has {} rewards and {} sequences; expected one reward for each sequence",
                group.rewards.len(),
                group.sequences.len()
            ));
        }
        for (s, sequence) in group.sequences.iter().enumerate() {
            let length = sequence.logp.len();
            if length == 0 {
                return refuse(format!("sequence {s} of group {g} has no tokens"));
            }
            let arrays = [
                ("old_logp", &sequence.old_logp),
                ("ref_logp", &sequence.ref_logp),
                ("entropy", &sequence.entropy),
                ("sampler_logp", &sequence.sampler_logp),
                ("values", &sequence.values),
            ];
            for (name, array) in arrays {
                if let Some(array) = array
                    && array.len() != length
                {
                    return refuse(format!(
                        "`{name}` of sequence {s} of group {g} has {} values, and `logp` has {length}",
                        array.len()
                    ));
                }
            }
        }
    }
    Ok(())
}

fn offsets(lengths: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut offsets = vec![0];
    for length in lengths {
        offsets.push(offsets[offsets.len() - 1] + length as u32);
    }
    offsets
}

fn nested(values: &[f32], sequences: &[u32], groups: &[u32]) -> Vec<Vec<Vec<f32>>> {
    let sequence = |s: usize| values[sequences[s] as usize..sequences[s + 1] as usize].to_vec();
    groups
        .windows(2)
        .map(|pair| (pair[0] as usize..pair[1] as usize).map(sequence).collect())
        .collect()
}
