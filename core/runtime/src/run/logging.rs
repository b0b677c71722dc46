//! The log: short lines for a person on standard error, JSON lines in the run directory.
//!
//! Plugins are loaded and the plan is made before the run directory is known, and those are the events that
//! explain a run later. They are kept in memory and written first once [`Logging::attach`] names the file.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{Level, Subscriber};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt;

use super::error::RunError;
use super::terminal::Terminal;

/// The environment variable with a filter such as `debug` or `farthing=debug,info`.
pub const FILTER_VARIABLE: &str = "FARTHING_LOG";

/// Events before the run directory is known are dropped beyond this many bytes.
const PENDING_LIMIT: usize = 1 << 20;

/// A handle on the log of this process.
#[derive(Debug, Clone)]
pub struct Logging {
    run_log: RunLog,
}

impl Logging {
    /// Sets up the log of the whole process. `verbosity` counts `-v` (positive) or `-q` (negative);
    /// `FARTHING_LOG` wins over it.
    pub fn start(terminal: &Terminal, verbosity: i8) -> Result<Self, RunError> {
        let filter = std::env::var(FILTER_VARIABLE)
            .ok()
            .filter(|filter| !filter.is_empty());
        let (subscriber, logging) = Self::subscriber(terminal, verbosity, filter.as_deref())?;
        subscriber
            .try_init()
            .map_err(|error| RunError::LogAlreadyStarted {
                why: error.to_string(),
            })?;
        Ok(logging)
    }

    /// The subscriber that [`start`](Self::start) installs, for a caller with a scope of its own.
    pub fn subscriber(
        terminal: &Terminal,
        verbosity: i8,
        filter: Option<&str>,
    ) -> Result<(impl Subscriber + Send + Sync + use<>, Self), RunError> {
        let run_log = RunLog::default();
        // A quiet terminal is no reason to lose what the run did.
        let person_filter = parse_filter(filter, level_of(verbosity))?;
        let file_filter = parse_filter(filter, level_of(verbosity.max(0)))?;
        let for_person = fmt::layer()
            .compact()
            .without_time()
            .with_target(false)
            .with_ansi(terminal.is_interactive())
            .with_writer(terminal.clone())
            .with_filter(person_filter);
        let for_file = fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_writer(run_log.clone())
            .with_filter(file_filter);
        Ok((
            Registry::default().with(for_person).with(for_file),
            Self { run_log },
        ))
    }

    /// From now on events go to the file at `path`, those so far first. A resumed run goes on in the same
    /// file.
    pub fn attach(&self, path: &Path) -> Result<(), RunError> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(RunError::io("open", path))?;
        self.run_log
            .attach(file)
            .map_err(RunError::io("write", path))
    }
}

fn level_of(verbosity: i8) -> Level {
    match verbosity {
        i8::MIN..=-2 => Level::ERROR,
        -1 => Level::WARN,
        0 => Level::INFO,
        1 => Level::DEBUG,
        2.. => Level::TRACE,
    }
}

fn parse_filter(filter: Option<&str>, default: Level) -> Result<EnvFilter, RunError> {
    let builder = EnvFilter::builder();
    match filter {
        None => Ok(builder
            .with_default_directive(default.into())
            .parse_lossy("")),
        Some(filter) => builder.parse(filter).map_err(|error| {
            let why = error.to_string();
            RunError::BadLogFilter {
                filter: filter.to_string(),
                why,
            }
        }),
    }
}

#[derive(Debug, Clone, Default)]
struct RunLog {
    destination: Arc<Mutex<Destination>>,
}

#[derive(Debug)]
enum Destination {
    Pending(Vec<u8>),
    File(File),
}

impl Default for Destination {
    fn default() -> Self {
        Self::Pending(Vec::new())
    }
}

impl RunLog {
    fn attach(&self, mut file: File) -> io::Result<()> {
        let mut destination = self
            .destination
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Destination::Pending(events) = &*destination {
            file.write_all(events)?;
        }
        *destination = Destination::File(file);
        Ok(())
    }
}

impl Write for RunLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut destination = self
            .destination
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match &mut *destination {
            Destination::Pending(events) if events.len() + bytes.len() <= PENDING_LIMIT => {
                events.extend_from_slice(bytes);
            }
            Destination::Pending(_) => {}
            // One call holds one event, and the file is in append mode, so lines stay whole.
            Destination::File(file) => file.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for RunLog {
    type Writer = RunLog;

    fn make_writer(&'a self) -> RunLog {
        self.clone()
    }
}
