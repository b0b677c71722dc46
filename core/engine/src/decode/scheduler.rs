//! Which attempts are drawn together.
//!
//! Attempts leave the batch as they end and waiting ones take their places at once, so no row idles until the longest
//! is done. A group's prompt is computed when its first attempt gets a place and forgotten when its last one has begun.
//! The order of all this shows in the time it takes alone: rows do not influence each other.

use super::attempt::{Attempt, PromptGroup};
use super::backend::{Backend, StartOf};
use super::hooks::DecodeHooks;
use super::logits::Logits;
use super::plan::{DecodingBudget, DecodingPlan};
use super::row::Row;
use super::sampling::{Drawn, Sampler};
use crate::error::Result;
use crate::tokenizer::Tokenizer;

pub(super) struct Scheduler<'a, B: Backend> {
    pub backend: B,
    pub tokenizer: &'a Tokenizer,
    pub groups: &'a [PromptGroup<'a>],
    pub plan: &'a DecodingPlan,
    pub budget: DecodingBudget,
    pub vocab_size: usize,
    pub max_positions: usize,
}

/// Positions that are promised to the attempts in flight.
struct Reserved {
    tokens: usize,
    /// Attempts in flight of each group, which share its prompt.
    in_flight: Vec<usize>,
}

impl Reserved {
    fn new(groups: usize) -> Self {
        Self {
            tokens: 0,
            in_flight: vec![0; groups],
        }
    }

    /// What another attempt needs.
    fn more(&self, group: usize, prompt: usize, completion: usize) -> usize {
        match self.in_flight[group] {
            0 => prompt + completion,
            _ => completion,
        }
    }

    fn begin(&mut self, group: usize, more: usize) {
        self.tokens += more;
        self.in_flight[group] += 1;
    }

    fn end(&mut self, group: usize, prompt: usize, completion: usize) {
        self.in_flight[group] -= 1;
        self.tokens -= self.more(group, prompt, completion);
    }
}

/// A group whose attempts are beginning.
struct Opened<B: Backend> {
    start: StartOf<B>,
    begun: usize,
}

impl<'a, B: Backend> Scheduler<'a, B> {
    pub fn run(mut self, hooks: &mut dyn DecodeHooks) -> Result<Vec<Vec<Attempt>>> {
        let mut finished: Vec<Vec<Option<Attempt>>> = self
            .groups
            .iter()
            .map(|group| group.seeds.iter().map(|_| None).collect())
            .collect();
        let mut opened: Vec<Option<Opened<B>>> = self.groups.iter().map(|_| None).collect();
        let groups = self.groups;
        let mut waiting = (0..groups.len())
            .flat_map(|group| (0..groups[group].seeds.len()).map(move |attempt| (group, attempt)))
            .peekable();
        let mut reserved = Reserved::new(groups.len());
        let is_steered = hooks.wants_steer();
        let mut rows: Vec<Row<'a, B::Sequence>> = Vec::new();
        let mut logits = self.backend.logits()?;
        loop {
            self.step(&mut rows, &mut logits)?;
            let mut admitted: Vec<(usize, usize)> = Vec::new();
            while let Some(&(group, attempt)) = waiting.peek() {
                let in_flight = rows.len() + admitted.len();
                let length = self.completion_limit(group, is_steered);
                let more = reserved.more(group, groups[group].tokens.len(), length);
                let fits = reserved.tokens.saturating_add(more) <= self.budget.tokens;
                if in_flight == self.budget.rows || (in_flight > 0 && !fits) {
                    break;
                }
                reserved.begin(group, more);
                admitted.push((group, attempt));
                waiting.next();
            }
            self.admit(&admitted, &mut opened, &mut rows, &mut logits)?;
            if rows.is_empty() {
                break;
            }
            let drawn = self.draw(&mut rows, &mut logits, hooks)?;
            let mut remaining = Vec::with_capacity(rows.len());
            for (mut row, drawn) in rows.drain(..).zip(drawn) {
                let finish = match drawn {
                    Some(drawn) => row.accept(drawn, self.plan, self.tokenizer, hooks)?,
                    None => None,
                };
                match finish {
                    None => remaining.push(row),
                    Some(finish) => {
                        let place = (row.group, row.attempt);
                        let (attempt, sequence) = row.into_attempt(finish);
                        self.backend.end(sequence)?;
                        let length = self.completion_limit(place.0, is_steered);
                        reserved.end(place.0, groups[place.0].tokens.len(), length);
                        finished[place.0][place.1] = Some(attempt);
                    }
                }
            }
            rows = remaining;
        }
        let whole = "every attempt is drawn before the loop ends";
        Ok(finished
            .into_iter()
            .map(|group| {
                group
                    .into_iter()
                    .map(|attempt| attempt.expect(whole))
                    .collect()
            })
            .collect())
    }

