//! The numbers behind one model's row: absolute times, rates, memory, and how near each phase comes to its limit.

use super::cases::Case;
use super::results::{Limits, Measured};
use super::statistics::{Times, times_as_fast};

/// Share of the processors that others may have while a time is taken that deserves to be quoted.
pub const QUIET: f64 = 0.05;

/// The numbers behind one model's goals.
pub fn details(measured: &Measured) -> String {
    let title = Case::named(&measured.name).map_or(measured.name.as_str(), |case| case.title);
    let mut rows = vec![
        ["", "Farthing", "TRL, transformers, PyTorch", "ratio"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let mut row = |name: &str, ours: &Times, theirs: &Times| {
        if ours.is_empty() && theirs.is_empty() {
            return;
        }
        let ratio = times_as_fast(ours, theirs);
        rows.push(vec![
            name.to_owned(),
            seconds(ours),
            seconds(theirs),
            ratio.map_or(String::new(), |ratio| format!("{ratio:.2}")),
        ]);
    };
    let nothing = Times::default();
    let (ours, theirs) = (&measured.ours, &measured.theirs);
    row("GRPO step", &ours.step, &theirs.step);
    row("- of it decoding", &ours.generate, &theirs.generate);
    row("- rewards", &ours.reward, &theirs.reward);
    row("- forward, backward, update", &ours.update, &theirs.update);
    row("decoding alone", &measured.decode, &measured.their_decode);
    let pass = &measured.pass;
    row(
        "forward and backward alone (PyTorch: logits, log-softmax)",
        &pass.both,
        &measured.their_pass_plain,
    );
    row(
        "the same (PyTorch: TRL's fused head)",
        &pass.both,
        &measured.their_pass_fused,
    );
    row("- forward", &pass.forward, &nothing);
    row("- backward", &pass.backward, &nothing);
    row("scoring without backward", &pass.score, &nothing);
    row("update rule", &pass.update, &nothing);
    let (long, short) = (&measured.row.long, &measured.row.short);
    row(
        &format!("one row, {} tokens", measured.row.tokens),
        long,
        &nothing,
    );
    row(
        &format!("one row, {} tokens", measured.row.short_tokens),
        short,
        &nothing,
    );
    let mut text = format!("\n## {title}\n\n");
    if measured.parameters > 0 {
        text.push_str(&format!("{} parameters. ", measured.parameters));
    }
    if measured.tokens_of_a_step > 0.0 {
        text.push_str(&format!(
            "{:.0} tokens in a step, prompts included. ",
            measured.tokens_of_a_step
        ));
    }
    if !measured.peer_wait.is_empty() {
        text.push_str(&format!(
            "PyTorch's threads wait `{}`. ",
            measured.peer_wait
        ));
    }
    text.push_str("Seconds: median (least to greatest, how many).\n\n");
    text.push_str(&table(&rows));
    text.push_str(&rates(measured));
    text
}

/// Each phase beside what the machine's arithmetic and its memory allow.
pub fn limits_table(measured: &Measured, limits: &Limits) -> String {
    let head = [
        "Farthing's phase",
        "GFLOP",
        "MB moved",
        "arithmetic allows",
        "bytes allow",
        "fastest",
        "of the limit",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for phase in &measured.phases {
        let Some(seconds) = phase.fastest_seconds else {
            continue;
        };
        let [arithmetic, bytes] = phase.floors(limits);
        let show = |seconds: f64| format!("{:.2} ms", seconds * 1e3);
        rows.push(vec![
            phase.name.to_owned(),
            format!("{:.2}", phase.flop / 1e9),
            format!("{:.1}", phase.bytes / 1e6),
            show(arithmetic),
            show(bytes),
            show(seconds),
            format!("{:.0} %", 100.0 * arithmetic.max(bytes) / seconds),
        ]);
    }
    match rows.len() {
        1 => String::new(),
        _ => format!("\n{}", table(&rows)),
    }
}

/// Rates and memory, as sentences.
fn rates(measured: &Measured) -> String {
    let mut lines = Vec::new();
    if let (Some(flops), Some(seconds)) = (measured.pass_flops(), measured.pass.both.median()) {
        lines.push(format!(
            "Forward and backward: {:.1} GFLOP/s useful; {:.1} by the convention of 6 x parameters x tokens.",
            flops / 1e9,
            measured.work.by_convention / seconds / 1e9
        ));
    }
    if let (Some(rate), Some(seconds)) = (
        measured.row_bytes_per_second(),
        measured.row.seconds_per_token(),
    ) {
        lines.push(format!(
            "One row: {:.2} ms for a token, {:.1} GB/s of weights.",
            seconds * 1e3,
            rate / 1e9
        ));
    }
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    for (side, steps) in [("Farthing", &measured.ours), ("TRL", &measured.theirs)] {
        if steps.peak_bytes > 0 {
            lines.push(format!(
                "Peak memory, {side}: {:.0} MiB resident, of which {:.0} MiB were there before any model; without them {:.0} \
                 MiB.",
                mib(steps.peak_bytes),
                mib(steps.baseline_bytes),
                mib(steps.peak_bytes.saturating_sub(steps.baseline_bytes)),
            ));
        }
        let shares = &steps.groups_without_signal;
        if !shares.is_empty() {
            lines.push(format!(
                "Groups without a gradient, {side}: {:.0} %.",
                100.0 * shares.iter().sum::<f64>() / shares.len() as f64
            ));
        }
    }
    for (side, shares) in [
        ("Farthing's", &measured.others_beside_ours),
        ("TRL's", &measured.others_beside_theirs),
    ] {
        if let Some(greatest) = shares.iter().copied().max_by(f64::total_cmp) {
            let mean = shares.iter().sum::<f64>() / shares.len() as f64;
            lines.push(format!(
                "Processor time that others had beside {side} processes: {:.0} % on average, {:.0} % at most.{}",
                100.0 * mean,
                100.0 * greatest,
                match greatest > QUIET {
                    true => " **The machine was not quiet: do not quote these times.**",
                    false => "",
                }
            ));
        }
    }
    lines.iter().map(|line| format!("\n{line}\n")).collect()
}

fn seconds(times: &Times) -> String {
    let (Some(median), Some(least), Some(greatest)) =
        (times.median(), times.least(), times.greatest())
    else {
        return String::new();
    };
    let show = |seconds: f64| match seconds {
        small if small < 0.1 => format!("{small:.4}"),
        _ => format!("{seconds:.3}"),
    };
    format!(
        "{} ({} to {}, {})",
        show(median),
        show(least),
        show(greatest),
        times.len()
    )
}

/// A Markdown table whose first row is the head.
pub fn table(rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        text.push_str(&line(row));
        if index == 0 {
            text.push_str(&line(&vec!["---".to_owned(); row.len()]));
        }
    }
    text
}
