//! Reuse of large buffers.
//!
//! A training step makes and drops hundreds of activations of some megabytes. Allocators give such blocks back to the
//! system and fetch them again page by page, zeroed; on small models that costs more than the arithmetic. So the
//! operations of this crate take their outputs from here and give them back when the pass no longer needs them.
//! Buffers are shared by the process: a pass reuses what the pass before left.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use candle_core::{CpuStorage, InplaceOp1, Layout, Tensor};

/// Free buffers by capacity.
static FREE: Mutex<BTreeMap<usize, Vec<Vec<f32>>>> = Mutex::new(BTreeMap::new());

/// Below this many values the allocator does as well.
const SMALLEST: usize = 1 << 14;

/// A buffer of `length` values **with stale contents**: the taker writes every one of them.
pub(crate) fn take(length: usize) -> Vec<f32> {
    if length < SMALLEST {
        return vec![0.0; length];
    }
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    // Lengths differ from batch to batch. Half as much again is accepted, so that a few buffers serve them all.
    let found = free
        .range(length..=length + length / 2)
        .next()
        .map(|(&capacity, _)| capacity);
    let buffer = found.and_then(|capacity| {
        let buffers = free.get_mut(&capacity)?;
        let buffer = buffers.pop();
        if buffers.is_empty() {
            free.remove(&capacity);
        }
        buffer
    });
    if buffer.is_none() {
        make_room(&mut free, length);
    }
    drop(free);
    match buffer {
        Some(mut buffer) => {
            buffer.resize(length, 0.0);
            buffer
        }
        None => vec![0.0; length],
    }
}

/// Drops free buffers that together have at least `length` values, the largest first. A buffer that nobody found of use is
/// better spent on what is needed now: what is held stays at what was in use at one time.
fn make_room(free: &mut BTreeMap<usize, Vec<Vec<f32>>>, length: usize) {
    let mut dropped = 0;
    while dropped < length
        && let Some(mut largest) = free.last_entry()
    {
        dropped += largest.key();
        largest.get_mut().pop();
        if largest.get().is_empty() {
            largest.remove();
        }
    }
}

pub(crate) fn take_zeroed(length: usize) -> Vec<f32> {
    let mut buffer = take(length);
    buffer.fill(0.0);
    buffer
}

pub(crate) fn give(buffer: Vec<f32>) {
    if buffer.capacity() >= SMALLEST {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        free.entry(buffer.capacity()).or_default().push(buffer);
    }
}

/// Takes the buffer out of a tensor that nothing else uses. On other devices the tensor is dropped.
pub(crate) fn give_tensor(tensor: Tensor) {
    struct TakeOut;
    impl InplaceOp1 for TakeOut {
        fn name(&self) -> &'static str {
            "take-out"
        }
        fn cpu_fwd(&self, storage: &mut CpuStorage, _: &Layout) -> candle_core::Result<()> {
            if let CpuStorage::F32(values) = storage {
                give(std::mem::take(values));
            }
            Ok(())
        }
    }
    if tensor.device().is_cpu() {
        // `TakeOut` itself cannot fail, and a tensor that refuses it is dropped as usual.
        let _ = tensor.inplace_op1(&TakeOut);
    }
}

/// How the program's allocator gives freed memory back to the system.
static TRIM: OnceLock<fn()> = OnceLock::new();

/// Gives all free buffers back to the system, for a process that trained and goes on with something else.
pub fn release_buffers() {
    FREE.lock().unwrap_or_else(PoisonError::into_inner).clear();
    if let Some(trim) = TRIM.get() {
        trim();
    }
}

/// Names what makes the allocator give freed memory back, if it keeps any: only a program knows its own allocator. The
/// first call counts.
pub fn trim_with(trim: fn()) {
    // A second one would name the same allocator.
    let _ = TRIM.set(trim);
}
