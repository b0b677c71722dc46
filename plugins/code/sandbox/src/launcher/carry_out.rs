//! Carrying out an order: what the launcher does, in the three processes that it becomes.
//!
//! ```text
//! host -- starts --> outside -- forks, as a child of the host --> inside, process 1 -- forks --> program, process 2
//! ```
//!
//! The first leaves once the second is there. The second stays, because a first process must: it collects what the
//! program leaves behind, and its end is the end of everything in its namespaces.

use core::arch::asm;

use super::protocol::{
    ENDED, FAILED, INSIDE, NEXT, NO_ERROR, ORDER_ADDRESS, ORDER_DESCRIPTOR, OUTSIDE, OVER, Order,
    PROGRAM, REPORT_DESCRIPTOR, Report, STARTED, Stage, Step,
};

/// The exit code of a launcher that could not do its work. What went wrong is in the report.
pub const BROKEN: i32 = 125;

#[cfg(target_arch = "x86_64")]
mod number {
    pub const WRITE: i64 = 1;
    pub const LSEEK: i64 = 8;
    pub const MMAP: i64 = 9;
    pub const RT_SIGPROCMASK: i64 = 14;
    pub const KILL: i64 = 62;
    pub const RT_SIGTIMEDWAIT: i64 = 128;
    pub const CLONE: i64 = 56;
    pub const WAIT4: i64 = 61;
    pub const WAITID: i64 = 247;
    pub const EXIT_GROUP: i64 = 231;
    pub const CLOSE_RANGE: i64 = 436;
}

#[cfg(target_arch = "aarch64")]
mod number {
    pub const WRITE: i64 = 64;
    pub const LSEEK: i64 = 62;
    pub const MMAP: i64 = 222;
    pub const RT_SIGPROCMASK: i64 = 135;
    pub const KILL: i64 = 129;
    pub const RT_SIGTIMEDWAIT: i64 = 137;
    pub const CLONE: i64 = 220;
    pub const WAIT4: i64 = 260;
    pub const WAITID: i64 = 95;
    pub const EXIT_GROUP: i64 = 94;
    pub const CLOSE_RANGE: i64 = 436;
}

const SEEK_END: u64 = 2;
const PROT_READ: u64 = 1;
const MAP_PRIVATE: u64 = 0x2;
const MAP_FIXED_NOREPLACE: u64 = 0x10_0000;
const SIG_SETMASK: u64 = 2;
const SIGKILL: u64 = 9;
const SIGTERM: i64 = 15;
const SIGCHLD: u64 = 17;
const WNOHANG: u64 = 1;
const WEXITED: u64 = 4;
const WNOWAIT: u64 = 0x100_0000;
const P_ALL: u64 = 0;
const CLONE_PARENT: u64 = 0x8000;
/// Every child of this process, or every process that it may signal but itself.
const EVERY: u64 = u64::MAX;

