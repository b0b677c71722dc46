//! Tests that are Python source: HumanEval's `check(candidate)`, MBPP's list of asserts.
//!
//! Such a test compares inside the program's interpreter, where the program can read what is
//! expected and redefine how to compare. So it is not run: each assert is read, and becomes a
//! call for the program and an expected value for the host.
//!
//! ```text
//! assert CALL == VALUE      assert VALUE == CALL     assert CALL is VALUE
//! assert CALL               assert not CALL
//! assert abs(CALL - VALUE) < NUMBER                  assert math.isclose(CALL, VALUE, ..)
//! CALL := function(values, name=value) | (set | sorted | list | tuple)(CALL)
//! ```
//! A test with anything else in it, a loop, a random number, a helper, is refused as a whole:
//! half a test would be another test.

use farthing_sdk::prelude::{Error, Result, bail};
use num_traits::ToPrimitive;

use super::{
    CallTest, Expected, View,
    literal::{Dialect, Parser, shown},
    tokens::{Placed, Token, tokens},
};
use crate::value::{Equality, Tolerance, Value};

/// The tests in this source. `entry_point` is what `check(candidate)` is given.
///
/// # Errors
/// Names the first line that is not read, and what is wrong with it.
pub fn read(source: &str, entry_point: Option<&str>) -> Result<Vec<CallTest>> {
    let tokens = tokens(source, Dialect::Python)?;
    let mut reader = Reader {
        entry_point,
        candidate: None,
        tests: Vec::new(),
    };
    for statement in tokens.split(|placed| placed.token == Token::End) {
        reader.statement(statement)?;
    }
    if reader.tests.is_empty() {
        return Err(Error::new("the test source has no assert"));
    }
    Ok(reader.tests)
}

struct Reader<'s> {
    entry_point: Option<&'s str>,
    /// What the parameter of `check` is called.
    candidate: Option<String>,
    tests: Vec<CallTest>,
}

/// One side of a comparison.
enum Side {
    Call(CallTest),
    /// `abs(CALL - VALUE)`; the value is the test's expected one.
    Distance(CallTest),
    Value(Value),
}

