//! The operations of a decoder, each forward and backward.
//!
//! Each is a pair of functions of tensors with two ways to compute: on f32 tensors of the CPU a multi-threaded kernel
//! over slices, elsewhere a composition of Candle's operations. The composition defines what the kernel must give; the
//! tests compare the two. Activations are matrices with one row for each token.
//!
//! No kernel's result depends on the number of threads: each output element is computed by one task, and sums over
//! tokens go over fixed blocks of tokens, in order.

pub mod attention;
pub(crate) mod columns;
pub(crate) mod dropout;
pub mod embedding;
pub mod head;
pub(crate) mod lanes;
pub mod linear;
pub(crate) mod precision;
pub mod rms_norm;
pub mod rotary;
pub mod rows;
pub(crate) mod slices;
pub mod swiglu;

#[cfg(test)]
mod tests;
