//! Rollouts: problems become prompts, prompts become groups of attempts.

use std::sync::Arc;

use farthing_engine::{
    Attempt, DecodeHooks, DecodingBudget, DecodingPlan as EnginePlan, Finish, Model, PromptGroup,
    Steer as EngineSteer, Tokenizer, decode, release_buffers,
};
use farthing_sdk::client::{ProblemText, SamplerClient};
use farthing_sdk::{DecodingPlan, Pause, Pick, Problem, Prompt, SamplerHook, Split, Steer};
use rayon::prelude::*;

use super::components::{LiveSampler, LiveTask};
use crate::error::{Result, RuntimeError};

/// Rows that are decoded at the same time. More rows make better use of the weights that each token reads, and cost
/// cache memory; past a few hundred nothing is gained.
pub(crate) const MAX_ROWS: usize = 256;

/// The rows that are worth it, with so many positions.
pub(crate) fn decoding_budget(tokens: usize) -> DecodingBudget {
    DecodingBudget {
        rows: MAX_ROWS,
        tokens,
    }
}

/// A problem, ready for the model and for its rewards.
pub(crate) struct Posed {
    /// Which of the run's tasks.
    pub task: usize,
    pub index: u64,
    pub problem: Problem,
    pub text: Arc<ProblemText>,
    /// The prompt as the model sees it.
    pub prompt: String,
    pub prompt_tokens: Vec<u32>,
}

/// A posed problem with the attempts at it.
pub(crate) struct Group {
    pub posed: Posed,
    pub attempts: Vec<DrawnAttempt>,
}

/// One completion as tokens and as text.
pub(crate) struct DrawnAttempt {
    pub drawn: Attempt,
    /// Without special tokens, as rewards see it.
    pub text: String,
}

impl DrawnAttempt {
    /// False when the completion was cut off at a limit.
    pub fn finished(&self) -> bool {
        self.drawn.finish != Finish::Length
    }

    /// The word for why it ended.
    pub fn finish_name(&self) -> &'static str {
        match self.drawn.finish {
            Finish::Eos => "eos",
            Finish::Stop => "stop",
            Finish::Length => "length",
            Finish::Steered => "steered",
        }
    }
}

/// Makes the picked problems and renders their prompts.
pub(crate) fn pose(
    tasks: &[LiveTask],
    picks: &[Pick],
    split: Split,
    seed: u64,
    tokenizer: &Tokenizer,
) -> Result<Vec<Posed>> {
    let pose = |pick: &Pick| {
        let task = &tasks[pick.task as usize];
        let failed = RuntimeError::component("task", &task.name);
        let problem = task
            .client
            .problem(split, pick.index, seed)
            .map_err(failed)?;
        let (prompt, prompt_tokens) = render(&problem, tokenizer)?;
        if prompt_tokens.is_empty() {
            return Err(RuntimeError::Problem {
                task: task.name.clone(),
                problem: format!("problem {:?} has an empty prompt", problem.id),
            });
        }
        let failed = RuntimeError::component("task", &task.name);
        Ok(Posed {
            task: pick.task as usize,
            index: pick.index,
            text: Arc::new(ProblemText::new(&problem).map_err(failed)?),
            problem,
            prompt,
            prompt_tokens,
        })
    };
    picks.par_iter().map(pose).collect()
}

/// The prompt's text and tokens. Plain text gets the special tokens that the tokenizer puts around a text; a chat
/// template writes its own.
pub(crate) fn render(problem: &Problem, tokenizer: &Tokenizer) -> Result<(String, Vec<u32>)> {
    match &problem.prompt {
        Prompt::Text(text) => Ok((text.clone(), tokenizer.encode_with_special_tokens(text)?)),
        Prompt::Messages(messages) => {
            let messages: Vec<_> = messages
                .iter()
                .map(|message| farthing_engine::Message::new(&message.role, &message.content))
                .collect();
            let text = tokenizer.render_chat(&messages, true)?;
            let tokens = tokenizer.encode(&text)?;
            Ok((text, tokens))
        }
    }
}

