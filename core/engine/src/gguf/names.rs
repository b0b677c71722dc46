//! Names and row orders of tensors: Hugging Face's on one side, llama.cpp's on the other.

/// Outside the layers.
const MODEL: [(&str, &str); 3] = [
    ("model.embed_tokens", "token_embd"),
    ("model.norm", "output_norm"),
    ("lm_head", "output"),
];

/// Inside a layer: after `model.layers.N.` and `blk.N.`.
const LAYER: [(&str, &str); 11] = [
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    // Qwen3 has a norm for each head's queries and keys.
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

/// llama.cpp's name of a parameter, or None for one that it has no name for.
pub(super) fn to_gguf(parameter: &str) -> Option<String> {
    let (stem, part) = parameter.rsplit_once('.')?;
    let find = |table: &[(&str, &'static str)], stem: &str| {
        let row = table.iter().find(|(ours, _)| *ours == stem)?;
        Some(row.1)
    };
    if let Some(name) = find(&MODEL, stem) {
        return Some(format!("{name}.{part}"));
    }
    let (layer, stem) = stem.strip_prefix("model.layers.")?.split_once('.')?;
    Some(format!("blk.{layer}.{}.{part}", find(&LAYER, stem)?))
}

/// How many heads the rows of a parameter are split into, if llama.cpp stores its rows in another order.
///
/// Rotary embedding turns pairs of dimensions. Hugging Face pairs dimension `i` of a head with `i + head_dim / 2`;
/// llama.cpp's `llama` architecture pairs `2 i` with `2 i + 1` and has the rows of the query and key projections
/// reordered for it. Its other architectures pair as Hugging Face does.
pub(super) fn reordered_heads(
    architecture: &str,
    parameter: &str,
    heads: usize,
    key_value_heads: usize,
) -> Option<usize> {
    if architecture != "llama" {
        return None;
    }
    let stem = parameter.rsplit_once('.')?.0;
    if stem.ends_with(".self_attn.q_proj") {
        Some(heads)
    } else if stem.ends_with(".self_attn.k_proj") {
        Some(key_value_heads)
    } else {
        None
    }
}

/// Which order of rows to make.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Pairs `(i, i + head_dim / 2)`.
    HuggingFace,
    /// Pairs `(2 i, 2 i + 1)`.
    LlamaCpp,
}

/// Reorders `rows` rows of `heads` heads into `order` from the other one.
pub(super) fn reorder(values: &[f32], rows: usize, heads: usize, order: Order) -> Vec<f32> {
    let width = values.len() / rows;
    let (head_dim, half) = (rows / heads, rows / heads / 2);
    let mut reordered = vec![0.0; values.len()];
    for head in 0..heads {
        for pair in 0..half {
            for side in 0..2 {
                let hugging_face = head * head_dim + side * half + pair;
                let llama_cpp = head * head_dim + pair * 2 + side;
                let (to, from) = match order {
                    Order::HuggingFace => (hugging_face, llama_cpp),
                    Order::LlamaCpp => (llama_cpp, hugging_face),
                };
                reordered[to * width..][..width].copy_from_slice(&values[from * width..][..width]);
            }
        }
    }
    reordered
}
