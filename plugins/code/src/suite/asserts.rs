//! Tests that are Python source: HumanEval's `check(candidate)`, MBPP's list of asserts.
//!
//! Such a test compares inside the program's interpreter, where the program can read what is
//! expected and redefine how to compare. So it is not run: each assert is read, and becomes a
//! call for the program and an expected value for the host.
//!
//! ```text
//! assert CALL == VALUE      assert VALUE == CALL     assert CALL is (None | True | False | small number)
//! assert CALL               assert not CALL
//! assert (abs | math.fabs)(CALL - VALUE ..) (< | <=) NUMBER
//! assert math.isclose(CALL, VALUE, rel_tol=.., abs_tol=..)
//! CALL := function(values, name=value) | (set | frozenset | sorted | list | tuple)(CALL)
//! ```
//! A test with anything else in it, a loop, a random number, a helper, is refused as a whole:
//! half a test would be another test. So is one whose meaning to Python is not certain.

use farthing_sdk::prelude::{Error, Result, bail};

use super::{
    CallTest, Expected, Nearness, Term, View,
    builtins::is_builtin,
    literal::{Parser, shown},
    meaning::{equal, float, identical, number, truth},
    tokens::{Placed, Token, tokens},
};
use crate::value::{Value, check_argument};

/// The tests in this source. `entry_point` is what `check(candidate)` is given.
///
/// # Errors
/// Names the first line that is not read, and what is wrong with it.
pub fn read(source: &str, entry_point: Option<&str>) -> Result<Vec<CallTest>> {
    let source = source.replace("\r\n", "\n").replace('\r', "\n");
    let tokens = tokens(&source)?;
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
    Distance(Distance),
    Value(Value),
}

/// `abs(CALL - VALUE ..)`, and `math.fabs`.
struct Distance {
    test: CallTest,
    terms: Vec<Term>,
    of_floats: bool,
}

impl Reader<'_> {
    fn statement(&mut self, statement: &[Placed<'_>]) -> Result<()> {
        let mut parser = Parser::new(statement);
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
            (Side::Call(test), "") => truth(test, !negated, line),
            _ if negated => Err(refused(line, "a negated comparison")),
            (Side::Call(test), "==") => equal(test, parser.value()?, line),
            (Side::Call(test), "is") => identical(test, parser.value()?, line),
            (Side::Value(value), "==") => match self.side(parser)? {
                Side::Call(test) => equal(test, value, line),
                _ => Err(refused(line, "an assert without a call")),
            },
            (Side::Distance(distance), "<" | "<=") => {
                let limit = number(parser.value()?, line)?;
                let mut test = distance.test;
                test.expected = Expected::Near(Nearness::Distance {
                    terms: distance.terms,
                    of_floats: distance.of_floats,
                    limit,
                    strictly: sign == "<",
                });
                Ok(test)
            }
            _ => Err(refused(line, "an assert of this form")),
        }
    }

    /// `math.isclose(CALL, VALUE, rel_tol=.., abs_tol=..)`.
    fn is_close(&self, parser: &mut Parser<'_, '_>) -> Result<Option<CallTest>> {
        let mut ahead = parser.clone();
        let is_close = ahead.takes_name("math") && ahead.takes(".") && ahead.takes_name("isclose");
        if !(is_close && ahead.takes("(")) {
            return Ok(None);
        }
        let line = ahead.line();
        let mut test = match self.side(&mut ahead)? {
            Side::Call(test) if test.view == View::Itself => test,
            _ => return Err(refused(line, "isclose without a call in front")),
        };
        ahead.expect(",")?;
        let to = float(ahead.value()?, line)?;
        // Python's defaults.
        let (mut relative, mut absolute) = (1e-9, 0.0);
        while ahead.takes(",") {
            let tolerance = if ahead.takes_name("rel_tol") {
                &mut relative
            } else if ahead.takes_name("abs_tol") {
                &mut absolute
            } else {
                break;
            };
            ahead.expect("=")?;
            *tolerance = float(ahead.value()?, line)?;
            if *tolerance < 0.0 {
                return Err(refused(line, "a negative tolerance"));
            }
        }
        ahead.expect(")")?;
        test.expected = Expected::Near(Nearness::Close {
            to,
            relative,
            absolute,
        });
        *parser = ahead;
        Ok(Some(test))
    }

    /// What is between the brackets of `abs(CALL - VALUE + VALUE)`, and the closing one.
    fn distance(&self, parser: &mut Parser<'_, '_>, depth: usize) -> Result<Distance> {
        let line = parser.line();
        let test = match self.side_within(parser, depth)? {
            Side::Call(test) if test.view == View::Itself => test,
            _ => return Err(refused(line, "a distance without a call in front")),
        };
        let mut terms = Vec::new();
        while !parser.takes(")") {
            let is_subtracted = parser.takes("-");
            if !is_subtracted {
                parser.expect("+")?;
            }
            let number = number(parser.product()?, line)?;
            terms.push(Term {
                is_subtracted,
                number,
            });
        }
        Ok(Distance {
            test,
            terms,
            of_floats: false,
        })
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
        let is_math = parser.takes_name("math");
        if is_math {
            parser.expect(".")?;
        }
        let name = match parser.next() {
            Token::Name(name) => *name,
            other => return Err(refused(line, &format!("{} at this place", shown(other)))),
        };
        if !parser.takes("(") {
            return Err(refused(line, &format!("the name {name:?}")));
        }
        let view = match (is_math, name) {
            (true, "fabs") => {
                let distance = self.distance(parser, depth + 1)?;
                return Ok(Side::Distance(Distance {
                    of_floats: true,
                    ..distance
                }));
            }
            (true, _) => return Err(refused(line, &format!("math.{name}(..)"))),
            (_, "abs") => return self.distance(parser, depth + 1).map(Side::Distance),
            (_, "set") => View::Set,
            (_, "frozenset") => View::FrozenSet,
            (_, "sorted") => View::Sorted,
            (_, "list") => View::List,
            (_, "tuple") => View::Tuple,
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
        let entry_point = match (self.entry_point, self.candidate.as_deref()) {
            (Some(entry_point), Some(candidate)) if name == candidate => entry_point,
            (Some(entry_point), _) if name != entry_point => {
                return Err(refused(line, &format!("a call of {name:?}")));
            }
            // A function of Python itself, unless the program happens to have one of that name.
            (None, _) if is_builtin(name) => {
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
                    test.kwargs.push(((*name).to_owned(), argument(parser)?));
                }
                _ if !test.kwargs.is_empty() => {
                    return Err(refused(line, "a value behind one with a name"));
                }
                _ => test.args.push(argument(parser)?),
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

fn argument(parser: &mut Parser<'_, '_>) -> Result<Value> {
    let line = parser.line();
    let before = parser.rest();
    let value = parser.value()?;
    let read = &before[..before.len() - parser.rest().len()];
    if read
        .iter()
        .any(|placed| placed.token == Token::Name("frozenset"))
    {
        return Err(refused(line, "a frozen set as an argument"));
    }
    check_argument(&value)?;
    Ok(value)
}

pub fn refused(line: usize, what: &str) -> Error {
    Error::new(format!(
        "line {line}: {what} cannot be turned into a call test"
    ))
}

#[cfg(test)]
#[path = "asserts_tests.rs"]
pub mod tests;
