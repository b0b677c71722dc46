//! The tables: what was aimed at and reached, and every number behind it.

use serde::Serialize;

use super::cases::{CASES, Case};
use super::details::{details, limits_table, table};
use super::machine::Machine;
use super::options::Options;
use super::results::{Limits, Measured};
use super::statistics::times_as_fast;

/// One thing that is aimed at, for one model.
#[derive(Clone, Debug, Serialize)]
pub struct Goal {
    pub quantity: &'static str,
    pub model: &'static str,
    pub target: f64,
    pub reached: f64,
    pub met: bool,
    #[serde(skip)]
    share: bool,
}

impl Goal {
    fn cell(&self) -> String {
        let show = |value: f64| match self.share {
            true => format!("{:.0} %", value * 100.0),
            false => format!("{value:.2} x"),
        };
        let mark = match self.met {
            true => "",
            false => ", missed",
        };
        format!(
            "**{}** (target {}{mark})",
            show(self.reached),
            show(self.target)
        )
    }
}

const STEP: &str = "GRPO step, times TRL's speed, at least";
const DECODE: &str = "decoding alone, times transformers' `generate`, at least";
const PASS: &str = "forward and backward alone, times PyTorch, at least";
const ARITHMETIC: &str =
    "forward and backward: useful FLOP/s of the machine's large product, at least";
const BANDWIDTH: &str = "one row decoded: weight bytes/s of the machine's reading, at least";
const MEMORY: &str = "peak memory of the step, share of TRL's, at most";
const QUANTITIES: [&str; 6] = [STEP, DECODE, PASS, ARITHMETIC, BANDWIDTH, MEMORY];

/// Everything that has a target and was measured.
pub fn goals(case: &'static Case, measured: &Measured, limits: &Limits) -> Vec<Goal> {
    let targets = &case.targets;
    let memory = (measured.theirs.peak_bytes > 0 && measured.ours.peak_bytes > 0)
        .then(|| measured.ours.peak_bytes as f64 / measured.theirs.peak_bytes as f64);
    let of = |limit: f64, rate: Option<f64>| rate.filter(|_| limit > 0.0).map(|rate| rate / limit);
    let [step, decode, pass] = [
        times_as_fast(&measured.ours.step, &measured.theirs.step),
        times_as_fast(&measured.decode, &measured.their_decode),
        times_as_fast(&measured.pass.both, measured.their_pass()),
    ];
    let arithmetic = of(limits.flops(), measured.pass_flops());
    let bandwidth = of(
        limits.read_bytes_per_second,
        measured.row_bytes_per_second(),
    );
    [
        (STEP, Some(targets.step), step, false),
        (DECODE, Some(targets.decode), decode, false),
        (PASS, Some(targets.pass), pass, false),
        (ARITHMETIC, Some(targets.arithmetic), arithmetic, true),
        (BANDWIDTH, targets.bandwidth, bandwidth, true),
        (MEMORY, targets.memory, memory, true),
    ]
    .into_iter()
    .filter_map(|(quantity, target, reached, share)| {
        let (target, reached) = (target?, reached?);
        Some(Goal {
            quantity,
            model: case.name,
            target,
            reached,
            met: match quantity {
                MEMORY => reached <= target,
                _ => reached >= target,
            },
            share,
        })
    })
    .collect()
}

/// All that one benchmark found.
#[derive(Debug, Serialize)]
pub struct Report {
    pub machine: Machine,
    pub load_average_at_the_end: String,
    pub peer_versions: Option<String>,
    pub settings: String,
    pub limits: Limits,
    pub goals: Vec<Goal>,
    pub models: Vec<Measured>,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

impl Report {
    pub fn markdown(&self) -> String {
        let title = match self.peer_versions {
            Some(_) => "Farthing beside TRL",
            None => "Farthing alone",
        };
        let mut page = format!(
            "# {title}\n\n<!-- Written by `cargo xtask bench`; README.md says what each number means. -->\n\n\
             - machine: {}\n- load average: {} at the beginning, {} at the end\n- date: {}\n\
             - Farthing: commit {}, {}, candle {}\n",
            self.machine.sentence(),
            self.machine.load_average,
            self.load_average_at_the_end,
            self.machine.date,
            self.machine.commit,
            self.machine.rustc,
            self.machine.candle,
        );
        if let Some(versions) = &self.peer_versions {
            page.push_str(&format!("- TRL's side: {versions}\n"));
        }
        page.push_str(&format!("- settings: {}\n", self.settings));
        let Limits {
            gemm_crate,
            torch_mm,
            read_bytes_per_second,
        } = self.limits;
        page.push_str(&format!(
            "- the machine's limits: product of 2048 x 2048 x 2048 in f32 {:.0} GFLOP/s by the gemm crate{}; reading \
             {:.1} GB/s\n",
            gemm_crate / 1e9,
            match torch_mm > 0.0 {
                true => format!(", {:.0} by torch.mm", torch_mm / 1e9),
                false => String::new(),
            },
            read_bytes_per_second / 1e9
        ));
        for note in &self.notes {
            page.push_str(&format!("- left out: {note}\n"));
        }
        page.push_str(&self.goal_table());
        for measured in &self.models {
            page.push_str(&details(measured));
            page.push_str(&limits_table(measured, &self.limits));
        }
        page
    }

