//! The log of a run: readable on the screen, complete in the file.

use std::fs;

use farthing_runtime::run::logging::Logging;
use farthing_runtime::run::{RunError, Terminal};
use serde_json::Value;

fn log(
    verbosity: i8,
    filter: Option<&str>,
    emit: impl FnOnce(&Logging, &std::path::Path),
) -> (String, Vec<Value>) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("log.jsonl");
    let terminal = Terminal::in_memory();
    let (subscriber, logging) = Logging::subscriber(&terminal, verbosity, filter).unwrap();
    tracing::subscriber::with_default(subscriber, || emit(&logging, &path));
    let text = fs::read_to_string(&path).unwrap_or_default();
    let events = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    (terminal.captured(), events)
}

fn emit_all(logging: &Logging, path: &std::path::Path) {
    tracing::info!(plugin = "text", "plugin loaded");
    logging.attach(path).unwrap();
    tracing::debug!(tokens = 3, "detail");
    tracing::warn!(step = 7, "reward failed");
}

#[test]
fn the_file_has_what_came_before_it_was_known() {
    let (screen, events) = log(0, None, emit_all);
    assert_eq!(
        screen,
        " INFO plugin loaded plugin=\"text\"\n WARN reward failed step=7\n"
    );
    let messages: Vec<_> = events
        .iter()
        .map(|event| event["message"].as_str().unwrap())
        .collect();
    assert_eq!(messages, ["plugin loaded", "reward failed"]);
    assert_eq!(events[1]["level"], "WARN");
    assert_eq!(events[1]["step"], 7);
    assert!(events[1]["target"].as_str().unwrap().contains("logging"));
    assert!(events[0]["timestamp"].is_string());
}

#[test]
fn verbosity_is_for_the_screen_and_quiet_does_not_empty_the_file() {
    let (screen, events) = log(-1, None, emit_all);
    assert_eq!(screen.lines().count(), 1);
    assert_eq!(events.len(), 2);
    let (screen, events) = log(1, None, emit_all);
    assert_eq!(screen.lines().count(), 3);
    assert_eq!(events.len(), 3);
}

#[test]
fn the_variable_wins() {
    let (screen, events) = log(2, Some("off,run_files::logging=warn"), emit_all);
    assert_eq!(screen, " WARN reward failed step=7\n");
    assert_eq!(events.len(), 1);
    let error = Logging::subscriber(&Terminal::in_memory(), 0, Some("farthing=loud"))
        .err()
        .unwrap();
    assert!(matches!(error, RunError::BadLogFilter { .. }), "{error}");
    assert!(
        error.to_string().contains("FARTHING_LOG=`farthing=loud`"),
        "{error}"
    );
}

#[test]
fn a_resumed_run_goes_on_in_the_same_file() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("log.jsonl");
    for _ in 0..2 {
        let (subscriber, logging) = Logging::subscriber(&Terminal::in_memory(), 0, None).unwrap();
        logging.attach(&path).unwrap();
        tracing::subscriber::with_default(subscriber, || tracing::info!("begin"));
    }
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
}