/// Draws `seeds_of(group).len()` attempts at each problem.
pub(crate) fn draw(
    model: &Model,
    tokenizer: &Tokenizer,
    posed: Vec<Posed>,
    plan: &DecodingPlan,
    max_new_tokens: usize,
    budget: DecodingBudget,
    sampler: &LiveSampler,
    seed_of: impl Fn(usize, usize) -> u64,
) -> Result<Vec<Group>> {
    let seeds: Vec<Vec<u64>> = (0..posed.len())
        .map(|group| {
            (0..plan.group)
                .map(|attempt| seed_of(group, attempt))
                .collect()
        })
        .collect();
    let groups: Vec<PromptGroup<'_>> = posed
        .iter()
        .zip(&seeds)
        .map(|(posed, seeds)| PromptGroup {
            tokens: &posed.prompt_tokens,
            seeds,
        })
        .collect();
    let plan = engine_plan(plan, max_new_tokens, tokenizer);
    let mut hooks = SamplerHooks::new(sampler)?;
    let drawn = decode(model, tokenizer, &groups, &plan, budget, &mut hooks)?;
    if model.config().gives_memory_back() {
        // The copy of the weights that attempts were drawn with.
        release_buffers();
    }
    hooks.finish(&sampler.name)?;

    let with_text = |drawn: Attempt| {
        let text = tokenizer.decode(&drawn.tokens)?;
        Ok(DrawnAttempt { drawn, text })
    };
    posed
        .into_par_iter()
        .zip(drawn)
        .map(|(posed, attempts)| {
            let attempts = attempts.into_iter().map(with_text).collect::<Result<_>>()?;
            Ok(Group { posed, attempts })
        })
        .collect()
}

fn engine_plan(plan: &DecodingPlan, max_new_tokens: usize, tokenizer: &Tokenizer) -> EnginePlan {
    let mut eos = tokenizer.eos_ids().to_vec();
    eos.extend(&plan.eos);
    let limit = plan
        .max_new_tokens
        .map_or(max_new_tokens, |own| own.min(max_new_tokens));
    EnginePlan {
        temperature: plan.temperature,
        top_p: plan.top_p,
        top_k: plan.top_k,
        min_p: plan.min_p,
        repetition_penalty: plan.repetition_penalty,
        logit_bias: plan.logit_bias.clone(),
        stop: plan.stop.clone(),
        eos,
        max_new_tokens: limit,
        max_completion_tokens: Some(max_new_tokens),
    }
}

/// Hands the engine's questions to the sampler. The engine's hooks cannot fail, so the first error is kept and ends
/// the rollout afterwards.
struct SamplerHooks<'a> {
    client: &'a SamplerClient,
    steer: bool,
    logits: bool,
    error: Option<farthing_sdk::Error>,
}

impl<'a> SamplerHooks<'a> {
    fn new(sampler: &'a LiveSampler) -> Result<Self> {
        let hooks = sampler
            .client
            .hooks()
            .map_err(RuntimeError::component("sampler", &sampler.name))?;
        Ok(Self {
            client: &sampler.client,
            steer: hooks.contains(&SamplerHook::Steer),
            logits: hooks.contains(&SamplerHook::Logits),
            error: None,
        })
    }

    fn finish(self, name: &str) -> Result<()> {
        match self.error {
            None => Ok(()),
            Some(error) => Err(RuntimeError::component("sampler", name)(error)),
        }
    }
}

impl DecodeHooks for SamplerHooks<'_> {
    fn wants_logits(&self) -> bool {
        self.logits
    }

    fn logits(&mut self, _group: usize, _attempt: usize, tokens: &[u32], logits: &mut [f32]) {
        if self.error.is_none() {
            self.error = self.client.logits(tokens, logits).err();
        }
    }

    fn wants_steer(&self) -> bool {
        self.steer
    }

    fn steer(
        &mut self,
        _group: usize,
        _attempt: usize,
        pause: &farthing_engine::Pause<'_>,
    ) -> EngineSteer {
        if self.error.is_some() {
            return EngineSteer::Finish;
        }
        let reason = match pause.finish {
            Finish::Eos => "eos",
            Finish::Stop => "stop",
            Finish::Length | Finish::Steered => "length",
        };
        let question = Pause {
            text: pause.text.to_owned(),
            tokens: pause.tokens.len(),
            reason: reason.to_owned(),
            steered: pause.steered,
        };
        match self.client.steer(&question) {
            Ok(Steer::Finish) => EngineSteer::Finish,
            Ok(Steer::Inject(text)) => EngineSteer::Inject(text),
            Err(error) => {
                self.error = Some(error);
                EngineSteer::Finish
            }
        }
    }
}
