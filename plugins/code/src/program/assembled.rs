//! What is run: the problem's own source, and what the model wrote.

use super::fences::line_at;
use crate::suite::{Stub, Tests};

/// The program behind the setup, and behind or in the stub.
pub fn assembled(tests: &Tests, written: String) -> String {
    let program = match &tests.stub {
        Some(stub) => completed(stub, &written),
        None => written,
    };
    behind(&tests.setup, &program)
}

/// A program that defines the function goes behind what the stub has before it; one that does
/// not is its continuation.
fn completed(stub: &Stub, written: &str) -> String {
    let defines = |line: &str| defines(line, &stub.entry_point);
    if written.lines().any(defines) {
        let before = stub.source.split_inclusive('\n');
        let before: String = before.take_while(|line| !defines(line)).collect();
        return behind(&before, written);
    }
    let begins_a_line = written.starts_with([' ', '\t']) && !stub.source.ends_with('\n');
    let end = if begins_a_line { "\n" } else { "" };
    format!("{}{end}{written}", stub.source)
}

/// Whether the line is `def name(`, also with type parameters, or `name =`.
fn defines(line: &str, name: &str) -> bool {
    let line = line.strip_prefix("async ").unwrap_or(line);
    let function = line.strip_prefix("def ").map(str::trim_start);
    let after = |line: &str| {
        line.strip_prefix(name)
            .map(|rest| rest.trim_start().to_owned())
    };
    match function {
        Some(function) => after(function).is_some_and(|rest| rest.starts_with(['(', '['])),
        None => after(line).is_some_and(|rest| rest.starts_with('=') && !rest.starts_with("==")),
    }
}

/// The program behind this source. What Python wants at the beginning of a file stays there.
fn behind(front: &str, program: &str) -> String {
    let (head, rest) = program.split_at(future_imports(program));
    let line = |text: &str| {
        if text.is_empty() || text.ends_with('\n') {
            ""
        } else {
            "\n"
        }
    };
    format!("{head}{}{front}{}{rest}", line(head), line(front))
}

/// The length of what ends with the last `from __future__ import` at the beginning of a program:
/// only comments and one text, the documentation, can stand before it.
fn future_imports(program: &str) -> usize {
    let (mut at, mut end) = (0, 0);
    let mut may_be_documentation = true;
    while let Some(line) = line_at(program, at) {
        if line.trim().is_empty() || line.starts_with('#') {
            at += line.len();
        } else if line.starts_with("from __future__ import") {
            may_be_documentation = false;
            at += statement(&program[at..]);
            end = at;
        } else if may_be_documentation && let Some(length) = documentation(&program[at..]) {
            may_be_documentation = false;
            at += length;
        } else {
            break;
        }
    }
    end
}

/// The length of an import: to the end of the line that closes its bracket, or that does not end
/// with a backslash.
fn statement(source: &str) -> usize {
    let mut length = 0;
    let mut is_open = false;
    for line in source.split_inclusive('\n') {
        length += line.len();
        is_open = (is_open || line.contains('(')) && !line.contains(')');
        if !is_open && !line.trim_end().ends_with('\\') {
            break;
        }
    }
    length
}

/// The length of a text and of the rest of its last line, if it begins with one.
fn documentation(source: &str) -> Option<usize> {
    let unprefixed = source.trim_start_matches(['r', 'R', 'u', 'U']);
    let quote = unprefixed
        .chars()
        .next()
        .filter(|c| matches!(c, '"' | '\''))?;
    let triple = String::from(quote).repeat(3);
    let mark = match unprefixed.starts_with(&triple) {
        true => triple,
        false => quote.to_string(),
    };
    let prefix = source.len() - unprefixed.len();
    let mut at = prefix + mark.len();
    loop {
        let rest = &source[at..];
        if rest.starts_with(&mark) {
            at += mark.len();
            return Some(at + line_at(source, at).map_or(0, str::len));
        }
        let next = rest.chars().next()?;
        at += next.len_utf8();
        if next == '\\' {
            at += source[at..].chars().next()?.len_utf8();
        }
    }
}
