//! `[model]`: the model to train, from files or from scratch.

use std::path::PathBuf;

use farthing_engine::{AdapterBase, LoraConfig, ModelConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hub::ModelId;

/// The model to train: either `path` or `init`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// A directory as Hugging Face writes it (`config.json`, `*.safetensors`, `tokenizer.json`), a `.gguf` file, or a
    /// model of the Hugging Face hub as `owner/name` or `owner/name@revision`, which is fetched into the Hugging Face
    /// cache. What exists beside the manifest, and what begins with `/`, `./` or `../`, is on the disk and asks no
    /// server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("x-default" = "none: give `init`"))]
    pub path: Option<PathBuf>,
    /// The commit of the hub that `path` stands for, 40 hexadecimal digits: pins a model of the hub. A run writes it
    /// into its `run.toml`, and is resumed with the same commit, also when the repository has a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[0-9a-f]{40}$"), extend("x-default" = "what the revision means when the run begins"))]
    pub commit: Option<String>,
    /// A model from scratch, of this shape; the keys are those of Hugging Face's `config.json`. The vocabulary's size
    /// comes from the tokenizer. Weights are drawn as transformers draws them: normal with `initializer_range`, norms
    /// 1, biases 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-default" = "none: give `path`"))]
    pub init: Option<ModelInit>,
    /// Train and decode up to another length than the model's files say; its checkpoints then say so too. A model that has
    /// never seen such positions has to learn them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-default" = "as in the model's files"))]
    pub context: Option<Context>,
    /// The tokenizer: `{ path = .. }` or `{ characters = ".." }`. A model from scratch needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-default" = "the tokenizer in the model's directory"))]
    pub tokenizer: Option<TokenizerSource>,
    /// Train low-rank adapters and leave the weights alone. Checkpoints then hold the adapters, in PEFT's form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-default" = "full fine-tuning"))]
    pub lora: Option<Lora>,
}

/// The shape of a model from scratch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelInit {
    /// The family of decoders. `qwen2` has biases in the query, key and value projections, `qwen3` norms each head's
    /// query and key, `llama` and `mistral` have neither.
    pub arch: InitArchitecture,
    /// The width of the residual stream.
    #[schemars(range(min = 1, max = 65_536))]
    pub hidden_size: u32,
    /// The width of the gated MLP. Four times `hidden_size` is usual in small models.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub intermediate_size: u32,
    /// How many layers.
    #[schemars(range(min = 1, max = 1024))]
    pub num_hidden_layers: u32,
    /// How many query heads; divides `hidden_size` unless `head_dim` is given.
    #[schemars(range(min = 1, max = 1024))]
    pub num_attention_heads: u32,
    /// How many key and value heads; divides `num_attention_heads`. Fewer make the cache smaller (grouped-query
    /// attention).
    #[schemars(range(min = 1, max = 1024))]
    pub num_key_value_heads: u32,
    /// The width of a head; even, because rotary embedding turns pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 1024), extend("x-default" = "`hidden_size / num_attention_heads`"))]
    pub head_dim: Option<u32>,
    /// The longest sequence in tokens, prompt and completion together. 2048 as in Llama; a smaller one saves cache.
    #[serde(default = "ModelInit::default_max_position_embeddings")]
    #[schemars(range(min = 1, max = 1_048_576))]
    pub max_position_embeddings: u32,
    /// The base of the rotary embedding. 10000 as in RoFormer and Llama; far longer contexts use more.
    #[serde(default = "ModelInit::default_rope_theta")]
    #[schemars(range(min = 1.0, max = 1e12))]
    pub rope_theta: f64,
    /// The small number in RMSNorm that avoids a division by zero; 1e-6 as in Qwen2 and Llama.
    #[serde(default = "ModelInit::default_rms_norm_eps")]
    #[schemars(range(max = 0.1), extend("exclusiveMinimum" = 0.0))]
    pub rms_norm_eps: f64,
    /// Whether the output layer shares the embedding's weights. True, as in Qwen2.5 up to 3B and in SmolLM2: in a
    /// small model the second table would be a large share of the parameters.
    #[serde(default = "ModelInit::default_tie_word_embeddings")]
    pub tie_word_embeddings: bool,
    /// The standard deviation of the initial weights. 0.02 as in GPT-2, Llama and Qwen2.
    #[serde(default = "ModelInit::default_initializer_range")]
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
    pub initializer_range: f64,
}

/// The length that a model is trained for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// The longest sequence in tokens, prompt and completion together.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub max_position_embeddings: u32,
    /// The base of the rotary embedding: a larger one turns slower, so that far positions look less new (Rozière et al.
    /// 2023, Code Llama, took 10^6 for 16K tokens on models that were trained with 10^4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1.0, max = 1e12), extend("x-default" = "as in the model's files"))]
    pub rope_theta: Option<f64>,
}

impl Context {
    /// A shape with this context.
    pub fn of(&self, config: ModelConfig) -> ModelConfig {
        config.with_context(self.max_position_embeddings as usize, self.rope_theta)
    }
}

/// A family of decoders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InitArchitecture {
    Llama,
    Mistral,
    Qwen2,
    Qwen3,
}

