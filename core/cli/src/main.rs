//! The `farthing` command: reads arguments, calls the runtime, and turns what comes back into text and an exit code.
//!
//! Data goes to standard output, everything else to standard error. Exit codes: 0 success, 1 failure, 2 usage or
//! manifest error, 130 interrupted after a checkpoint.

mod allocator;
mod arguments;
mod commands;
mod table;

use std::process::ExitCode;

use clap::Parser;
use farthing_runtime::error::RuntimeError;
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
    if let Some(error) = error.downcast_ref::<std::io::Error>()
        && error.kind() == std::io::ErrorKind::BrokenPipe
    {
        // The reader has seen enough, as with `| head`.
        return ExitCode::SUCCESS;
    }
    let Some(runtime) = error.downcast_ref::<RuntimeError>() else {
        eprintln!("error: {error:#}");
        return ExitCode::from(1);
    };
    match runtime {
        RuntimeError::Manifest(diagnostics) => {
            eprint!("{}", diagnostics.render(Style::for_stderr()));
            ExitCode::from(2)
        }
        RuntimeError::Interrupted { .. } => {
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
