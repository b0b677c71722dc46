//! Which parameters a configuration has: their checkpoint names, their shapes, and where each is used.
//!
//! The order is the one of the forward pass. It never changes for a configuration, because gradients and moments are
//! kept by position.

use crate::config::ModelConfig;
use crate::lora::{LoraConfig, LoraTarget};

/// What a parameter is, which decides how it starts and whether it decays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A projection or embedding: starts as normal noise, decays.
    Matrix,
    /// The gain of a norm: starts as 1, does not decay.
    Norm,
    /// Starts as 0, does not decay.
    Bias,
    /// An adapter's A: starts as PEFT starts it, decays.
    LowRankIn,
    /// An adapter's B: starts as 0, decays.
    LowRankOut,
}

impl Kind {
    pub fn decays(self) -> bool {
        matches!(self, Self::Matrix | Self::LowRankIn | Self::LowRankOut)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Declared {
    pub name: String,
    pub shape: Vec<usize>,
    pub kind: Kind,
    pub trainable: bool,
}

/// A linear map `y = x W^T + b` with `weight: (out, in)` and `bias: (out)`.
#[derive(Clone, Copy, Debug)]
pub struct Projection<P> {
    pub weight: P,
    pub bias: Option<P>,
    pub lora: Option<LowRank<P>>,
}

/// An adapter: `a: (rank, in)`, `b: (out, rank)`.
#[derive(Clone, Copy, Debug)]
pub struct LowRank<P> {
    pub a: P,
    pub b: P,
}

/// The parameters of one decoder layer, by the names of the checkpoint: as positions inside the model, or as tensors.
#[derive(Clone, Copy, Debug)]
pub struct LayerParameters<P> {
    pub input_layernorm: P,
    pub q_proj: Projection<P>,
    pub k_proj: Projection<P>,
    pub v_proj: Projection<P>,
    /// Gains of the norms of each head's query and key, `(head_dim)`, in families that have them.
    pub q_norm: Option<P>,
    pub k_norm: Option<P>,
    pub o_proj: Projection<P>,
    pub post_attention_layernorm: P,
    pub gate_proj: Projection<P>,
    pub up_proj: Projection<P>,
    pub down_proj: Projection<P>,
}

#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub embed_tokens: usize,
    pub layers: Vec<LayerParameters<usize>>,
    pub norm: usize,
    /// Equals `embed_tokens` in a tied model.
    pub lm_head: usize,
}

impl<P> Projection<P> {
    pub(crate) fn map<Q>(&self, f: &impl Fn(&P) -> Q) -> Projection<Q> {
        Projection {
            weight: f(&self.weight),
            bias: self.bias.as_ref().map(f),
            lora: self.lora.as_ref().map(|lora| LowRank {
                a: f(&lora.a),
                b: f(&lora.b),
            }),
        }
    }
}

impl<P> LayerParameters<P> {
    pub(crate) fn projections(&self) -> [&Projection<P>; 7] {
        LoraTarget::ALL.map(|target| self.projection(target))
    }

    pub(crate) fn projection(&self, target: LoraTarget) -> &Projection<P> {
        match target {
            LoraTarget::Query => &self.q_proj,
            LoraTarget::Key => &self.k_proj,
            LoraTarget::Value => &self.v_proj,
            LoraTarget::Output => &self.o_proj,
            LoraTarget::Gate => &self.gate_proj,
            LoraTarget::Up => &self.up_proj,
            LoraTarget::Down => &self.down_proj,
        }
    }

    fn projection_mut(&mut self, target: LoraTarget) -> &mut Projection<P> {
        match target {
            LoraTarget::Query => &mut self.q_proj,
            LoraTarget::Key => &mut self.k_proj,
            LoraTarget::Value => &mut self.v_proj,
            LoraTarget::Output => &mut self.o_proj,
            LoraTarget::Gate => &mut self.gate_proj,
            LoraTarget::Up => &mut self.up_proj,
            LoraTarget::Down => &mut self.down_proj,
        }
    }

