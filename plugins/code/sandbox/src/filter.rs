//! The filter of system calls.
//!
//! It lists what a program may ask for; the rest does not exist (`ENOSYS`), system calls that are not invented yet
//! among it. That is what libraries are made to meet: an older kernel; they fall back, from `clone3` to `clone`, for
//! example, whose flags can be seen by a filter. What programs know well and may not have is refused (`EPERM`), so
//! that they, and whoever reads their errors, see that it is forbidden and not missing. Nothing is answered by a kill:
//! a program whose library tries `io_uring` first is no attacker. Only a call with the numbers of another
//! architecture is, as those would pass by the list.
//!
//! What is shown of the machine is the same for all runs, so nothing may be done to it that another run could see: no
//! lock, no watch, no word on whether a file is in the page cache. What only asks the kernel to write or to fetch files
//! earlier (`fsync`, `posix_fadvise`) is said to be done, and is not.
//!
//! The kernel remembers which calls a filter allows whatever their arguments are, so the list costs next to nothing.

use std::collections::BTreeMap;

use libc::*;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

use crate::image::Image;
use crate::protocol::PROGRAM;
use crate::{Layer, SandboxError};

/// Allowed whatever the arguments are. Each works on what the process has or the private root shows.
#[rustfmt::skip] // One call a line would be five pages.
const ALLOWED: &[c_long] = &[
    // Files and descriptors.
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_preadv, SYS_pwritev,
    SYS_openat, SYS_close, SYS_close_range, SYS_lseek, SYS_dup, SYS_dup3, SYS_ftruncate,
    SYS_truncate, SYS_fallocate, SYS_copy_file_range, SYS_sendfile, SYS_splice, SYS_tee, SYS_pipe2,
    // Names and what is known of files.
    SYS_newfstatat, SYS_fstat, SYS_statx, SYS_statfs, SYS_fstatfs, SYS_getdents64, SYS_getcwd,
    SYS_chdir, SYS_fchdir, SYS_mkdirat, SYS_unlinkat, SYS_renameat2, SYS_linkat, SYS_symlinkat,
    SYS_readlinkat, SYS_faccessat, SYS_faccessat2, SYS_fchmod, SYS_fchmodat, SYS_utimensat,
    SYS_umask, SYS_getxattr, SYS_lgetxattr, SYS_fgetxattr, SYS_listxattr, SYS_llistxattr,
    SYS_flistxattr,
    // Waiting.
    SYS_ppoll, SYS_pselect6, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_epoll_pwait2,
    SYS_eventfd2, SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime, SYS_signalfd4,
    // Memory.
    SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_brk, SYS_msync, SYS_mincore,
    SYS_membarrier,
    // Processes and threads of its own.
    SYS_execve, SYS_execveat, SYS_exit, SYS_exit_group, SYS_wait4, SYS_waitid, SYS_kill, SYS_tkill,
    SYS_tgkill, SYS_getpid, SYS_getppid, SYS_gettid, SYS_getpgid, SYS_setpgid, SYS_getsid,
    SYS_setsid, SYS_pidfd_open, SYS_pidfd_send_signal, SYS_set_tid_address, SYS_set_robust_list,
    SYS_get_robust_list, SYS_rseq, SYS_futex_waitv, SYS_sched_yield,
    SYS_sched_getaffinity, SYS_sched_getparam, SYS_sched_getscheduler,
    SYS_sched_get_priority_max, SYS_sched_get_priority_min, SYS_getpriority,
    SYS_getcpu,
    // Signals.
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigpending, SYS_rt_sigtimedwait,
    SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_rt_sigsuspend, SYS_sigaltstack,
    SYS_restart_syscall,
    // Time.
    SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday,
    SYS_times, SYS_getitimer, SYS_setitimer, SYS_timer_create, SYS_timer_settime, SYS_timer_gettime,
    SYS_timer_getoverrun, SYS_timer_delete,
    // Who and where it is, and what it may use.
    SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getresuid, SYS_getresgid, SYS_getgroups,
    SYS_capget, SYS_uname, SYS_sysinfo, SYS_getrusage, SYS_getrlimit, SYS_setrlimit,
    SYS_getrandom, SYS_prlimit64,
    // A pair of sockets with each other; see `SOCKET_PAIR` for which.
    SYS_sendto, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg, SYS_shutdown, SYS_getsockname,
    SYS_getpeername, SYS_getsockopt, SYS_setsockopt,
];