/// Where the tokenizer comes from: either `path` or `characters`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenizerSource {
    /// A directory with `tokenizer.json`, or a `.gguf` file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("x-default" = "none: give `characters`"))]
    pub path: Option<PathBuf>,
    /// The alphabet of a character tokenizer: each character is one token, each may occur once. Tokens for the end
    /// of a text and for padding are added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 65_536), extend("x-default" = "none: give `path`"))]
    pub characters: Option<String>,
    /// Strings that are one token each beside the characters, such as `"<think>"`: fewer tokens, and a tag that
    /// cannot be half written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4096), inner(length(min = 2, max = 256)), extend("x-default" = "none"))]
    pub tokens: Vec<String>,
    /// Whole numbers from 10 up to this one are one token each as well; a longer one is read from the left, 128 as `12`
    /// and `8`. A small model then learns sums as facts, where digits would have it learn to carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 9999), extend("x-default" = "none: numbers are written digit by digit"))]
    pub numbers: Option<u32>,
}

impl TokenizerSource {
    /// What is one token beside the characters: `tokens`, then the numbers.
    pub fn whole_tokens(&self) -> Vec<String> {
        let numbers = self.numbers.into_iter().flat_map(|largest| 10..=largest);
        let numbers = numbers.map(|number| number.to_string());
        let mut tokens = self.tokens.clone();
        tokens.extend(numbers.filter(|number| !self.tokens.contains(number)));
        tokens
    }
}

/// Low-rank adapters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lora {
    /// The rank of each adapter.
    #[schemars(range(min = 1, max = 4096))]
    pub rank: u32,
    /// The adapter's output is scaled by `alpha / rank`.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub alpha: f64,
    /// The projections that have an adapter. All seven, as in QLoRA, which found that to matter more than the rank.
    #[serde(default = "Lora::default_targets")]
    #[schemars(length(min = 1, max = 7))]
    pub targets: Vec<LoraTarget>,
    /// The share of an adapter's inputs that a training pass drops. 0: policies learn from a few steps, and
    /// log-probabilities with dropped inputs differ from those that were drawn with.
    #[serde(default)]
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
    /// Scale by `alpha / sqrt(rank)` instead, so that the step's size does not shrink as the rank grows (rsLoRA).
    #[serde(default)]
    pub rslora: bool,
}

/// A projection of a layer, by its name in checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoraTarget {
    QProj,
    KProj,
    VProj,
    OProj,
    GateProj,
    UpProj,
    DownProj,
}

impl Lora {
    fn default_targets() -> Vec<LoraTarget> {
        use LoraTarget::{DownProj, GateProj, KProj, OProj, QProj, UpProj, VProj};
        vec![QProj, KProj, VProj, OProj, GateProj, UpProj, DownProj]
    }

    /// The engine's settings.
    pub fn config(&self) -> LoraConfig {
        let mut targets: Vec<farthing_engine::LoraTarget> = self
            .targets
            .iter()
            .map(|target| match target {
                LoraTarget::QProj => farthing_engine::LoraTarget::Query,
                LoraTarget::KProj => farthing_engine::LoraTarget::Key,
                LoraTarget::VProj => farthing_engine::LoraTarget::Value,
                LoraTarget::OProj => farthing_engine::LoraTarget::Output,
                LoraTarget::GateProj => farthing_engine::LoraTarget::Gate,
                LoraTarget::UpProj => farthing_engine::LoraTarget::Up,
                LoraTarget::DownProj => farthing_engine::LoraTarget::Down,
            })
            .collect();
        targets.sort_unstable();
        targets.dedup();
        LoraConfig {
            rank: self.rank as usize,
            alpha: self.alpha,
            targets,
            dropout: self.dropout,
            rank_stabilized: self.rslora,
        }
    }
}

impl ModelInit {
    fn default_max_position_embeddings() -> u32 {
        2048
    }

    fn default_rope_theta() -> f64 {
        10_000.0
    }

    fn default_rms_norm_eps() -> f64 {
        1e-6
    }

    fn default_tie_word_embeddings() -> bool {
        true
    }

    fn default_initializer_range() -> f64 {
        0.02
    }

    /// The width of a head, given or derived.
    pub fn head_width(&self) -> u32 {
        self.head_dim
            .unwrap_or(self.hidden_size / self.num_attention_heads)
    }
}

impl Model {
    /// What adapters call the model they stand on: the hub's `owner/name`, or a path.
    pub fn adapter_base(&self) -> Option<AdapterBase> {
        let path = self.path.as_deref()?;
        Some(match self.hub_id() {
            Some(id) => AdapterBase {
                name: id.repository,
                revision: id.revision,
            },
            None => path.display().to_string().as_str().into(),
        })
    }

    /// The model of the Hugging Face hub that `path` names, if it is one, at `commit` if that is given.
    ///
    /// Reading a manifest makes every path absolute that can be a file, so what is still relative is an id.
    pub fn hub_id(&self) -> Option<ModelId> {
        let path = self.path.as_deref().filter(|path| path.is_relative())?;
        let id = ModelId::parse(path.to_str()?)?;
        Some(match &self.commit {
            Some(commit) => id.at(commit),
            None => id,
        })
    }
}
