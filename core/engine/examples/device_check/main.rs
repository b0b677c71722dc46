//! Holds a device beside the CPU's kernels, measures it, and writes both down.
//!
//! `device_check parity [--device cuda:0] [--precision f32|bf16|f16|f64] [--steps 20]`: the same tiny random models on both
//! sides. `device_check throughput [--device cuda:0] [--shape qwen2.5-0.5b] [--precision bf16] ..`: decoding and training.
//! Each prints one line of JSON; parity fails where a difference is larger than the precision allows.
//! `device_check report --work DIR --out DIR [--peak-tflops N]` turns what `benches/gpu-check.sh` has collected in a
//! directory into `result.md` and `result.json`.
//!
//! On a device other than the CPU, and in a type other than f32, the engine composes everything of Candle's operations.
//! So `--device cpu --precision f64` runs the composition that a GPU will run, in double precision and without the GPU.

#[path = "../support/mod.rs"]
mod support;

mod memory;
mod parity;
mod peak;
mod precision;
mod report;
mod result_page;
mod shapes;
mod throughput;
mod training_run;

use anyhow::{Result, bail};

use support::Options;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let options = |known: &[&str]| Options::parse(arguments, known);
    match command.as_str() {
        "parity" => parity::run(&options(&["device", "precision", "steps"])?),
        "throughput" => throughput::run(&options(&throughput::OPTIONS)?),
        "report" => report::run(&options(&["work", "out", "peak-tflops"])?),
        other => bail!("expected parity, throughput or report, found {other:?}"),
    }
}