/// The same under the names that x86-64 had first.
#[rustfmt::skip]
#[cfg(target_arch = "x86_64")]
const ALLOWED_HERE: &[c_long] = &[
    SYS_open, SYS_creat, SYS_stat, SYS_lstat, SYS_access, SYS_pipe, SYS_dup2, SYS_mkdir, SYS_rmdir,
    SYS_unlink, SYS_rename, SYS_renameat, SYS_link, SYS_symlink, SYS_readlink, SYS_chmod, SYS_utime,
    SYS_utimes, SYS_futimesat, SYS_getdents, SYS_poll, SYS_select, SYS_epoll_create, SYS_epoll_wait,
    SYS_eventfd, SYS_signalfd, SYS_fork, SYS_vfork, SYS_getpgrp, SYS_alarm,
    SYS_pause, SYS_time, SYS_arch_prctl,
];
/// This architecture has the new names only.
#[cfg(target_arch = "aarch64")]
const ALLOWED_HERE: &[c_long] = &[SYS_renameat];

/// Commands of `fcntl` on a descriptor itself. Locks, leases and notices are on files that other runs see too, and a
/// larger pipe takes from what all runs may have together.
const DESCRIPTOR_COMMANDS: &[c_int] = &[
    F_DUPFD,
    F_DUPFD_CLOEXEC,
    F_GETFD,
    F_SETFD,
    F_GETFL,
    F_SETFL,
    F_GETPIPE_SZ,
    F_GET_SEALS,
];

/// Requests of `ioctl` that ask whether there is a terminal or how much can be read, and what `fcntl` does too.
const DESCRIPTOR_REQUESTS: &[Ioctl] = &[
    TCGETS, TCGETS2, TIOCGWINSZ, TIOCGPGRP, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX,
];

/// Options of `prctl` on names and signals, and those that only tell. The one that installs a filter is for the
/// second program of ours, which then refuses it.
const PROCESS_OPTIONS: &[c_int] = &[
    PR_SET_NAME,
    PR_GET_NAME,
    PR_SET_VMA,
    PR_SET_PDEATHSIG,
    PR_GET_PDEATHSIG,
    PR_SET_DUMPABLE,
    PR_GET_DUMPABLE,
    PR_SET_NO_NEW_PRIVS,
    PR_GET_NO_NEW_PRIVS,
    PR_GET_SECCOMP,
    PR_GET_SECUREBITS,
    PR_CAPBSET_READ,
    PR_SET_SECCOMP,
];

/// What `madvise` may say: nothing that moves others' pages out of memory, or makes one page of equal ones.
const MEMORY_ADVICE: &[c_int] = &[
    MADV_NORMAL,
    MADV_RANDOM,
    MADV_SEQUENTIAL,
    MADV_WILLNEED,
    MADV_DONTNEED,
    MADV_FREE,
    MADV_REMOVE,
    MADV_DONTFORK,
    MADV_DOFORK,
    MADV_HUGEPAGE,
    MADV_NOHUGEPAGE,
    MADV_DONTDUMP,
    MADV_DODUMP,
    MADV_WIPEONFORK,
    MADV_KEEPONFORK,
];

/// The number of the first process, which watches over the others.
const WATCHER: u64 = 1;

/// Said to be done: the files of a run are in memory, and when the machine's are is not a program's to say.
#[rustfmt::skip]
const DONE: &[c_long] = &[
    SYS_fsync, SYS_fdatasync, SYS_sync_file_range, SYS_fadvise64, SYS_readahead,
];

