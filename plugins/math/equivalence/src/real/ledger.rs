//! What a comparison has cost so far, and what was seen on the way.
//!
//! Kept beside the numbers and not in them: a budget is that of a whole call, whichever way it
//! goes through the engine, and how far its numbers reach decides at which precision it looks
//! again.

use std::cell::Cell;

use super::{Trouble, Valued};
use crate::limits;

thread_local! {
    /// What was spent since [`begin`], in units of some ten nanoseconds.
    static SPENT: Cell<u64> = const { Cell::new(0) };
    /// The largest power of two, up or down, of a number on the way since [`look`].
    static EXTENT: Cell<f64> = const { Cell::new(0.0) };
    /// Whether a root or a logarithm left the real line since [`look`].
    static LEFT: Cell<bool> = const { Cell::new(false) };
}

/// Starts a call with a fresh budget.
pub fn begin() {
    SPENT.set(0);
}

/// Forgets what was seen on the way.
pub fn look() {
    EXTENT.set(0.0);
    LEFT.set(false);
}

/// How many bits lie between one and the largest or smallest number since [`look`]: a term as
/// small as that shows only when the precision reaches it.
pub fn extent() -> usize {
    EXTENT.get() as usize
}

/// Notes that a formula of real numbers left their line.
pub fn leave() {
    LEFT.set(true);
}

/// Whether the line was left since [`look`].
pub fn left() -> bool {
    LEFT.get()
}

/// Counts work; an error once the budget is gone.
pub fn spend(work: u64) -> Valued<()> {
    let spent = SPENT.get().saturating_add(work);
    SPENT.set(spent);
    if spent > limits::NUMERIC_WORK {
        return Err(Trouble::TooMuchWork);
    }
    Ok(())
}

/// Notes how large or small a number on the way is.
pub(super) fn reach(power: f64) {
    EXTENT.set(EXTENT.get().max(power.abs()));
}
