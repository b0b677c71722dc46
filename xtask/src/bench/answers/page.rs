//! The page: how often each side is right, how fast, and every kind of pair about which they differ.

use serde::Serialize;

use super::pairs::Verdict;
use super::tally::{Both, Compared, Difference, Tally};
use crate::bench::details::{QUIET, table};
use crate::bench::machine::Machine;

/// How many times as fast as the peer we want to be.
const TARGET: f64 = 100.0;
/// Equal pairs of one kind that only they reject: more of them teach nothing; the JSON file has all.
const SHOWN_OF_A_KIND: usize = 4;

#[derive(Debug, Serialize)]
pub struct Report {
    pub machine: Machine,
    pub load_average_at_the_end: String,
    pub peer_versions: String,
    pub settings: String,
    /// Share of the processors that others had beside the peer's processes.
    pub others_on_average: f64,
    pub sets: Vec<Compared>,
}

impl Report {
    pub fn markdown(&self) -> String {
        let mut page = format!(
            "# Farthing beside math-verify\n\n<!-- Written by `cargo xtask bench --peer math-verify`. -->\n\n\
             - machine: {}\n- load average: {} at the beginning, {} at the end; others had {:.0} % of the \
             processors beside math-verify{}\n- date: {}\n- Farthing: commit {}, {}\n- the peer: {}\n\
             - settings: {}\n\n{}",
            self.machine.sentence(),
            self.machine.load_average,
            self.load_average_at_the_end,
            self.others_on_average * 100.0,
            match self.others_on_average > QUIET {
                true => ". **The machine was not quiet: do not quote these times**",
                false => "",
            },
            self.machine.date,
            self.machine.commit,
            self.machine.rustc,
            self.peer_versions,
            self.settings,
            self.summary(),
        );
        page.push_str(
            "\nA pair's time is reading both answers and comparing them, the fastest of its turns. An answer that cannot \
             be read is called different. No verdict is a timeout or an error of theirs, a limit of work of ours, and \
             never right. `times as fast` is the median of the pairs' own ratios.\n",
        );
        for set in &self.sets {
            page.push_str(&kinds(set));
            page.push_str(&differences(set));
        }
        page
    }

    /// The table that most readers came for.
    pub fn summary(&self) -> String {
        let mut rows = vec![words(["", "Farthing", "math-verify"])];
        for set in &self.sets {
            let Both {
                pairs,
                ours,
                theirs,
                times_as_fast,
            } = &set.all;
            let mut row = |name: &str, cell: &dyn Fn(&Tally) -> String| {
                rows.push(vec![
                    format!("{}: {name}", set.title),
                    cell(ours),
                    cell(theirs),
                ]);
            };
            row("right", &|side| share(side.right, *pairs));
            row("false accepts", &|side| side.false_accepts.to_string());
            row("false rejects", &|side| side.false_rejects.to_string());
            row("no verdict", &|side| side.no_verdict.to_string());
            row("median for a pair", &|side| time(side.microseconds.median));
            row("mean for a pair", &|side| time(side.microseconds.mean));
            row("slowest pair", &|side| time(side.microseconds.slowest));
            let missed = if *times_as_fast < TARGET {
                ", missed"
            } else {
                ""
            };
            rows.push(vec![
                format!("{}: times as fast", set.title),
                format!("**{times_as_fast:.0} x** (target {TARGET:.0}{missed})"),
                String::new(),
            ]);
        }
        table(&rows)
    }
}

fn kinds(set: &Compared) -> String {
    let mut rows = vec![words([
        "kind",
        "pairs",
        "right, Farthing",
        "right, math-verify",
        "false accepts, Farthing",
        "false accepts, math-verify",
        "median, Farthing",
        "median, math-verify",
        "times as fast",
    ])];
    for (kind, both) in &set.kinds {
        rows.push(vec![
            kind.clone(),
            both.pairs.to_string(),
            both.ours.right.to_string(),
            both.theirs.right.to_string(),
            both.ours.false_accepts.to_string(),
            both.theirs.false_accepts.to_string(),
            time(both.ours.microseconds.median),
            time(both.theirs.microseconds.median),
            format!("{:.0}", both.times_as_fast),
        ]);
    }
    format!("\n## By kind: {}\n\n{}", set.title, table(&rows))
}

