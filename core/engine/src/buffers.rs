//! Reuse of large buffers.
//!
//! A training step makes and drops hundreds of activations of some megabytes. Allocators give such blocks back to the
//! system and fetch them again page by page, zeroed; on small models that costs more than the arithmetic. So the
//! operations of this crate take their outputs from here and give them back when the pass no longer needs them.
//! Buffers are shared by the process: a pass reuses what the pass before left.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, OnceLock, PoisonError};

use candle_core::{CpuStorage, Device, InplaceOp1, Layout, Tensor};

use crate::error::Result;

/// Free buffers by their whole length.
static FREE: Mutex<BTreeMap<usize, Vec<Vec<f32>>>> = Mutex::new(BTreeMap::new());

/// Below this many values the allocator does as well.
const SMALLEST: usize = 1 << 14;

/// Some values at the beginning of a vector that may be longer: to cut it and to fill it up again would cost a pass over
/// memory. Dropped, it is free for the next taker.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    values: Vec<f32>,
    length: usize,
}

/// A buffer of `length` values **with stale contents**: the taker writes every one of them.
pub(crate) fn take(length: usize) -> Buffer {
    let values = match length < SMALLEST {
        true => vec![0.0; length],
        false => find(length).unwrap_or_else(|| vec![0.0; length]),
    };
    Buffer { values, length }
}

/// The same, all zero.
pub(crate) fn take_zeroed(length: usize) -> Buffer {
    let mut buffer = take(length);
    buffer.fill(0.0);
    buffer
}

impl Buffer {
    /// Another length; the contents are stale.
    pub fn resize(&mut self, length: usize) {
        match length <= self.values.len() {
            true => self.length = length,
            false => *self = take(length),
        }
    }

    /// A tensor of the CPU over the values, without a copy.
    pub fn into_tensor(mut self, rows: usize, columns: usize) -> Result<Tensor> {
        let values = std::mem::take(&mut self.values);
        let whole = values.len();
        let tensor = Tensor::from_vec(values, whole, &Device::Cpu)?;
        Ok(tensor.narrow(0, 0, self.length)?.reshape((rows, columns))?)
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[..self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        give(std::mem::take(&mut self.values));
    }
}

fn find(length: usize) -> Option<Vec<f32>> {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    // Lengths differ from batch to batch. Half as much again is accepted, so that a few buffers serve them all.
    let fitting = free.range(length..=length + length / 2).next();
    match fitting.map(|(&whole, _)| whole) {
        Some(whole) => pop(&mut free, whole),
        None => {
            make_room(&mut free, length);
            None
        }
    }
}

/// Drops free buffers that together have at least `length` values. A buffer that nobody found of use is better spent on
/// what is needed now: what is held stays at what was in use at one time. One that is just large enough goes first, so
/// that a small need does not cost the largest.
fn make_room(free: &mut BTreeMap<usize, Vec<Vec<f32>>>, length: usize) {
    let mut missing = length;
    while missing > 0 {
        let enough = free.range(missing..).next();
        let Some(whole) = enough.or(free.last_key_value()).map(|(&whole, _)| whole) else {
            return;
        };
        drop(pop(free, whole));
        missing = missing.saturating_sub(whole);
    }
}

/// One of the free buffers of a length.
fn pop(free: &mut BTreeMap<usize, Vec<Vec<f32>>>, whole: usize) -> Option<Vec<f32>> {
    let buffers = free.get_mut(&whole)?;
    let buffer = buffers.pop();
    if buffers.is_empty() {
        free.remove(&whole);
    }
    buffer
}

fn give(values: Vec<f32>) {
    if values.len() >= SMALLEST {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        free.entry(values.len()).or_default().push(values);
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
