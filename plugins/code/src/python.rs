//! Programs in Python: as scripts that read and print, and as modules whose functions are
//! called.
//!
//! The interpreter runs isolated (`-I`: no variables, no directory of the user's), without
//! `site` (`-S`: a third of the start-up, and a hook for code), without writing byte code
//! (`-B`), and with UTF-8 whatever the locale.

mod answer;
mod interpreter;

pub use answer::{Answer, read};
pub use interpreter::Interpreter;

use farthing_sandbox::Job;

use crate::{
    config,
    language::Prepared,
    suite::CallTest,
    value::{Value, source},
};

const OPTIONS: [&str; 5] = ["-I", "-S", "-B", "-X", "utf8"];

/// How Python programs are run.
#[derive(Debug)]
pub struct Python {
    interpreter: Interpreter,
    /// Where packages are, as a Python expression.
    packages: String,
    has_packages: bool,
}

impl Python {
    pub fn new(interpreter: Interpreter, config: &config::Python) -> Self {
        let packages = config.site_packages.iter().cloned().map(Value::Text);
        Self {
            interpreter,
            packages: source(&Value::List(packages.collect())),
            has_packages: !config.site_packages.is_empty(),
        }
    }

    /// The program as a script.
    pub fn script(&self, program: &str) -> Prepared {
        let files = vec![
            ("solution.py".to_owned(), program.into()),
            ("paths.py".to_owned(), self.packages.clone().into()),
            (
                "script.py".to_owned(),
                include_bytes!("python/script.py").to_vec(),
            ),
        ];
        self.prepared("script.py", files)
    }

    /// The program as a module, and calls of its functions. What they must return is not in it.
    pub fn calls(&self, program: &str, tests: &[&CallTest]) -> Prepared {
        let calls = tests.iter().map(|test| {
            let named = test.kwargs.iter();
            let named = named.map(|(name, value)| (Value::Text(name.clone()), value.clone()));
            Value::Tuple(vec![
                Value::Text(test.entry_point.clone()),
                Value::List(test.args.clone()),
                Value::Dict(named.collect()),
                Value::Text(test.view.function().unwrap_or_default().to_owned()),
            ])
        });
        let calls = source(&Value::List(calls.collect()));
        let description = format!("({}, {}, {calls})", Job::CHANNEL, self.packages);
        let files = vec![
            ("solution.py".to_owned(), program.into()),
            ("calls.py".to_owned(), description.into()),
            (
                "runner.py".to_owned(),
                include_bytes!("python/runner.py").to_vec(),
            ),
        ];
        Prepared {
            channel: true,
            ..self.prepared("runner.py", files)
        }
    }

    fn prepared(&self, main: &str, files: Vec<(String, Vec<u8>)>) -> Prepared {
        let options = OPTIONS.iter().map(|option| (*option).to_owned());
        // Numerical libraries start a thread for each core, and the sandbox counts threads.
        let one_thread = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"];
        Prepared {
            program: self.interpreter.path.clone(),
            arguments: options.chain([main.to_owned()]).collect(),
            environment: match self.has_packages {
                true => one_thread.map(|name| (name, "1")).to_vec(),
                false => Vec::new(),
            },
            files,
            channel: false,
        }
    }
}

/// Whether the traceback ends in Python's own word for a refusal of memory. It only names the
/// failure: whoever prints this fails one way or the other.
pub fn reports_memory(stderr: &[u8]) -> bool {
    let last = stderr.trim_ascii_end().rsplit(|&byte| byte == b'\n').next();
    last.is_some_and(|line| line.starts_with(b"MemoryError"))
}
