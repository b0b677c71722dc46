//! Samplers: how attempts are drawn.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Result, Split};

/// Decides how attempts are drawn.
///
/// The plan is declarative, and the engine follows it at full speed. Two hooks, off unless
/// [`Self::HOOKS`] names them, cost more: `steer` is called with the text whenever an
/// attempt stops, and `logits` for every token of every attempt, with logits that are
/// copied from the device.
///
/// # A complete plugin
/// ```
/// use farthing_sdk::prelude::*;
///
/// farthing_sdk::plugin!("cooling");
///
/// #[config]
/// struct Config {
///     /// Attempts at each problem.
///     #[schemars(range(min = 1))]
///     group: usize,
/// }
///
/// struct Cooling(Config);
///
/// /// Temperature falls from 1.2 to 0.8 over the stage.
/// #[component("cooling")]
/// impl Sampler for Cooling {
///     type Config = Config;
///
///     fn new(config: Config) -> Result<Self> {
///         Ok(Self(config))
///     }
///
///     fn plan(&self, request: &PlanRequest) -> Result<DecodingPlan> {
///         let progress = request.step as f32 / request.steps.max(1) as f32;
///         Ok(DecodingPlan {
///             group: self.0.group,
///             temperature: 1.2 - 0.4 * progress,
///             ..DecodingPlan::default()
///         })
///     }
/// }
/// # let kit = farthing_sdk::testing::sampler::<Cooling>(json!({ "group": 4 })).unwrap();
/// # kit.check().unwrap();
/// ```
pub trait Sampler: Sized + Send + Sync + 'static {
    /// What the manifest's `config` table may say. Its JSON Schema is checked before any
    /// work, so put ranges and descriptions on the fields.
    type Config: DeserializeOwned + JsonSchema;

    /// The hooks that this sampler uses. Each costs decoding speed.
    const HOOKS: &'static [SamplerHook] = &[];

    /// Makes the sampler. Refuse here what the schema cannot express.
    fn new(config: Self::Config) -> Result<Self>;

    /// The plan for one step.
    fn plan(&self, request: &PlanRequest) -> Result<DecodingPlan>;

    /// Called when an attempt stops, if [`SamplerHook::Steer`] is on: let it end, or inject
    /// text and let it go on. Injected tokens are not trained on.
    fn steer(&self, pause: &Pause) -> Result<Steer> {
        let _ = pause;
        Ok(Steer::Finish)
    }

    /// Called for every token, if [`SamplerHook::Logits`] is on: `tokens` (T) are prompt and
    /// completion so far, `logits` (V) may be changed. Whatever is drawn is scored by the
    /// unchanged policy, as a training pass would.
    fn logits(&self, tokens: &[u32], logits: &mut [f32]) -> Result<()> {
        let _ = (tokens, logits);
        Ok(())
    }

    /// What a resumed run has to know; `Null` for nothing.
    fn save_state(&self) -> Result<Value> {
        Ok(Value::Null)
    }

    /// Takes back what `save_state` returned. Not called with `Null`.
    fn load_state(&mut self, state: Value) -> Result<()> {
        let _ = state;
        Ok(())
    }
}

/// The hooks of a [`Sampler`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SamplerHook {
    /// [`Sampler::steer`] is called whenever an attempt stops.
    Steer,
    /// [`Sampler::logits`] is called for every token.
    Logits,
}

/// What a plan may depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanRequest {
    /// Step within the stage, from 0.
    pub step: u64,
    /// Steps of the stage.
    pub steps: u64,
    /// Which problems the plan is for: `test` when the model is evaluated.
    pub split: Split,
}

impl Default for PlanRequest {
    fn default() -> Self {
        Self {
            step: 0,
            steps: 1,
            split: Split::Train,
        }
    }
}

/// How the engine draws. The default draws from the policy itself, one attempt a problem.
///
/// The order is that of transformers and vLLM: bias, repetition penalty, temperature, top-k,
/// top-p, min-p.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DecodingPlan {
    /// Attempts at each problem.
    pub group: usize,
    /// 0 takes the likeliest token.
    pub temperature: f32,
    /// Keeps the likeliest tokens up to this share of the probability; 1 keeps all.
    pub top_p: f32,
    /// Keeps this many of the likeliest tokens; 0 keeps all.
    pub top_k: usize,
    /// Keeps tokens at least this likely, relative to the likeliest; 0 keeps all.
    pub min_p: f32,
    /// Divides positive and multiplies negative logits of tokens that occurred; 1 is off.
    pub repetition_penalty: f32,
    /// Added to the logits of these token ids, before everything else.
    pub logit_bias: BTreeMap<u32, f32>,
    /// An attempt ends when its text contains one of these; the text is kept.
    pub stop: Vec<String>,
    /// Token ids that end an attempt, beside those of the model.
    pub eos: Vec<u32>,
    /// Limit of this plan; the stage's own limit holds as well.
    pub max_new_tokens: Option<usize>,
}

impl Default for DecodingPlan {
    fn default() -> Self {
        Self {
            group: 1,
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            logit_bias: BTreeMap::new(),
            stop: Vec::new(),
            eos: Vec::new(),
            max_new_tokens: None,
        }
    }
}

impl DecodingPlan {
    /// Checks every number's range.
    ///
    /// # Errors
    /// Names the first field that is out of range, and its range.
    pub fn check(&self) -> Result<()> {
        let range = |name: &str, ok: bool, range: &str, found: f64| match ok {
            true => Ok(()),
            false => Err(crate::Error::new(format!(
                "the decoding plan has {name} = {found}; expected {range}"
            ))),
        };
        let (t, p, m, r) = (
            self.temperature,
            self.top_p,
            self.min_p,
            self.repetition_penalty,
        );
        range("group", self.group >= 1, "at least 1", self.group as f64)?;
        range(
            "temperature",
            t.is_finite() && t >= 0.0,
            "a finite number, 0 or more",
            t.into(),
        )?;
        range(
            "top_p",
            p > 0.0 && p <= 1.0,
            "more than 0, at most 1",
            p.into(),
        )?;
        range(
            "min_p",
            (0.0..1.0).contains(&m),
            "0 or more, less than 1",
            m.into(),
        )?;
        range(
            "repetition_penalty",
            r.is_finite() && r > 0.0,
            "a finite number above 0",
            r.into(),
        )?;
        for (token, &bias) in &self.logit_bias {
            let name = format!("logit_bias of token {token}");
            range(&name, bias.is_finite(), "a finite number", bias.into())?;
        }
        match self.stop.iter().any(String::is_empty) {
            // It would match before the first token.
            true => Err(crate::Error::new(
                "the decoding plan has an empty stop string; expected some text",
            )),
            false => Ok(()),
        }
    }
}

/// An attempt that stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// The completion so far.
    pub text: String,
    /// Its length in tokens.
    pub tokens: usize,
    /// Why it stopped: `eos`, `stop` or `length`.
    pub reason: String,
    /// How often this attempt was steered before.
    pub steered: usize,
}

/// What becomes of an attempt that stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Steer {
    /// It ends here.
    Finish,
    /// This text is appended, and decoding goes on.
    Inject(String),
}