impl Reader<'_> {
    fn statement(&mut self, statement: &[Placed<'_>]) -> Result<()> {
        let mut parser = Parser::new(statement, Dialect::Python);
        let line = parser.line();
        match parser.peek() {
            Token::Name("import" | "from" | "pass" | "return" | "METADATA") => Ok(()),
            Token::Name("def") => {
                let body = self.header(parser)?;
                self.statement(body)
            }
            Token::Name("assert") => {
                parser.next();
                self.assertion(parser)
            }
            // A call of the test's own function at its end.
            Token::Name("check") => Ok(()),
            // A comment that is written as a string, or nothing.
            Token::Text(_) | Token::End if statement.len() <= 1 => Ok(()),
            other => Err(refused(line, &format!("a statement with {}", shown(other)))),
        }
    }

    /// `def check(candidate):`, and what follows on the same line.
    fn header<'t, 'a>(&mut self, mut parser: Parser<'t, 'a>) -> Result<&'t [Placed<'a>]> {
        let line = parser.line();
        parser.next();
        let known = parser.takes_name("check") && parser.takes("(") && self.candidate.is_none();
        match parser.next() {
            Token::Name(parameter) if known => self.candidate = Some((*parameter).to_owned()),
            _ => return Err(refused(line, "a function other than check(candidate)")),
        }
        parser.expect(")")?;
        parser.expect(":")?;
        Ok(parser.rest())
    }

    fn assertion(&mut self, parser: Parser<'_, '_>) -> Result<()> {
        if trivial(parser.clone()) {
            return Ok(());
        }
        let read = self.comparison(parser.clone()).or_else(|error| {
            // All of it may stand in brackets.
            let mut inner = parser;
            match inner.takes("(") {
                true => self.bracketed(inner).map_err(|_| error),
                false => Err(error),
            }
        })?;
        self.tests.push(read);
        Ok(())
    }

    fn bracketed(&self, mut parser: Parser<'_, '_>) -> Result<CallTest> {
        let test = self.compared(&mut parser)?;
        parser.expect(")")?;
        ended(parser)?;
        Ok(test)
    }

    fn comparison(&self, mut parser: Parser<'_, '_>) -> Result<CallTest> {
        let test = self.compared(&mut parser)?;
        ended(parser)?;
        Ok(test)
    }

    fn compared(&self, parser: &mut Parser<'_, '_>) -> Result<CallTest> {
        let line = parser.line();
        if let Some(test) = self.is_close(parser)? {
            return Ok(test);
        }
        let negated = parser.takes_name("not");
        let left = self.side(parser)?;
        let sign = match parser.peek() {
            Token::Sign(sign @ ("==" | "<" | "<=")) => *sign,
            Token::Name("is") => "is",
            _ => "",
        };
        if !sign.is_empty() {
            parser.next();
        }
        match (left, sign) {
            (Side::Call(test), "") => Ok(expecting(test, Expected::Truth(!negated))),
            _ if negated => Err(refused(line, "a negated comparison")),
            (Side::Call(test), "==" | "is") => {
                Ok(expecting(test, Expected::Value(parser.value()?)))
            }
            (Side::Value(value), "==") => match self.side(parser)? {
                Side::Call(test) => Ok(expecting(test, Expected::Value(value))),
                _ => Err(refused(line, "an assert without a call")),
            },
            (Side::Distance(mut test), "<" | "<=") => {
                let absolute = float(&parser.value()?).ok_or_else(|| {
                    refused(
                        line,
                        "a distance that is compared with something else than a number",
                    )
                })?;
                test.tolerance = Some(Tolerance {
                    relative: 0.0,
                    absolute,
                });
                Ok(test)
            }
            _ => Err(refused(line, "an assert of this form")),
        }
    }

    /// `math.isclose(CALL, VALUE, rel_tol=.., abs_tol=..)`.
    fn is_close(&self, parser: &mut Parser<'_, '_>) -> Result<Option<CallTest>> {
        let mut ahead = parser.clone();
        let _ = ahead.takes_name("math") && ahead.takes(".");
        if !(ahead.takes_name("isclose") && ahead.takes("(")) {
            return Ok(None);
        }
        let line = ahead.line();
        let Side::Call(mut test) = self.side(&mut ahead)? else {
            return Err(refused(line, "isclose without a call in front"));
        };
        ahead.expect(",")?;
        test.expected = exact_float(ahead.value()?, line)?;
        // Python's defaults.
        let mut tolerance = Tolerance {
            relative: 1e-9,
            absolute: 0.0,
        };
        while ahead.takes(",") {
            let place = if ahead.takes_name("rel_tol") {
                &mut tolerance.relative
            } else if ahead.takes_name("abs_tol") {
                &mut tolerance.absolute
            } else {
                break;
            };
            ahead.expect("=")?;
            *place = float(&ahead.value()?).ok_or_else(|| refused(line, "a strange tolerance"))?;
        }
        ahead.expect(")")?;
        test.tolerance = Some(tolerance);
        *parser = ahead;
        Ok(Some(test))
    }

    fn side(&self, parser: &mut Parser<'_, '_>) -> Result<Side> {
        self.side_within(parser, 0)
    }

    /// `depth` counts the brackets around it: a view of a distance is no test.
    fn side_within(&self, parser: &mut Parser<'_, '_>, depth: usize) -> Result<Side> {
        let line = parser.line();
        if depth > 1 {
            return Err(refused(line, "so many brackets"));
        }
        let mut ahead = parser.clone();
        if let Ok(value) = ahead.value() {
            *parser = ahead;
            return Ok(Side::Value(value));
        }
        let _ = parser.takes_name("math") && parser.takes(".");
        let name = match parser.next() {
            Token::Name(name) => *name,
            other => return Err(refused(line, &format!("{} at this place", shown(other)))),
        };
        if !parser.takes("(") {
            return Err(refused(line, &format!("the name {name:?}")));
        }
        let view = match name {
            "abs" | "fabs" => {
                let Side::Call(mut test) = self.side_within(parser, depth + 1)? else {
                    return Err(refused(line, "a distance without a call in front"));
                };
                parser.expect("-")?;
                test.expected = exact_float(parser.value()?, line)?;
                parser.expect(")")?;
                return Ok(Side::Distance(test));
            }
            "set" | "frozenset" => View::Set,
            "sorted" => View::Sorted,
            "list" => View::List,
            "tuple" => View::Tuple,
            _ => return self.call(name, parser, line).map(Side::Call),
        };
        match self.side_within(parser, depth + 1)? {
            Side::Call(mut test) if test.view == View::Itself => {
                parser.expect(")")?;
                test.view = view;
                Ok(Side::Call(test))
            }
            _ => Err(refused(line, &format!("{name}(..) of this"))),
        }
    }

    /// The function and what it is given, behind the opening bracket.
    fn call(&self, name: &str, parser: &mut Parser<'_, '_>, line: usize) -> Result<CallTest> {
        // Functions of Python itself are helpers of the test, not the program's.
        const NOT_THE_PROGRAMS: [&str; 16] = [
            "len",
            "sum",
            "round",
            "int",
            "float",
            "str",
            "bool",
            "all",
            "any",
            "max",
            "min",
            "isinstance",
            "type",
            "map",
            "zip",
            "range",
        ];
        let entry_point = match (self.entry_point, self.candidate.as_deref()) {
            (Some(entry_point), Some(candidate)) if name == candidate => entry_point,
            (Some(entry_point), _) if name != entry_point => {
                return Err(refused(line, &format!("a call of {name:?}")));
            }
            _ if NOT_THE_PROGRAMS.contains(&name) => {
                return Err(refused(line, &format!("a call of {name:?}")));
            }
            _ => name,
        };
        let mut test = CallTest::new(entry_point);
        while !parser.takes(")") {
            let mut ahead = parser.clone();
            match (ahead.next(), ahead.takes("=")) {
                (Token::Name(name), true) => {
                    *parser = ahead;
                    test.kwargs.push(((*name).to_owned(), parser.value()?));
                }
                _ => test.args.push(parser.value()?),
            }
            if !parser.takes(",") {
                parser.expect(")")?;
                break;
            }
        }
        Ok(test)
    }
}

/// `assert True, "a message"`, which HumanEval has for debugging.
fn trivial(mut parser: Parser<'_, '_>) -> bool {
    parser.takes_name("True") && ended(parser).is_ok()
}

/// What may follow: nothing, or a message.
fn ended(mut parser: Parser<'_, '_>) -> Result<()> {
    if parser.is_done() || parser.takes(",") {
        return Ok(());
    }
    let line = parser.line();
    bail!(
        "line {line}: expected the end of the assert, found {}",
        shown(parser.peek())
    )
}

fn expecting(mut test: CallTest, expected: Expected) -> CallTest {
    test.expected = expected;
    // An assert means what Python means by it.
    test.equality = Some(Equality::Python);
    test
}

/// A distance is one of floats, even to a whole number.
fn exact_float(value: Value, line: usize) -> Result<Expected> {
    match float(&value) {
        Some(number) => Ok(Expected::Value(Value::Float(number))),
        None => Err(refused(line, "a distance to something else than a number")),
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => number.to_f64(),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

fn refused(line: usize, what: &str) -> Error {
    Error::new(format!(
        "line {line}: {what} cannot be turned into a call test"
    ))
}
