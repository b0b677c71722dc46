//! A download for a person: a bar of bytes on a terminal, plain lines at its tenths elsewhere.
//!
//! Small files pass without a word on a plain log; their lines would say nothing.

use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use super::progress::{describe_duration, time_left};
use super::signals::Interrupt;
use super::terminal::Terminal;

/// Files smaller than this get one line or none.
const WORTH_LINES: u64 = 50 << 20;

/// Shows files as they arrive.
#[derive(Debug)]
pub struct Transfer {
    terminal: Terminal,
    interrupt: Interrupt,
    of: String,
    file: Option<File>,
}

#[derive(Debug)]
struct File {
    name: String,
    size: Option<u64>,
    before: u64,
    done: u64,
    tenths: u64,
    began: Instant,
    bar: Option<ProgressBar>,
}

impl Transfer {
    /// Files of `of`, which names the model.
    pub fn new(terminal: &Terminal, interrupt: &Interrupt, of: &str) -> Self {
        Self {
            terminal: terminal.clone(),
            interrupt: interrupt.clone(),
            of: of.to_owned(),
            file: None,
        }
    }

    fn drop_bar(&mut self) {
        if let Some(bar) = self.file.take().and_then(|file| file.bar) {
            bar.finish_and_clear();
            self.terminal.bars().remove(&bar);
        }
    }
}

impl Transfer {
    /// A file begins, of which `done` bytes are here.
    pub fn begin(&mut self, file: &str, size: Option<u64>, done: u64) {
        self.drop_bar();
        let bar = self.terminal.is_interactive().then(|| {
            let bar = match size {
                Some(size) => ProgressBar::new(size).with_position(done),
                None => ProgressBar::no_length(),
            };
            let bar = self.terminal.bars().add(bar);
            bar.set_style(
                ProgressStyle::with_template(
                    "{prefix:.bold} {bar:28.cyan/black.bright} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left",
                )
                .expect("the template is a constant")
                .progress_chars("━━─"),
            );
            bar.set_prefix(file.to_owned());
            bar.reset_eta();
            bar
        });
        if bar.is_none() && size.is_some_and(|size| size >= WORTH_LINES) {
            let size = size.map_or("?".to_owned(), bytes_text);
            let on = match done {
                0 => String::new(),
                done => format!(", going on at {}", bytes_text(done)),
            };
            self.terminal
                .line(&format!("fetching {file} of {} ({size}{on})", self.of));
        }
        self.file = Some(File {
            name: file.to_owned(),
            size,
            before: done,
            done,
            tenths: tenths(done, size),
            began: Instant::now(),
            bar,
        });
    }

    /// So many bytes of the file are here now.
    pub fn at(&mut self, done: u64) {
        let Some(file) = &mut self.file else {
            return;
        };
        file.done = done;
        if let Some(bar) = &file.bar {
            bar.set_position(done);
            return;
        }
        let tenths = tenths(done, file.size);
        let Some(size) = file
            .size
            .filter(|&size| size >= WORTH_LINES && tenths > file.tenths)
        else {
            return;
        };
        file.tenths = tenths;
        let elapsed = file.began.elapsed();
        let arrived = done.saturating_sub(file.before);
        let left = time_left(elapsed, arrived, size.saturating_sub(done));
        let left = left.map_or(String::new(), |left| {
            format!("  {} left", describe_duration(left))
        });
        let speed = bytes_text((arrived as f64 / elapsed.as_secs_f64().max(1e-3)) as u64);
        self.terminal
            .line(&format!("{} {} %  {speed}/s{left}", file.name, tenths * 10));
    }

    /// The file is whole.
    pub fn end(&mut self) {
        self.drop_bar();
    }

    /// The name of the signal that asks for an end, once one does.
    pub fn interrupted(&self) -> Option<&'static str> {
        self.interrupt
            .is_requested()
            .then(|| self.interrupt.signal_name().unwrap_or("a request"))
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.drop_bar();
    }
}

/// `988.1 MB`, in the hub's own units, which are powers of ten.
pub fn bytes_text(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        ..1e3 => format!("{bytes} bytes"),
        ..1e6 => format!("{:.1} kB", bytes / 1e3),
        ..1e9 => format!("{:.1} MB", bytes / 1e6),
        _ => format!("{:.2} GB", bytes / 1e9),
    }
}

fn tenths(done: u64, size: Option<u64>) -> u64 {
    match size {
        None | Some(0) => 0,
        Some(size) => (u128::from(done) * 10 / u128::from(size)) as u64,
    }
}
