//! `farthing sample`: talks to a model; the text streams while it is drawn.

use std::io::Write;
use std::path::Path;

use farthing_engine::{
    DecodeHooks, DecodingPlan, Message, PromptGroup, StreamingDecoder, decode, select_device,
    select_dtype,
};

use crate::error::{Result, RuntimeError};
use crate::model_access::{LoadedModel, ModelAccess};

/// What to draw.
#[derive(Clone, Debug)]
pub struct SampleRequest {
    /// Text for the model, or the message of a user if `chat`.
    pub prompt: String,
    /// Render the prompt with the model's chat template.
    pub chat: bool,
    pub temperature: f32,
    pub top_p: f32,
    pub max_new_tokens: usize,
    pub seed: u64,
    pub device: String,
}

/// Draws one completion and streams its text to `out`. Returns the whole text.
pub fn sample(
    model: &Path,
    request: &SampleRequest,
    models: &ModelAccess,
    out: &mut dyn Write,
) -> Result<String> {
    let device = select_device(&request.device)?;
    let LoadedModel {
        model, tokenizer, ..
    } = models.load(model, &device)?;
    let model = model
        .computing_in(select_dtype("auto", &device)?)?
        .for_inference();
    let prompt = match request.chat {
        true => {
            let message = Message::new("user", &request.prompt);
            tokenizer.encode(&tokenizer.render_chat(&[message], true)?)?
        }
        false => tokenizer.encode_with_special_tokens(&request.prompt)?,
    };
    if prompt.is_empty() {
        return Err(RuntimeError::Usage(
            "the prompt is empty, and this tokenizer puts nothing in front of a text; give --prompt".to_owned(),
        ));
    }
    let plan = DecodingPlan {
        temperature: request.temperature,
        top_p: request.top_p,
        eos: tokenizer.eos_ids().to_vec(),
        max_new_tokens: request.max_new_tokens,
        ..DecodingPlan::default()
    };
    let mut stream = Stream {
        decoder: tokenizer.streaming_decoder(false),
        out,
        failure: None,
    };
    let groups = [PromptGroup {
        tokens: &prompt,
        seeds: &[request.seed],
    }];
    let drawn = decode(&model, &tokenizer, &groups, &plan, 1, &mut stream)?;
    stream.finish()?;
    Ok(tokenizer.decode(&drawn[0][0].tokens)?)
}

struct Stream<'a> {
    decoder: StreamingDecoder<'a>,
    out: &'a mut dyn Write,
    failure: Option<RuntimeError>,
}

impl Stream<'_> {
    fn show(&mut self, text: &str) {
        let written = self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush());
        if let Err(error) = written {
            self.failure.get_or_insert(RuntimeError::Output(error));
        }
    }

    fn finish(mut self) -> Result<()> {
        let rest = self.decoder.finish()?;
        self.show(&rest);
        self.failure.map_or(Ok(()), Err)
    }
}

impl DecodeHooks for Stream<'_> {
    fn on_token(&mut self, _group: usize, _attempt: usize, token: u32) {
        match self.decoder.push(token) {
            Ok(text) => self.show(&text),
            Err(error) => {
                self.failure.get_or_insert(error.into());
            }
        }
    }
}
