//! What this machine has, and what it takes for itself.

use farthing_engine::{Arithmetic, Device, ModelConfig, device_memory};

use crate::plan::Plan;

const MIB: f64 = (1 << 20) as f64;

/// The binary, its libraries and their tables.
const PROCESS: f64 = 50.0 * MIB;

/// What the tokenizer keeps for a word of its vocabulary: the word, its merge, and the tables that find both.
const WORD: f64 = 700.0;

/// Kernels that are loaded when they are used, and the workspace of cuBLAS. Taken from what is usual, not measured.
const CONTEXT: f64 = 300.0 * MIB;

/// Where a plan computes.
pub(super) struct Machine {
    pub arithmetic: Arithmetic,
    /// Bytes, of a device those that are free; absent where it cannot be told.
    pub available: Option<f64>,
}

impl Machine {
    pub fn of(plan: &Plan) -> Self {
        let on_cpu = matches!(plan.device, Device::Cpu);
        Self {
            arithmetic: Arithmetic {
                dtype: plan.dtype,
                on_cpu,
            },
            available: match on_cpu {
                true => available(),
                false => device_memory(&plan.device).map(|bytes| bytes as f64),
            },
        }
    }

    /// Bytes that are not the model's.
    pub fn process(&self, model: &ModelConfig) -> f64 {
        match self.arithmetic.on_cpu {
            true => PROCESS + model.vocab_size as f64 * WORD,
            false => CONTEXT,
        }
    }
}

/// Physical memory, or the limit of this process's control group if that is less.
fn available() -> Option<f64> {
    #[cfg(target_os = "linux")]
    {
        let info = rustix::system::sysinfo();
        let physical = info.totalram as f64 * f64::from(info.mem_unit);
        let limits = [
            "/sys/fs/cgroup/memory.max",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        ];
        let read = |path: &&str| {
            std::fs::read_to_string(path)
                .ok()?
                .trim()
                .parse::<f64>()
                .ok()
        };
        Some(limits.iter().filter_map(read).fold(physical, f64::min))
    }
    #[cfg(not(target_os = "linux"))]
    None
}
