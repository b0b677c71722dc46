//! Keeps freed memory for the next step, until it is asked to give it back.
//!
//! A training step allocates and frees the same large blocks again and again. glibc gives each block above a threshold
//! back to the kernel, and the page faults of getting it again have been measured at a third of a step's time. No
//! other allocator that was tried did better than glibc with higher thresholds.
//!
//! Between decoding and the training pass of a large model that is the wrong way round: what the one frees has not the
//! sizes that the other needs, and without being given back it would stay beside it.

/// Raises glibc's thresholds, and tells the engine how to undo their work; nothing elsewhere.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const ONE_GIB: libc::c_int = 1 << 30;
        for option in [libc::M_MMAP_THRESHOLD, libc::M_TRIM_THRESHOLD] {
            // SAFETY: `mallopt` may be called at any time; it is called first thing, before any other thread exists.
            unsafe { libc::mallopt(option, ONE_GIB) };
        }
        farthing_runtime::memory::trim_with(give_back);
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_back() {
    // SAFETY: `malloc_trim` takes the allocator's own locks and touches free blocks alone.
    unsafe { libc::malloc_trim(0) };
}
