//! Interrupts: the first one asks the run to finish its step and save, the second one ends it at once.
//!
//! The handler only sets a flag, which the training loop looks at between steps; saving inside a handler
//! could meet a half-updated model. Worker processes must be put into a process group of their own, or a
//! Ctrl-C at the terminal ends them in the middle of the step that is being finished.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// What a process that was interrupted exits with, after saving or at the second signal.
pub const INTERRUPTED_EXIT_CODE: i32 = 130;

/// Whether somebody asked the run to stop. Clones share the answer.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    requested: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Handles SIGINT and SIGTERM from now on.
    pub fn install() -> io::Result<Self> {
        let interrupt = Self::default();
        for signal in [SIGINT, SIGTERM] {
            // The order matters: at the first signal the flag is not yet set when this action looks at it,
            // at the second it is.
            flag::register_conditional_shutdown(
                signal,
                INTERRUPTED_EXIT_CODE,
                Arc::clone(&interrupt.requested),
            )?;
            flag::register_usize(signal, Arc::clone(&interrupt.signal), signal as usize)?;
            flag::register(signal, Arc::clone(&interrupt.requested))?;
        }
        Ok(interrupt)
    }

    /// Asks for the stop from inside the process.
    pub fn request(&self) {
        self.requested.store(true, Ordering::SeqCst);
    }

    /// Whether to finish the step, save and stop.
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::SeqCst)
    }

    /// The signal that asked, by its usual name, for the message.
    pub fn signal_name(&self) -> Option<&'static str> {
        match i32::try_from(self.signal.load(Ordering::SeqCst)) {
            Ok(SIGINT) => Some("SIGINT"),
            Ok(SIGTERM) => Some("SIGTERM"),
            _ => None,
        }
    }
}
