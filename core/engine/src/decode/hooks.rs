//! What a caller may do while attempts are drawn.
//!
//! All of it is opt-in. Watching tokens is free; `steer` needs the text of an attempt when it stops; `logits` needs the
//! logits of every token on the host and runs on one thread.

use super::attempt::Finish;

/// An attempt that stopped, or reached its limit.
#[derive(Clone, Copy, Debug)]
pub struct Pause<'a> {
    /// The completion so far, special tokens spelled out, without the end-of-sequence token.
    pub text: &'a str,
    /// The tokens of that text.
    pub tokens: &'a [u32],
    pub finish: Finish,
    /// How often text was injected into this attempt before.
    pub steered: usize,
}

/// What becomes of an attempt that paused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Steer {
    /// It ends as it did.
    Finish,
    /// An end-of-sequence token is taken back, this text is appended, and drawing goes on with a fresh
    /// `max_new_tokens`. A text of no tokens lets the attempt end.
    Inject(String),
}

/// Hooks of one decoding call. `group` and `attempt` count as the groups and seeds that were given.
pub trait DecodeHooks {
    /// Whether [`logits`](Self::logits) is called.
    fn wants_logits(&self) -> bool {
        false
    }

    /// May change the logits of the next token, minus infinity forbids one. `tokens` are prompt and completion. The
    /// log-probability of what is drawn stays that of the unchanged model.
    fn logits(&mut self, group: usize, attempt: usize, tokens: &[u32], logits: &mut [f32]) {
        let _ = (group, attempt, tokens, logits);
    }

    /// Whether [`steer`](Self::steer) is called.
    fn wants_steer(&self) -> bool {
        false
    }

    /// Called when an attempt ends by a token, a stop string or `max_new_tokens`.
    fn steer(&mut self, group: usize, attempt: usize, pause: &Pause<'_>) -> Steer {
        let _ = (group, attempt, pause);
        Steer::Finish
    }

    /// Called for every token that an attempt keeps, injected ones included, in its order.
    fn on_token(&mut self, group: usize, attempt: usize, token: u32) {
        let _ = (group, attempt, token);
    }
}

/// No hooks.
pub struct NoHooks;

impl DecodeHooks for NoHooks {}
