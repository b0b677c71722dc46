//! The two limits of a machine: arithmetic (a large matrix product) and bytes (a sweep over memory).
//!
//! Times are shares of these. Both are measured on the device itself with Candle's operations, in the type that passes
//! compute in; a limit is what was reached once, so the best of some repetitions counts.

use std::time::Instant;

use candle_core::{DType, Device, Tensor};

use crate::error::Result;

/// What a machine can do at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MachineSpeed {
    /// Floating-point operations a second in a large matrix product.
    pub operations: f64,
    /// Bytes a second from memory.
    pub bytes: f64,
}

/// How much is done for a measurement.
struct Sizes {
    /// Of the square matrices.
    side: usize,
    /// Values that are read.
    swept: usize,
    repeats: usize,
}

/// A tenth of a second on two cores.
const ON_CPU: Sizes = Sizes {
    side: 1024,
    swept: 1 << 25,
    repeats: 4,
};

/// Enough to keep a GPU busy for a millisecond; it takes some repetitions to wake up.
const ON_DEVICE: Sizes = Sizes {
    side: 8192,
    swept: 1 << 28,
    repeats: 12,
};

impl MachineSpeed {
    /// Measures a device.
    pub fn measure(device: &Device, dtype: DType) -> Result<Self> {
        let Sizes {
            side,
            swept,
            repeats,
        } = match device {
            Device::Cpu => ON_CPU,
            _ => ON_DEVICE,
        };
        let square = || Tensor::rand(-1.0_f32, 1.0, (side, side), device)?.to_dtype(dtype);
        let (left, right) = (square()?, square()?);
        let product = best(device, repeats, || left.matmul(&right))?;
        drop((left, right));
        // Reading and writing, as an update does.
        let values = Tensor::zeros(swept, dtype, device)?;
        let copy = best(device, repeats, || values.copy())?;
        Ok(Self {
            operations: 2.0 * (side as f64).powi(3) / product,
            bytes: 2.0 * (swept * dtype.size_in_bytes()) as f64 / copy,
        })
    }
}

/// The least seconds that some work takes.
fn best(
    device: &Device,
    repeats: usize,
    work: impl Fn() -> candle_core::Result<Tensor>,
) -> Result<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..repeats {
        device.synchronize()?;
        let started = Instant::now();
        let result = work()?;
        device.synchronize()?;
        least = least.min(started.elapsed().as_secs_f64());
        drop(result);
    }
    Ok(least)
}
