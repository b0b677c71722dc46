//! Ways out: other namespaces, other identities, other processes' memory, more kernel.

use crate::support::{lines, prints, python};

/// Runs system calls by number and says what the kernel answered: name, number, arguments.
fn answers(calls: &[(&str, libc::c_long, &str)]) -> Vec<String> {
    let program: String = calls
        .iter()
        .map(|(name, number, arguments)| format!("print('{name}', call({number}, {arguments}))\n"))
        .collect();
    lines(&python(&program))
        .into_iter()
        .map(str::to_owned)
        .collect()
}

fn refused(calls: &[(&str, libc::c_long, &str)], with: &str) {
    let expected: Vec<String> = calls
        .iter()
        .map(|(name, ..)| format!("{name} {with}"))
        .collect();
    assert_eq!(answers(calls), expected);
}

#[test]
fn no_further_namespace_can_be_made_or_entered() {
    let user = libc::CLONE_NEWUSER;
    let (unshare, clone) = (libc::SYS_unshare, libc::SYS_clone);
    let user = format!("{user}, 0, 0, 0, 0");
    let network = format!("{}, 0, 0, 0, 0", libc::CLONE_NEWNET | libc::SIGCHLD);
    refused(
        &[
            ("unshare user", unshare, &user),
            ("unshare mount", unshare, "0x20000"),
            ("setns", libc::SYS_setns, "0, 0"),
        ],
        "EPERM",
    );
    refused(
        &[
            ("clone user", clone, &user),
            ("clone network", clone, &network),
            (
                "clone3",
                libc::SYS_clone3,
                "ctypes.create_string_buffer(88), 88",
            ),
        ],
        "ENOSYS",
    );
}

#[test]
fn nothing_can_be_mounted() {
    let nothing = "b'tmpfs', b'/box', b'tmpfs', 0, None";
    refused(
        &[
            ("mount", libc::SYS_mount, nothing),
            ("umount", libc::SYS_umount2, "b'/box', 2"),
            ("pivot_root", libc::SYS_pivot_root, "b'/box', b'/box'"),
            ("chroot", libc::SYS_chroot, "b'/box'"),
            ("open_tree", libc::SYS_open_tree, "-100, b'/', 1"),
            (
                "move_mount",
                libc::SYS_move_mount,
                "-100, b'/usr', -100, b'/box', 0",
            ),
            ("fsopen", libc::SYS_fsopen, "b'tmpfs', 0"),
            (
                "mount_setattr",
                libc::SYS_mount_setattr,
                "-100, b'/', 0, ctypes.create_string_buffer(32), 32",
            ),
        ],
        "EPERM",
    );
}

#[test]
fn the_classic_way_out_of_a_chroot_is_closed() {
    prints(
        "
os.mkdir('jail'); outside = os.open('/', os.O_PATH)
print(said(os.chroot, 'jail'))
os.fchdir(outside); os.chdir('../' * 30)
print(os.getcwd(), os.path.exists('etc/shadow'))",
        &["EPERM", "/ False"],
    );
}

#[test]
fn no_process_can_be_traced_or_read() {
    refused(
        &[
            ("ptrace", libc::SYS_ptrace, "16, 1, 0, 0"),
            ("traceme", libc::SYS_ptrace, "0, 0, 0, 0"),
            (
                "process_vm_readv",
                libc::SYS_process_vm_readv,
                "1, None, 0, None, 0, 0",
            ),
            (
                "process_vm_writev",
                libc::SYS_process_vm_writev,
                "1, None, 0, None, 0, 0",
            ),
            ("pidfd_getfd", libc::SYS_pidfd_getfd, "0, 0, 0"),
            ("kcmp", libc::SYS_kcmp, "1, 2, 0, 0, 0"),
        ],
        "EPERM",
    );
}

#[test]
fn the_kernels_larger_interfaces_are_closed() {
    let buffer = "8, ctypes.create_string_buffer(120)";
    refused(
        &[
            ("io_uring_setup", libc::SYS_io_uring_setup, buffer),
            (
                "io_uring_enter",
                libc::SYS_io_uring_enter,
                "0, 1, 1, 0, None, 0",
            ),
            (
                "bpf",
                libc::SYS_bpf,
                "0, ctypes.create_string_buffer(64), 64",
            ),
            (
                "perf_event_open",
                libc::SYS_perf_event_open,
                "ctypes.create_string_buffer(128), 0, -1, -1, 0",
            ),
            ("userfaultfd", libc::SYS_userfaultfd, "0"),
            ("keyctl", libc::SYS_keyctl, "0, -3, 0"),
            (
                "add_key",
                libc::SYS_add_key,
                "b'user', b'name', b'value', 5, -3",
            ),
            ("personality", libc::SYS_personality, "0x0040000"),
            ("seccomp", libc::SYS_seccomp, "1, 0, None"),
            ("init_module", libc::SYS_init_module, "None, 0, b''"),
            ("kexec_load", libc::SYS_kexec_load, "0, 0, None, 0"),
            ("reboot", libc::SYS_reboot, "0, 0, 0, None"),
            (
                "syslog",
                libc::SYS_syslog,
                "3, ctypes.create_string_buffer(64), 64",
            ),
            (
                "open_by_handle_at",
                libc::SYS_open_by_handle_at,
                "-100, ctypes.create_string_buffer(64), 0",
            ),
            ("fanotify_init", libc::SYS_fanotify_init, "0, 0"),
        ],
        "EPERM",
    );
}

