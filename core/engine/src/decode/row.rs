//! One attempt while it is drawn.

use std::collections::VecDeque;
use std::ops::Range;

use super::attempt::{Attempt, Finish};
use super::hooks::{DecodeHooks, Pause, Steer};
use super::logits::Request;
use super::plan::DecodingPlan;
use super::sampling::Drawn;
use super::stop::StopWatch;
use crate::error::{EngineError, Result};
use crate::rng::uniform;
use crate::tokenizer::Tokenizer;

pub(super) struct Row<'a, Sequence> {
    pub group: usize,
    pub attempt: usize,
    pub sequence: Sequence,
    /// Tokens that the sequence has not taken in yet: the last one drawn, or an injected text.
    pub pending: VecDeque<u32>,
    seed: u64,
    /// Uniform numbers used: the counter of this attempt's stream.
    draws: u64,
    /// Prompt and completion.
    context: Vec<u32>,
    prompt_length: usize,
    /// Tokens that the completion may have.
    room: usize,
    logp: Vec<f32>,
    injected: Vec<Range<usize>>,
    /// Tokens drawn since the start or the last injection.
    drawn_since: usize,
    watch: Option<StopWatch<'a>>,
}

impl<'a, Sequence> Row<'a, Sequence> {
    pub fn new(
        (group, attempt): (usize, usize),
        seed: u64,
        prompt: &[u32],
        room: usize,
        sequence: Sequence,
        plan: &'a DecodingPlan,
        tokenizer: &'a Tokenizer,
    ) -> Self {
        Self {
            group,
            attempt,
            sequence,
            pending: VecDeque::new(),
            seed,
            draws: 0,
            context: prompt.to_vec(),
            prompt_length: prompt.len(),
            room,
            logp: Vec::new(),
            injected: Vec::new(),
            drawn_since: 0,
            watch: (!plan.stop.is_empty()).then(|| StopWatch::new(tokenizer, &plan.stop)),
        }
    }

    /// What the next draw needs; none while the sequence has tokens to take in.
    pub fn request(&mut self, plan: &DecodingPlan) -> Option<Request<'_>> {
        if !self.pending.is_empty() {
            return None;
        }
        let uniform = match plan.is_greedy() {
            true => 0.0,
            false => uniform(self.seed, self.draws),
        };
        self.draws += 1;
        Some(Request {
            context: &self.context,
            uniform,
        })
    }

    /// The error for logits that nothing can be drawn from.
    pub fn fault(&self, problem: &str) -> EngineError {
        EngineError::Decoding(format!(
            "attempt {} of group {}, token {}: {problem}",
            self.attempt,
            self.group,
            self.completion().len()
        ))
    }

    /// Takes a drawn token in. Returns why the attempt ended, if it did.
    pub fn accept(
        &mut self,
        drawn: Drawn,
        plan: &DecodingPlan,
        tokenizer: &Tokenizer,
        hooks: &mut dyn DecodeHooks,
    ) -> Result<Option<Finish>> {
        let Drawn { token, logp } = drawn;
        self.context.push(token);
        self.logp.push(logp);
        self.drawn_since += 1;
        let stopped = match &mut self.watch {
            Some(watch) => watch.push(token)?,
            None => false,
        };
        let finish = if plan.eos.contains(&token) {
            Finish::Eos
        } else if stopped {
            Finish::Stop
        } else if self.drawn_since == plan.max_new_tokens || self.completion().len() == self.room {
            Finish::Length
        } else {
            hooks.on_token(self.group, self.attempt, token);
            self.pending.push_back(token);
            return Ok(None);
        };
        let kept = self.completion().len() - usize::from(finish == Finish::Eos);
        if hooks.wants_steer() && kept < self.room {
            let injected = self.steer(finish, kept, tokenizer, hooks)?;
            if !injected.is_empty() {
                return self.inject(finish, kept, injected, plan, hooks);
            }
        }
        hooks.on_token(self.group, self.attempt, token);
        Ok(Some(finish))
    }

    pub fn into_attempt(mut self, finish: Finish) -> (Attempt, Sequence) {
        let tokens = self.context.split_off(self.prompt_length);
        let attempt = Attempt {
            tokens,
            logp: self.logp,
            injected: self.injected,
            finish,
        };
        (attempt, self.sequence)
    }

    fn completion(&self) -> &[u32] {
        &self.context[self.prompt_length..]
    }

    /// The tokens of the text that the hook injects after the `kept` tokens; none lets the attempt end.
    fn steer(
        &self,
        finish: Finish,
        kept: usize,
        tokenizer: &Tokenizer,
        hooks: &mut dyn DecodeHooks,
    ) -> Result<Vec<u32>> {
        let tokens = &self.completion()[..kept];
        let text = tokenizer.decode_with_special_tokens(tokens)?;
        let pause = Pause {
            text: &text,
            tokens,
            finish,
            steered: self.injected.len(),
        };
        match hooks.steer(self.group, self.attempt, &pause) {
            Steer::Finish => Ok(Vec::new()),
            Steer::Inject(text) => tokenizer.encode(&text),
        }
    }

    fn inject(
        &mut self,
        finish: Finish,
        kept: usize,
        mut tokens: Vec<u32>,
        plan: &DecodingPlan,
        hooks: &mut dyn DecodeHooks,
    ) -> Result<Option<Finish>> {
        tokens.truncate(self.room - kept);
        self.context.truncate(self.prompt_length + kept);
        self.logp.truncate(kept);
        if finish != Finish::Eos
            && let Some(&last) = self.context.last()
        {
            hooks.on_token(self.group, self.attempt, last);
            self.pending.push_back(last);
        }
        for &token in &tokens {
            hooks.on_token(self.group, self.attempt, token);
            if let Some(watch) = &mut self.watch {
                watch.skip(token)?;
            }
        }
        self.injected.push(kept..kept + tokens.len());
        self.logp.resize(kept + tokens.len(), 0.0);
        self.context.extend(&tokens);
        self.drawn_since = 0;
        let ended = tokens.last().is_some_and(|token| plan.eos.contains(token));
        if ended || self.completion().len() == self.room {
            return Ok(Some(Finish::Steered));
        }
        self.pending.extend(tokens);
        Ok(None)
    }
}
