//! The decoding plan as a configuration: what the manifest says is what the engine does.
//!
//! Every field may be left out, and every field may be said again in `test` for
//! evaluations, so the fields are written once, all optional, and laid over the defaults:
//! first the configuration, then `test`.
//!
//! The temperature of a schedule holds for training alone. Evaluations of one stage would
//! otherwise be drawn at different temperatures, and could not be compared.

use std::collections::BTreeMap;

use farthing_sdk::prelude::*;

/// Attempts at each problem when the manifest does not say: enough that a group of an even
/// chance is all right or all wrong once in 128 times.
const DEFAULT_GROUP: usize = 8;

#[config]
pub struct Config {
    #[serde(flatten)]
    decoding: Decoding,
    /// The temperature of the stage's last step; it changes linearly from `temperature`.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    temperature_end: Option<f32>,
    #[serde(default)]
    test: Test,
}

/// How the engine draws; what is left out keeps its default.
#[config(part)]
#[derive(Default)]
#[serde(default)]
struct Decoding {
    /// Attempts at each problem; 8.
    #[schemars(range(min = 1))]
    group: Option<usize>,
    /// 1 draws from the policy itself, 0 takes the likeliest token; 1.
    #[schemars(range(min = 0.0))]
    temperature: Option<f32>,
    /// Keeps the likeliest tokens up to this share of the probability; 1 keeps all.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
    top_p: Option<f32>,
    /// Keeps this many of the likeliest tokens; 0 keeps all.
    top_k: Option<usize>,
    /// Keeps tokens at least this likely, relative to the likeliest; 0 keeps all.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    min_p: Option<f32>,
    /// Makes tokens that occurred less likely when above 1; 1 is off.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    repetition_penalty: Option<f32>,
    /// Added to the logits of these token ids, such as `{ "11" = -5.0 }`; a large negative number forbids a token.
    logit_bias: Option<BTreeMap<String, f32>>,
    /// An attempt ends when its text contains one of these; the text is kept.
    stop: Option<Vec<String>>,
    /// Token ids that end an attempt, beside those of the model.
    eos: Option<Vec<u32>>,
    /// Longest attempt in tokens; the stage's own limit holds as well.
    #[schemars(range(min = 1))]
    max_new_tokens: Option<usize>,
}

/// How the engine draws in evaluations; what is left out is as in training.
#[config]
#[derive(Default)]
struct Test {
    #[serde(flatten)]
    decoding: Decoding,
}

pub struct Standard {
    train: DecodingPlan,
    temperature_end: Option<f32>,
    test: DecodingPlan,
}

/// Temperature, top-p, top-k, min-p, penalties, stops and limits, with overrides for tests.
#[component("standard")]
impl Sampler for Standard {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        let train = config.decoding.over(DecodingPlan {
            group: DEFAULT_GROUP,
            ..DecodingPlan::default()
        })?;
        let test = config.test.decoding.over(train.clone())?;
        train.check()?;
        test.check()
            .map_err(|error| error.context("the overrides in `test` make a wrong plan"))?;
        Ok(Self {
            train,
            temperature_end: config.temperature_end,
            test,
        })
    }

    fn plan(&self, request: &PlanRequest) -> Result<DecodingPlan> {
        if request.split == Split::Test {
            return Ok(self.test.clone());
        }
        let mut plan = self.train.clone();
        if let Some(end) = self.temperature_end {
            let last = request.steps.saturating_sub(1).max(1);
            let progress = (request.step as f32 / last as f32).min(1.0);
            plan.temperature += (end - plan.temperature) * progress;
        }
        Ok(plan)
    }
}

impl Decoding {
    /// `plan` with what this says in its place.
    fn over(self, plan: DecodingPlan) -> Result<DecodingPlan> {
        Ok(DecodingPlan {
            group: self.group.unwrap_or(plan.group),
            temperature: self.temperature.unwrap_or(plan.temperature),
            top_p: self.top_p.unwrap_or(plan.top_p),
            top_k: self.top_k.unwrap_or(plan.top_k),
            min_p: self.min_p.unwrap_or(plan.min_p),
            repetition_penalty: self.repetition_penalty.unwrap_or(plan.repetition_penalty),
            logit_bias: match self.logit_bias {
                Some(biases) => biases.into_iter().map(token_bias).collect::<Result<_>>()?,
                None => plan.logit_bias,
            },
            stop: self.stop.unwrap_or(plan.stop),
            eos: self.eos.unwrap_or(plan.eos),
            max_new_tokens: self.max_new_tokens.or(plan.max_new_tokens),
        })
    }
}

/// Keys of a table are text, and those of biases are token ids.
fn token_bias((token, bias): (String, f32)) -> Result<(u32, f32)> {
    let token = token.parse().map_err(|_| {
        Error::new(format!(
            "logit_bias has the key {token:?}; expected a token's id, such as \"11\""
        ))
    })?;
    Ok((token, bias))
}