/// Refused, and not missing: what an attacker tries, or a library that would rather have it.
#[rustfmt::skip]
const REFUSED: &[c_long] = &[
    // Anybody else: no network, no other process's memory, no keys of the kernel's keeping.
    SYS_socket, SYS_bind, SYS_connect, SYS_listen, SYS_accept, SYS_accept4, SYS_ptrace,
    SYS_process_vm_readv, SYS_process_vm_writev, SYS_process_madvise, SYS_pidfd_getfd, SYS_kcmp,
    SYS_keyctl, SYS_add_key, SYS_request_key,
    // More kernel than a program needs.
    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_bpf, SYS_perf_event_open,
    SYS_userfaultfd, SYS_personality, SYS_seccomp, SYS_name_to_handle_at, SYS_open_by_handle_at,
    SYS_lookup_dcookie,
    // Files as others use them: locks and watches.
    SYS_flock, SYS_inotify_init1, SYS_inotify_add_watch, SYS_fanotify_init,
    // Another view of the machine.
    SYS_unshare, SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_open_tree,
    SYS_move_mount, SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_mount_setattr,
    SYS_sethostname, SYS_setdomainname, SYS_mknodat,
    // Another identity.
    SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_setgroups,
    SYS_setfsuid, SYS_setfsgid, SYS_capset, SYS_fchown, SYS_fchownat,
    // The machine itself, and a place before or behind others on it.
    SYS_setpriority, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load,
    SYS_reboot, SYS_swapon, SYS_swapoff, SYS_acct, SYS_quotactl, SYS_settimeofday, SYS_clock_settime, SYS_adjtimex,
    SYS_clock_adjtime, SYS_syslog, SYS_vhangup, SYS_sched_setscheduler, SYS_sched_setattr,
    SYS_sched_setaffinity, SYS_ioprio_set,
    // Memory that no limit on a process counts.
    SYS_memfd_create, SYS_memfd_secret, SYS_shmget, SYS_shmat, SYS_semget, SYS_msgget, SYS_mq_open,
    SYS_mlock, SYS_mlock2, SYS_mlockall,
];

/// The same under the names that x86-64 had first.
#[rustfmt::skip]
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[c_long] = &[
    SYS_mknod, SYS_chown, SYS_lchown, SYS_modify_ldt, SYS_iopl, SYS_ioperm, SYS_kexec_file_load,
    SYS_inotify_init,
];
/// This architecture has the new names only.
#[cfg(target_arch = "aarch64")]
const REFUSED_HERE: &[c_long] = &[];

/// Flags of `clone` that make namespaces.
const NEW_NAMESPACES: c_int = CLONE_NEWNS
    | CLONE_NEWCGROUP
    | CLONE_NEWUTS
    | CLONE_NEWIPC
    | CLONE_NEWUSER
    | CLONE_NEWPID
    | CLONE_NEWNET;

/// The bits of a futex's operation that are not flags.
const FUTEX_OPERATION: c_int = !(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);

/// Flags of a socket's type, which are not the type.
const SOCKET_FLAGS: c_int = SOCK_NONBLOCK | SOCK_CLOEXEC;

/// The programs, compiled; the kernel takes the strictest answer of them, and of several errors that of the latest.
pub(crate) struct Filter {
    programs: [BpfProgram; 3],
}

type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

impl Filter {
    pub fn new() -> Result<Self, SandboxError> {
        Self::compile().map_err(|error| SandboxError::Lost {
            why: format!("the filter of system calls did not compile: {error}"),
        })
    }

    fn compile() -> Result<Self, BackendError> {
        let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
        let error = |number: c_int| SeccompAction::Errno(number as u32);
        let compile = |rules, otherwise, matching| {
            SeccompFilter::new(rules, otherwise, matching, architecture)
                .and_then(BpfProgram::try_from)
        };
        let pass = SeccompAction::Allow;
        Ok(Self {
            programs: [
                compile(allowed()?, error(ENOSYS), pass.clone())?,
                compile(refused()?, pass.clone(), error(EPERM))?,
                compile(all(&[DONE]), pass, error(0))?,
            ],
        })
    }

    /// Writes the steps: the last before the program.
    pub fn write(&self, image: &mut Image) {
        image.stage(PROGRAM).layer(Layer::Seccomp);
        // The first ones in place must let the next pass; `seccomp` is not on the list, this option of `prctl` is, and the
        // second one, which refuses it, comes last.
        let [allowed, refused, done] = &self.programs;
        for program in [allowed, done, refused] {
            let instructions: Vec<u64> = program
                .iter()
                .map(|instruction| {
                    let [low, high] = instruction.code.to_ne_bytes();
                    let [a, b, c, d] = instruction.k.to_ne_bytes();
                    u64::from_ne_bytes([low, high, instruction.jt, instruction.jf, a, b, c, d])
                })
                .collect();
            let instructions = image.words(&instructions);
            let filter = image.words(&[program.len() as u64, instructions]);
            let mode = SECCOMP_MODE_FILTER as u64;
            image.step(
                "install the filter",
                SYS_prctl,
                &[PR_SET_SECCOMP as u64, mode, filter],
            );
        }
    }
}