    fn goal_table(&self) -> String {
        let cases: Vec<&Case> = CASES
            .iter()
            .filter(|case| self.models.iter().any(|model| model.name == case.name))
            .collect();
        let mut rows = vec![
            cases
                .iter()
                .map(|case| case.title.to_owned())
                .collect::<Vec<_>>(),
        ];
        rows[0].insert(0, String::new());
        let mut set_up: Vec<String> = cases.iter().map(|case| case.set_up()).collect();
        set_up.insert(0, "attempts x new tokens, groups of 8".into());
        rows.push(set_up);
        for quantity in QUANTITIES {
            let cell = |case: &&Case| {
                let mut goals = self.goals.iter();
                goals.find(|goal| goal.quantity == quantity && goal.model == case.name)
            };
            let goals: Vec<Option<&Goal>> = cases.iter().map(cell).collect();
            if goals.iter().all(Option::is_none) {
                continue;
            }
            let mut row = vec![quantity.to_owned()];
            row.extend(
                goals
                    .iter()
                    .map(|goal| goal.map_or(String::new(), Goal::cell)),
            );
            rows.push(row);
        }
        format!("\n{}", table(&rows))
    }
}

/// What the options say about how it was measured.
pub fn settings(options: &Options) -> String {
    let mut text = format!(
        "{} turns of each side, {} steps after {} of warm-up in each, {} repetitions alone",
        options.rounds, options.steps, options.warm_up, options.repeats
    );
    for case in &options.models {
        let ours = options
            .micro_batch_tokens
            .unwrap_or(case.micro_batch_tokens);
        text.push_str(&format!("; {}: micro-batches of {ours} tokens", case.title));
        if options.peer {
            let theirs = options.peer_micro_batch.unwrap_or(case.peer_micro_batch);
            text.push_str(&format!(", TRL {theirs} attempts at once"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::results::Steps;
    use crate::bench::statistics::Times;
    use crate::bench::work::Phase;

    fn times(values: &[f64]) -> Times {
        values.iter().copied().collect()
    }

    fn measured() -> Measured {
        let steps = |step: &[f64], peak_bytes| Steps {
            step: times(step),
            peak_bytes,
            ..Steps::default()
        };
        Measured {
            name: "smollm2".into(),
            ours: steps(&[10.0, 11.0, 12.0], 300 << 20),
            theirs: steps(&[21.0, 22.0, 23.0], 400 << 20),
            others_beside_ours: vec![0.01, 0.03],
            others_beside_theirs: vec![0.02, 0.5],
            ..Measured::default()
        }
    }

    fn goals_of(measured: &Measured) -> Vec<Goal> {
        let case = Case::named("smollm2").expect("it is a case");
        goals(case, measured, &Limits::default())
    }

    #[test]
    fn goals_are_met_from_the_right_side() {
        let goals = goals_of(&measured());
        let names: Vec<_> = goals.iter().map(|goal| (goal.quantity, goal.met)).collect();
        // Twice as fast is above 1.7; three quarters of the memory is above 60 %.
        assert_eq!(names, [(STEP, true), (MEMORY, false)]);
        assert_eq!(goals[0].cell(), "**2.00 x** (target 1.70 x)");
        assert_eq!(goals[1].cell(), "**75 %** (target 60 %, missed)");
    }

    #[test]
    fn a_phase_stands_beside_the_larger_of_its_limits() {
        let mut measured = measured();
        measured.phases = vec![Phase {
            name: "update",
            flop: 2e9,
            bytes: 3e9,
            measured_seconds: Some(4.0),
        }];
        let limits = Limits {
            gemm_crate: 2e9,
            torch_mm: 1e9,
            read_bytes_per_second: 1e9,
        };
        let text = limits_table(&measured, &limits);
        let row = "| update | 2.00 | 3000.0 | 1000.00 ms | 3000.00 ms | 4000.00 ms | 75 % |";
        assert!(text.contains(row), "{text}");
        measured.phases[0].measured_seconds = None;
        assert_eq!(limits_table(&measured, &limits), "");
    }

    #[test]
    fn what_was_not_measured_has_no_row() {
        let measured = measured();
        let report = Report {
            machine: Machine {
                processor: "A CPU".into(),
                vectors: "AVX2".into(),
                cores: 2,
                memory_bytes: 8 << 30,
                is_virtual: true,
                system: "Linux 6".into(),
                load_average: "0.1 0.1 0.1".into(),
                date: "2026-01-01".into(),
                commit: "abc".into(),
                rustc: "rustc 1".into(),
                candle: "0.11".into(),
            },
            load_average_at_the_end: "2 2 2".into(),
            peer_versions: Some("trl 1.16.0".into()),
            settings: "few".into(),
            limits: Limits::default(),
            goals: goals_of(&measured),
            models: vec![measured],
            notes: vec!["1.0 M: not asked for".into()],
        };
        let page = report.markdown();
        for line in [
            "- machine: A CPU, AVX2, 2 cores, 8 GiB of memory, a virtual machine, Linux 6",
            "- TRL's side: trl 1.16.0",
            "- left out: 1.0 M: not asked for",
            "|  | SmolLM2-135M |\n| --- | --- |\n| attempts x new tokens, groups of 8 | 16 x 64 |",
            "| GRPO step, times TRL's speed, at least | **2.00 x** (target 1.70 x) |",
            "| GRPO step | 11.000 (10.000 to 12.000, 3) | 22.000 (21.000 to 23.000, 3) | 2.00 |",
            "Peak memory, TRL: 400 MiB resident",
            "others had beside Farthing's processes: 2 % on average, 3 % at most.\n",
            "26 % on average, 50 % at most. **The machine was not quiet",
        ] {
            assert!(page.contains(line), "{line}\n---\n{page}");
        }
        assert!(!page.contains(DECODE), "{page}");
        assert!(!page.contains("decoding alone |"), "{page}");
    }
}
