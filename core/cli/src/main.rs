//! The `farthing` command: reads arguments, calls the runtime, and turns what comes back into text and an exit code.
//!
//! Data goes to standard output, everything else to standard error. Exit codes: 0 success, 1 failure, 2 usage or
//! manifest error, 130 interrupted after a checkpoint.

mod allocator;
mod arguments;
mod commands;
mod table;

use std::io::ErrorKind;
use std::process::ExitCode;

use clap::Parser;
use farthing_runtime::error::RuntimeError;
use farthing_runtime::hub::HubError;
use farthing_runtime::manifest::Style;

fn main() -> ExitCode {
    allocator::keep_freed_memory();
    let arguments = match arguments::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match commands::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}

/// Prints an error once, with everything that its cause knows.
fn report(error: &anyhow::Error) -> ExitCode {
    let Some(runtime) = error.downcast_ref::<RuntimeError>() else {
        eprintln!("error: {error:#}");
        return ExitCode::from(1);
    };
    match runtime {
        // The reader has seen enough, as with `| head`.
        RuntimeError::Output(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        RuntimeError::Manifest(diagnostics) => {
            eprint!("{}", diagnostics.render(Style::for_stderr()));
            ExitCode::from(2)
        }
        RuntimeError::Interrupted { .. }
        | RuntimeError::Hub {
            error: HubError::Interrupted { .. },
        } => {
            eprintln!("{runtime}");
            ExitCode::from(130)
        }
        RuntimeError::Load(_) | RuntimeError::Host(_) | RuntimeError::Usage(_) => {
            eprintln!("error: {runtime}");
            ExitCode::from(2)
        }
        _ => {
            eprintln!("error: {runtime}");
            ExitCode::from(1)
        }
    }
}
