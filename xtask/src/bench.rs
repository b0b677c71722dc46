//! `cargo xtask bench`: how fast we are, by ourselves and beside TRL; `answers` does the same beside math-verify.
//!
//! A comparison counts when both sides do the same work on one machine at one time. So both train the same checkpoint on
//! the same prompts with every completion at full length, and take turns (ours, theirs, ours, theirs), so that what else
//! the machine does falls on both. What cannot be shown to be the same work is an error, not a footnote.

mod answers;
mod cases;
mod details;
mod machine;
mod options;
mod ours;
mod peer;
mod prepare;
mod process;
mod report;
mod results;
mod statistics;
mod venv;
mod work;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io::Write};

use anyhow::{Context, Result, bail};

use crate::cargo::{build, cargo, products, root, run as run_command};
use cases::PROMPT;
use machine::{Machine, load_average};
use options::{HELP, Kind, Options};
use prepare::{Prepared, prepare};
use report::{Report, goals, settings};
use results::{Limits, Measured};
use venv::{TRL, Venv};
use work::{Batch, Decoder, PhaseSeconds, Work, phases};

const REWARD_CALL_COST: &str = "reward_call_cost";

pub fn run(arguments: &[String]) -> Result<()> {
    let other_peer = ["--peer", "math-verify"];
    if arguments.windows(2).any(|words| words == other_peer) {
        return answers::run(arguments);
    }
    if arguments
        .iter()
        .any(|word| word == "--help" || word == "-h")
    {
        print!("{HELP}");
        return Ok(());
    }
    let options = Options::parse(arguments)?;
    let venv = options
        .peer
        .then(|| Venv::open(&options.venv, &TRL))
        .transpose()?;
    let machine = Machine::look()?;
    let farthing = build()?;
    // Of the whole workspace, as the tests are built: with one package's features, what the tests have compiled would be
    // compiled again.
    cargo(&["build", "--workspace", "--examples"])?;
    if options.wants(Kind::Reward) {
        run_command(&mut Command::new(
            products().join("examples").join(REWARD_CALL_COST),
        ))?;
    }
    let bench = Bench {
        farthing,
        venv,
        options,
        scratch: root().join("target/bench"),
    };
    fs::create_dir_all(&bench.scratch)?;
    bench.measure(machine)
}

struct Bench {
    farthing: PathBuf,
    venv: Option<Venv>,
    options: Options,
    scratch: PathBuf,
}

impl Bench {
    fn measure(&self, machine: Machine) -> Result<()> {
        let options = &self.options;
        if options.kinds == [Kind::Reward] {
            return Ok(());
        }
        let (mut models, mut notes) = (Vec::new(), Vec::new());
        let mut limits = self.limits()?;
        for case in &options.models {
            let prepared = prepare(case, options.smollm2.as_deref(), self.venv.as_ref())?;
            let Some(prepared) = prepared else {
                let why = format!(
                    "{}: not in models/SmolLM2-135M-Instruct; give it with --smollm2 DIR, or make it with \
                     examples/real-model/smollm2_from_gguf.py",
                    case.title
                );
                if options.models_named {
                    bail!("{why}");
                }
                notes.push(why);
                continue;
            };
            models.push(self.model(&prepared)?);
            // What the machine can do is what it did at its best; neighbours slow it down at times.
            limits.raise(self.limits()?);
        }
        let goals = options
            .models
            .iter()
            .flat_map(|case| {
                let measured = models
                    .iter()
                    .find(|model: &&Measured| model.name == case.name);
                measured.map(|measured| goals(case, measured, &limits))
            })
            .flatten()
            .collect();
        let report = Report {
            machine,
            load_average_at_the_end: load_average(),
            peer_versions: self.venv.as_ref().map(|venv| venv.versions.clone()),
            settings: settings(options),
            limits,
            goals,
            models,
            notes,
        };
        self.publish(&report)
    }

    fn model(&self, prepared: &Prepared) -> Result<Measured> {
        let (options, case) = (&self.options, prepared.case);
        let mut measured = Measured {
            name: case.name.into(),
            ..Measured::default()
        };
        if let Some(venv) = &self.venv {
            say(case.title, 0, "how PyTorch's threads wait best");
            peer::choose_wait_policy(venv, prepared, options, &mut measured)?;
        }
        for round in 1..=options.rounds {
            if options.wants(Kind::Step) {
                say(case.title, round, "steps");
                let turn = ours::steps(&self.farthing, prepared, options, &mut measured)?;
                if let Some(venv) = &self.venv {
                    peer::steps(venv, prepared, options, &turn, &mut measured)?;
                }
                turn.discard()?;
            }
            if options.wants(Kind::Decode) {
                say(case.title, round, "decoding");
                ours::decode(prepared, options, &mut measured)?;
                if let Some(venv) = &self.venv {
                    peer::decode(venv, prepared, options.repeats, &mut measured)?;
                }
            }
            if options.wants(Kind::Pass) {
                say(case.title, round, "forward and backward");
                ours::pass(prepared, options, &mut measured)?;
                if let Some(venv) = &self.venv {
                    peer::pass(venv, prepared, options, &mut measured)?;
                }
            }
            if options.wants(Kind::Row) {
                say(case.title, round, "one row");
                ours::row(prepared, options, &mut measured)?;
            }
        }
        if options.wants(Kind::Step) {
            measured.ours.baseline_bytes = ours::baseline(&self.farthing, prepared)?;
        }
        if measured.parameters > 0 {
            let decoder = Decoder::read(&prepared.config, measured.parameters)?;
            let batch = Batch {
                sequences: case.attempts as f64,
                prompt: PROMPT as f64,
                new_tokens: case.new_tokens as f64,
                groups: case.groups() as f64,
                micro_batches: measured.pass.micro_batches as f64,
            };
            // The limits are what the machine did at its best, so the phases beside them are, too.
            let seconds = PhaseSeconds {
                decode: measured.decode.least(),
                forward: measured.pass.forward.least(),
                backward: measured.pass.backward.least(),
                update: measured.pass.update.least(),
                row_token: measured.row.least_seconds_per_token(),
            };
            measured.work = Work::of_pass(&decoder, &batch);
            measured.phases = phases(&decoder, &batch, seconds);
        }
        Ok(measured)
    }

    fn limits(&self) -> Result<Limits> {
        let mut limits = ours::limits(&self.scratch)?;
        if let Some(venv) = &self.venv {
            limits.raise(peer::limits(venv, &self.scratch)?);
        }
        Ok(limits)
    }

    /// Writes the tables, and prints the page.
    fn publish(&self, report: &Report) -> Result<()> {
        let out = &self.options.out;
        fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
        let name = match report.peer_versions {
            Some(_) => "trl",
            None => "own",
        };
        let page = report.markdown();
        write(&out.join(format!("{name}.md")), &page)?;
        let json = serde_json::to_string_pretty(report)?;
        write(&out.join(format!("{name}.json")), &format!("{json}\n"))?;
        println!("\n{page}\nwritten to {}/{name}.md and .json", out.display());
        Ok(())
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn say(title: &str, round: usize, what: &str) {
    println!("{title}, turn {round}: {what}");
    // A failure to show progress is no reason to stop measuring.
    let _ = std::io::stdout().flush();
}
