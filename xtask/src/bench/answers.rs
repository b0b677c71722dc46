//! `cargo xtask bench --peer math-verify`: our grading of mathematical answers beside theirs, in verdicts and in time.
//!
//! Both sides get the same lines of JSON and take turns. A pair's time is reading both answers and comparing them; the
//! start of a process and its imports are left out. The truth of a pair comes from how it was made
//! (`benches/peer/generate_math_pairs.py`) or from a person (`tests/pairs/public.jsonl` of the crate), never from a
//! side. math-verify wants to be told where LaTeX begins, so every way of telling it is tried first, and the one with
//! which it is right most often counts.

mod options;
mod page;
mod pairs;
mod tally;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::machine::{Machine, load_average};
use super::process;
use super::venv::{MATH_VERIFY, Venv};
use crate::cargo::{cargo, products, root};
use options::{HELP, Options};
use page::Report;
use pairs::{Judged, Pair, Side, read_judged, read_pairs};
use tally::Compared;

const OURS: &str = "judge_pairs";
const CURATED: &str = "plugins/math/equivalence/tests/pairs/public.jsonl";
/// The ways in which the script hands an answer to math-verify.
const WRAPS: [&str; 3] = ["dollars", "boxed", "none"];

/// A file of pairs, and what it holds.
struct Set {
    title: &'static str,
    path: PathBuf,
    pairs: Vec<Pair>,
}

pub fn run(arguments: &[String]) -> Result<()> {
    if arguments
        .iter()
        .any(|word| word == "--help" || word == "-h")
    {
        print!("{HELP}");
        return Ok(());
    }
    let options = Options::parse(arguments)?;
    let venv = Venv::open(&options.venv, &MATH_VERIFY)?;
    let machine = Machine::look()?;
    cargo(&[
        "build",
        "--package",
        "farthing-math-equivalence",
        "--example",
        OURS,
    ])?;
    let bench = Bench {
        scratch: root().join("target/bench"),
        venv,
        options,
    };
    fs::create_dir_all(&bench.scratch)?;
    bench.measure(machine)
}

struct Bench {
    scratch: PathBuf,
    venv: Venv,
    options: Options,
}

impl Bench {
    fn measure(&self, machine: Machine) -> Result<()> {
        let sets = self.sets()?;
        let wrap = self.best_wrap(&sets[0])?;
        let mut others = Vec::new();
        let mut compared = Vec::new();
        for set in &sets {
            let (mut ours, mut theirs) = (Side::new(&set.pairs), Side::new(&set.pairs));
            for round in 1..=self.options.rounds {
                super::say(set.title, round, "both sides");
                ours.add(self.ours(set)?)
                    .context("our own verdicts changed from turn to turn")?;
                // A timeout of theirs depends on the machine, so a verdict that changes is theirs to explain.
                theirs.add_unsteady(self.theirs(set, wrap, &mut others)?)?;
            }
            compared.push(Compared::new(set.title, &set.pairs, &ours, &theirs)?);
        }
        let report = Report {
            machine,
            load_average_at_the_end: load_average(),
            peer_versions: self.venv.versions.clone(),
            settings: format!(
                "{} turns of each side; {} pairs of each generated kind, seed {}; math-verify's answers wrapped: {wrap}",
                self.options.rounds, self.options.each, self.options.seed
            ),
            others_on_average: others.iter().sum::<f64>() / others.len().max(1) as f64,
            sets: compared,
        };
        self.publish(&report)
    }

    fn sets(&self) -> Result<[Set; 2]> {
        let generated = self.scratch.join("math-pairs.jsonl");
        let mut script = self.venv.script("generate_math_pairs.py");
        script.args(["--each", &self.options.each.to_string()]);
        script.args(["--seed", &self.options.seed.to_string()]);
        let finished = process::run(&mut script, &self.scratch.join("generate_math_pairs"))?;
        super::write(&generated, &finished.stdout)?;
        let set = |title, path: PathBuf| {
            let pairs = read_pairs(&path)?;
            anyhow::Ok(Set { title, path, pairs })
        };
        Ok([
            set("generated pairs", generated)?,
            set("pairs by hand", root().join(CURATED))?,
        ])
    }

    /// The way of handing over an answer with which the peer is right most often.
    fn best_wrap(&self, set: &Set) -> Result<&'static str> {
        let mut best = (0, WRAPS[0]);
        for wrap in WRAPS {
            let judged = self.theirs(set, wrap, &mut Vec::new())?;
            let right = set.pairs.iter().zip(&judged);
            let right = right.filter(|(pair, judged)| judged.verdict.is_right(pair.equal));
            let right = right.count();
            println!(
                "math-verify, answers wrapped: {wrap}: {right} of {} right",
                set.pairs.len()
            );
            if right > best.0 {
                best = (right, wrap);
            }
        }
        Ok(best.1)
    }

    fn ours(&self, set: &Set) -> Result<Vec<Judged>> {
        let program = Command::new(products().join("examples").join(OURS));
        Ok(self.judge(program, "answers_ours", set)?.0)
    }

    /// Adds to `others` what others had of the processors meanwhile. (Our process is gone before that can be measured.)
    fn theirs(&self, set: &Set, wrap: &str, others: &mut Vec<f64>) -> Result<Vec<Judged>> {
        let mut script = self.venv.script("math_verify_pairs.py");
        script.args(["--wrap", wrap]);
        let (judged, share) = self.judge(script, "answers_theirs", set)?;
        others.push(share);
        Ok(judged)
    }

    fn judge(&self, mut program: Command, log: &str, set: &Set) -> Result<(Vec<Judged>, f64)> {
        let pairs =
            File::open(&set.path).with_context(|| format!("cannot open {}", set.path.display()))?;
        let finished = process::run(program.stdin(pairs), &self.scratch.join(log))?;
        Ok((
            read_judged(&finished.stdout, set.pairs.len())?,
            finished.others,
        ))
    }

    fn publish(&self, report: &Report) -> Result<()> {
        let out: &Path = &self.options.out;
        fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
        super::write(&out.join("math-verify.md"), &report.markdown())?;
        let json = serde_json::to_string_pretty(report)?;
        super::write(&out.join("math-verify.json"), &format!("{json}\n"))?;
        println!(
            "\n{}\nwritten to {}/math-verify.md and .json",
            report.summary(),
            out.display()
        );
        Ok(())
    }
}
