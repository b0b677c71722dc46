//! What of the machine's files a program sees, and what it may write.

use std::path::Path;

use farthing_sandbox::{End, Job, Sandbox, SandboxPolicy};

use crate::support::{PYTHON, ample, lines, prints, python, python_with, sandbox};

#[test]
fn the_machines_files_are_not_there() {
    let host = tempfile::tempdir().unwrap();
    std::fs::write(host.path().join("secret"), "secret").unwrap();
    let here = std::env::current_dir().unwrap();
    let program = format!(
        "
for path in ['/etc/shadow', '/etc/passwd', '/root', '/home', '/var', '/sys', '/proc/self/environ', '/proc/1/root',
             '/dev/mem', '/dev/shm', '/dev/pts', '/dev/kvm', {:?}, {:?}]:
    print(said(os.stat, path))",
        host.path().join("secret"),
        here
    );
    let finished = python(&program);
    assert_eq!(lines(&finished), ["ENOENT"; 14]);
}

#[test]
fn the_root_holds_nothing_but_what_is_shown() {
    let finished = python(
        "
def children(path):
    try: return sorted(os.listdir(path))
    except PermissionError: return 'EACCES'
print(children('/'), children('/dev'), children('/etc'))
for name in ['usr', 'dev', 'box', 'tmp', 'proc', 'home', 'root']: print(name, os.path.exists('/' + name))",
    );
    let lines = lines(&finished);
    // With Landlock they cannot be listed; without, they hold these names only.
    assert!(
        lines[0].contains("EACCES") || lines[0].contains("'null', 'random', 'urandom', 'zero'"),
        "{lines:?}"
    );
    let expected = [
        "usr True",
        "dev True",
        "box True",
        "tmp True",
        "proc False",
        "home False",
        "root False",
    ];
    assert_eq!(lines[1..], expected);
}

#[test]
fn dot_dot_leads_nowhere() {
    prints(
        "
os.chdir('/box/' + '../' * 40)
print(os.getcwd(), said(os.stat, '/..' * 40 + '/etc/shadow'))
print(said(os.stat, '/box/../../../proc/1/cwd'))",
        &["/ ENOENT", "ENOENT"],
    );
}

#[test]
fn nothing_outside_the_working_directory_can_be_written() {
    // By the file system, and by Landlock where it comes first.
    prints(
        "
def forbidden(*call): return said(*call) in ('EROFS', 'EACCES')
print([forbidden(open, path, 'w') for path in ('/new', '/usr/bin/new', '/usr/lib/new', '/dev/new', '/etc/new')])
print(forbidden(os.unlink, '/usr/bin/python3'), forbidden(os.mkdir, '/new'), forbidden(os.rename, '/usr', '/rsu'))
print(forbidden(os.chmod, '/usr/bin/env', 0o777), forbidden(os.utime, '/usr/bin/env'))
print(forbidden(os.truncate, '/usr/bin/env', 0), forbidden(open, '/usr/bin/env', 'r+'))",
        &["[True, True, True, True, True]", "True True True", "True True", "True True"],
    );
}

#[test]
fn the_working_directory_can_be_written_and_starts_with_the_jobs_files_only() {
    let arguments = [
        "-I",
        "-S",
        "-c",
        "
import os
print(os.getcwd(), sorted(os.listdir('.')), open('data/input.txt').read())
open('/tmp/new', 'w').write('x'); print(open('new').read())",
    ];
    let finished = sandbox()
        .run(&Job {
            program: Path::new(PYTHON),
            arguments: &arguments,
            environment: &[],
            files: &[("main.py", b"pass"), ("data/input.txt", b"text")],
            stdin: b"",
            limits: ample(),
            channel: false,
        })
        .unwrap();
    assert_eq!(lines(&finished), ["/box ['data', 'main.py'] text", "x"]);
}

#[test]
fn runs_do_not_see_each_others_files() {
    let sandbox = sandbox();
    let first = crate::support::run_in(
        &sandbox,
        "open('answer', 'w').write('42'); os.mkdir('kept'); print(sorted(os.listdir('.')))",
        ample(),
    );
    assert_eq!(lines(&first), ["['answer', 'kept']"]);
    let second = crate::support::run_in(
        &sandbox,
        "print(os.listdir('.'), os.listdir('/tmp'))",
        ample(),
    );
    assert_eq!(lines(&second), ["[] []"]);
}

#[test]
fn a_full_disk_is_an_error_to_the_program() {
    let finished = python_with(
        "
written = 0
try:
    for index in range(1000):
        with open(f'file{index}', 'wb', buffering=0) as file:
            while file.tell() < 1 << 20: written += file.write(b'x' * 65536)
except OSError as error:
    print(errno.errorcode[error.errno], written)",
        |limits| {
            limits.disk = 8 << 20;
        },
    );
    assert_eq!(lines(&finished), [format!("ENOSPC {}", 8 << 20)]);
    assert_eq!(finished.end, End::Exited(0));
}

#[test]
fn files_are_few_and_not_too_long() {
    let finished = python_with(
        "
try:
    for index in range(1000): open(str(index), 'w').close()
except OSError as error:
    print(errno.errorcode[error.errno], index)
os.unlink('0')
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with open('1', 'wb', buffering=0) as file:
    print(file.write(b'x' * 500), file.write(b'x' * 1500), said(file.write, b'x'))",
        |limits| {
            limits.inodes = 20;
            limits.file_size = 2000;
        },
    );
    assert_eq!(lines(&finished), ["ENOSPC 20", "500 1500 EFBIG"]);
}

#[test]
fn links_to_the_machines_files_lead_nowhere() {
    prints(
        "
for target in ['/etc/shadow', '/proc/self/root/etc/passwd', '../../../../etc/shadow', '/box/../etc/shadow']:
    os.symlink(target, 'link'); print(said(open, 'link')); os.unlink('link')
print(said(os.link, '/usr/bin/env', 'hard') in ('EXDEV', 'EPERM', 'EACCES'))",
        &["ENOENT", "ENOENT", "ENOENT", "ENOENT", "True"],
    );
}

#[test]
fn devices_can_be_neither_made_nor_misused() {
    prints(
        "
print(said(os.mknod, 'memory', 0o600 | 0o020000, os.makedev(1, 1)))
print(said(os.mknod, 'disk', 0o600 | 0o060000, os.makedev(8, 0)))
print(open('/dev/null', 'w').write('gone'), open('/dev/zero', 'rb').read(2), len(open('/dev/urandom', 'rb').read(8)))",
        &["EPERM", "EPERM", "4 b'\\x00\\x00' 8"],
    );
}

#[test]
fn a_policys_tree_is_shown_read_only_under_its_own_name() {
    let shown = tempfile::tempdir().unwrap();
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(shown.path(), permissions).unwrap();
    std::fs::write(shown.path().join("library.py"), "value = 42").unwrap();
    let policy = SandboxPolicy {
        read_only: vec![shown.path().to_owned()],
        ..SandboxPolicy::default()
    };
    let program = format!(
        "
sys.path.append({0:?})
import library
print(library.value, said(open, {0:?} + '/new', 'w') in ('EROFS', 'EACCES'), os.path.exists({0:?} + '/../other'))",
        shown.path()
    );
    let finished = crate::support::run_in(&Sandbox::new(&policy).unwrap(), &program, ample());
    assert_eq!(lines(&finished), ["42 True False"]);
    assert!(!shown.path().join("new").exists());
}
