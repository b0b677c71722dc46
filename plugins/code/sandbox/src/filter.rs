//! The filter of system calls.
//!
//! It lists what a program may ask for; the rest does not exist (`ENOSYS`), system calls that are not invented yet
//! among it. That is what libraries are made to meet: an older kernel; they fall back, from `clone3` to `clone`, for
//! example, whose flags can be seen by a filter. What programs know well and may not have is refused (`EPERM`), so
//! that they, and whoever reads their errors, see that it is forbidden and not missing. Nothing is answered by a kill:
//! a program whose library tries `io_uring` first is no attacker. Only a call with the numbers of another
//! architecture is, as those would pass by the list.
//!
//! The kernel remembers which calls a filter allows whatever their arguments are, so the list costs next to nothing.

use std::collections::BTreeMap;

use libc::*;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use crate::image::Image;
use crate::protocol::PROGRAM;
use crate::{Layer, SandboxError};

/// Allowed whatever the arguments are. Each works on what the process has or the private root shows.
#[rustfmt::skip] // One call a line would be five pages.
const ALLOWED: &[c_long] = &[
    // Files and descriptors.
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_preadv, SYS_pwritev,
    SYS_preadv2, SYS_pwritev2, SYS_openat, SYS_openat2, SYS_close, SYS_close_range, SYS_lseek,
    SYS_dup, SYS_dup3, SYS_fcntl, SYS_ioctl, SYS_flock, SYS_fsync, SYS_fdatasync,
    SYS_sync_file_range, SYS_ftruncate, SYS_truncate, SYS_fallocate, SYS_fadvise64, SYS_readahead,
    SYS_copy_file_range, SYS_sendfile, SYS_splice, SYS_tee, SYS_pipe2,
    // Names and what is known of files.
    SYS_newfstatat, SYS_fstat, SYS_statx, SYS_statfs, SYS_fstatfs, SYS_getdents64, SYS_getcwd,
    SYS_chdir, SYS_fchdir, SYS_mkdirat, SYS_unlinkat, SYS_renameat2, SYS_linkat, SYS_symlinkat,
    SYS_readlinkat, SYS_faccessat, SYS_faccessat2, SYS_fchmod, SYS_fchmodat, SYS_utimensat,
    SYS_umask, SYS_getxattr, SYS_lgetxattr, SYS_fgetxattr, SYS_listxattr, SYS_llistxattr,
    SYS_flistxattr,
    // Waiting.
    SYS_ppoll, SYS_pselect6, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_epoll_pwait2,
    SYS_eventfd2, SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime, SYS_signalfd4,
    SYS_inotify_init1, SYS_inotify_add_watch, SYS_inotify_rm_watch,
    // Memory.
    SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_brk, SYS_msync, SYS_mincore,
    SYS_membarrier,
    // Processes and threads of its own.
    SYS_execve, SYS_execveat, SYS_exit, SYS_exit_group, SYS_wait4, SYS_waitid, SYS_kill, SYS_tkill,
    SYS_tgkill, SYS_getpid, SYS_getppid, SYS_gettid, SYS_getpgid, SYS_setpgid, SYS_getsid,
    SYS_setsid, SYS_pidfd_open, SYS_pidfd_send_signal, SYS_set_tid_address, SYS_set_robust_list,
    SYS_get_robust_list, SYS_rseq, SYS_futex, SYS_futex_waitv, SYS_sched_yield,
    SYS_sched_getaffinity, SYS_sched_setaffinity, SYS_sched_getparam, SYS_sched_getscheduler,
    SYS_sched_get_priority_max, SYS_sched_get_priority_min, SYS_getpriority,
    SYS_getcpu, SYS_prctl,
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
    SYS_capget, SYS_uname, SYS_sysinfo, SYS_getrusage, SYS_getrlimit, SYS_setrlimit, SYS_prlimit64,
    SYS_getrandom,
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
    SYS_eventfd, SYS_signalfd, SYS_inotify_init, SYS_fork, SYS_vfork, SYS_getpgrp, SYS_alarm,
    SYS_pause, SYS_time, SYS_arch_prctl,
];
/// This architecture has the new names only.
#[cfg(target_arch = "aarch64")]
const ALLOWED_HERE: &[c_long] = &[SYS_renameat];

