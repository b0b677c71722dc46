//! Which device a run computes on, and in which numbers.

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
            true => Ok(Device::new_cuda(0).unwrap_or(Device::Cpu)),
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

/// What passes and decoding compute in: `auto` is bf16 on a CUDA device and f32 on the CPU, which has no arithmetic of
/// half precision.
pub fn select_dtype(spec: &str, device: &Device) -> Result<DType> {
    let problem = match (spec, device.is_cpu()) {
        ("f32", _) | ("auto", true) => return Ok(DType::F32),
        ("bf16" | "auto", false) => return Ok(DType::BF16),
        ("bf16", true) => {
            "the CPU computes in f32 only; choose \"auto\" or \"f32\", or a CUDA device"
        }
        _ => "expected \"auto\", \"f32\" or \"bf16\"",
    };
    Err(EngineError::Precision {
        spec: spec.to_owned(),
        problem: problem.to_owned(),
    })
}

/// Bytes of memory of a device, all of it; none for the CPU.
pub fn device_memory(device: &Device) -> Option<usize> {
    #[cfg(feature = "cuda")]
    if let Ok(cuda) = device.as_cuda_device() {
        let memory = cuda.cuda_stream().context().mem_get_info();
        return memory.ok().map(|(_, total)| total);
    }
    let _ = device;
    None
}