/// Asks the kernel. A result from -4095 to -1 is an error's number, negated.
///
/// # Safety
/// What the call does to memory must be sound: pointers among the arguments are valid for it.
#[cfg(target_arch = "x86_64")]
unsafe fn system_call(number: i64, arguments: [u64; 6]) -> i64 {
    let [a, b, c, d, e, f] = arguments;
    let result;
    // SAFETY: the kernel keeps all registers but these three; the rest is the caller's promise.
    unsafe {
        asm!("syscall", inlateout("rax") number => result, in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d,
             in("r8") e, in("r9") f, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

/// Asks the kernel. A result from -4095 to -1 is an error's number, negated.
///
/// # Safety
/// What the call does to memory must be sound: pointers among the arguments are valid for it.
#[cfg(target_arch = "aarch64")]
unsafe fn system_call(number: i64, arguments: [u64; 6]) -> i64 {
    let [a, b, c, d, e, f] = arguments;
    let result;
    // SAFETY: the kernel keeps all registers but x0; the rest is the caller's promise.
    unsafe {
        asm!("svc 0", in("x8") number, inlateout("x0") a => result, in("x1") b, in("x2") c, in("x3") d,
             in("x4") e, in("x5") f, options(nostack));
    }
    result
}

/// Ends this process.
pub fn exit(code: i32) -> ! {
    loop {
        // SAFETY: the call takes no pointer, and does not return.
        unsafe { system_call(number::EXIT_GROUP, [code as u64, 0, 0, 0, 0, 0]) };
    }
}

/// Maps the order and carries it out.
///
/// # Safety
/// This is the start of a process of one thread that holds the descriptors which the protocol names, and the order is
/// one that the host's `image` module wrote.
pub unsafe fn order() -> ! {
    let descriptor = ORDER_DESCRIPTOR as u64;
    // SAFETY: neither call reaches memory that is in use: MAP_FIXED_NOREPLACE fails instead. The last one closes the
    // order, and whatever another thread of the host had open without close-on-exec.
    let mapped = unsafe {
        let length = system_call(number::LSEEK, [descriptor, 0, SEEK_END, 0, 0, 0]);
        let flags = MAP_PRIVATE | MAP_FIXED_NOREPLACE;
        let mapped = system_call(
            number::MMAP,
            [
                ORDER_ADDRESS,
                length as u64,
                PROT_READ,
                flags,
                descriptor,
                0,
            ],
        );
        system_call(
            number::CLOSE_RANGE,
            [descriptor, u64::from(u32::MAX), 0, 0, 0, 0],
        );
        mapped
    };
    if mapped != ORDER_ADDRESS as i64 {
        report(FAILED, OUTSIDE, u32::MAX, mapped as i32);
        exit(BROKEN);
    }
    // SAFETY: the mapping begins with an `Order`, stays for the life of this process, and nobody writes to it.
    let order = unsafe { &*(ORDER_ADDRESS as *const Order) };

    take(&order.stages, OUTSIDE);
    // As a child of the host, so that the host can end it and wait for it itself.
    let inside = fork(CLONE_PARENT);
    if inside != 0 {
        report_fork(OUTSIDE, inside);
        report(STARTED, OUTSIDE, 0, inside as i32);
        exit(0);
    }

    // Before the host is told that all is ready: until then nothing ends this process but a kill.
    block(AWAITED);
    take(&order.stages, INSIDE);
    let program = fork(0);
    if program != 0 {
        report_fork(INSIDE, program);
        collect(program);
    }

    block(0);
    take(&order.stages, PROGRAM);
    exit(0); // Only an order that starts no program, a probe, comes here.
}

/// Carries out one stage, or reports the step that went wrong and ends.
fn take(stages: &[Stage; 3], stage: usize) {
    // The index is a constant at each call; without a bound to check there is no panic to link.
    let Some(&Stage { steps, count }) = stages.get(stage) else {
        exit(BROKEN)
    };
    for index in 0..count {
        // SAFETY: the order holds `count` steps there.
        let step: &Step = unsafe { &*steps.add(index) };
        // SAFETY: pointers among the arguments point into the order, which is mapped; no step writes to memory.
        let result = unsafe { system_call(step.call, step.arguments) };
        let right = match step.expected {
            NO_ERROR => result >= 0,
            expected => result == expected,
        };
        if !right {
            report(FAILED, stage, index as u32, result as i32);
            exit(BROKEN);
        }
    }
}

/// Makes a second process of this one; 0 in the new one.
fn fork(flags: u64) -> i64 {
    // SAFETY: without CLONE_VM the new process has a copy of this one's memory, its stack included.
    unsafe { system_call(number::CLONE, [SIGCHLD | flags, 0, 0, 0, 0, 0]) }
}

/// Ends this process where there is no second one.
fn report_fork(stage: usize, result: i64) {
    if result < 0 {
        report(FAILED, stage, u32::MAX, result as i32);
        exit(BROKEN);
    }
}

/// The signals that the first process waits for: a child has ended, and the host wants an end.
const AWAITED: u64 = 1 << (SIGCHLD - 1) | 1 << (SIGTERM - 1);

/// Blocks these signals and no others.
fn block(signals: u64) {
    let from = &raw const signals as u64;
    let arguments = [SIG_SETMASK, from, 0, size_of::<u64>() as u64, 0, 0];
    // SAFETY: the kernel reads one u64 there.
    unsafe { system_call(number::RT_SIGPROCMASK, arguments) };
}

/// Waits until the host wants an end, then ends everything and collects it.
///
/// The kernel would end it too, with this process. But what a process used is added up where somebody waits for it. A
/// program that ends by itself is kept, so that the host can read the kernel's account of it, and the host told.
fn collect(program: i64) -> ! {
    let awaited = AWAITED;
    let mut over = false;
    loop {
        let arguments = [
            &raw const awaited as u64,
            0,
            0,
            size_of::<u64>() as u64,
            0,
            0,
        ];
        // SAFETY: the kernel reads one u64 there, and writes nothing.
        if unsafe { system_call(number::RT_SIGTIMEDWAIT, arguments) } == SIGTERM {
            break;
        }
        while !over {
            match ended() {
                0 => break,
                ended if ended == program => {
                    over = true;
                    report(OVER, INSIDE, 0, 0);
                }
                ended => {
                    wait(ended as u64);
                }
            }
        }
    }
    loop {
        // SAFETY: the call takes no pointer.
        unsafe { system_call(number::KILL, [EVERY, SIGKILL, 0, 0, 0, 0]) };
        match wait(EVERY) {
            Some((ended, status)) if ended == program => report(ENDED, INSIDE, 0, status),
            Some(_) => {}
            None => break,
        }
    }
    // One more process, for its number: it tells whether there ever was one beside the program.
    let next = fork(0);
    if next != 0 {
        report(NEXT, INSIDE, 0, next as i32);
        wait(EVERY);
    }
    exit(0)
}

/// A child that has ended, and is not collected by this; 0 if there is none, or none yet.
fn ended() -> i64 {
    // A `siginfo_t`, whose number of a process is its fifth word.
    let mut about = [0i32; 32];
    let to = &raw mut about as u64;
    let arguments = [P_ALL, 0, to, WEXITED | WNOHANG | WNOWAIT, 0, 0];
    // SAFETY: the kernel writes one `siginfo_t` there, of 128 bytes.
    unsafe { system_call(number::WAITID, arguments) };
    let [_, _, _, _, process, ..] = about;
    process.into()
}

/// Waits for a child: which one, and its status; none if there is none.
fn wait(which: u64) -> Option<(i64, i32)> {
    let mut status = 0i32;
    let to = &raw mut status as u64;
    // SAFETY: the kernel writes one i32 there.
    let ended = unsafe { system_call(number::WAIT4, [which, to, 0, 0, 0, 0]) };
    (ended > 0).then_some((ended, status))
}

/// Tells the host. If the host is gone there is nobody to tell.
fn report(kind: u32, stage: usize, step: u32, value: i32) {
    let report = Report {
        kind,
        stage: stage as u32,
        step,
        value,
    };
    let (from, length) = (&raw const report as u64, size_of::<Report>() as u64);
    // SAFETY: the kernel reads `length` bytes there.
    unsafe {
        system_call(
            number::WRITE,
            [REPORT_DESCRIPTOR as u64, from, length, 0, 0, 0],
        )
    };
}