/// What exists.
fn allowed() -> Result<Rules, BackendError> {
    let mut allowed = all(&[ALLOWED, ALLOWED_HERE, DONE]);
    let words = |numbers: &[c_int]| numbers.iter().map(|&n| u64::from(n as u32)).collect();
    let requests = DESCRIPTOR_REQUESTS.iter();
    let requests = requests.map(|&n| u64::from(n as u32)).collect();
    allowed.insert(SYS_fcntl, one_of(1, words(DESCRIPTOR_COMMANDS))?);
    allowed.insert(SYS_ioctl, one_of(1, requests)?);
    allowed.insert(SYS_prctl, one_of(0, words(PROCESS_OPTIONS))?);
    allowed.insert(SYS_madvise, one_of(2, words(MEMORY_ADVICE))?);
    // A futex in a page of a file is one for all runs that map it. Those of one process say so, and of the others a
    // program may wait, as it does for the end of a thread, of which the kernel tells.
    let own = flags(1, FUTEX_PRIVATE_FLAG, FUTEX_PRIVATE_FLAG)?;
    let waits =
        [FUTEX_WAIT, FUTEX_WAIT_BITSET].map(|operation| flags(1, FUTEX_OPERATION, operation));
    let mut futex = vec![SeccompRule::new(vec![own])?];
    for wait in waits {
        futex.push(SeccompRule::new(vec![wait?])?);
    }
    allowed.insert(SYS_futex, futex);
    // A pair of stream sockets is a pipe in both directions. Datagram sockets could name somebody else.
    let pair = [
        flags(0, -1, AF_UNIX)?,
        flags(1, !SOCKET_FLAGS, SOCK_STREAM)?,
    ];
    allowed.insert(SYS_socketpair, vec![SeccompRule::new(pair.to_vec())?]);
    let plain = flags(0, NEW_NAMESPACES, 0)?;
    allowed.insert(SYS_clone, vec![SeccompRule::new(vec![plain])?]);
    Ok(allowed)
}

/// What is forbidden by name, or to do to the first process.
fn refused() -> Result<Rules, BackendError> {
    let mut refused = all(&[REFUSED, REFUSED_HERE]);
    refused.insert(SYS_prlimit64, one_of(0, vec![WATCHER])?);
    refused.insert(SYS_prctl, one_of(0, vec![PR_SET_SECCOMP as u64])?);
    Ok(refused)
}

/// An argument of 32 bits is one of these.
fn one_of(argument: u8, values: Vec<u64>) -> Result<Vec<SeccompRule>, BackendError> {
    let rule = |value| {
        let is = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)?;
        SeccompRule::new(vec![is])
    };
    values.into_iter().map(rule).collect()
}

/// Those bits of an argument that are in the mask have this value.
fn flags(argument: u8, mask: c_int, value: c_int) -> Result<SeccompCondition, BackendError> {
    let mask = SeccompCmpOp::MaskedEq(u64::from(mask as u32));
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, mask, value as u64)
}

fn all(lists: &[&[c_long]]) -> BTreeMap<c_long, Vec<SeccompRule>> {
    lists
        .iter()
        .flat_map(|list| list.iter())
        .map(|&call| (call, Vec::new()))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.
mod tests {
    use super::*;

    #[test]
    fn no_call_is_both_allowed_and_refused_or_listed_twice() {
        let lists = [ALLOWED, ALLOWED_HERE, DONE, REFUSED, REFUSED_HERE].concat();
        let once = all(&[&lists]);
        assert_eq!(once.len(), lists.len());
        let by_arguments = [
            SYS_socketpair,
            SYS_clone,
            SYS_fcntl,
            SYS_ioctl,
            SYS_prctl,
            SYS_madvise,
            SYS_futex,
        ];
        for call in [&by_arguments[..], &[SYS_clone3]].concat() {
            assert!(!once.contains_key(&call), "{call}");
        }
        for call in by_arguments {
            assert!(allowed().unwrap().contains_key(&call), "{call}");
        }
    }

    #[test]
    fn the_programs_fit_into_what_the_kernel_takes() {
        for program in Filter::new().unwrap().programs {
            assert!((10..4096).contains(&program.len()), "{}", program.len());
        }
    }
}
