//! Values as Python source: how arguments reach the program.
//!
//! Source text needs no import in the program's interpreter, where importing a JSON parser
//! would cost a third of its start-up, and it has every type that arguments can have. Only
//! ASCII is written, and nothing that needs a name to be defined.

use std::fmt::Write;

use num_bigint::BigInt;

use super::Value;

/// The expression that evaluates to the value.
pub fn source(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::None => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(number) => int(number, out),
        Value::Float(number) => float(*number, out),
        Value::Text(content) => {
            text(content, out);
        }
        Value::Bytes(content) => {
            out.push_str("b\"");
            for byte in content {
                escape(u32::from(*byte), out);
            }
            out.push('"');
        }
        Value::List(items) | Value::Array(items) => sequence('[', items, ']', out),
        // `(1,)` is a tuple, `(1)` is not, `(,)` is nothing.
        Value::Tuple(items) => sequence('(', items, ')', out),
        // `{}` is a dictionary. An empty set has no literal but this one.
        Value::Set(items) if items.is_empty() => out.push_str("{*()}"),
        Value::Set(items) => sequence('{', items, '}', out),
        Value::Dict(entries) => {
            out.push('{');
            for (key, value) in entries {
                write(key, out);
                out.push(':');
                write(value, out);
                out.push(',');
            }
            out.push('}');
        }
    }
}

fn sequence(open: char, items: &[Value], close: char, out: &mut String) {
    out.push(open);
    for item in items {
        write(item, out);
        out.push(',');
    }
    out.push(close);
}

/// In hexadecimal where it is long: Python refuses decimals of more than 4,300 digits.
fn int(number: &BigInt, out: &mut String) {
    let written = match number.bits() {
        0..64 => write!(out, "{number}"),
        _ => write!(out, "{number:#x}"),
    };
    written.expect("a string takes everything");
}

fn float(number: f64, out: &mut String) {
    match number {
        f64::INFINITY => out.push_str("1e999"),
        f64::NEG_INFINITY => out.push_str("-1e999"),
        _ if number.is_nan() => out.push_str("(1e999-1e999)"),
        _ => write!(out, "{number:?}").expect("a string takes everything"),
    }
}

/// A string literal.
pub fn text(content: &str, out: &mut String) {
    out.push('"');
    for character in content.chars() {
        escape(u32::from(character), out);
    }
    out.push('"');
}

fn escape(code: u32, out: &mut String) {
    let written = match code {
        0x22 => write!(out, "\\\""),
        0x5c => write!(out, "\\\\"),
        0x20..0x7f => write!(out, "{}", char::from(code as u8)),
        0..0x100 => write!(out, "\\x{code:02x}"),
        0x100..0x1_0000 => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
    written.expect("a string takes everything");
}
