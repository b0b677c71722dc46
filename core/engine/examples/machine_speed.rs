//! The two limits of this machine: arithmetic (a large matrix product) and bytes (a sweep over memory).
//!
//! Other times are shares of these. The product is 2048 x 2048 x 2048 in f32 by the `gemm` crate, which is what Candle
//! calls; the sweep reads 1 GiB, far more than any cache holds, on all threads. `machine_speed [--repeats 7]` prints one
//! line of JSON with the best of all repetitions: a limit is what was reached once.

mod support;

use anyhow::Result;
use candle_core::{Device, Tensor};
use rayon::prelude::*;
use serde_json::json;

use support::{Options, timed};

const SIDE: usize = 2048;
const BUFFER: usize = 1 << 30;

fn main() -> Result<()> {
    let repeats: usize = Options::from_arguments(&["repeats"])?.number("repeats", 7)?;
    let product = best(repeats, product_seconds()?)?;
    let sweep = best(repeats, sweep_seconds())?;
    let flops = 2.0 * (SIDE as f64).powi(3) / product;
    let bandwidth = BUFFER as f64 / sweep;
    eprintln!(
        "product {:.1} GFLOP/s, reading {:.1} GB/s, {} threads",
        flops / 1e9,
        bandwidth / 1e9,
        rayon::current_num_threads()
    );
    println!(
        "{}",
        json!({
            "gemm_flops": flops,
            "read_bytes_per_second": bandwidth,
            "threads": rayon::current_num_threads(),
        })
    );
    Ok(())
}

fn best(repeats: usize, mut measure: impl FnMut() -> Result<f64>) -> Result<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..repeats {
        least = least.min(measure()?);
    }
    Ok(least)
}

fn product_seconds() -> Result<impl FnMut() -> Result<f64>> {
    let random = || Tensor::rand(-1.0_f32, 1.0, (SIDE, SIDE), &Device::Cpu);
    let (left, right) = (random()?, random()?);
    Ok(move || Ok(timed(|| Ok(left.matmul(&right)?))?.1))
}

fn sweep_seconds() -> impl FnMut() -> Result<f64> {
    let words = BUFFER / size_of::<u64>();
    let buffer: Vec<u64> = (0..words as u64).into_par_iter().collect();
    // One long run for each thread, as the hardware's prefetching likes it.
    let part = words.div_ceil(rayon::current_num_threads());
    move || {
        let (sum, seconds) = timed(|| {
            let parts = buffer.par_chunks(part).map(add_up);
            Ok(parts.reduce(|| 0, u64::wrapping_add))
        })?;
        std::hint::black_box(sum);
        Ok(seconds)
    }
}

/// With the widest registers that the processor has.
fn add_up(words: &[u64]) -> u64 {
    pulp::Arch::new().dispatch(|| {
        let mut sums = [0_u64; 32];
        let (blocks, rest) = words.as_chunks::<32>();
        for block in blocks {
            for (sum, word) in sums.iter_mut().zip(block) {
                *sum = sum.wrapping_add(*word);
            }
        }
        let rest = rest
            .iter()
            .fold(0, |sum: u64, word| sum.wrapping_add(*word));
        sums.iter().fold(rest, |sum, word| sum.wrapping_add(*word))
    })
}
