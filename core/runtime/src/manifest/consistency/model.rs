//! The model: one source, a shape that fits together, an alphabet without repeats.

use std::collections::BTreeSet;

use super::Check;
use crate::manifest::diagnostic::{Diagnostic, Problem};
use crate::manifest::keys::{ModelInit, TokenizerSource};

const TOKENIZER: &str = "/model/tokenizer";

impl Check<'_> {
    pub(super) fn model(&mut self) {
        self.one_of(
            "/model",
            "path",
            "init",
            "a directory, or a shape to start from scratch",
        );
        self.one_of(
            TOKENIZER,
            "path",
            "characters",
            "a directory, or an alphabet",
        );
        self.not_both(
            TOKENIZER,
            "path",
            "tokens",
            "`tokens` belong to `characters`",
        );
        self.not_both(
            TOKENIZER,
            "path",
            "numbers",
            "`numbers` belong to `characters`",
        );
        self.not_both(
            "/model",
            "init",
            "context",
            "a shape has a `max_position_embeddings` of its own",
        );
        // Adapters are opened on the base as its files have it.
        self.not_both(
            "/model",
            "lora",
            "context",
            "adapters keep the context of the model that they stand on",
        );
        if self.has("/model/init") && !self.has(TOKENIZER) {
            let place = self.tree.key_place_of("/model/init");
            let message = "missing key `tokenizer` in `model`";
            self.add(
                Diagnostic::new(Problem::MissingKey, message, place, "starts from scratch").help(
                    "a model from scratch has none of its own: give { path = .. } or { characters = \"..\" }",
                ),
            );
        }
        if self.has("/model/init") && self.has("/model/lora") {
            let place = self.tree.key_place_of("/model/lora");
            let message =
                "`lora` adapts a model that has learned something, and `init` begins with noise";
            self.add(
                Diagnostic::new(Problem::Conflict, message, place, "nothing to adapt")
                    .help("leave `lora` out, or give `path` instead of `init`"),
            );
        }
        let Some(model) = &self.sections.model else {
            return;
        };
        if let Some(init) = &model.init {
            self.init(init);
        }
        if let Some(tokenizer) = &model.tokenizer {
            self.alphabet(tokenizer);
        }
    }

    fn init(&mut self, init: &ModelInit) {
        let heads = init.num_attention_heads;
        let width = init.head_width();
        if init.head_dim.is_none() && !init.hidden_size.is_multiple_of(heads) {
            let message = format!(
                "`hidden_size` {} is not a multiple of `num_attention_heads` {heads}",
                init.hidden_size
            );
            self.invalid(
                "/model/init/hidden_size",
                message,
                "change one of the two, or give `head_dim`",
            );
        } else if !width.is_multiple_of(2) {
            let given = if init.head_dim.is_some() {
                "head_dim"
            } else {
                "num_attention_heads"
            };
            let message = format!("a head is {width} wide, an odd number");
            let help = "rotary embedding turns pairs: choose an even width";
            self.invalid(&format!("/model/init/{given}"), message, help);
        }
        if !heads.is_multiple_of(init.num_key_value_heads) {
            let message = format!(
                "`num_attention_heads` {heads} is not a multiple of `num_key_value_heads` {}",
                init.num_key_value_heads
            );
            let help = "query heads share key and value heads evenly";
            self.invalid("/model/init/num_key_value_heads", message, help);
        }
    }

    fn alphabet(&mut self, tokenizer: &TokenizerSource) {
        let mut seen = BTreeSet::new();
        let mut characters = tokenizer.characters.iter().flat_map(|text| text.chars());
        if let Some(character) = characters.find(|&character| !seen.insert(character)) {
            let place = self.tree.place_of(&format!("{TOKENIZER}/characters"));
            let message = format!("the character {character:?} occurs twice in the alphabet");
            self.add(
                Diagnostic::new(
                    Problem::Duplicate,
                    message,
                    place,
                    "each character is one token",
                )
                .help("keep one"),
            );
        }
        let mut seen = BTreeSet::new();
        for (index, token) in tokenizer.tokens.iter().enumerate() {
            if !seen.insert(token) {
                let place = self.tree.place_of(&format!("{TOKENIZER}/tokens/{index}"));
                let message = format!("the token {token:?} is listed twice");
                self.add(
                    Diagnostic::new(Problem::Duplicate, message, place, "listed before")
                        .help("keep one"),
                );
            }
        }
    }
}
