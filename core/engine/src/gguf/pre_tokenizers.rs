//! The pre-tokenizers that `tokenizer.ggml.pre` names, as `tokenizers` writes them.
//!
//! A name stands for one way to cut text before merging. The table is read in both directions, so what is written for a
//! tokenizer is what gives the same tokenizer back. A name that is not here is refused: another cut gives other tokens,
//! and nobody would notice.

use serde_json::{Value, json};

/// GPT-2's cut, which `ByteLevel` has built in.
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// One way to cut text.
pub(super) struct PreTokenizer {
    /// The first is the one that is written.
    pub names: &'static [&'static str],
    cut: &'static [Cut],
    /// Text is brought into the composed form first. llama.cpp never does; models trained by transformers expect it.
    pub composed: bool,
    /// A word that is a token is taken whole, whatever the merges would make of it.
    pub ignore_merges: bool,
    /// Whether a text gets a beginning-of-sequence token where the file does not say.
    pub add_bos: bool,
}

enum Cut {
    Digits,
    Regex(&'static str),
    /// The cut that `ByteLevel` makes itself.
    ByteLevel,
}

const TABLE: [PreTokenizer; 7] = [
    PreTokenizer {
        names: &["gpt-2"],
        cut: &[Cut::ByteLevel],
        composed: false,
        ignore_merges: false,
        add_bos: false,
    },
    PreTokenizer {
        // SmolLM and SmolLM2.
        names: &["smollm"],
        cut: &[Cut::Digits, Cut::ByteLevel],
        composed: false,
        ignore_merges: false,
        add_bos: false,
    },
    PreTokenizer {
        // Qwen2, 2.5 and 3.
        names: &["qwen2"],
        cut: &[Cut::Regex(QWEN2)],
        composed: true,
        ignore_merges: false,
        add_bos: false,
    },
    PreTokenizer {
        names: &["deepseek-r1-qwen"],
        cut: &[Cut::Regex(QWEN2)],
        composed: false,
        ignore_merges: false,
        add_bos: false,
    },
    PreTokenizer {
        // Llama 3 and SmolLM3.
        names: &["llama-bpe", "llama3", "llama-v3"],
        cut: &[Cut::Regex(LLAMA3)],
        composed: false,
        ignore_merges: true,
        add_bos: true,
    },
    PreTokenizer {
        // The same cut with merges obeyed.
        names: &["smaug-bpe", "dbrx"],
        cut: &[Cut::Regex(LLAMA3)],
        composed: false,
        ignore_merges: false,
        add_bos: false,
    },
    PreTokenizer {
        // Mistral NeMo and later.
        names: &["tekken"],
        cut: &[Cut::Regex(TEKKEN)],
        composed: false,
        ignore_merges: true,
        add_bos: true,
    },
];

/// What llama.cpp falls back on for files whose converter did not know the tokenizer.
const DEFAULT: PreTokenizer = PreTokenizer {
    names: &["default"],
    cut: &[
        Cut::Regex(r"[\p{P}\$\+<=>\^~\|]+"),
        Cut::Regex(GPT2),
        Cut::Regex(r"\p{N}+"),
        Cut::Regex(r"[0-9][0-9][0-9]"),
    ],
    composed: false,
    ignore_merges: false,
    add_bos: false,
};

fn all() -> impl Iterator<Item = &'static PreTokenizer> {
    static FALLBACK: PreTokenizer = DEFAULT;
    static ROWS: [PreTokenizer; 7] = TABLE;
    ROWS.iter().chain([&FALLBACK])
}

/// The pre-tokenizer that a file names.
pub(super) fn named(name: &str) -> Result<&'static PreTokenizer, String> {
    all().find(|row| row.names.contains(&name)).ok_or_else(|| {
        let known: Vec<&str> = all().flat_map(|row| row.names).copied().collect();
        format!(
            "tokenizer.ggml.pre is {name:?}, which is not implemented; expected one of {}. Give the tokenizer's own \
             Hugging Face directory as `model.tokenizer.path`",
            known.join(", ")
        )
    })
}

/// The pre-tokenizer of a byte-level `tokenizer.json`, if the table has it.
pub(super) fn of_tokenizer(tokenizer: &Value) -> Result<&'static PreTokenizer, String> {
    let ignore_merges = tokenizer["model"]["ignore_merges"] == true;
    let composed = match without_lists_of_one(&tokenizer["normalizer"], "normalizers") {
        Value::Null => false,
        Value::Object(fields) if fields.get("type") == Some(&json!("NFC")) => true,
        other => return Err(format!("the normalizer {other} has no name in llama.cpp")),
    };
    let mut cut = without_lists_of_one(&tokenizer["pre_tokenizer"], "pretokenizers");
    plain(&mut cut);
    let found = all().find(|row| {
        let mut expected = row.pre_tokenizer();
        plain(&mut expected);
        cut == expected && row.composed == composed && row.ignore_merges == ignore_merges
    });
    found.ok_or_else(|| {
        format!(
            "the pre-tokenizer {cut} (NFC normalizer: {composed}, ignore_merges: {ignore_merges}) has no name in \
             llama.cpp; it can run those of GPT-2, SmolLM2, Qwen2, Llama 3 and Mistral's Tekken"
        )
    })
}

impl PreTokenizer {
    /// As `tokenizer.json` says it.
    pub fn pre_tokenizer(&self) -> Value {
        let mut steps: Vec<Value> = self
            .cut
            .iter()
            .filter_map(|cut| match cut {
                Cut::Digits => Some(json!({ "type": "Digits", "individual_digits": true })),
                Cut::Regex(regex) => Some(json!({
                    "type": "Split",
                    "pattern": { "Regex": regex },
                    "behavior": "Isolated",
                    "invert": false,
                })),
                Cut::ByteLevel => None,
            })
            .collect();
        let own_cut = matches!(self.cut.last(), Some(Cut::ByteLevel));
        steps.push(json!({
            "type": "ByteLevel",
            "add_prefix_space": false,
            "trim_offsets": true,
            "use_regex": own_cut,
        }));
        match steps.len() {
            1 => steps.remove(0),
            _ => json!({ "type": "Sequence", "pretokenizers": steps }),
        }
    }

    pub fn normalizer(&self) -> Value {
        match self.composed {
            true => json!({ "type": "NFC" }),
            false => Value::Null,
        }
    }
}

/// A sequence of one step is that step, and one of none is nothing.
pub(super) fn without_lists_of_one(value: &Value, list: &str) -> Value {
    match value.get(list).and_then(Value::as_array).map(Vec::as_slice) {
        Some([]) => Value::Null,
        Some([one]) => one.clone(),
        _ => value.clone(),
    }
}

/// Takes away what changes offsets only and fills in what older files leave out.
fn plain(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(plain),
        Value::Object(fields) => {
            fields.remove("trim_offsets");
            if fields.get("type") == Some(&json!("ByteLevel")) {
                fields.entry("use_regex").or_insert(json!(true));
            }
            if fields.get("type") == Some(&json!("Split")) {
                fields.entry("invert").or_insert(json!(false));
            }
            fields.values_mut().for_each(plain);
        }
        _ => {}
    }
}
