//! Languages: what is started, with which files, to run a program.

use std::path::PathBuf;

use farthing_sandbox::{Job, Limits};
use farthing_sdk::prelude::{Error, Result, bail};

use crate::{
    config::Config,
    python::{Interpreter, Python},
};

/// What a sandbox is asked to start; everything but the input and the limits.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    pub environment: Vec<(&'static str, &'static str)>,
    pub files: Vec<(String, Vec<u8>)>,
    pub channel: bool,
}

/// How programs are run.
#[derive(Debug)]
pub enum Language {
    Python(Python),
    Command(Command),
}

/// Any language, by its command line.
#[derive(Debug)]
pub struct Command {
    run: Vec<String>,
    compile: Vec<String>,
    file: String,
}

/// What the compiler's file is called.
pub const OUTPUT: &str = "output";

impl Language {
    /// The language of the configuration, and the trees that its interpreter reads.
    ///
    /// # Errors
    /// When an interpreter or a command is not there.
    pub fn new(config: &Config) -> Result<(Self, Vec<PathBuf>)> {
        if config.command.is_empty() {
            let interpreter = Interpreter::find(config.python.interpreter.as_deref())?;
            let mut trees = interpreter.trees.clone();
            trees.extend(config.python.site_packages.iter().map(PathBuf::from));
            return Ok((
                Self::Python(Python::new(interpreter, &config.python)),
                trees,
            ));
        }
        for (key, line) in [("command", &config.command), ("compile", &config.compile)] {
            if let Some(program) = line.first() {
                check_program(key, program)?;
            }
        }
        let command = Command {
            run: config.command.clone(),
            compile: config.compile.clone(),
            file: config.file.clone(),
        };
        Ok((Self::Command(command), Vec::new()))
    }

    /// The labels of fenced blocks in this language.
    pub fn labels(config: &Config) -> Vec<String> {
        match (&config.labels[..], &config.command[..]) {
            ([], []) => ["python", "py", "python3"].map(str::to_owned).to_vec(),
            (labels, _) => labels.to_vec(),
        }
    }
}

fn check_program(key: &str, program: &str) -> Result<()> {
    if program == "{output}" {
        return Ok(());
    }
    if !program.starts_with('/') {
        return Err(Error::new(format!(
            "`{key}` starts {program:?}, which is no absolute path"
        ))
        .help("a sandbox has no PATH: write \"/usr/bin/node\", or \"{output}\""));
    }
    if !std::path::Path::new(program).exists() {
        bail!("`{key}` starts {program:?}, which is not there");
    }
    Ok(())
}

impl Command {
    pub fn compiles(&self) -> bool {
        !self.compile.is_empty()
    }

    /// Compiles the program, and sends what was made over the channel: nothing that a sandbox
    /// leaves behind is read as a file, where it could be a link.
    pub fn compilation(&self, program: &str) -> Prepared {
        const SCRIPT: &str = "\"$@\" >&2 && exec /bin/cat \"$0\" >&3";
        let arguments = ["-c", SCRIPT].map(str::to_owned).into_iter();
        Prepared {
            program: "/bin/sh".into(),
            arguments: arguments
                .chain([work(OUTPUT)])
                .chain(self.filled(&self.compile))
                .collect(),
            environment: vec![("PATH", "/usr/bin:/bin"), ("TMPDIR", Job::DIRECTORY)],
            files: vec![(self.file.clone(), program.into())],
            channel: true,
        }
    }

    /// Compilers are large programs that write large files.
    pub fn compiler_limits(limits: Limits) -> Limits {
        const LEAST: u64 = 1 << 30;
        Limits {
            memory: limits.memory.max(LEAST),
            output: limits.output.max(LEAST / 16),
            disk: limits.disk.max(LEAST / 4),
            file_size: limits.file_size.max(LEAST / 8),
            processes: limits.processes.max(64),
            open_files: limits.open_files.max(256),
            ..limits
        }
    }

    /// Runs the program, or what the compiler made of it.
    pub fn script(&self, program: &str, compiled: Option<&[u8]>) -> Prepared {
        let mut files = vec![(self.file.clone(), program.into())];
        let line: Vec<String> = self.filled(&self.run).collect();
        let mut words = line.into_iter();
        let (program, arguments) = match compiled {
            // A job's files are not executable; the shell makes this one so.
            Some(compiled) => {
                const SCRIPT: &str = "/bin/chmod 700 \"$0\" && exec \"$@\"";
                files.push((OUTPUT.to_owned(), compiled.to_vec()));
                let shell = ["-c".to_owned(), SCRIPT.to_owned(), work(OUTPUT)];
                (
                    "/bin/sh".to_owned(),
                    shell.into_iter().chain(words).collect(),
                )
            }
            None => (words.next().unwrap_or_default(), words.collect()),
        };
        Prepared {
            program: program.into(),
            arguments,
            environment: vec![("PATH", "/usr/bin:/bin")],
            files,
            channel: false,
        }
    }

    fn filled(&self, line: &[String]) -> impl Iterator<Item = String> {
        let (file, output) = (work(&self.file), work(OUTPUT));
        line.iter()
            .map(move |word| word.replace("{file}", &file).replace("{output}", &output))
    }
}

fn work(name: &str) -> String {
    format!("{}/{name}", Job::DIRECTORY)
}