/// Refused, and not missing: what an attacker tries, or a library that would rather have it.
#[rustfmt::skip]
const REFUSED: &[c_long] = &[
    // Anybody else: no network, no other process's memory, no keys of the kernel's keeping.
    SYS_socket, SYS_bind, SYS_connect, SYS_listen, SYS_accept, SYS_accept4, SYS_ptrace,
    SYS_process_vm_readv, SYS_process_vm_writev, SYS_process_madvise, SYS_pidfd_getfd, SYS_kcmp,
    SYS_keyctl, SYS_add_key, SYS_request_key,
    // More kernel than a program needs.
    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_bpf, SYS_perf_event_open,
    SYS_userfaultfd, SYS_personality, SYS_seccomp, SYS_fanotify_init, SYS_name_to_handle_at,
    SYS_open_by_handle_at, SYS_lookup_dcookie,
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
    SYS_ioprio_set,
    // Memory that no limit on a process counts.
    SYS_memfd_create, SYS_memfd_secret, SYS_shmget, SYS_shmat, SYS_semget, SYS_msgget, SYS_mq_open,
    SYS_mlock, SYS_mlock2, SYS_mlockall,
];

/// The same under the names that x86-64 had first.
#[rustfmt::skip]
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[c_long] = &[
    SYS_mknod, SYS_chown, SYS_lchown, SYS_modify_ldt, SYS_iopl, SYS_ioperm, SYS_kexec_file_load,
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

/// Flags of a socket's type, which are not the type.
const SOCKET_FLAGS: c_int = SOCK_NONBLOCK | SOCK_CLOEXEC;

/// Both programs, compiled; the kernel takes the stricter answer of the two, and of two errors that of the later.
pub(crate) struct Filter {
    programs: [BpfProgram; 2],
}

impl Filter {
    pub fn new() -> Result<Self, SandboxError> {
        let fault = |error: &dyn std::fmt::Display| SandboxError::Lost {
            why: format!("the filter of system calls did not compile: {error}"),
        };
        let architecture =
            TargetArch::try_from(std::env::consts::ARCH).map_err(|error| fault(&error))?;

        let flags = |argument, mask: c_int, value: c_int| {
            let mask = SeccompCmpOp::MaskedEq(u64::from(mask as u32));
            SeccompCondition::new(argument, SeccompCmpArgLen::Dword, mask, value as u64)
        };
        let rule = |conditions: Result<Vec<SeccompCondition>, _>| {
            conditions.and_then(SeccompRule::new).map(|rule| vec![rule])
        };
        // A pair of stream sockets is a pipe in both directions. Datagram sockets could name somebody else.
        let socket_pair = rule(
            [flags(0, -1, AF_UNIX), flags(1, !SOCKET_FLAGS, SOCK_STREAM)]
                .into_iter()
                .collect(),
        );
        let clone = rule([flags(0, NEW_NAMESPACES, 0)].into_iter().collect());

        let mut allowed: BTreeMap<c_long, Vec<SeccompRule>> = all(&[ALLOWED, ALLOWED_HERE]);
        allowed.insert(SYS_socketpair, socket_pair.map_err(|error| fault(&error))?);
        allowed.insert(SYS_clone, clone.map_err(|error| fault(&error))?);

        let error = |number: c_int| SeccompAction::Errno(number as u32);
        let compile = |rules, otherwise, matching| {
            SeccompFilter::new(rules, otherwise, matching, architecture)
                .and_then(BpfProgram::try_from)
                .map_err(|error| fault(&error))
        };
        Ok(Self {
            programs: [
                compile(allowed, error(ENOSYS), SeccompAction::Allow)?,
                compile(
                    all(&[REFUSED, REFUSED_HERE]),
                    SeccompAction::Allow,
                    error(EPERM),
                )?,
            ],
        })
    }

    /// Writes the steps: the last before the program.
    pub fn write(&self, image: &mut Image) {
        image.stage(PROGRAM).layer(Layer::Seccomp);
        // The first one in place must let the second pass; `seccomp` is not on its list, `prctl` is.
        for program in &self.programs {
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
        let lists = [ALLOWED, ALLOWED_HERE, REFUSED, REFUSED_HERE].concat();
        let once = all(&[&lists]);
        assert_eq!(once.len(), lists.len());
        assert!(!once.contains_key(&SYS_clone3) && !once.contains_key(&SYS_socketpair));
    }

    #[test]
    fn both_programs_fit_into_what_the_kernel_takes() {
        for program in Filter::new().unwrap().programs {
            assert!((100..4096).contains(&program.len()), "{}", program.len());
        }
    }
}
