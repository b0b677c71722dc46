//! Trying a library out in a child process before it is opened in this one.
//!
//! A library's start-up code runs while it is opened. If that code panics, exits or hangs, the process is lost, and
//! nothing inside the process can prevent it. So a library that no lock vouches for is opened by a child first: this
//! program itself, called with a hidden argument, whose whole work is [`run_probe`]. One child tries all libraries
//! and says on its standard output where it stands; when it dies, the next child begins behind the guilty one.
//!
//! A probe shows that a library opened once. It is no judgement of what the code does later.

use std::{
    ffi::OsString,
    io::{self, BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use super::{load, preflight::preflight};

/// Something that opens libraries where a crash does no harm.
pub trait Prober: Sync {
    /// One report for each file, in their order.
    fn probe(&self, files: &[PathBuf]) -> Vec<ProbeReport>;
}

/// What became of the process that opened a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeReport {
    /// The library could be opened. Whether it is acceptable is for the layers to say.
    Survived,
    /// It ended the process, or did not return in time.
    Died {
        /// "it was killed by signal 6 (SIGABRT)", "it exited with status 3".
        how: String,
        /// The first and the last that it printed on standard error.
        printed: String,
    },
    /// No process could be started.
    NotProbed { why: String },
}

/// Starts `program arguments.. FILE..`, which must call [`run_probe`] with the files.
#[derive(Clone, Debug)]
pub struct ProcessProber {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    /// For each library.
    pub deadline: Duration,
}

impl ProcessProber {
    /// How long a library may take to open. Start-up code that takes longer is as good as hanging.
    pub const DEADLINE: Duration = Duration::from_secs(10);

    /// The running program itself, called with this hidden argument before the files.
    pub fn this_program(argument: impl Into<OsString>) -> io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            arguments: vec![argument.into()],
            deadline: Self::DEADLINE,
        })
    }
}

/// The child's side: opens each library as the host would, and returns the exit code for the process.
///
/// What is wrong with a library that opens is not said here: the host finds it by itself.
pub fn run_probe(files: &[PathBuf]) -> i32 {
    no_core_file();
    for file in files {
        announce(Mark::Begin);
        if let Ok(checked) = preflight(file) {
            let _ = load::load(&checked);
        }
        announce(Mark::End);
    }
    0
}

impl Prober for ProcessProber {
    fn probe(&self, files: &[PathBuf]) -> Vec<ProbeReport> {
        let mut reports = Vec::new();
        while reports.len() < files.len() {
            let rest = &files[reports.len()..];
            match self.run(rest) {
                Ok((survivors, end)) => {
                    reports.extend((0..survivors).map(|_| ProbeReport::Survived));
                    if survivors < rest.len() {
                        reports.push(end);
                    }
                }
                Err(error) => {
                    let why = format!("cannot run `{}`: {error}", self.program.display());
                    reports.extend(
                        rest.iter()
                            .map(|_| ProbeReport::NotProbed { why: why.clone() }),
                    );
                }
            }
        }
        reports
    }
}

impl ProcessProber {
    /// Runs one child. Returns how many libraries it opened, and what became of it at the next.
    fn run(&self, files: &[PathBuf]) -> io::Result<(usize, ProbeReport)> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .args(files)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let said = listen(&mut child);
        let printed = collect(&mut child);
        let (mut begun, mut survivors) = (0, 0);
        let hung = loop {
            match said.recv_timeout(self.deadline) {
                Ok(Mark::Begin) => begun += 1,
                Ok(Mark::End) => survivors += 1,
                Err(RecvTimeoutError::Disconnected) => break false,
                Err(RecvTimeoutError::Timeout) => break true,
            }
        };
        // A child that has closed its output is at its end or refuses to be; either way it may go now. One that has
        // ended already keeps its exit status.
        child.kill()?;
        let status = child.wait()?;
        let how = match hung {
            true => format!("it had not returned after {:?}", self.deadline),
            false => describe(status),
        };
        // Bounded, because a process that the library left behind may hold the pipe open.
        let printed = printed.recv_timeout(self.deadline).unwrap_or_default();
        let end = match begun > survivors {
            true => ProbeReport::Died { how, printed },
            false => ProbeReport::NotProbed {
                why: format!("`{}` opened nothing: {how}", self.program.display()),
            },
        };
        Ok((survivors.min(files.len()), end))
    }
}

/// What a child says before and after each library.
#[derive(Clone, Copy)]
enum Mark {
    Begin,
    End,
}

impl Mark {
    fn text(self) -> &'static str {
        match self {
            Self::Begin => "farthing-probe: begin",
            Self::End => "farthing-probe: end",
        }
    }
}

/// How much of what a child prints is kept, in bytes, of its first and as much of its last words. A panic's message
/// stands in front of the longest backtrace; after a log it stands at the end.
const PRINTED_LIMIT: usize = 1000;

fn announce(mark: Mark) {
    let mut out = io::stdout().lock();
    // If the parent is gone, nobody listens, and the child ends soon anyway. The line break in front keeps the mark
    // on a line of its own, whatever a library printed.
    let _ = writeln!(out, "\n{}", mark.text()).and_then(|()| out.flush());
}

/// The marks on the child's output, as they come; ends with the output.
fn listen(child: &mut Child) -> Receiver<Mark> {
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
                let found = [Mark::Begin, Mark::End]
                    .into_iter()
                    .find(|mark| mark.text().as_bytes() == line);
                if found.is_some_and(|mark| sender.send(mark).is_err()) {
                    break;
                }
            }
        });
    }
    receiver
}

/// The first and the last of the child's standard error, once it ends.
fn collect(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(mut stderr) = child.stderr.take() {
        thread::spawn(move || {
            let mut kept = Vec::new();
            let mut cut = false;
            let mut chunk = [0; 4096];
            while let Ok(length @ 1..) = stderr.read(&mut chunk) {
                kept.extend_from_slice(&chunk[..length]);
                if kept.len() > 2 * PRINTED_LIMIT {
                    kept.drain(PRINTED_LIMIT..kept.len() - PRINTED_LIMIT);
                    cut = true;
                }
            }
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
            let _ = sender.send(match cut {
                true => format!(
                    "{}\n[..]\n{}",
                    text(&kept[..PRINTED_LIMIT]),
                    text(&kept[PRINTED_LIMIT..])
                ),
                false => text(&kept),
            });
        });
    }
    receiver
}

fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let name = match signal {
            4 => " (illegal instruction)",
            6 => " (abort, as after a panic)",
            7 => " (bus error)",
            8 => " (arithmetic error)",
            9 => " (killed from outside, perhaps for memory)",
            11 => " (segmentation fault)",
            _ => "",
        };
        return format!("it was killed by signal {signal}{name}");
    }
    match status.code() {
        Some(code) => format!("it exited with status {code}"),
        None => "it ended without a status".into(),
    }
}

/// A crash in a probe is an answer, not an accident to be kept on disk.
fn no_core_file() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        // Where this is refused, a core file is written: a nuisance, no more.
        let _ = setrlimit(Resource::Core, none);
    }
}
