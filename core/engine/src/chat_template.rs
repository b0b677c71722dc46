//! Chat templates, rendered as transformers renders them.
//!
//! A template is a Jinja program from the model's directory, and training must see the same characters as any other
//! tool that uses the model. So the environment is transformers': blocks trimmed, Python's string methods and its
//! spelling of `True` and `None`, `json.dumps` for `tojson`, `raise_exception`, `strftime_now`, loop controls.

mod python_json;

use std::path::PathBuf;
use std::sync::Arc;

use minijinja::value::{Serde, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, context};
use serde::Serialize;

use self::python_json::to_python_json;
use crate::error::{EngineError, Result};
use crate::tokenizer::SpecialTokens;

/// Instructions a template may take, so that a crafted one ends. The longest published templates take some thousands
/// for a short chat.
const FUEL: u64 = 10_000_000;
/// The longest template. The longest published ones have some 30 kB.
const LONGEST_TEMPLATE: usize = 128 << 10;
/// The parser guards against brackets in brackets, but takes `a.b.c.d` and `a|b|c|d` for levels of a tree that is walked
/// by recursion. Two bytes make a level at the least, and this gives each four kilobytes. Untouched, it costs nothing.
const COMPILER_STACK: usize = LONGEST_TEMPLATE / 2 * 4096;
/// The longest rendered chat. A million tokens are some megabytes.
const LONGEST_TEXT: usize = 64 << 20;
/// One turn of a chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// `system`, `user`, `assistant`, or what else the template knows.
    pub role: String,
    pub content: String,
}

impl Message {
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Self {
        Self {
            role: role.into(),
            content: content.into(),
        }
    }
}

/// What a template is given besides the messages.
#[derive(Clone, Debug, Default)]
pub struct ChatOptions {
    /// Ends the text with the opening of the assistant's turn.
    pub add_generation_prompt: bool,
    /// More variables, such as `enable_thinking` or `tools`. Keys inside them come in the order of the JSON map.
    pub variables: serde_json::Map<String, serde_json::Value>,
    /// The moment that `strftime_now` sees, in seconds since 1970 UTC; left out, the clock. Some templates write the
    /// date into the prompt: a run that must be repeatable on another day sets it.
    pub unix_time: Option<i64>,
}

pub(crate) struct ChatTemplate {
    /// A template that cannot be parsed matters only to who renders it, so the error waits here.
    environment: std::result::Result<Environment<'static>, String>,
    special_tokens: SpecialTokens,
    /// The file that it stands in.
    path: PathBuf,
}

impl ChatTemplate {
    pub fn new(path: PathBuf, source: String, special_tokens: SpecialTokens) -> Self {
        let environment = compile(source);
        Self {
            environment,
            special_tokens,
            path,
        }
    }

    pub fn render(&self, messages: &[Message], options: &ChatOptions) -> Result<String> {
        let refuse = |problem: String| {
            EngineError::ChatTemplate(format!(
                "{}: {problem}; correct the template, or give prompts as raw text",
                self.path.display()
            ))
        };
        let environment = self
            .environment
            .as_ref()
            .map_err(|error| refuse(error.clone()))?;
        let now = now(options.unix_time).map_err(refuse)?;
        let strftime_now = Value::from_function(move |format: &str| {
            jiff::fmt::strtime::format(format, now.as_ref())
                .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
        });
        // tools and documents are None, not undefined, as in transformers.
        let standard = context! {
            messages => Serde(messages),
            add_generation_prompt => options.add_generation_prompt,
            strftime_now,
            tools => (),
            documents => (),
        };
        // Of one name the last source wins.
        let context = minijinja::value::merge_maps([
            Value::from(Serde(&self.special_tokens)),
            standard,
            Value::from(Serde(&options.variables)),
        ]);
        let template = environment
            .get_template("chat")
            .map_err(|error| refuse(explain(&error)))?;
        let mut text = LimitedText::default();
        let rendered = template.render_captured_to(context, &mut text);
        if text.is_full {
            return Err(refuse(format!(
                "it writes more than {} MiB for {} messages",
                LONGEST_TEXT >> 20,
                messages.len()
            )));
        }
        rendered.map_err(|error| refuse(explain(&error)))?;
        String::from_utf8(text.bytes).map_err(|error| refuse(error.to_string()))
    }
}

