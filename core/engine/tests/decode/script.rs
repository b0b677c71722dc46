//! Attempts that write what a test says, so that a test knows how they end.

use farthing_engine::{Architecture, Attempt, DecodeHooks, DecodingPlan, Finish, Pause, Steer};

use crate::{draw_one, odd_model, prompt, tokenizer};

/// Makes attempts write a text, token by token, by forbidding all others, and steers by a list of answers.
#[derive(Default)]
pub struct Script {
    /// What each attempt writes; after the end of it everything is free.
    pub text: Vec<u32>,
    pub prompt_length: usize,
    pub answers: Vec<Steer>,
    pub pauses: Vec<(String, usize, Finish, usize)>,
    pub seen: Vec<u32>,
}

impl DecodeHooks for Script {
    fn wants_logits(&self) -> bool {
        !self.text.is_empty()
    }

    fn logits(&mut self, _: usize, _: usize, tokens: &[u32], logits: &mut [f32]) {
        if let Some(&next) = self.text.get(tokens.len() - self.prompt_length) {
            let kept = logits[next as usize];
            logits.fill(f32::NEG_INFINITY);
            logits[next as usize] = kept;
        }
    }

    fn wants_steer(&self) -> bool {
        !self.answers.is_empty()
    }

    fn steer(&mut self, _: usize, _: usize, pause: &Pause<'_>) -> Steer {
        self.pauses.push((
            pause.text.to_owned(),
            pause.tokens.len(),
            pause.finish,
            pause.steered,
        ));
        if self.answers.len() > 1 {
            self.answers.remove(0)
        } else {
            self.answers[0].clone()
        }
    }

    fn on_token(&mut self, _: usize, _: usize, token: u32) {
        self.seen.push(token);
    }
}

pub fn write(text: &str, plan: &DecodingPlan, answers: Vec<Steer>) -> (Attempt, Script) {
    let prompt = prompt(4, 3);
    let text = tokenizer().encode(text).unwrap();
    let mut script = Script {
        text,
        prompt_length: prompt.len(),
        answers,
        ..Script::default()
    };
    let model = odd_model(Architecture::Llama);
    let attempt = draw_one(&model, &prompt, 3, plan, &mut script);
    assert_eq!(
        script.seen, attempt.tokens,
        "on_token sees what the attempt keeps"
    );
    assert_eq!(attempt.tokens.len(), attempt.logp.len());
    (attempt, script)
}

pub fn text(attempt: &Attempt) -> String {
    tokenizer()
        .decode_with_special_tokens(&attempt.tokens)
        .unwrap()
}
