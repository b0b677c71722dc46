//! What a manifest may say about the reward, with the reason for each default.

use std::{collections::BTreeSet, time::Duration};

use farthing_sandbox::{Layer, Limits, SandboxPolicy};
use farthing_sdk::prelude::*;

use crate::{checker::Checker, language::OUTPUT, program::Place, value::Equality};

#[config]
#[derive(Clone, Debug)]
#[serde(default)]
pub struct Config {
    /// What an attempt is worth: `all` (1 if every test is passed, else 0; the rest is not run
    /// after the first failure) or `fraction` (the share of tests that are passed). A share
    /// pays for special cases that are written for the tests' simple ones.
    pub score: Score,
    /// Which part of a completion is the program.
    pub program: Place,
    /// When printed text is what was expected, for tests without a `checker` of their own;
    /// `{ relative, absolute }` holds for floats that functions return as well.
    pub checker: Checker,
    /// When a returned value is the expected one, for tests that do not say it.
    pub equality: Equality,
    /// Which Python runs the programs.
    pub python: Python,
    /// A command line for programs in another language, absolute, with `{file}` for the
    /// program's file, or `{output}` for what `compile` made. Empty: Python.
    pub command: Vec<String>,
    /// A command line that makes `{output}` of `{file}`, run once for each attempt.
    pub compile: Vec<String>,
    /// What the program's file is called, for a `command`.
    pub file: String,
    /// Labels of fenced blocks that hold a program. Empty: those of Python; with a `command`,
    /// none, and only a block without a label is a program.
    pub labels: Vec<String>,
    /// What one test may use up.
    pub limits: TestLimits,
    /// How many calls of a problem share a process. 1 keeps them apart; more are faster, and
    /// share the end of their process.
    #[schemars(range(min = 1, max = 1000))]
    pub calls_per_process: usize,
    /// What must stand between programs and this machine.
    pub sandbox: SandboxConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            score: Score::All,
            program: Place::Auto,
            checker: Checker::default(),
            equality: Equality::Values,
            python: Python::default(),
            command: Vec::new(),
            compile: Vec::new(),
            file: "program".into(),
            labels: Vec::new(),
            limits: TestLimits::default(),
            calls_per_process: 1,
            sandbox: SandboxConfig::default(),
        }
    }
}

/// What an attempt is worth.
#[config]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Score {
    /// 1 if every test is passed, else 0.
    All,
    /// The share of tests that are passed.
    Fraction,
}

/// Which Python runs the programs.
#[config]
#[derive(Clone, Debug, Default)]
#[serde(default)]
pub struct Python {
    /// The interpreter. Left out: /usr/bin/python3, /usr/local/bin/python3, then the first on
    /// the `PATH` that is no shim.
    pub interpreter: Option<String>,
    /// Directories of packages that programs may import, absolute. Empty: the standard library.
    pub site_packages: Vec<String>,
}

/// What one test may use up.
#[config]
#[derive(Clone, Debug)]
#[serde(default)]
pub struct TestLimits {
    /// Processor time of a test. This limit decides, and not the clock, so that a busy machine
    /// does not change verdicts. Most competitions allow 1 to 4 seconds, to faster machines.
    #[schemars(range(min = 1.0, max = 3600.0))]
    pub cpu_seconds: f64,
    /// Time by the clock of a test: for programs that sleep or wait.
    #[schemars(range(min = 0.1, max = 3600.0))]
    pub wall_seconds: f64,
    /// Time by the clock of an attempt, all tests and the compiler together. When it is over,
    /// the rest count as not passed. It is below the 10 seconds that a stage gives a reward,
    /// because an attempt that a deadline ends is not judged at all: programs could be slow
    /// on purpose.
    #[schemars(range(min = 0.1, max = 3600.0))]
    pub total_seconds: f64,
    /// Memory, in units of 2^20 bytes. Python itself takes 10.
    #[schemars(range(min = 16, max = 1_048_576))]
    pub memory_mib: u64,
    /// Printed text and results together, in units of 2^20 bytes.
    #[schemars(range(min = 1, max = 4096))]
    pub output_mib: u64,
    /// Files in the working directory together, in units of 2^20 bytes.
    #[schemars(range(min = 1, max = 65_536))]
    pub disk_mib: u64,
    /// Processes and threads at a time.
    #[schemars(range(min = 1, max = 4096))]
    pub processes: u32,
}

impl Default for TestLimits {
    fn default() -> Self {
        Self {
            cpu_seconds: 4.0,
            wall_seconds: 6.0,
            total_seconds: 8.0,
            memory_mib: 512,
            output_mib: 4,
            disk_mib: 32,
            processes: 16,
        }
    }
}

