//! Keeps freed memory for the next step.
//!
//! A training step allocates and frees the same large blocks again and again. glibc gives each block above a threshold
//! back to the kernel, and the page faults of getting it again have been measured at a third of a step's time. No
//! other allocator that was tried did better than glibc with higher thresholds.

/// Raises glibc's thresholds; nothing elsewhere.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const ONE_GIB: libc::c_int = 1 << 30;
        for option in [libc::M_MMAP_THRESHOLD, libc::M_TRIM_THRESHOLD] {
            // SAFETY: `mallopt` may be called at any time; it is called first thing, before any other thread exists.
            unsafe { libc::mallopt(option, ONE_GIB) };
        }
    }
}
