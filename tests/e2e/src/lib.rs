//! A workbench for tests that drive the `farthing` binary: builds it once, runs it in a directory of its own, reads
//! what it leaves.
//!
//! The binary and the built-in plugins come from `cargo xtask build`, so the tests meet what a user meets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::Value;
use tempfile::TempDir;

/// A directory for one test.
pub struct Bench {
    directory: TempDir,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Answer {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}

impl Bench {
    pub fn new() -> Self {
        let directory = TempDir::with_prefix("farthing-e2e-").expect("a temporary directory");
        Self { directory }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file into the directory.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("the test's directory is writable");
        path
    }

    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The command, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(farthing());
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_remove("FARTHING_LOG")
            .env("NO_COLOR", "1");
        command
    }

    /// Runs the command to its end.
    pub fn run(&self, arguments: &[&str]) -> Answer {
        Answer::of(self.command(arguments).output().expect("the binary starts"))
    }

    /// Runs the command with standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Answer {
        use std::io::Write;
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut stdin = child.stdin.take().expect("standard input is piped");
        let input = input.to_owned();
        // The binary may answer before it has read everything, and may not want to read everything.
        let writer = std::thread::spawn(move || {
            let _ = stdin.write_all(input.as_bytes());
        });
        let output = child.wait_with_output().expect("the binary ends");
        writer.join().expect("the writer does not panic");
        Answer::of(output)
    }

    /// What a model makes of a prompt of the small tokenizer, its likeliest tokens.
    pub fn greedy(&self, model: &str) -> String {
        let sample = ["sample", model, "--prompt", "44"];
        let how = ["--temperature", "0", "--max-new-tokens", "12"];
        self.run(&[sample, how].concat()).success()
    }

    /// The rows of a JSON-lines file.
    pub fn rows(&self, name: &str) -> Vec<Value> {
        let text = self.read(name);
        let row = |line: &str| serde_json::from_str(line).expect("each line is JSON");
        text.lines().map(row).collect()
    }
}

impl Answer {
    /// What a finished command left behind.
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("standard output is text"),
            stderr: String::from_utf8(output.stderr).expect("standard error is text"),
        }
    }

    /// Asserts success and returns standard output.
    #[track_caller]
    pub fn success(self) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        self.stdout
    }

    /// Asserts failure with this code and returns standard error.
    #[track_caller]
    pub fn failure(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self.stderr
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(self) -> Value {
        serde_json::from_str(&self.success()).expect("standard output is JSON")
    }
}

/// The built binary.
pub fn farthing() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let output = cargo(&["run", "--quiet", "--package", "xtask", "--", "build"]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).expect("a path of text");
        PathBuf::from(
            text.lines()
                .last()
                .expect("xtask build prints the binary's path"),
        )
    })
}

/// The library that a package of this workspace builds as an example, built once by each test program.
pub fn example_library(package: &str, name: &str) -> PathBuf {
    static BUILT: Mutex<BTreeMap<(String, String), PathBuf>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (package.to_owned(), name.to_owned());
    let library = built
        .entry(key)
        .or_insert_with(|| build_example(package, name));
    library.clone()
}

