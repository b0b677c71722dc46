//! What the host and the launcher say to each other. Both are compiled from this file, so it needs nothing but `core`.
//!
//! An **order** is a picture of the launcher's memory: the launcher maps it at [`ORDER_ADDRESS`], and every pointer in
//! it is already right. It holds three lists of system calls, one for each process that the launcher is in turn, with
//! all that those calls point to. So what a sandbox is made of is decided, and can be read, in the host alone.

/// Where the launcher maps an order: far from where a static program, its stack and `mmap` put things, and below the end
/// of the smallest address space that 64-bit kernels are built with, of 39 bits.
pub const ORDER_ADDRESS: u64 = 0x10_0000_0000;

/// The descriptors that the launcher starts with, after the program's 0 to 3.
pub const REPORT_DESCRIPTOR: i32 = 4;
/// The order, which the launcher closes once it is mapped. From then on this is the lowest free number.
pub const ORDER_DESCRIPTOR: i32 = 5;

/// The result that a step must have: any that is no error.
pub const NO_ERROR: i64 = i64::MAX;

/// The start of an order.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// For each of the stages, in the order of the constants below.
    pub stages: [Stage; 3],
}

/// By the process that the host started, which sees the machine: into the cgroup, down to an identity without rights,
/// into new namespaces.
pub const OUTSIDE: usize = 0;
/// By the first process of the new namespaces: the private root, and the end of all capabilities.
pub const INSIDE: usize = 1;
/// By the process that becomes the program: limits, filters, and the program itself as the last step.
pub const PROGRAM: usize = 2;

/// A list of steps.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// Where they are.
    pub steps: *const Step,
    /// How many.
    pub count: usize,
}

/// One system call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Its number.
    pub call: i64,
    /// What its registers hold.
    pub arguments: [u64; 6],
    /// What it must return: this number, or with [`NO_ERROR`] any that is not negative. Anything else ends the stage.
    pub expected: i64,
}

/// What a launcher tells the host, through a pipe. It is short enough to be written as one.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// One of the constants below.
    pub kind: u32,
    /// With [`FAILED`], the stage and the step in it.
    pub stage: u32,
    /// See `stage`.
    pub step: u32,
    /// A number of a process, the status that `wait4` gave, or what a failed step returned.
    pub value: i32,
}

/// The first process of the new namespaces is there, and `value` is its number outside.
pub const STARTED: u32 = 1;
/// All is made; the program can start. Sent as the last step of the inner stage.
pub const READY: u32 = 2;
/// The program has ended with status `value`.
pub const ENDED: u32 = 3;
/// A step returned `value`, which is not what it must.
pub const FAILED: u32 = 4;
/// The program has ended by itself, and is kept as the kernel left it until the host wants an end.
pub const OVER: u32 = 5;
/// All is ended, and `value` is the number of the next process of the namespaces.
pub const NEXT: u32 = 6;

/// The number of the next process where the program never made another process or thread. The kernel gives numbers in
/// order, and none of the low ones twice.
pub const NEXT_IF_ALONE: i32 = 3;

impl Report {
    /// As it goes through the pipe.
    pub fn to_bytes(self) -> [u8; size_of::<Self>()] {
        let words = [self.kind, self.stage, self.step, self.value.cast_unsigned()];
        let mut bytes = [0; size_of::<Self>()];
        for (to, word) in bytes.chunks_exact_mut(4).zip(words) {
            to.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    /// As it comes out of the pipe.
    pub fn from_bytes(bytes: [u8; size_of::<Self>()]) -> Self {
        let word = |index: usize| {
            let at = 4 * index;
            u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        Self {
            kind: word(0),
            stage: word(1),
            step: word(2),
            value: word(3).cast_signed(),
        }
    }
}
