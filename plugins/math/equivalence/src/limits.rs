//! What one comparison may cost. Texts come from a model that is rewarded for finding holes,
//! so every loop of the engine is bounded by one of these, and what goes beyond is an error
//! that says so, never a wait and never a guess.

/// Bytes of an answer. The longest of MATH has 300; a longer text is no final answer.
pub const TEXT: usize = 4096;
/// Tokens of an answer.
pub const TOKENS: usize = 1500;
/// Brackets and operators inside each other. A level costs a few hundred bytes of stack in
/// each of a few functions, so this many fit a small thread with room to spare.
pub const DEPTH: usize = 48;
/// Bits of the numerator or denominator of an exact number; what is larger stays a formula.
pub const BITS: usize = 1 << 15;
/// Word operations that exact arithmetic may take while an answer is read.
pub const EXACT_WORK: u64 = 4_000_000;
/// Bits to which values are worked out at most.
pub const PRECISION: usize = 6000;
/// What comparing formulas may cost in one call, in units of some ten nanoseconds.
pub const NUMERIC_WORK: u64 = 600_000;
/// Pairs of elements that matching unordered collections may compare.
pub const PAIRS: usize = 4096;
/// Elements of a list, a set or a matrix.
pub const ELEMENTS: usize = 128;
/// The largest `n` whose factorial is worked out factor by factor.
pub const FACTORIAL: u32 = 3000;