fn build_example(package: &str, name: &str) -> PathBuf {
    let output = cargo(&["build", "--quiet", "--package", package, "--example", name]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let file = format!(
        "{}{name}{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    let products = farthing().parent().expect("the binary lies in a directory");
    products.join("examples").join(file)
}

/// The workspace's root.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest
        .ancestors()
        .nth(2)
        .expect("tests/e2e lies two levels down")
        .to_path_buf()
}

fn cargo(arguments: &[&str]) -> Output {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command.output().expect("cargo starts")
}

/// A manifest that trains in seconds: a model of some thousand weights on sums of two small numbers with a target.
pub fn small_manifest() -> String {
    r#"
[run]
name = "small"
seed = 3
device = "cpu"
checkpoint_every = 2

[model]
init = { arch = "qwen2", hidden_size = 32, intermediate_size = 64, num_hidden_layers = 2, num_attention_heads = 4, num_key_value_heads = 2, max_position_embeddings = 64 }
tokenizer = { characters = "0123456789 +-*/()=;:>!", tokens = ["<answer>", "</answer>"] }

[[task]]
use = "countdown/countdown"
config = { numbers = 2, max_number = 9, max_target = 20, template = "tiny", test_share = 0.2 }
rewards = [
  { use = "countdown/exact" },
  { use = "text/length", weight = 0.1, config = { max = 40 } },
]

[[stage]]
kind = "sft"
examples = 64
steps = 6
batch = 16
update = { lr = 3e-3, warmup_steps = 2 }

[[stage]]
kind = "rl"
steps = 6
problems_per_step = 4
max_new_tokens = 24
micro_batch_tokens = 256
sampler = { use = "sampling/standard", config = { group = 4 } }
optimizer = { use = "grpo/grpo" }
update = { lr = 1e-3 }
eval = { every = 3, problems = 8, attempts = 2 }
"#
    .to_owned()
}

/// All that is kept between two updates is in use: several updates a rollout, a reference model, an objective and a
/// curriculum that remember, groups drawn again, a reward that two tasks share, and an evaluation as a stage of its own.
pub fn manifest_with_memory() -> String {
    let library = example_library("farthing-hostile", "remembers");
    format!(
        r#"
[run]
name = "remembers"
seed = 5
device = "cpu"
checkpoint_every = 2
keep_checkpoints = 1

[plugins]
remembers = {{ path = {library:?} }}

[model]
init = {{ arch = "llama", hidden_size = 32, intermediate_size = 64, num_hidden_layers = 2, num_attention_heads = 4, num_key_value_heads = 2, max_position_embeddings = 64 }}
tokenizer = {{ characters = "0123456789 +-*/()=;:>!", tokens = ["<answer>", "</answer>"] }}

[[task]]
name = "two"
use = "countdown/countdown"
config = {{ numbers = 2, max_number = 9, max_target = 20, template = "tiny", test_share = 0.2 }}
rewards = [{{ use = "text/length", config = {{ max = 12 }} }}]

[[task]]
name = "three"
weight = 0.5
use = "countdown/countdown"
config = {{ numbers = 3, max_number = 9, max_target = 20, template = "tiny", test_share = 0.2 }}
rewards = [{{ use = "text/length", config = {{ max = 12 }} }}, {{ use = "text/repetition", weight = 0.2, config = {{ unit = "characters", n = 1 }} }}]

[[stage]]
kind = "rl"
name = "against-reference"
steps = 4
problems_per_step = 4
max_new_tokens = 16
minibatches = 2
num_iterations = 2
sampler = {{ use = "sampling/standard", config = {{ group = 4 }} }}
optimizer = {{ use = "grpo/reinforce-pp", config = {{ beta = 0.05, baseline = true }} }}
curriculum = {{ use = "grpo/dynamic-sampling", config = {{ min_spread = 0.01 }} }}
update = {{ lr = 2e-3, schedule = "cosine", warmup_steps = 2 }}

[[stage]]
kind = "rl"
name = "with-memory"
steps = 5
problems_per_step = 4
max_new_tokens = 16
sampler = {{ use = "sampling/standard", config = {{ group = 4, temperature_end = 0.7 }} }}
optimizer = {{ use = "remembers/fading" }}
curriculum = {{ use = "remembers/wandering" }}
update = {{ lr = 2e-3 }}

[[stage]]
kind = "eval"
name = "measure"
problems = 8
attempts = 2
max_new_tokens = 16
sampler = {{ use = "sampling/standard" }}
"#
    )
}

/// A bench with a small model in `base`, for manifests that begin with one.
pub fn with_base() -> Bench {
    let bench = Bench::new();
    bench.write("base.toml", &small_manifest());
    let set = ["--set", "stage.1.steps=1"];
    let arguments = ["train", "base.toml", "--out", "base-run"];
    bench.run(&[arguments.as_slice(), &set].concat()).success();
    bench.run(&["export", "base-run", "base"]).success();
    bench
}

/// Trains adapters upon `base`, with dropout, and with a reference that they are compared with.
pub fn adapter_manifest() -> String {
    let manifest = small_manifest();
    let (head, tail) = (
        manifest.find("[model]").expect("a model"),
        manifest.find("[[task]]").expect("a task"),
    );
    let model = r#"[model]
path = "base"
lora = { rank = 2, alpha = 8, dropout = 0.1, targets = ["q_proj", "v_proj", "o_proj", "down_proj"] }

"#;
    format!("{}{model}{}", &manifest[..head], &manifest[tail..])
        .replace("name = \"small\"", "name = \"adapters\"")
        .replace("steps = 6\nbatch", "steps = 4\nbatch")
        .replace("steps = 6\nproblems", "steps = 4\nproblems")
        .replace(
            "optimizer = { use = \"grpo/grpo\" }",
            "optimizer = { use = \"grpo/grpo\", config = { beta = 0.05 } }",
        )
}

/// Every stage that spectrum-to-signal is made of, on sums and products of two small numbers: `sft` whose probes select
/// a checkpoint for each kind of problem, a merge of these, reinforcement from it, an evaluation.
pub fn spectrum_manifest() -> String {
    r#"
[run]
name = "spectrum"
seed = 4
device = "cpu"
checkpoint_every = 2
keep_checkpoints = 1

[model]
init = { arch = "qwen2", hidden_size = 32, intermediate_size = 64, num_hidden_layers = 2, num_attention_heads = 4, num_key_value_heads = 2, max_position_embeddings = 64 }
tokenizer = { characters = "0123456789 +-*/()=;:>!", tokens = ["<answer>", "</answer>"] }

[[task]]
use = "countdown/countdown"
config = { numbers = 2, max_number = 9, max_target = 20, operations = ["+", "-", "*"], template = "tiny", test_share = 0.5 }
rewards = [
  { use = "countdown/exact" },
  { use = "text/length", weight = 0.1, config = { max = 40 } },
]

[[stage]]
kind = "sft"
name = "spectrum"
examples = 64
steps = 9
batch = 16
update = { lr = 3e-3, warmup_steps = 2 }
curriculum = { use = "ssp/spectrum", config = { tags = ["plus-minus", "times"] } }
probe = { every = 3, problems = 16, skip = 8, attempts = 4, max_new_tokens = 24, sampler = { use = "sampling/standard" } }

[[stage]]
kind = "merge"
from = "spectrum"

[[stage]]
kind = "rl"
name = "signal"
steps = 3
problems_per_step = 4
max_new_tokens = 24
sampler = { use = "sampling/standard", config = { group = 4 } }
optimizer = { use = "ssp/mgpo", config = { lambda = 2.0, correct = 0.05, long2short = 0.2 } }
update = { lr = 1e-3 }

[[stage]]
kind = "eval"
problems = 8
attempts = 4
pass_at = [1, 2, 4]
max_new_tokens = 24
sampler = { use = "sampling/standard" }
"#
    .to_owned()
}
