//! What the processes inside may still do: no capability, no gain of any, and so much of each resource.

use rustix::process::{Resource, getrlimit};

use crate::image::Image;
use crate::protocol::{INSIDE, PROGRAM, READY, REPORT_DESCRIPTOR, Report};
use crate::{Layer, Limits, SandboxError};

// From <linux/securebits.h> and <linux/capability.h>, which libc does not have.
const SECBIT_NOROOT: u64 = 1;
const SECBIT_NO_SETUID_FIXUP: u64 = 1 << 2;
const SECBIT_NO_CAP_AMBIENT_RAISE: u64 = 1 << 6;
const SECBITS_LOCKED: u64 = 0b1010_1010;
const CAPABILITY_VERSION_3: u64 = 0x2008_0522;

/// The largest stack of a main thread. Threads reserve as much each, so it is not larger; a program may ask for more.
const STACK: u64 = 8 << 20;

/// How much more address space than memory a process may have where a cgroup counts its memory: programs reserve far
/// more than they touch, and a refused reservation is no evidence that the memory was used.
const ADDRESS_SPACE_PER_MEMORY: u64 = 4;

/// The launcher's processes beside the program: the first, which stays until we have waited for it, and the second.
pub(crate) const LAUNCHER_PROCESSES: u64 = 2;

/// Writes the end of the inner stage: no capability is left, and the end of the host is the end of the run.
pub(crate) fn write_privileges(image: &mut Image, last_capability: u64) {
    image.stage(INSIDE).layer(Layer::DroppedIds);
    let bits =
        SECBIT_NOROOT | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_CAP_AMBIENT_RAISE | SECBITS_LOCKED;
    prctl(image, "lock the secure bits", libc::PR_SET_SECUREBITS, bits);
    for capability in 0..=last_capability {
        prctl(
            image,
            "drop a bounding capability",
            libc::PR_CAPBSET_DROP,
            capability,
        );
    }
    prctl(
        image,
        "clear ambient capabilities",
        libc::PR_CAP_AMBIENT,
        libc::PR_CAP_AMBIENT_CLEAR_ALL as u64,
    );
    let (header, none) = (image.words(&[CAPABILITY_VERSION_3]), image.words(&[0; 3]));
    image.step("drop all capabilities", libc::SYS_capset, &[header, none]);

    image.layer(Layer::NoNewPrivileges);
    prctl(image, "set no_new_privs", libc::PR_SET_NO_NEW_PRIVS, 1);

    image.layer(None);
    prctl(
        image,
        "tie the run to the host's life",
        libc::PR_SET_PDEATHSIG,
        libc::SIGKILL as u64,
    );
    prctl(
        image,
        "hide this process's memory",
        libc::PR_SET_DUMPABLE,
        0,
    );
    // A host that died before it was tied to is noticed here: its end of the pipe is closed.
    let report = Report {
        kind: READY,
        stage: INSIDE as u32,
        step: 0,
        value: 0,
    }
    .to_bytes();
    let (address, length) = (image.bytes(&report), report.len() as u64);
    let arguments = [REPORT_DESCRIPTOR as u64, address, length];
    image.expect(length as i64, "tell the host", libc::SYS_write, &arguments);
}

/// A resource limit: what a shell calls it, and the soft and the hard limit that are wanted.
struct Wanted {
    name: &'static str,
    option: &'static str,
    resource: Resource,
    soft: u64,
    hard: u64,
    /// A host that allows less than this runs nothing.
    least: u64,
}

impl Wanted {
    /// As far as this process's own hard limit allows, which nobody without rights can raise.
    fn allowed(&self) -> Result<[u64; 2], SandboxError> {
        let host = getrlimit(self.resource).maximum.unwrap_or(u64::MAX);
        if host < self.least {
            return Err(SandboxError::HostLimit {
                name: self.name,
                option: self.option,
                found: host,
                least: self.least,
            });
        }
        Ok([self.soft.min(host), self.hard.min(host)])
    }
}

/// Writes the start of the program's stage.
pub(crate) fn write_limits(
    image: &mut Image,
    limits: &Limits,
    counted_memory: bool,
) -> Result<(), SandboxError> {
    image.stage(PROGRAM).layer(None);
    image.step("setsid", libc::SYS_setsid, &[]);
    let flags = [
        REPORT_DESCRIPTOR as u64,
        libc::F_SETFD as u64,
        libc::FD_CLOEXEC as u64,
    ];
    image.step("hide the report", libc::SYS_fcntl, &flags);

    image.layer(Layer::Limits);
    let address_space = if counted_memory {
        limits.memory.saturating_mul(ADDRESS_SPACE_PER_MEMORY)
    } else {
        limits.memory
    };
    let seconds = whole_seconds(limits);
    let processes = u64::from(limits.processes) + LAUNCHER_PROCESSES;
    let files = u64::from(limits.open_files);
    let one = |name, option, resource, limit: u64, least: u64| Wanted {
        name,
        option,
        resource,
        soft: limit,
        hard: limit,
        least: least.min(limit),
    };
    for wanted in [
        Wanted {
            hard: seconds + 1,
            // A host's own limit would end programs, and they would be judged for it.
            ..one("processor time", "-t", Resource::Cpu, seconds, seconds)
        },
        one("address space", "-v", Resource::As, address_space, 16 << 20),
        one(
            "file size",
            "-f",
            Resource::Fsize,
            limits.file_size,
            1 << 20,
        ),
        one("open files", "-n", Resource::Nofile, files, 32),
        one(
            "processes",
            "-u",
            Resource::Nproc,
            processes,
            1 + LAUNCHER_PROCESSES,
        ),
        Wanted {
            soft: STACK.min(limits.memory),
            // Recursive programs ask for as much as there is, in words that fail where that is anything but no limit; what a
            // stack takes is memory, which has limits of its own.
            ..one("stack size", "-s", Resource::Stack, u64::MAX, 1 << 17)
        },
        // The kernel takes a core limit of 1 to mean that not even a program that collects cores is called.
        one("core size", "-c", Resource::Core, 1, 0),
        one("locked memory", "-l", Resource::Memlock, 0, 0),
        one("message queues", "-q", Resource::Msgqueue, 0, 0),
    ] {
        let limit = image.words(&wanted.allowed()?);
        let arguments = [0, wanted.resource as u64, limit, 0];
        let what = format!("limit {}", wanted.name);
        image.step(what, libc::SYS_prlimit64, &arguments);
    }
    Ok(())
}

/// The kernel's limit on a process's processor time, in its unit: at least the job's.
pub(crate) fn whole_seconds(limits: &Limits) -> u64 {
    let partial = u64::from(limits.cpu.subsec_nanos() > 0);
    (limits.cpu.as_secs() + partial).max(1)
}

fn prctl(image: &mut Image, what: &'static str, option: i32, value: u64) {
    image.step(what, libc::SYS_prctl, &[option as u64, value, 0, 0, 0]);
}
