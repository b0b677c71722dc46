//! Which device a run computes on, and in which numbers.
//!
//! All work with a device's tensors is done on one thread: Candle's streams belong to threads and do not wait for each
//! other.

use candle_core::{DType, Device};

use crate::error::{EngineError, Result};

/// `auto` takes the first CUDA device if this build and machine have one, else the CPU.
pub fn select_device(spec: &str) -> Result<Device> {
    let refuse = |problem: String| EngineError::Device {
        spec: spec.to_owned(),
        problem,
    };
    match spec {
        "cpu" => Ok(Device::Cpu),
        "auto" => match cfg!(feature = "cuda") {
            true => Ok(Device::new_cuda(0).unwrap_or_else(|error| {
                tracing::warn!(
                    "computing on the CPU, because no CUDA device can be opened: {error}"
                );
                Device::Cpu
            })),
            false => Ok(Device::Cpu),
        },
        _ => {
            let ordinal = spec
                .strip_prefix("cuda:")
                .and_then(|n| n.parse::<usize>().ok());
            let ordinal = ordinal
                .ok_or_else(|| refuse("expected \"auto\", \"cpu\" or \"cuda:N\"".to_owned()))?;
            if !cfg!(feature = "cuda") {
                return Err(refuse(
                    "this build has no CUDA support; build with --features cuda, or choose \"cpu\""
                        .to_owned(),
                ));
            }
            Device::new_cuda(ordinal).map_err(|error| refuse(format!("cannot be opened: {error}")))
        }
    }
}

/// What passes and decoding compute in: `auto` is bf16 on a CUDA device that has it, and f32 elsewhere.
pub fn select_dtype(spec: &str, device: &Device) -> Result<DType> {
    let problem = match (spec, computes_in_bf16(device)) {
        ("f32", _) | ("auto", false) => return Ok(DType::F32),
        ("bf16" | "auto", true) => return Ok(DType::BF16),
        ("bf16", false) if device.is_cpu() => {
            "the CPU computes in f32 only; choose \"auto\" or \"f32\", or a CUDA device"
        }
        ("bf16", false) => {
            "this GPU is older than compute capability 8.0 and has no bf16; choose \"auto\" or \"f32\""
        }
        _ => "expected \"auto\", \"f32\" or \"bf16\"",
    };
    Err(EngineError::Precision {
        spec: spec.to_owned(),
        problem: problem.to_owned(),
    })
}

fn computes_in_bf16(device: &Device) -> bool {
    #[cfg(feature = "cuda")]
    if let Ok(cuda) = device.as_cuda_device() {
        let capability = cuda.cuda_stream().context().compute_capability();
        return capability.is_ok_and(|(major, _)| major >= 8);
    }
    !device.is_cpu()
}

/// Bytes of a device's memory that are free now; none for the CPU.
pub fn device_memory(device: &Device) -> Option<usize> {
    #[cfg(feature = "cuda")]
    if let Ok(cuda) = device.as_cuda_device() {
        let memory = cuda.cuda_stream().context().mem_get_info();
        return memory.ok().map(|(free, _)| free);
    }
    let _ = device;
    None
}