    /// Tokens that a completion of this group may have.
    fn completion_limit(&self, group: usize, is_steered: bool) -> usize {
        let room = self.room(self.groups[group].tokens.len());
        match is_steered {
            // Each injected text makes room for as many tokens again.
            true => room,
            false => room.min(self.plan.max_new_tokens),
        }
    }

    fn room(&self, prompt_length: usize) -> usize {
        let context = self.max_positions - prompt_length;
        let limit = self.plan.max_completion_tokens;
        limit.map_or(context, |limit| limit.min(context))
    }

    /// Feeds every row its next token; `logits` are those after it.
    fn step(&mut self, rows: &mut [Row<'a, B::Sequence>], logits: &mut B::Logits) -> Result<()> {
        if rows.is_empty() {
            logits.clear();
            return Ok(());
        }
        let mut fed: Vec<(&mut B::Sequence, u32)> = rows
            .iter_mut()
            .map(|row| {
                let token = row
                    .pending
                    .pop_front()
                    .expect("a row that goes on has a token to feed");
                (&mut row.sequence, token)
            })
            .collect();
        self.backend.step(&mut fed, logits)
    }

    /// Begins attempts: their first logits are those after the prompt.
    fn admit(
        &mut self,
        admitted: &[(usize, usize)],
        opened: &mut [Option<Opened<B>>],
        rows: &mut Vec<Row<'a, B::Sequence>>,
        logits: &mut B::Logits,
    ) -> Result<()> {
        let mut new: Vec<usize> = admitted.iter().map(|&(group, _)| group).collect();
        new.dedup();
        new.retain(|&group| opened[group].is_none());
        let prompts: Vec<&[u32]> = new.iter().map(|&group| self.groups[group].tokens).collect();
        if !prompts.is_empty() {
            let starts = self.backend.compute_prompts(&prompts)?;
            for (&group, start) in new.iter().zip(starts) {
                opened[group] = Some(Opened { start, begun: 0 });
            }
        }
        for &(group, attempt) in admitted {
            let PromptGroup { tokens, seeds } = self.groups[group];
            let state = opened[group]
                .as_mut()
                .expect("the prompt of an admitted group was computed");
            let sequence = self.backend.begin(&state.start.prompt)?;
            logits.push(&state.start.logits)?;
            state.begun += 1;
            let room = self.room(tokens.len());
            let (plan, tokenizer) = (self.plan, self.tokenizer);
            rows.push(Row::new(
                (group, attempt),
                seeds[attempt],
                tokens,
                room,
                sequence,
                plan,
                tokenizer,
            ));
            if state.begun == seeds.len()
                && let Some(done) = opened[group].take()
            {
                self.backend.forget(done.start.prompt);
            }
        }
        Ok(())
    }

    /// Draws a token for every row that has taken in all of its tokens.
    fn draw(
        &self,
        rows: &mut [Row<'a, B::Sequence>],
        logits: &mut B::Logits,
        hooks: &mut dyn DecodeHooks,
    ) -> Result<Vec<Option<Drawn>>> {
        let plan = self.plan;
        if hooks.wants_logits() {
            let mut sampler = Sampler::default();
            let rows = rows
                .iter_mut()
                .zip(logits.on_host()?.chunks_exact(self.vocab_size));
            return rows
                .map(|(row, logits)| {
                    let (group, attempt) = (row.group, row.attempt);
                    let Some(request) = row.request(plan) else {
                        return Ok(None);
                    };
                    let mut edit =
                        |logits: &mut [f32]| hooks.logits(group, attempt, request.context, logits);
                    let (context, uniform) = (request.context, request.uniform);
                    let drawn = sampler.draw(plan, logits, Some(&mut edit), context, uniform);
                    drawn.map(Some).map_err(|problem| row.fault(&problem))
                })
                .collect();
        }
        let requests: Vec<_> = rows.iter_mut().map(|row| row.request(plan)).collect();
        let drawn = logits.draw(plan, &requests)?;
        rows.iter()
            .zip(drawn)
            .map(|(row, drawn)| drawn.transpose().map_err(|problem| row.fault(&problem)))
            .collect()
    }
}
