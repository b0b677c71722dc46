//! Reuse of large buffers.
//!
//! A training step makes and drops hundreds of activations of some megabytes. Allocators give such blocks back to the
//! system and fetch them again page by page, zeroed; on small models that costs more than the arithmetic. So the
//! operations of this crate take their outputs from here and give them back when the pass no longer needs them.
//! Buffers are shared by the process: a pass reuses what the pass before left.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use candle_core::{CpuStorage, Device, InplaceOp1, Layout, Tensor};

use crate::error::Result;

static POOL: Mutex<Pool> = Mutex::new(Pool::EMPTY);

/// Free buffers, and how many values are out with takers. A taker that drops a tensor instead of giving it back is not
/// noticed; such values count as lent for ever, in the peak as well, so that the room for free ones stays what it was.
struct Pool {
    /// By whole length.
    free: BTreeMap<usize, Vec<Vec<f32>>>,
    /// Values of all free buffers.
    kept: usize,
    lent: usize,
    most_lent: usize,
}

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
        false => pool().take(length).unwrap_or_else(|| vec![0.0; length]),
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

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

fn give(values: Vec<f32>) {
    if values.len() >= SMALLEST {
        pool().give(values);
    }
}

impl Pool {
    const EMPTY: Self = Self {
        free: BTreeMap::new(),
        kept: 0,
        lent: 0,
        most_lent: 0,
    };

    /// None where the taker has to make a buffer of `length`.
    fn take(&mut self, length: usize) -> Option<Vec<f32>> {
        // Lengths differ from batch to batch. Half as much again is accepted, so that a few buffers serve them all.
        let fitting = self.free.range(length..=length + length / 2).next();
        let buffer = fitting
            .map(|(&whole, _)| whole)
            .and_then(|whole| self.pop(whole));
        self.lent += buffer.as_ref().map_or(length, Vec::len);
        self.most_lent = self.most_lent.max(self.lent);
        if buffer.is_none() {
            self.make_room(length);
        }
        buffer
    }

    fn give(&mut self, values: Vec<f32>) {
        self.lent = self.lent.saturating_sub(values.len());
        // What was never lent, as a sum that Candle made, may be too much.
        if self.lent + self.kept + values.len() <= self.most_lent {
            self.kept += values.len();
            self.free.entry(values.len()).or_default().push(values);
        }
    }

    fn clear(&mut self) {
        self.free.clear();
        self.kept = 0;
        self.most_lent = self.lent;
    }

    /// Drops free buffers until no more is held than was in use at one time. For a new buffer of `length` the one that is
    /// just large enough goes first: it is of the kind that is too many.
    fn make_room(&mut self, length: usize) {
        while self.lent + self.kept > self.most_lent {
            let enough = self.free.range(length..).next();
            let Some((&whole, _)) = enough.or(self.free.last_key_value()) else {
                return;
            };
            drop(self.pop(whole));
        }
    }

    /// One of the free buffers of a length.
    fn pop(&mut self, whole: usize) -> Option<Vec<f32>> {
        let buffers = self.free.get_mut(&whole)?;
        let buffer = buffers.pop()?;
        if buffers.is_empty() {
            self.free.remove(&whole);
        }
        self.kept -= whole;
        Some(buffer)
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
    pool().clear();
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A buffer as a taker gets it.
    fn lend(pool: &mut Pool, length: usize) -> Vec<f32> {
        pool.take(length).unwrap_or_else(|| vec![0.0; length])
    }

    #[test]
    fn no_more_is_held_than_was_lent_at_one_time() {
        let mut pool = Pool::EMPTY;
        for round in 0..20 {
            let lengths = [30_000, 50_000 + 7_000 * (round % 3), 100_000];
            let taken = lengths.map(|length| lend(&mut pool, length));
            taken.into_iter().for_each(|values| pool.give(values));
            // Nobody took this one.
            pool.give(vec![0.0; 40_000]);
            let held: usize = pool.free.iter().map(|(whole, all)| whole * all.len()).sum();
            assert_eq!(pool.kept, held);
            assert!(
                pool.lent + held <= pool.most_lent,
                "{held} in round {round}"
            );
            assert!(pool.most_lent <= 3 * 100_000, "{}", pool.most_lent);
        }
    }

    #[test]
    fn what_was_given_back_serves_again() {
        let mut pool = Pool::EMPTY;
        let lengths = [30_000, 50_000, 100_000];
        let taken = lengths.map(|length| lend(&mut pool, length));
        taken.into_iter().for_each(|values| pool.give(values));
        for length in lengths {
            assert!(pool.take(length).is_some(), "{length}");
        }
        assert!(pool.take(30_000).is_none());
    }
}
