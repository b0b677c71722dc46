//! The facts as they are written, and how each form becomes tests.

use std::cell::OnceCell;

use farthing_sdk::prelude::{Error, Result, Value as Json, bail, data, serde, serde_json};
use serde::{Deserialize, Deserializer};

use super::{CallTest, Expected, StreamTest, Stub, Suite, Test, Tests, asserts};
use crate::{
    checker::{Checker, Named},
    value::{Equality, Value, check_argument, from_json, from_json_text},
};

#[data]
pub struct Facts {
    tests: Option<Vec<Written>>,
    /// HumanEval's source with `check(candidate)`, or a list of asserts in one text.
    test: Option<String>,
    /// MBPP's asserts.
    test_list: Option<Vec<String>>,
    #[serde(alias = "func_name")]
    entry_point: Option<String>,
    #[serde(default, alias = "test_setup_code")]
    setup: String,
    #[serde(default)]
    test_imports: Vec<String>,
    stub: Option<String>,
    #[serde(flatten)]
    others: serde_json::Map<String, Json>,
}

/// Columns of the known data sets that mean nothing here, for facts that are a whole row.
const IGNORED: &str = "task_id prompt canonical_solution text code source_file challenge_test_list \
    question_id question_title question_content contest_id contest_date platform difficulty \
    starter_code metadata";

/// One test of the list.
#[data]
#[derive(Default)]
#[serde(default, deny_unknown_fields)]
struct Written {
    stdin: Option<String>,
    stdout: Option<String>,
    args: Option<Vec<Json>>,
    kwargs: Option<serde_json::Map<String, Json>>,
    #[serde(deserialize_with = "present")]
    expected: Option<Json>,
    input: Option<String>,
    output: Option<String>,
    testtype: Option<String>,
    #[serde(skip_serializing)]
    checker: Option<Checker>,
    #[serde(skip_serializing)]
    equality: Option<Equality>,
}

/// A `null` that is there is not the same as nothing.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

impl Facts {
    /// # Errors
    /// When these are no facts: no tests, or a test that says two things or nothing.
    pub fn into_suite(self) -> Result<Suite> {
        let is_ignored = |key: &str| IGNORED.split_whitespace().any(|ignored| ignored == key);
        if let Some(key) = self.others.keys().find(|key| !is_ignored(key)) {
            return Err(
                Error::new(format!("the facts have an unknown key {key:?}")).help(
                    "expected tests, test, test_list, entry_point (or func_name), setup (or \
                 test_setup_code), test_imports and stub",
                ),
            );
        }
        if self.test_list.is_some() && self.stub.is_none() && self.entry_point.is_some() {
            return Err(Error::new("\"entry_point\" is given beside \"test_list\"")
                .help("the asserts of \"test_list\" name the function themselves: leave it out"));
        }
        let entry_point = self.entry_point.as_deref();
        let tests = match (&self.tests, &self.test, &self.test_list) {
            (Some(written), None, None) => written
                .iter()
                .enumerate()
                .map(|(index, test)| {
                    let context = || format!("test {index} of {}", written.len());
                    test.read(entry_point)
                        .map_err(|error| error.context(context()))
                })
                .collect::<Result<Vec<Test>>>()?,
            (None, Some(source), None) => match asserts::read(source, entry_point) {
                Ok(calls) => calls.into_iter().map(Test::Call).collect(),
                Err(error) => return Ok(Suite::Refused(error.to_string())),
            },
            (None, None, Some(list)) => {
                match list
                    .iter()
                    .map(|one| asserts::read(one, None))
                    .collect::<Result<Vec<_>>>()
                {
                    Ok(calls) => calls.into_iter().flatten().map(Test::Call).collect(),
                    Err(error) => return Ok(Suite::Refused(error.to_string())),
                }
            }
            (None, None, None) => {
                return Err(Error::new("there are no tests")
                    .help("the facts need one of \"tests\", \"test\" and \"test_list\""));
            }
            _ => bail!("\"tests\", \"test\" and \"test_list\" exclude each other"),
        };
        if tests.is_empty() {
            bail!("the list of tests is empty: a pass would be evidence of nothing");
        }
        let stub = match (self.stub, self.entry_point) {
            (Some(source), Some(entry_point)) => Some(Stub {
                source,
                entry_point,
            }),
            (Some(_), None) => bail!("\"stub\" is given without the \"entry_point\" in it"),
            (None, _) => None,
        };
        let mut setup = self.test_imports.join("\n");
        setup.push('\n');
        setup.push_str(&self.setup);
        Ok(Suite::Tests(Tests {
            setup: setup.trim().to_owned(),
            stub,
            tests,
            setup_runs: OnceCell::new(),
        }))
    }
}