    pub(crate) fn map<Q>(&self, f: impl Fn(&P) -> Q) -> LayerParameters<Q> {
        LayerParameters {
            input_layernorm: f(&self.input_layernorm),
            q_proj: self.q_proj.map(&f),
            k_proj: self.k_proj.map(&f),
            v_proj: self.v_proj.map(&f),
            q_norm: self.q_norm.as_ref().map(&f),
            k_norm: self.k_norm.as_ref().map(&f),
            o_proj: self.o_proj.map(&f),
            post_attention_layernorm: f(&self.post_attention_layernorm),
            gate_proj: self.gate_proj.map(&f),
            up_proj: self.up_proj.map(&f),
            down_proj: self.down_proj.map(&f),
        }
    }
}

/// Adds the adapters after all other parameters, which are trained no more.
pub(crate) fn declare_adapters(
    config: &LoraConfig,
    declared: &mut Vec<Declared>,
    layout: &mut Layout,
) {
    for base in declared.iter_mut() {
        base.trainable = false;
    }
    let mut list = List(std::mem::take(declared));
    for layer in &mut layout.layers {
        for target in LoraTarget::ALL {
            if !config.targets.contains(&target) {
                continue;
            }
            let projection = layer.projection_mut(target);
            let Declared { name, shape, .. } = &list.0[projection.weight];
            let (out, into) = (shape[0], shape[1]);
            let module = name.trim_end_matches(".weight").to_owned();
            projection.lora = Some(LowRank {
                a: list.add(
                    format!("{module}.lora_A.weight"),
                    vec![config.rank, into],
                    Kind::LowRankIn,
                ),
                b: list.add(
                    format!("{module}.lora_B.weight"),
                    vec![out, config.rank],
                    Kind::LowRankOut,
                ),
            });
        }
    }
    *declared = list.0;
}

pub(crate) fn declare(config: &ModelConfig) -> (Vec<Declared>, Layout) {
    let hidden = config.hidden_size;
    let query = config.num_attention_heads * config.head_dim;
    let key_value = config.num_key_value_heads * config.head_dim;
    let mut list = List::default();
    let embed_tokens = list.add(
        "model.embed_tokens.weight",
        vec![config.vocab_size, hidden],
        Kind::Matrix,
    );
    let layers = (0..config.num_hidden_layers)
        .map(|index| {
            let at = |name: &str| format!("model.layers.{index}.{name}");
            let bias = config.query_key_value_bias();
            let head_norm = |list: &mut List, name: &str| {
                let shape = vec![config.head_dim];
                config
                    .query_key_norm()
                    .then(|| list.add(at(name), shape, Kind::Norm))
            };
            LayerParameters {
                input_layernorm: list.add(at("input_layernorm.weight"), vec![hidden], Kind::Norm),
                q_proj: list.add_projection(&at("self_attn.q_proj"), query, hidden, bias),
                k_proj: list.add_projection(&at("self_attn.k_proj"), key_value, hidden, bias),
                v_proj: list.add_projection(&at("self_attn.v_proj"), key_value, hidden, bias),
                q_norm: head_norm(&mut list, "self_attn.q_norm.weight"),
                k_norm: head_norm(&mut list, "self_attn.k_norm.weight"),
                o_proj: list.add_projection(
                    &at("self_attn.o_proj"),
                    hidden,
                    query,
                    config.output_bias(),
                ),
                post_attention_layernorm: list.add(
                    at("post_attention_layernorm.weight"),
                    vec![hidden],
                    Kind::Norm,
                ),
                gate_proj: list.add_projection(
                    &at("mlp.gate_proj"),
                    config.intermediate_size,
                    hidden,
                    config.mlp_bias,
                ),
                up_proj: list.add_projection(
                    &at("mlp.up_proj"),
                    config.intermediate_size,
                    hidden,
                    config.mlp_bias,
                ),
                down_proj: list.add_projection(
                    &at("mlp.down_proj"),
                    hidden,
                    config.intermediate_size,
                    config.mlp_bias,
                ),
            }
        })
        .collect();
    let norm = list.add("model.norm.weight", vec![hidden], Kind::Norm);
    let lm_head = match config.tie_word_embeddings {
        true => embed_tokens,
        false => list.add(
            "lm_head.weight",
            vec![config.vocab_size, hidden],
            Kind::Matrix,
        ),
    };
    (
        list.0,
        Layout {
            embed_tokens,
            layers,
            norm,
            lm_head,
        },
    )
}

impl ModelConfig {
    /// How many numbers a model of this configuration learns.
    pub fn parameter_count(&self) -> usize {
        declare(self)
            .0
            .iter()
            .map(|declared| declared.shape.iter().product::<usize>())
            .sum()
    }
}

impl LoraConfig {
    /// How many numbers the adapters of such a model learn.
    pub fn parameter_count(&self, model: &ModelConfig) -> usize {
        let (mut declared, mut layout) = declare(model);
        let base = declared.len();
        declare_adapters(self, &mut declared, &mut layout);
        let sizes = declared[base..].iter();
        sizes
            .map(|declared| declared.shape.iter().product::<usize>())
            .sum()
    }
}

#[derive(Default)]
struct List(Vec<Declared>);

impl List {
    fn add(&mut self, name: impl Into<String>, shape: Vec<usize>, kind: Kind) -> usize {
        self.0.push(Declared {
            name: name.into(),
            shape,
            kind,
            trainable: true,
        });
        self.0.len() - 1
    }

    fn add_projection(
        &mut self,
        name: &str,
        out: usize,
        into: usize,
        bias: bool,
    ) -> Projection<usize> {
        Projection {
            weight: self.add(format!("{name}.weight"), vec![out, into], Kind::Matrix),
            bias: bias.then(|| self.add(format!("{name}.bias"), vec![out], Kind::Bias)),
            lora: None,
        }
    }
}
