//! Asking for a cache line before it is needed. Any address will do: one without memory is ignored.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{_MM_HINT_T0 as FIRST_LEVEL, _MM_HINT_T1 as SECOND_LEVEL, _mm_prefetch};

#[cfg(not(target_arch = "x86_64"))]
const FIRST_LEVEL: i32 = 0;
#[cfg(not(target_arch = "x86_64"))]
const SECOND_LEVEL: i32 = 1;

/// Values of f32 on a cache line.
pub(crate) const LINE: usize = 16;

/// Into the first-level cache.
#[inline(always)]
pub(crate) fn near<T>(address: *const T) {
    ask::<FIRST_LEVEL, T>(address);
}

/// Into the second-level cache.
#[inline(always)]
pub(crate) fn far<T>(address: *const T) {
    ask::<SECOND_LEVEL, T>(address);
}

#[inline(always)]
fn ask<const LEVEL: i32, T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing that the program sees, and faults are ignored.
    unsafe {
        _mm_prefetch::<LEVEL>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
