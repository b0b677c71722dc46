//! The launcher: the program that the host starts, and that makes itself the sandbox. `build.rs` compiles it.
//!
//! It stands alone, without a standard library, so that it starts in a fraction of a millisecond, needs nothing of the
//! machine's files, and holds nothing of the host's memory. `docs/decisions/0009-sandbox.md` weighs the alternatives.

#![no_std]
#![no_main]

#[path = "../protocol.rs"]
#[allow(dead_code)] // The host uses the rest.
mod protocol;

mod carry_out;

/// Nothing in the launcher panics; a program without a standard library must say what it would do all the same.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    carry_out::exit(carry_out::BROKEN)
}

/// Where the kernel starts the program, with a stack that is aligned as no function's is: a call puts that right.
#[unsafe(naked)]
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    #[cfg(target_arch = "x86_64")]
    core::arch::naked_asm!("xor ebp, ebp", "call {}", sym begin);
    #[cfg(target_arch = "aarch64")]
    core::arch::naked_asm!("mov x29, xzr", "bl {}", sym begin);
}

extern "C" fn begin() -> ! {
    // SAFETY: this is the only thread, and the host has placed the descriptors that the protocol names.
    unsafe { carry_out::order() }
}
