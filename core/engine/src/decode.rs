//! Drawing attempts: batched decoding with a cache of keys and values.
//!
//! An attempt depends on its prompt, its seed and the plan alone: not on the other rows of the batch, on the budget, on
//! the order of the groups or on the number of threads. That holds to the last bit on the CPU's fast path, where
//! every sum has a fixed order, and it is what lets a run be resumed or spread out without changing it.

mod attempt;
mod backend;
mod cpu;
mod hooks;
mod logits;
mod plan;
mod row;
pub mod sampling;
mod scheduler;
mod stop;
mod tensor;
mod vector;

use candle_core::DType;

pub(crate) use self::cpu::PAGE;
pub(crate) use self::tensor::LARGEST_PROMPT_BATCH;
pub use attempt::{Attempt, Finish, PromptGroup};
pub use hooks::{DecodeHooks, NoHooks, Pause, Steer};
pub use plan::{DecodingBudget, DecodingPlan};

use self::backend::Backend;
use self::cpu::CpuBackend;
use self::scheduler::Scheduler;
use self::tensor::TensorBackend;
use crate::buffers::release_buffers;
use crate::error::{EngineError, Result};
use crate::model::Model;
use crate::tokenizer::Tokenizer;

/// Models above this give the buffers of the training pass back before they are decoded with: getting them again
/// costs a small share of a step.
pub(crate) const LARGEST_KEPT: usize = 128 << 20;

/// Draws one attempt for every seed of every group, as many at a time as `budget` allows.
///
/// The result has the shape of `groups` and their seeds.
///
/// # Errors
/// A plan or prompt that does not fit the model, logits that are not finite, an injected text that cannot be encoded.
pub fn decode(
    model: &Model,
    tokenizer: &Tokenizer,
    groups: &[PromptGroup<'_>],
    plan: &DecodingPlan,
    budget: impl Into<DecodingBudget>,
    hooks: &mut dyn DecodeHooks,
) -> Result<Vec<Vec<Attempt>>> {
    let budget = budget.into();
    check(model, groups, plan, budget)?;
    if model.device().is_cpu() && model.dtype() == DType::F32 {
        if model.parameter_count() * size_of::<f32>() > LARGEST_KEPT {
            // A large model's training pass leaves as much behind as the copy of the weights takes now.
            release_buffers();
        }
        run(
            CpuBackend::new(model)?,
            model,
            tokenizer,
            groups,
            plan,
            budget,
            hooks,
        )
    } else {
        decode_by_composition(model, tokenizer, groups, plan, budget, hooks)
    }
}

/// The same by operations on whole tensors, on any device: what [`decode`] does where it has no fast path, and its
/// reference. Rounding differs from the fast path's.
pub fn decode_by_composition(
    model: &Model,
    tokenizer: &Tokenizer,
    groups: &[PromptGroup<'_>],
    plan: &DecodingPlan,
    budget: impl Into<DecodingBudget>,
    hooks: &mut dyn DecodeHooks,
) -> Result<Vec<Vec<Attempt>>> {
    let budget = budget.into();
    check(model, groups, plan, budget)?;
    let backend = TensorBackend::new(model, groups, plan, budget, hooks.wants_steer())?;
    let budget = DecodingBudget {
        rows: backend.slot_count(),
        ..budget
    };
    run(backend, model, tokenizer, groups, plan, budget, hooks)
}

fn run<B: Backend>(
    backend: B,
    model: &Model,
    tokenizer: &Tokenizer,
    groups: &[PromptGroup<'_>],
    plan: &DecodingPlan,
    budget: DecodingBudget,
    hooks: &mut dyn DecodeHooks,
) -> Result<Vec<Vec<Attempt>>> {
    let config = model.config();
    let (vocab_size, max_positions) = (config.vocab_size, config.max_sequence_length());
    Scheduler {
        backend,
        tokenizer,
        groups,
        plan,
        budget,
        vocab_size,
        max_positions,
    }
    .run(hooks)
}

fn check(
    model: &Model,
    groups: &[PromptGroup<'_>],
    plan: &DecodingPlan,
    budget: DecodingBudget,
) -> Result<()> {
    plan.validate(model.config().vocab_size)?;
    let refuse = |problem: String| Err(EngineError::Argument(problem));
    if budget.rows == 0 || budget.tokens == 0 {
        return refuse("the budget allows nothing; expected at least 1 row and 1 token".to_owned());
    }
    let config = model.config();
    for (index, group) in groups.iter().enumerate() {
        let length = group.tokens.len();
        if length == 0 {
            return refuse(format!(
                "the prompt of group {index} has no tokens; expected at least 1"
            ));
        }
        if length >= config.max_sequence_length() {
            return refuse(format!(
                "the prompt of group {index} has {length} tokens and leaves no room for a completion in the model's \
                 {}; shorten it",
                config.max_sequence_length_text()
            ));
        }
        if let Some(token) = group
            .tokens
            .iter()
            .find(|&&token| token as usize >= config.vocab_size)
        {
            return refuse(format!(
                "the prompt of group {index} has token {token}, outside the model's vocabulary of {}; the tokenizer \
                 does not fit the model",
                config.vocab_size
            ));
        }
    }
    Ok(())
}
