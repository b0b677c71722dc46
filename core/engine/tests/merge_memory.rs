//! However large the models are, a merge holds about two tensors: the one that is written, and pieces of the inputs.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::Device;
use farthing_engine::{
    Architecture, MergeInput, MergeMethod, Model, ModelConfig, Tokenizer, merge,
};
use support::small_config;

/// Counts what is allocated at a time.
struct Counting;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[test]
fn a_merge_of_four_models_holds_about_two_tensors() {
    // An embedding of 16 MiB, and 56 matrices of 0.5 or 1 MiB.
    let config = ModelConfig {
        vocab_size: 16_384,
        hidden_size: 256,
        intermediate_size: 1024,
        num_hidden_layers: 8,
        num_attention_heads: 8,
        num_key_value_heads: 8,
        head_dim: 64,
        ..small_config(Architecture::Llama, true)
    };
    let directory = tempfile::tempdir().unwrap();
    let (mut model_bytes, mut largest) = (0, 0);
    let inputs: Vec<MergeInput> = (0..4)
        .map(|seed| {
            let path = directory.path().join(seed.to_string());
            std::fs::create_dir(&path).unwrap();
            let model = Model::init(config.clone(), seed, &Device::Cpu).unwrap();
            let sizes = model
                .parameters()
                .map(|(_, tensor)| 4 * tensor.elem_count());
            let sizes: Vec<usize> = sizes.collect();
            (model_bytes, largest) = (sizes.iter().sum(), *sizes.iter().max().unwrap());
            model.save(&path).unwrap();
            Tokenizer::characters::<&str>("0123456789", &[])
                .unwrap()
                .save(&path)
                .unwrap();
            MergeInput { path, weight: 1.0 }
        })
        .collect();
    assert!(
        model_bytes > 3 * largest,
        "{model_bytes} of which {largest}"
    );
    let out = directory.path().join("out");
    let base = MergeMethod::TaskArithmetic {
        base: inputs[0].path.clone(),
        scale: 2.0,
    };
    for method in [MergeMethod::Linear, base] {
        std::fs::create_dir(&out).unwrap();
        let before = ALLOCATED.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        merge(&inputs, &method, &out).unwrap();
        let peak = PEAK.load(Ordering::Relaxed) - before;
        // The tensor itself, so that the bound below is one of what is measured.
        assert!(peak > largest, "{peak}");
        assert!(
            peak < 2 * largest,
            "{peak} bytes for tensors of at most {largest}"
        );
        std::fs::remove_dir_all(&out).unwrap();
    }
}