impl Written {
    fn read(&self, entry_point: Option<&str>) -> Result<Test> {
        let is_stream = self.stdin.is_some() || self.stdout.is_some();
        let is_call = self.args.is_some() || self.kwargs.is_some() || self.expected.is_some();
        let is_coded = self.input.is_some() || self.output.is_some();
        match (is_stream, is_call, is_coded) {
            (true, false, false) => self.stream(),
            (false, true, false) => self.call(entry_point),
            (false, false, true) => self.coded(entry_point),
            _ => Err(Error::new("expected one kind of test").help(
                "write \"stdin\" and \"stdout\", or \"args\" and \"expected\", or \"input\", \
                 \"output\" and \"testtype\"",
            )),
        }
    }

    fn stream(&self) -> Result<Test> {
        let Some(stdout) = &self.stdout else {
            bail!("\"stdout\" is missing: without it every program would pass");
        };
        if self.testtype.is_some() {
            bail!("\"testtype\" is for a test with \"input\" and \"output\"");
        }
        self.check_stream()?;
        Ok(Test::Stream(StreamTest {
            stdin: self.stdin.clone().unwrap_or_default(),
            stdout: stdout.clone(),
            checker: self.checker,
        }))
    }

    fn check_stream(&self) -> Result<()> {
        match self.equality {
            None => Ok(()),
            Some(_) => Err(Error::new("\"equality\" is for what a function returns")
                .help("what a program prints is compared by a \"checker\"")),
        }
    }

    fn call(&self, entry_point: Option<&str>) -> Result<Test> {
        let Some(expected) = &self.expected else {
            bail!("\"expected\" is missing");
        };
        if self.testtype.is_some() {
            bail!("\"testtype\" is for a test with \"input\" and \"output\"");
        }
        let mut test = self.called(entry_point)?;
        test.expected = self.expecting(from_json(expected)?)?;
        for argument in self.args.iter().flatten() {
            test.args.push(from_json(argument)?);
        }
        for (name, argument) in self.kwargs.iter().flatten() {
            test.kwargs.push((name.clone(), from_json(argument)?));
        }
        let named = test.kwargs.iter().map(|(_, argument)| argument);
        test.args.iter().chain(named).try_for_each(check_argument)?;
        Ok(Test::Call(test))
    }

    /// LiveCodeBench's form: one JSON value a line, one line an argument.
    fn coded(&self, entry_point: Option<&str>) -> Result<Test> {
        let Some(output) = &self.output else {
            bail!("\"output\" is missing: without it every program would pass");
        };
        let input = self.input.as_deref().unwrap_or_default();
        match self.testtype.as_deref() {
            None | Some("stdin") => {
                self.check_stream()?;
                Ok(Test::Stream(StreamTest {
                    stdin: input.to_owned(),
                    stdout: output.clone(),
                    checker: self.checker,
                }))
            }
            Some("functional") => {
                let mut test = self.called(entry_point)?;
                if !test.entry_point.contains('.') {
                    test.entry_point = format!("Solution.{}", test.entry_point);
                }
                for line in input.lines().filter(|line| !line.trim().is_empty()) {
                    test.args.push(from_json_text(line)?);
                }
                test.expected = self.expecting(from_json_text(output)?)?;
                Ok(Test::Call(test))
            }
            Some(other) => bail!("unknown \"testtype\" {other:?}: expected stdin or functional"),
        }
    }

    fn expecting(&self, value: Value) -> Result<Expected> {
        if self.checker != Some(Checker::Named(Named::Unordered)) {
            return Ok(Expected::Value(value));
        }
        match value {
            Value::List(members)
            | Value::Tuple(members)
            | Value::Array(members)
            | Value::Set(members) => Ok(Expected::Members(members)),
            _ => bail!("the checker \"unordered\" needs a list as the expected value"),
        }
    }

    fn called(&self, entry_point: Option<&str>) -> Result<CallTest> {
        let Some(entry_point) = entry_point else {
            return Err(Error::new("a call without the name of a function")
                .help("add \"entry_point\" to the facts"));
        };
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        };
        if !entry_point.split('.').all(is_name) {
            bail!("\"entry_point\" is {entry_point:?}: expected a name such as f or Solution.f");
        }
        let mut test = CallTest::new(entry_point);
        test.equality = self.equality;
        test.tolerance = self.checker.and_then(Checker::tolerance);
        if self.checker == Some(Checker::Named(Named::Tokens)) {
            bail!("the checker \"tokens\" is for what a program prints, not for results");
        }
        Ok(test)
    }
}