fn differences(set: &Compared) -> String {
    let of = |ours: bool, theirs: bool| -> Vec<&Difference> {
        let all = set.differences.iter();
        all.filter(|found| (found.we_are_right(), found.they_are_right()) == (ours, theirs))
            .collect()
    };
    let mut text = format!("\n## Where they differ: {}\n", set.title);
    for (title, found) in [
        ("math-verify is right, Farthing is not", of(false, true)),
        ("both are wrong", of(false, false)),
        ("Farthing is right, math-verify is not", of(true, false)),
    ] {
        text.push_str(&format!("\n### {title}: {}\n\n", found.len()));
        text.push_str(&list(&found));
    }
    if set.their_changed_verdicts > 0 {
        text.push_str(&format!(
            "\nmath-verify changed its verdict from turn to turn {} times; the first turn's counts.\n",
            set.their_changed_verdicts
        ));
    }
    text
}

/// All of them, but for what only they reject, of which a kind shows a few.
fn list(found: &[&Difference]) -> String {
    let mut text = String::new();
    let mut kind = "";
    let (mut shown, mut left_out) = (0, 0);
    for difference in found {
        if difference.pair.kind != kind {
            kind = &difference.pair.kind;
            shown = 0;
        }
        let common = difference.we_are_right() && difference.pair.equal;
        if common && shown == SHOWN_OF_A_KIND {
            left_out += 1;
            continue;
        }
        shown += usize::from(common);
        let pair = &difference.pair;
        let truth = if pair.equal { "equal" } else { "different" };
        text.push_str(&format!(
            "- {}: {} and {} are {truth}; Farthing: {}, math-verify: {}\n",
            pair.kind,
            code(&pair.gold),
            code(&pair.answer),
            said(difference.ours),
            said(difference.theirs)
        ));
    }
    if left_out > 0 {
        text.push_str(&format!(
            "\nand {left_out} more equal pairs of these kinds that math-verify calls different, in math-verify.json.\n"
        ));
    }
    text
}

fn said(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Equal => "equal",
        Verdict::Different => "different",
        Verdict::None => "no verdict",
    }
}

/// A code span that holds any text, backticks included.
fn code(text: &str) -> String {
    match text {
        "" => "nothing".into(),
        text if text.contains('`') => format!("`` {text} ``"),
        text => format!("`{text}`"),
    }
}

fn share(right: usize, pairs: usize) -> String {
    format!(
        "{right} of {pairs} ({:.1} %)",
        100.0 * right as f64 / pairs as f64
    )
}

fn time(microseconds: f64) -> String {
    match microseconds {
        small if small < 10.0 => format!("{small:.2} us"),
        middle if middle < 1000.0 => format!("{middle:.0} us"),
        large => format!("{:.1} ms", large / 1000.0),
    }
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

#[cfg(test)]
mod tests {
    use super::super::tally::tests::compared;
    use super::*;

    #[test]
    fn a_section_says_who_is_right() {
        let text = differences(&compared());
        for line in [
            "### math-verify is right, Farthing is not: 1\n\n- integers: `\\frac{1}{2}` and `0.5` are different; \
             Farthing: equal, math-verify: different\n",
            "### both are wrong: 0\n",
            "- words: `\\frac{1}{2}` and `0.5` are different; Farthing: different, math-verify: no verdict\n",
        ] {
            assert!(text.contains(line), "{line}\n---\n{text}");
        }
    }

    #[test]
    fn false_accepts_are_all_listed_and_the_rest_is_counted() {
        let one = compared().differences[0].clone();
        let mut accepted = one.clone();
        (accepted.pair.equal, accepted.ours, accepted.theirs) =
            (false, Verdict::Different, Verdict::Equal);
        let found: Vec<&Difference> = [&one; 6].into_iter().chain([&accepted; 6]).collect();
        let text = list(&found);
        assert_eq!(text.matches("are equal").count(), SHOWN_OF_A_KIND);
        assert_eq!(text.matches("are different").count(), 6);
        assert!(text.contains("and 2 more equal pairs"), "{text}");
    }

    #[test]
    fn the_summary_says_when_a_target_is_missed() {
        let mut set = compared();
        let table_of = |set: Compared| {
            let report = Report {
                machine: Machine::look().expect("the test runs on one"),
                load_average_at_the_end: String::new(),
                peer_versions: String::new(),
                settings: String::new(),
                others_on_average: 0.0,
                sets: vec![set],
            };
            report.summary()
        };
        set.all.times_as_fast = 99.0;
        assert!(table_of(set).contains("**99 x** (target 100, missed)"));
        let table = table_of(compared());
        for line in [
            "| three: right | 2 of 3 (66.7 %) | 1 of 3 (33.3 %) |",
            "| three: slowest pair | 3.00 us | 3.0 ms |",
            "| three: times as fast | **200 x** (target 100) |  |",
        ] {
            assert!(table.contains(line), "{line}\n---\n{table}");
        }
    }

    #[test]
    fn a_backtick_does_not_end_a_code_span() {
        assert_eq!(code("a`b"), "`` a`b ``");
        assert_eq!(code(""), "nothing");
    }
}
