//! What one run could leave for another, or do to what all of them see: that would be a memory, and a program that is
//! run again after it was right learns from it that it was.

use std::path::Path;

use farthing_sandbox::{Job, Sandbox};

use crate::support::{PYTHON, ample, lines, prints, run_in, sandbox};

/// What two runs of the same program print, in one sandbox.
fn twice(sandbox: &Sandbox, program: &str) -> [String; 2] {
    [0, 1].map(|_| lines(&run_in(sandbox, program, ample())).join("\n"))
}

#[test]
fn flags_of_the_standard_input_end_with_the_run() {
    // Of an empty input, and of the channel's place.
    let program = "
import fcntl
before = fcntl.fcntl(0, fcntl.F_GETFL)
fcntl.fcntl(0, fcntl.F_SETFL, before | os.O_NONBLOCK | os.O_APPEND)
print(bool(before & (os.O_NONBLOCK | os.O_APPEND)), bool(fcntl.fcntl(0, fcntl.F_GETFL) & os.O_NONBLOCK))
print(repr(sys.stdin.read()), said(os.fstat, 3))";
    let expected = "False True\n'' EBADF";
    assert_eq!(twice(&sandbox(), program), [expected, expected]);
}

#[test]
fn the_place_in_an_input_ends_with_the_run() {
    let sandbox = sandbox();
    let program = [
        "-I",
        "-S",
        "-c",
        "import os; print(os.read(0, 3), os.write(1, b''))",
    ];
    for _ in 0..2 {
        let job = Job {
            program: Path::new(PYTHON),
            arguments: &program,
            environment: &[],
            files: &[],
            stdin: b"input",
            limits: ample(),
            channel: false,
        };
        assert_eq!(sandbox.run(&job).unwrap().stdout, b"b'inp' 0\n");
    }
}

#[test]
fn no_lock_lease_or_notice_can_be_had_on_what_others_see() {
    prints(
        "
import fcntl, struct
for path in ['/usr/bin/env', '/usr/lib', '/dev/null', '/dev/zero']:
    file = os.open(path, os.O_RDONLY)
    lock = struct.pack('hhqqi4x', 0, 0, 0, 1, 0)
    print([said(fcntl.fcntl, file, command, lock) for command in (5, 6, 7, 36, 37, 38)])
    print(said(fcntl.flock, file, 1 | 4), said(fcntl.flock, file, 2 | 4))
    print([said(fcntl.fcntl, file, command, 1) for command in (8, 10, 1024, 1026)])",
        &[
            "['ENOSYS', 'ENOSYS', 'ENOSYS', 'ENOSYS', 'ENOSYS', 'ENOSYS']",
            "EPERM EPERM",
            "['ENOSYS', 'ENOSYS', 'ENOSYS', 'ENOSYS']",
        ]
        .repeat(4),
    );
}

#[test]
fn what_programs_do_with_their_own_descriptors_works() {
    prints(
        "
import fcntl
one, other = os.pipe()
print(fcntl.fcntl(one, fcntl.F_GETFD), os.get_inheritable(os.dup(one)), os.set_inheritable(one, True))
os.set_blocking(one, False); print(said(os.read, one, 1), os.isatty(0), said(os.get_terminal_size, 0))
print(os.write(other, b'abc'), int.from_bytes(fcntl.ioctl(one, 0x541b, bytes(4)), 'little'))
import subprocess
print(subprocess.run(['/bin/echo', 'child'], stdout=subprocess.PIPE).stdout)",
        &["1 False None", "EAGAIN False ENOTTY", "3 3", "b'child\\n'"],
    );
}

#[test]
fn nobody_can_watch_files_or_ask_what_is_in_the_page_cache() {
    let (init, watch) = (libc::SYS_inotify_init1, libc::SYS_inotify_add_watch);
    let (fanotify, cached, open) = (
        libc::SYS_fanotify_init,
        libc::SYS_preadv2,
        libc::SYS_openat2,
    );
    prints(
        &format!(
            "
print(call({init}, 0), call({watch}, 0, b'/usr/bin', 0xfff), call({fanotify}, 0, 0))
file = os.open('/usr/bin/env', os.O_RDONLY)
print(call({cached}, file, None, 0, 0, 0, 8), call({open}, -100, b'/usr/bin/env', bytes(24), 24))
import mmap
shown = mmap.mmap(file, 4096, mmap.MAP_SHARED, mmap.PROT_READ)
print([said(shown.madvise, advice) for advice in (20, 21, 12, 100, mmap.MADV_DONTNEED)])"
        ),
        &[
            "EPERM EPERM EPERM",
            "ENOSYS ENOSYS",
            "['ENOSYS', 'ENOSYS', 'ENOSYS', 'ENOSYS', 'None']",
        ],
    );
}

