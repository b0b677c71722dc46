//! Standard error, shared by the progress bar and the log.
//!
//! Both draw on the same screen: a log line written while a bar is shown would tear it. So every line goes
//! through [`Terminal`], which lifts the bars, writes, and puts them back. Standard output is never touched;
//! it belongs to data.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressDrawTarget};
use tracing_subscriber::fmt::MakeWriter;

/// Where lines and bars for a person go. Clones share the screen.
#[derive(Debug, Clone)]
pub struct Terminal {
    bars: MultiProgress,
    sink: Sink,
    is_interactive: bool,
}

#[derive(Debug, Clone)]
enum Sink {
    StandardError,
    Memory(Arc<Mutex<Vec<u8>>>),
}

impl Terminal {
    /// Standard error; bars only if a person can see them move.
    pub fn standard_error() -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let is_interactive = io::stderr().is_terminal() && !is_dumb;
        let target = if is_interactive {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            bars: MultiProgress::with_draw_target(target),
            sink: Sink::StandardError,
            is_interactive,
        }
    }

    /// A screen in memory that is no terminal, for tests.
    pub fn in_memory() -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        Self {
            bars,
            sink: Sink::Memory(Arc::default()),
            is_interactive: false,
        }
    }

    /// Whether bars and colours make sense.
    pub fn is_interactive(&self) -> bool {
        self.is_interactive
    }

    /// Writes one line.
    pub fn line(&self, text: &str) {
        self.write_whole(format!("{text}\n").as_bytes());
    }

    /// What an in-memory screen was told so far.
    pub fn captured(&self) -> String {
        match &self.sink {
            Sink::StandardError => String::new(),
            Sink::Memory(bytes) => String::from_utf8_lossy(&lock(bytes)).into_owned(),
        }
    }

    pub(super) fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    fn write_whole(&self, bytes: &[u8]) {
        self.bars.suspend(|| match &self.sink {
            // A closed standard error must not end a training run.
            Sink::StandardError => drop(io::stderr().lock().write_all(bytes)),
            Sink::Memory(memory) => lock(memory).extend_from_slice(bytes),
        });
    }
}

fn lock(bytes: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    bytes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Collects one log event and writes it whole.
pub struct EventWriter {
    terminal: Terminal,
    event: Vec<u8>,
}

impl Write for EventWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.event.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for EventWriter {
    fn drop(&mut self) {
        if !self.event.is_empty() {
            self.terminal.write_whole(&self.event);
        }
    }
}

impl<'a> MakeWriter<'a> for Terminal {
    type Writer = EventWriter;

    fn make_writer(&'a self) -> EventWriter {
        EventWriter {
            terminal: self.clone(),
            event: Vec::new(),
        }
    }
}
