//! What a caller is told: layers, refusals, and faults that are not the program's.

use std::path::{Path, PathBuf};

use farthing_sandbox::{End, Job, Layer, Sandbox, SandboxError, SandboxPolicy};

use crate::other_user::user;
use crate::support::{PYTHON, ample, has, sandbox};

fn job<'a>(program: &'a str, arguments: &'a [&'a str]) -> Job<'a> {
    Job {
        program: Path::new(program),
        arguments,
        environment: &[],
        files: &[],
        stdin: b"",
        limits: ample(),
        channel: false,
    }
}

#[test]
fn every_layer_is_listed_once_and_the_default_ones_are_on() {
    let sandbox = sandbox();
    let listed: Vec<Layer> = sandbox.layers().iter().map(|status| status.layer).collect();
    assert_eq!(listed, Layer::ALL);
    for layer in SandboxPolicy::default().minimum {
        assert!(has(&sandbox, layer), "{layer}");
    }
    for layer in Layer::ALL {
        assert_eq!(Layer::from_name(layer.name()), Some(layer));
    }
}

#[test]
fn a_missing_layer_is_refused_by_name_with_the_reason() {
    let policy = SandboxPolicy {
        minimum: Layer::ALL.into_iter().collect(),
        read_only: Vec::new(),
    };
    let missing: Vec<Layer> = Layer::ALL
        .into_iter()
        .filter(|&layer| !has(&sandbox(), layer))
        .collect();
    match Sandbox::new(&policy) {
        Ok(_) => assert_eq!(missing, []),
        Err(error) => {
            let text = error.to_string();
            assert!(matches!(error, SandboxError::Missing { .. }), "{text}");
            assert!(!missing.is_empty(), "{text}");
            for layer in missing {
                assert!(text.contains(&format!("{layer}: ")), "{text}");
            }
        }
    }
    // A user without rights owns no cgroup of version 1.
    if Path::new("/sys/fs/cgroup/memory/cgroup.procs").exists() && user() != 0 {
        assert!(!has(&sandbox(), Layer::Cgroup));
    }
}

#[test]
fn a_program_gets_its_arguments_environment_input_and_channel() {
    let arguments = [
        "-I",
        "-S",
        "-c",
        "
import os, sys
os.write(3, sys.stdin.read().encode() + b'!')
print(sys.argv[1:], os.environ['NAME'])",
        "one",
        "two words",
    ];
    let finished = sandbox()
        .run(&Job {
            environment: &[("NAME", "value=1")],
            stdin: b"input",
            channel: true,
            ..job(PYTHON, &arguments)
        })
        .unwrap();
    assert_eq!(finished.end, End::Exited(0));
    assert_eq!(finished.stdout, b"['one', 'two words'] value=1\n");
    assert_eq!(finished.channel, b"input!");
}

#[test]
fn a_large_input_needs_no_reader() {
    let input = vec![b'x'; 8 << 20];
    let sandbox = sandbox();
    let ignored = sandbox
        .run(&Job {
            stdin: &input,
            ..job(PYTHON, &["-I", "-S", "-c", ""])
        })
        .unwrap();
    assert_eq!(ignored.end, End::Exited(0));
    let read = ["-I", "-S", "-c", "import sys; print(len(sys.stdin.read()))"];
    let read = sandbox
        .run(&Job {
            stdin: &input,
            ..job(PYTHON, &read)
        })
        .unwrap();
    assert_eq!(read.stdout, format!("{}\n", 8 << 20).into_bytes());
}

#[test]
fn a_program_that_is_not_there_is_a_fault_and_no_verdict() {
    let host_only = tempfile::NamedTempFile::new().unwrap();
    for program in [
        "/usr/bin/there-is-no-such-program",
        "/usr",
        host_only.path().to_str().unwrap(),
    ] {
        let error = sandbox().run(&job(program, &[])).unwrap_err();
        match &error {
            SandboxError::Program { program: named, .. } => assert_eq!(named, Path::new(program)),
            other => panic!("{other}"),
        }
        // What the kernel said is told once: as the cause.
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(error.to_string().contains("read_only"), "{error}");
        assert!(!error.to_string().contains(&cause), "{error}: {cause}");
    }
}

#[test]
fn a_job_that_contradicts_itself_is_refused() {
    let sandbox = sandbox();
    let refused = |job: Job<'_>| match sandbox.run(&job).unwrap_err() {
        SandboxError::Job { what } => what,
        other => panic!("{other}"),
    };
    assert!(refused(job("python3", &[])).contains("absolute path"));
    assert!(refused(job(PYTHON, &["a\0b"])).contains("NUL"));
    for name in ["", "/etc/x", "../x", "a/../b", "a/", "a\0b", "./a"] {
        let files: &[(&str, &[u8])] = &[(name, b"")];
        assert!(
            refused(Job {
                files,
                ..job(PYTHON, &[])
            })
            .contains("relative name"),
            "{name:?}"
        );
    }
}

#[test]
fn files_that_do_not_fit_are_a_fault_and_no_verdict() {
    let mut job = job(PYTHON, &["-c", ""]);
    job.limits.disk = 4096;
    let files: &[(&str, &[u8])] = &[("large", &[b'x'; 100_000])];
    let error = sandbox().run(&Job { files, ..job }).unwrap_err();
    assert!(
        error.to_string().contains("write the job's file large"),
        "{error}"
    );
}

#[test]
fn a_policy_with_a_path_that_is_not_there_is_refused() {
    for path in ["relative", "/usr/../etc", "/there/is/no/such/path", "/"] {
        let policy = SandboxPolicy {
            read_only: vec![PathBuf::from(path)],
            ..SandboxPolicy::default()
        };
        let error = Sandbox::new(&policy).unwrap_err().to_string();
        assert!(error.contains(&format!("path {path}")), "{error}");
    }
}

#[test]
fn a_tree_that_others_cannot_reach_is_refused_where_the_host_is_root() {
    let closed = tempfile::tempdir().unwrap();
    let owners_only = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(closed.path(), owners_only).unwrap();
    let tree = closed.path().join("tree");
    std::fs::create_dir(&tree).unwrap();
    let policy = SandboxPolicy {
        read_only: vec![tree.clone()],
        ..SandboxPolicy::default()
    };
    match (Sandbox::new(&policy), user()) {
        (Ok(_), 1..) => {}
        (Err(error), 0) => {
            let text = error.to_string();
            let shown = format!("private-root: show {}: Permission denied", tree.display());
            assert!(
                text.contains(&shown) && text.contains("user 65534"),
                "{text}"
            );
        }
        (other, user) => panic!("user {user}: {other:?}"),
    }
}

#[test]
fn one_sandbox_serves_many_threads() {
    let sandbox = sandbox();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let sandbox = &sandbox;
            scope.spawn(move || {
                for round in 0..4 {
                    let code = format!("print({thread}, {round})");
                    let arguments = ["-I", "-S", "-c", code.as_str()];
                    let finished = sandbox.run(&job(PYTHON, &arguments)).unwrap();
                    assert_eq!(finished.stdout, format!("{thread} {round}\n").into_bytes());
                    assert_eq!(finished.end, End::Exited(0));
                }
            });
        }
    });
}

#[test]
fn any_language_runs() {
    let finished = sandbox()
        .run(&job(
            "/bin/sh",
            &["-c", "read line; echo \"$line\" $((6 * 7)); exit 3"],
        ))
        .unwrap();
    assert_eq!(
        (finished.end, finished.stdout.as_slice()),
        (End::Exited(3), b" 42\n".as_slice())
    );
}