#[test]
fn writing_early_is_said_to_be_done() {
    prints(
        "
with open('own', 'w') as file: print(file.write('x'), os.fsync(file.fileno()), os.fdatasync(file.fileno()))
file = os.open('/usr/bin/env', os.O_RDONLY)
print(os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED), os.fsync(file))",
        &["1 None None", "None None"],
    );
}

#[test]
fn the_devices_are_used_and_stay_as_they_are() {
    use std::os::unix::fs::MetadataExt;
    let devices = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];
    let known = |path: &str| {
        let about = std::fs::metadata(path).unwrap();
        (about.mode(), about.mtime(), about.uid())
    };
    let before = devices.map(known);
    let finished = run_in(
        &sandbox(),
        &format!(
            "
for path in {devices:?}:
    print(said(os.utime, path, (1, 1)), said(os.utime, path), said(os.chmod, path, 0o600))
    with open(path, 'r+b', buffering=0) as file: print(file.write(b'x'), len(file.read(1)))
    before = os.stat(path).st_atime_ns
    open(path, 'rb', buffering=0).read(1); print(os.stat(path).st_atime_ns == before)"
        ),
        ample(),
    );
    let expected: Vec<String> = devices
        .iter()
        .flat_map(|path| {
            let read = u8::from(*path != "/dev/null");
            [
                "EROFS EROFS EROFS".into(),
                format!("1 {read}"),
                "True".into(),
            ]
        })
        .collect();
    assert_eq!(lines(&finished), expected);
    assert_eq!(devices.map(known), before);
}

#[test]
fn the_first_process_can_be_neither_limited_nor_moved() {
    // Limits of it would be a way to end the run as lost, which is no verdict.
    let program = format!(
        "
import resource
print(said(resource.prlimit, 1, resource.RLIMIT_CPU, (0, 0)), said(resource.prlimit, 1, resource.RLIMIT_CPU))
print(call({affinity}, 1, 8, b'1' + bytes(7)), call({affinity}, 0, 8, b'1' + bytes(7)))
print(len(resource.prlimit(0, resource.RLIMIT_CPU)), len(resource.prlimit(os.getpid(), resource.RLIMIT_CPU)))
print(said(os.sched_setaffinity, 0, {{0}}))",
        affinity = libc::SYS_sched_setaffinity
    );
    prints(&program, &["EPERM EPERM", "EPERM EPERM", "2 2", "EPERM"]);
}

#[test]
fn the_host_has_no_name() {
    prints(
        "print(os.uname().nodename)
libc.getdomainname(name := ctypes.create_string_buffer(65), 65); print(name.value)",
        &["sandbox", "b'sandbox'"],
    );
}

#[test]
fn options_of_a_process_that_reach_further_do_not_exist() {
    let program = format!(
        "
for option, value in [(36, 1), (62, 0), (29, 1), (26, 2), (35, 1), (52, 0), (24, 0), (28, 0), (47, 4)]:
    print(call({prctl}, option, value, 0, 0, 0))
print(call({prctl}, 22, 1, 0, 0, 0), call({prctl}, 15, b'name', 0, 0, 0), call({prctl}, 38, 1, 0, 0, 0))
for request in (0x5412, 0x541d, 0x80086601, 0x40049409, 0x5452): print(call({ioctl}, 0, request, 0))",
        prctl = libc::SYS_prctl,
        ioctl = libc::SYS_ioctl
    );
    let mut expected = vec!["ENOSYS"; 9];
    expected.push("EPERM 0 0");
    expected.extend(["ENOSYS"; 5]);
    prints(&program, &expected);
}

#[test]
fn nobody_is_woken_through_a_file_that_others_map_too() {
    prints(
        "
import mmap, threading
file = os.open('/usr/bin/env', os.O_RDONLY)
page = mmap.mmap(file, 4096, prot=mmap.PROT_READ)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
address = libc.mmap(None, 4096, 1, 1, file, 0)
WAKE, REQUEUE, WAKE_OP, WAKE_BITSET, PRIVATE = 1, 3, 5, 10, 128
for operation in (WAKE, REQUEUE, WAKE_OP, WAKE_BITSET):
    print(call(202, ctypes.c_void_p(address), operation, 1, 0, ctypes.c_void_p(address), 0xffffffff))
print(call(202, ctypes.c_void_p(address), WAKE | PRIVATE, 1, 0, 0, 0))
thread = threading.Thread(target=print, args=['in a thread'])
thread.start(); thread.join()
print('joined')",
        &["ENOSYS", "ENOSYS", "ENOSYS", "ENOSYS", "0", "in a thread", "joined"],
    );
}
