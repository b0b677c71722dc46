//! The script with a pretended GPU and pretended programs: what it says, what it runs, and how it ends.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use super::carry::SCRIPT;
use crate::cargo::root;

/// An H100, as nvidia-smi describes it.
const H100: &str = r#"case "$*" in
-L) echo "GPU 0" ;;
*=name*) echo "NVIDIA H100 80GB HBM3" ;;
*=compute_cap*) echo 9.0 ;;
*=driver_version*) echo 580.65 ;;
*) echo "81559 MiB" ;;
esac"#;

/// Programs that write down how they were called, the report's status being that of `report_status` beside them.
const PROGRAM: &str = r#"here=$(dirname "$0")
echo "${0##*/} $*" >>"$here/calls"
case $1 in
report) cat "$3"/machine.txt "$3"/*.status; exit "$(cat "$here/report_status")" ;;
throughput) echo "out of memory" >&2; exit 3 ;;
esac"#;

struct Carried(tempfile::TempDir);

impl Carried {
    fn new(nvidia_smi: &str, report_status: &str) -> Self {
        let carried = Self(tempfile::tempdir().expect("a temporary directory"));
        let path = carried.0.path();
        fs::create_dir_all(path.join("plugins")).expect("a directory");
        fs::create_dir_all(path.join("bin")).expect("a directory");
        fs::copy(root().join("benches").join(SCRIPT), path.join(SCRIPT)).expect("the script");
        for (name, text) in [
            ("countdown-tiny.toml", ""),
            (
                "build.txt",
                "commit: abc\ncuda: 13.0\ncompute capability: 90\n",
            ),
            ("report_status", report_status),
        ] {
            fs::write(path.join(name), text).expect("a file");
        }
        program(&path.join("farthing"), PROGRAM);
        program(&path.join("device_check"), PROGRAM);
        program(&path.join("bin/nvidia-smi"), nvidia_smi);
        // A shell script has no libraries, which the real ldd would complain of.
        program(&path.join("bin/ldd"), "exit 0");
        carried
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut search = vec![self.0.path().join("bin")];
        search.extend(std::env::split_paths(
            &std::env::var_os("PATH").unwrap_or_default(),
        ));
        let mut command = Command::new("sh");
        command
            .arg(self.0.path().join(SCRIPT))
            .args(arguments)
            .env("PATH", std::env::join_paths(search).expect("directories"));
        command.output().expect("sh is there")
    }

    fn calls(&self) -> String {
        let path = self.0.path().to_string_lossy().into_owned();
        let calls = fs::read_to_string(self.0.path().join("calls")).unwrap_or_default();
        let mut lines: Vec<String> = Vec::new();
        for line in calls.replace(&path, "DIR").lines() {
            // The directory of a check has letters of its own.
            let words = line
                .split(' ')
                .map(|word| match word.split_once("/steps.") {
                    Some((start, end)) => format!("{start}/steps{}", &end[6..]),
                    None => word.to_owned(),
                });
            lines.push(words.collect::<Vec<_>>().join(" "));
        }
        lines.join("\n")
    }
}

fn program(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn without_a_gpu_it_says_what_to_carry_and_fails() {
    let carried = Carried::new("exit 9", "0");
    let output = carried.run(&[]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    for part in [
        "no NVIDIA GPU here",
        "gpu-check.tar.gz",
        "nothing was checked",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(carried.calls(), "");
}

#[test]
fn a_gpu_that_the_kernels_are_not_for_is_refused_with_the_command_that_builds_for_it() {
    for (gpu, built_for, runs) in [
        ("9.0", "90", true),
        ("8.0", "90", false),
        ("10.0", "90", false),
        ("9.0", "80", true),
        ("7.5", "80", false),
    ] {
        let carried = Carried::new(&H100.replace("9.0", gpu), "0");
        let build = format!("cuda: 13.0\ncompute capability: {built_for}\n");
        fs::write(carried.0.path().join("build.txt"), build).expect("a file");
        let output = carried.run(&[]);
        assert_eq!(output.status.success(), runs, "{gpu} {built_for}");
        let remedy = format!("--compute-capability {}", gpu.replace('.', ""));
        let error = text(&output.stderr);
        assert_eq!(error.contains(&remedy), !runs, "{error}");
    }
}

#[test]
fn missing_libraries_are_named_with_a_way_to_get_them() {
    let carried = Carried::new(H100, "0");
    let ldd = "echo 'libcublas.so.13 => not found'";
    program(&carried.0.path().join("bin/ldd"), ldd);
    let output = carried.run(&[]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    for part in ["libcublas.so.13 => not found", "'nvidia-cublas==13.0.*'"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_step_that_fails_does_not_end_the_check_and_the_report_decides() {
    for (report_status, expected) in [("0", 0), ("1", 1)] {
        let carried = Carried::new(H100, report_status);
        let output = carried.run(&["--peak-tflops", "500"]);
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{}",
            text(&output.stderr)
        );
        let shown = text(&output.stdout);
        for part in [
            "gpu: NVIDIA H100 80GB HBM3",
            "driver: 580.65",
            "gpu memory: 81559 MiB",
            "out of memory",
            "0\n0\n0\n0\n3\n3\n",
        ] {
            assert!(shown.contains(part), "{part}\n---\n{shown}");
        }
        insta::allow_duplicates! {
            insta::assert_snapshot!(carried.calls(), @r"
            device_check parity --device cuda:0 --precision f32
            device_check parity --device cuda:0 --precision bf16
            farthing train DIR/countdown-tiny.toml --out DIR/result/steps/run-f32 --set run.device=cuda:0 --set run.dtype=f32 --set stage.0.steps=250 --set stage.1.steps=100 --set stage.1.eval.every=100
            farthing train DIR/countdown-tiny.toml --out DIR/result/steps/run-bf16 --set run.device=cuda:0 --set run.dtype=bf16 --set stage.0.steps=250 --set stage.1.steps=100 --set stage.1.eval.every=100
            device_check throughput --device cuda:0 --shape qwen2.5-0.5b
            device_check throughput --device cuda:0 --shape qwen2.5-1.5b
            device_check report --work DIR/result/steps --out DIR/result --peak-tflops 500
            ");
        }
    }
}
