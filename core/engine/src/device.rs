//! Which device a run computes on.

use candle_core::Device;

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
