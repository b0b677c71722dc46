//! What this machine has, what it takes for itself, and what a plan's model takes on it.

use farthing_engine::{Arithmetic, DType, Device, ModelConfig, device_memory};

use crate::plan::Plan;

const MIB: f64 = (1 << 20) as f64;

/// The binary, its libraries and their tables.
const PROCESS: f64 = 50.0 * MIB;

/// What the tokenizer keeps for a word of its vocabulary: the word, its merge, and the tables that find both.
const WORD: f64 = 700.0;

/// Kernels that are loaded when they are used, and the workspace of cuBLAS. Taken from what is usual, not measured.
const CONTEXT: f64 = 300.0 * MIB;

/// Where a plan computes, and the model that it computes. Bytes are real numbers here: they are compared and divided.
pub(crate) struct Machine<'a> {
    pub model: &'a ModelConfig,
    arithmetic: Arithmetic,
    /// Bytes, of a device those that are free; absent where it cannot be told.
    pub available: Option<f64>,
}

impl<'a> Machine<'a> {
    /// The machine that the manifest describes a GPU of, if there is none here; else this one.
    pub fn planned(plan: &'a Plan) -> Self {
        let gpu = plan.rented_gpu();
        match gpu {
            None => Self::of(plan),
            Some(gpu) => Self {
                model: &plan.model,
                arithmetic: Arithmetic {
                    dtype: DType::BF16,
                    on_cpu: false,
                },
                available: Some(gpu.memory_gib * 1024.0 * MIB),
            },
        }
    }

    pub fn of(plan: &'a Plan) -> Self {
        let on_cpu = matches!(plan.device, Device::Cpu);
        Self {
            model: &plan.model,
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

    /// Whether a prompt's keys and values are there once for its group: devices copy them into each attempt's slot.
    pub fn shares_prompts(&self) -> bool {
        self.arithmetic.on_cpu
    }

    /// What is not the model's.
    pub fn process(&self) -> f64 {
        match self.arithmetic.on_cpu {
            true => PROCESS + self.model.vocab_size as f64 * WORD,
            false => CONTEXT,
        }
    }

    pub fn weights(&self, trained: usize, frozen: usize) -> f64 {
        self.arithmetic.weights(trained, frozen) as f64
    }

    /// Gradients and the update rule's two moments.
    pub fn training_state(&self, trained: usize) -> f64 {
        self.arithmetic.training_state(trained) as f64
    }

    /// Keys and values of one position.
    pub fn position_bytes(&self) -> f64 {
        let model = self.model;
        let values = 2 * model.num_hidden_layers * model.num_key_value_heads * model.head_dim;
        self.weights(0, values)
    }

    /// A training pass.
    pub fn pass(&self, rows: usize, recomputed_layers: usize) -> f64 {
        let bytes = self
            .model
            .pass_footprint(rows, recomputed_layers, self.arithmetic);
        bytes as f64
    }

    /// Drawing so many attempts, which have keys and values of `positions` altogether.
    pub fn decoding(&self, rows: usize, positions: usize) -> f64 {
        let bytes = self
            .model
            .decoding_footprint(rows, positions, self.arithmetic);
        bytes as f64
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