#[test]
fn memory_that_no_limit_counts_is_closed() {
    refused(
        &[
            ("memfd_create", libc::SYS_memfd_create, "b'name', 0"),
            ("shmget", libc::SYS_shmget, "0, 1 << 30, 0o1600"),
            ("semget", libc::SYS_semget, "0, 1, 0o1600"),
            ("msgget", libc::SYS_msgget, "0, 0o1600"),
            ("mlock", libc::SYS_mlockall, "1"),
        ],
        "EPERM",
    );
}

#[test]
fn calls_that_are_not_listed_do_not_exist() {
    refused(
        &[("far beyond", 4000, ""), ("the last", 1_000_000, "")],
        "ENOSYS",
    );
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_other_numbers_of_this_architecture_do_not_exist() {
    // `getpid` and `socket` by the numbers of x32, which share the architecture's mark.
    refused(
        &[
            ("getpid", 0x4000_0000 + 39, ""),
            ("socket", 0x4000_0000 + 41, "2, 1, 0"),
        ],
        "ENOSYS",
    );
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_call_by_the_numbers_of_32_bits_ends_the_program() {
    // `mov eax, 20; int 0x80; ret` is `getpid` there. A kernel without that interface raises a fault.
    let finished = python(
        "
import mmap
code = mmap.mmap(-1, 4096, prot=7)
code.write(bytes([0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3]))
function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
print('calling', flush=True)
print(function())",
    );
    assert_eq!(lines(&finished), ["calling"]);
    use farthing_sandbox::End::Signalled;
    assert!(
        matches!(finished.end, Signalled(libc::SIGSYS | libc::SIGSEGV)),
        "{:?}",
        finished.end
    );
}

#[test]
fn no_other_identity_can_be_had() {
    let (user, group) = (libc::SYS_setresuid, libc::SYS_setresgid);
    refused(
        &[
            ("setuid", libc::SYS_setuid, "0"),
            ("setresuid", user, "0, 0, 0"),
            ("setresgid", group, "0, 0, 0"),
            (
                "setgroups",
                libc::SYS_setgroups,
                "1, ctypes.byref(ctypes.c_int(0))",
            ),
            (
                "capset",
                libc::SYS_capset,
                "ctypes.create_string_buffer(8), ctypes.create_string_buffer(24)",
            ),
            ("fchownat", libc::SYS_fchownat, "-100, b'/box', 0, 0, 0"),
        ],
        "EPERM",
    );
    prints(
        "
print(os.getresuid(), os.getresgid(), os.getgroups() in ([], [65534]))
data = (ctypes.c_uint32 * 6)()
libc.capget((ctypes.c_uint32 * 2)(0x20080522, 0), data)
print(list(data))
print([c for c in range(41) if libc.prctl(23, c, 0, 0, 0)], libc.prctl(39, 0, 0, 0, 0), hex(libc.prctl(27, 0, 0, 0, 0)))",
        &[
            "(65534, 65534, 65534) (65534, 65534, 65534) True",
            "[0, 0, 0, 0, 0, 0]",
            "[] 1 0xef",
        ],
    );
}

#[test]
fn programs_with_set_user_ids_give_no_rights() {
    // `su` and the like are there to be read; started, they are as powerless as whoever starts them.
    prints(
        "
import stat
found = [p for p in ('/usr/bin/su', '/usr/bin/passwd', '/usr/bin/mount', '/usr/bin/sudo') if os.path.exists(p)]
print(all(os.statvfs(p).f_flag & os.ST_NOSUID for p in found))
open('own', 'w').write('#!/usr/bin/python3 -IS\\nimport os; print(os.geteuid())')
os.chmod('own', 0o4755)
sys.stdout.flush()
os.execv('/box/own', ['own'])",
        &["True", "65534"],
    );
}

#[test]
fn the_file_systems_cannot_be_changed_through_descriptors() {
    prints(
        "
root = os.open('/', os.O_PATH)
print(said(os.open, 'new', os.O_CREAT | os.O_WRONLY, dir_fd=root) in ('EROFS', 'EACCES'))
print(said(os.stat, 'etc/shadow', dir_fd=root), said(os.stat, '../etc/shadow', dir_fd=root))
print([fd for fd in range(3, 64) if said(os.fstat, fd) != 'EBADF' and fd != root])",
        &["True", "ENOENT ENOENT", "[]"],
    );
}

#[test]
fn nothing_of_the_hosts_environment_comes_in() {
    prints(
        "print({k: v for k, v in os.environ.items() if k != 'LC_CTYPE'}, os.uname().nodename != '', sys.argv)",
        &["{} True ['-c']"],
    );
}