impl TestLimits {
    /// As the sandbox takes them, for `tests` tests in one process.
    pub fn of(&self, tests: usize) -> Limits {
        const MIB: u64 = 1 << 20;
        let tests = tests as f64;
        Limits {
            cpu: Duration::from_secs_f64(self.cpu_seconds * tests),
            wall: Duration::from_secs_f64(self.wall_seconds * tests),
            memory: self.memory_mib * MIB,
            output: self.output_mib * MIB,
            disk: self.disk_mib * MIB,
            file_size: self.disk_mib * MIB,
            processes: self.processes,
            ..Limits::default()
        }
    }

    pub fn total(&self) -> Duration {
        Duration::from_secs_f64(self.total_seconds)
    }
}

/// What must stand between programs and this machine.
#[config]
#[derive(Clone, Debug, Default)]
#[serde(default)]
pub struct SandboxConfig {
    /// Layers without which nothing is run; the others are used where the machine has them.
    /// Left out: every namespace, a private root, dropped identities, `no-new-privileges`,
    /// `seccomp` and `limits`. `farthing plugins inspect` lists what this machine has.
    pub minimum: Option<Vec<String>>,
    /// Paths that programs may read beside the system's own.
    pub read_only: Vec<String>,
}

impl SandboxConfig {
    /// # Errors
    /// When `minimum` names no layer.
    pub fn policy(&self) -> Result<SandboxPolicy> {
        let mut policy = SandboxPolicy::default();
        if let Some(minimum) = &self.minimum {
            policy.minimum = minimum
                .iter()
                .map(|name| layer(name))
                .collect::<Result<BTreeSet<Layer>>>()?;
        }
        policy.read_only = self.read_only.iter().map(Into::into).collect();
        Ok(policy)
    }
}

fn layer(name: &str) -> Result<Layer> {
    Layer::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = Layer::ALL.iter().map(|layer| layer.name()).collect();
        Error::new(format!(
            "`sandbox.minimum` names {name:?}, which is no layer"
        ))
        .help(format!("expected some of {}", known.join(", ")))
    })
}

impl Config {
    /// # Errors
    /// What the schema cannot express.
    pub fn check(&self) -> Result<()> {
        let seconds = [
            ("cpu_seconds", self.limits.cpu_seconds),
            ("wall_seconds", self.limits.wall_seconds),
            ("total_seconds", self.limits.total_seconds),
        ];
        for (name, value) in seconds {
            if !(value > 0.0 && value <= 3600.0) {
                bail!("`limits.{name}` must be above 0 and at most 3600, found {value}");
            }
        }
        if self.calls_per_process == 0 {
            bail!("`calls_per_process` is 0: expected 1 or more");
        }
        self.check_command()
    }

    fn check_command(&self) -> Result<()> {
        let is_compiled = !self.compile.is_empty();
        if is_compiled && self.command.is_empty() {
            return Err(Error::new("`compile` is given without `command`")
                .help("say how the compiled program is run: command = [\"{output}\"]"));
        }
        let needed: &[(&str, &[String], &[&str])] = match (is_compiled, self.command.is_empty()) {
            (true, _) => &[
                ("compile", &self.compile, &["{file}", "{output}"]),
                ("command", &self.command, &["{output}"]),
            ],
            (false, false) => &[("command", &self.command, &["{file}"])],
            (false, true) => &[],
        };
        for (key, line, placeholders) in needed {
            check_placeholders(key, line)?;
            for placeholder in *placeholders {
                if !line.iter().any(|word| word.contains(placeholder)) {
                    return Err(
                        Error::new(format!("`{key}` does not contain {placeholder}")).help(
                            "{file} is the program's file, {output} what `compile` makes of it",
                        ),
                    );
                }
            }
        }
        if !is_compiled && self.command.iter().any(|word| word.contains("{output}")) {
            return Err(
                Error::new("`command` runs {output} and there is no `compile`")
                    .help("say what makes {output} of {file}, or run {file}"),
            );
        }
        let file = self.file.as_str();
        if matches!(file, "" | "." | ".." | OUTPUT) || file.contains('/') {
            return Err(Error::new(format!("`file` is {file:?}")).help(format!(
                "expected the name of a file without a directory, other than {OUTPUT:?}, which is \
                 what {{output}} is called"
            )));
        }
        Ok(())
    }
}

/// A word in braces is a placeholder, unless a dollar makes it the shell's.
fn check_placeholders(key: &str, line: &[String]) -> Result<()> {
    for word in line {
        for (at, _) in word.match_indices('{') {
            let Some((name, _)) = word[at + 1..].split_once('}') else {
                continue;
            };
            let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
            let is_known = matches!(name, "file" | "output");
            if is_name && !is_known && !word[..at].ends_with('$') {
                return Err(Error::new(format!(
                    "`{key}` has the unknown placeholder {{{name}}}, in {word:?}"
                ))
                .help("expected {file} or {output}; braces that mean something else have spaces inside"));
            }
        }
    }
    Ok(())
}