/// What a template writes, up to a limit.
#[derive(Default)]
struct LimitedText {
    bytes: Vec<u8>,
    is_full: bool,
}

impl std::io::Write for LimitedText {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + bytes.len() > LONGEST_TEXT {
            self.is_full = true;
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Compiles a template on a stack that it cannot overflow.
fn compile(source: String) -> std::result::Result<Environment<'static>, String> {
    if source.len() > LONGEST_TEMPLATE {
        return Err(format!(
            "expected at most {} KiB of template, found {} bytes",
            LONGEST_TEMPLATE >> 10,
            source.len()
        ));
    }
    let compiler = std::thread::Builder::new()
        .name("chat template".to_owned())
        .stack_size(COMPILER_STACK)
        .spawn(move || environment(&source).map_err(|error| explain(&error)));
    match compiler.map(std::thread::JoinHandle::join) {
        Ok(Ok(environment)) => environment,
        Ok(Err(_)) => Err("the template engine panicked on it".to_owned()),
        Err(error) => Err(format!("cannot be compiled here: {error}")),
    }
}

fn environment(source: &str) -> std::result::Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(
        minijinja::syntax::SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()?,
    );
    environment.set_fuel(Some(FUEL));
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.set_formatter(|out, state, value| match value.kind() {
        ValueKind::None => out.write_str("None").map_err(Error::from),
        ValueKind::Bool => out
            .write_str(if value.is_true() { "True" } else { "False" })
            .map_err(Error::from),
        _ => minijinja::escape_formatter(out, state, value),
    });
    environment.add_filter("tojson", to_python_json);
    environment.add_function(
        "raise_exception",
        |message: String| -> std::result::Result<(), Error> {
            Err(Error::new(
                ErrorKind::InvalidOperation,
                format!("the template refused the chat: {message}"),
            ))
        },
    );
    environment.add_template_owned("chat", without_generation_tags(source))?;
    Ok(environment)
}

/// `{% generation %}` marks the assistant's words for transformers' masks and writes nothing. Standing for it, a
/// condition that always holds keeps the white-space control of its tags.
fn without_generation_tags(source: &str) -> String {
    let mut output = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find("{%") {
        // Behind the two signs that open the tag: `{%}` opens one and closes none.
        let Some(length) = rest[start + 2..].find("%}").map(|length| length + 2) else {
            break;
        };
        let (before, tag) = (&rest[..start], &rest[start..start + length + 2]);
        output.push_str(before);
        match tag[2..length].trim_matches(['-', '+', ' ', '\n', '\t']) {
            "generation" => output.push_str(&tag.replacen("generation", "if true", 1)),
            "endgeneration" => output.push_str(&tag.replacen("endgeneration", "endif", 1)),
            _ => output.push_str(tag),
        }
        rest = &rest[start + tag.len()..];
    }
    output.push_str(rest);
    output
}

/// Local time would make a prompt depend on where it is rendered, so dates are those of UTC.
fn now(unix_time: Option<i64>) -> std::result::Result<Arc<jiff::Zoned>, String> {
    let moment = match unix_time {
        Some(seconds) => jiff::Timestamp::from_second(seconds)
            .map_err(|error| format!("unix_time {seconds} is no date: {error}"))?,
        None => jiff::Timestamp::now(),
    };
    Ok(Arc::new(moment.to_zoned(jiff::tz::TimeZone::UTC)))
}

/// The message with the template's line, and what caused it.
fn explain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
