//! Packed numbers against the `gguf` package, 0.19.0.
//!
//! The bytes of each block are `(i * 37 + 11) % 256`, with ordinary numbers for the sixteen-bit scales:
//!
//! ```python
//! import numpy as np, gguf
//! from gguf import quants, GGMLQuantizationType as T
//! SCALES = {T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0], T.Q4_K: [0, 2], T.Q6_K: [208]}
//! for t, at in SCALES.items():
//!     n, size = gguf.GGML_QUANT_SIZES[t]
//!     raw = bytearray((i * 37 + 11) % 256 for i in range(512 // n * size))
//!     for b in range(len(raw) // size):
//!         for k, o in enumerate(at):
//!             raw[b * size + o:b * size + o + 2] = np.float16((0.01 + 0.003 * b) * (-1 if k else 1)).tobytes()
//!     v = quants.dequantize(np.frombuffer(bytes(raw), dtype=np.uint8), t).astype(np.float32).reshape(-1)
//!     weighted = (v.astype(np.float64) * np.arange(1, 513)).sum()
//!     print(t.name, v[[0, 1, 17, 31, 100, 255, 256, 511]].tolist(), weighted)
//! ```

use candle_core::{DType, Device};
use farthing_engine::Model;
use farthing_engine::gguf::{WeightType, write};
use half::{bf16, f16};

use crate::file::File;
use crate::support::flat;
use crate::vocabulary::character_model;

struct Reference {
    name: &'static str,
    kind: u32,
    /// Numbers and bytes of a block, and where its scales lie.
    block: (usize, usize, &'static [usize]),
    values: [f32; 8],
    weighted: f64,
}

const AT: [usize; 8] = [0, 1, 17, 31, 100, 255, 256, 511];

const REFERENCES: [Reference; 7] = [
    Reference {
        name: "Q4_0",
        kind: 2,
        block: (32, 18, &[0]),
        values: [
            -0.03000640869140625,
            0.0200042724609375,
            -0.01000213623046875,
            0.0,
            -0.0189971923828125,
            0.093017578125,
            -0.10198974609375,
            0.0,
        ],
        weighted: -2376.9195556640625,
    },
    Reference {
        name: "Q4_1",
        kind: 3,
        block: (32, 20, &[0, 2]),
        values: [
            0.1400299072265625,
            0.03000640869140625,
            0.11002349853515625,
            0.11002349853515625,
            0.265960693359375,
            -0.031005859375,
            0.4759521484375,
            0.05499267578125,
        ],
        weighted: 34354.458671569824,
    },
    Reference {
        name: "Q5_0",
        kind: 6,
        block: (32, 22, &[0]),
        values: [
            0.09001922607421875,
            -0.0200042724609375,
            0.0,
            0.01000213623046875,
            0.1329803466796875,
            -0.341064453125,
            0.30596923828125,
            -0.219970703125,
        ],
        weighted: -2419.420883178711,
    },
    Reference {
        name: "Q5_1",
        kind: 7,
        block: (32, 24, &[0, 2]),
        values: [
            0.1800384521484375,
            0.23004913330078125,
            0.040008544921875,
            0.040008544921875,
            0.265960693359375,
            0.279052734375,
            0.6119384765625,
            0.27496337890625,
        ],
        weighted: 79843.8995437622,
    },
    Reference {
        name: "Q8_0",
        kind: 8,
        block: (32, 34, &[0]),
        values: [
            0.8501815795898438,
            1.2202606201171875,
            -0.5401153564453125,
            -0.4801025390625,
            -1.6907501220703125,
            1.67431640625,
            -3.09368896484375,
            -6.7091064453125,
        ],
        weighted: -2610.3409423828125,
    },
    Reference {
        name: "Q4_K",
        kind: 12,
        block: (256, 144, &[0, 2]),
        values: [
            3.92083740234375,
            0.5101089477539062,
            0.5101089477539062,
            2.3705062866210938,
            1.4603118896484375,
            1.0102157592773438,
            6.76025390625,
            5.82421875,
        ],
        weighted: 487443.39276123047,
    },
    Reference {
        name: "Q6_K",
        kind: 14,
        block: (256, 210, &[208]),
        values: [
            -14.313056945800781,
            16.963623046875,
            5.12109375,
            -0.960205078125,
            25.235389709472656,
            -0.600128173828125,
            -5.29119873046875,
            -20.80078125,
        ],
        weighted: 21163.679901123047,
    },
];

/// The bytes of the program above.
fn packed(reference: &Reference) -> Vec<u8> {
    let (numbers, size, scales) = reference.block;
    let mut bytes: Vec<u8> = (0..512 / numbers * size)
        .map(|at| ((at * 37 + 11) % 256) as u8)
        .collect();
    for (index, block) in bytes.chunks_mut(size).enumerate() {
        for (which, &at) in scales.iter().enumerate() {
            let scale = 0.01 + 0.003 * index as f64;
            let scale = f16::from_f64(if which == 0 { scale } else { -scale });
            block[at..at + 2].copy_from_slice(&scale.to_le_bytes());
        }
    }
    bytes
}

/// What is loaded from these bytes, 512 numbers.
fn unpacked(kind: u32, bytes: Vec<u8>) -> Vec<f32> {
    let mut file = File::llama(256);
    let embedding = file.tensor("token_embd.weight");
    (embedding.kind, embedding.bytes, embedding.shape) = (kind, bytes, vec![2, 256]);
    let model = Model::load(&file.write().path, &Device::Cpu).unwrap();
    assert_eq!(model.embed_tokens().dtype(), DType::F32);
    flat(model.embed_tokens())
}

#[test]
fn packed_blocks_hold_the_reference_numbers() {
    for reference in &REFERENCES {
        let values = unpacked(reference.kind, packed(reference));
        let found = AT.map(|at| values[at]);
        assert_eq!(found, reference.values, "{}", reference.name);
        let weighted: f64 = values
            .iter()
            .zip(1..)
            .map(|(&value, weight)| f64::from(value) * f64::from(weight))
            .sum();
        assert!(
            (weighted - reference.weighted).abs() < 1e-6 * reference.weighted.abs(),
            "{}: {weighted}",
            reference.name
        );
    }
}

#[test]
fn plain_floats_of_every_width_are_read() {
    let numbers: Vec<f32> = (0..512).map(|at| (at as f32 - 256.0) / 8.0).collect();
    let bytes =
        |narrow: fn(f32) -> Vec<u8>| numbers.iter().flat_map(|&value| narrow(value)).collect();
    let cases: [(u32, Vec<u8>); 3] = [
        (0, bytes(|value| value.to_le_bytes().to_vec())),
        (
            1,
            bytes(|value| f16::from_f32(value).to_le_bytes().to_vec()),
        ),
        (
            30,
            bytes(|value| bf16::from_f32(value).to_le_bytes().to_vec()),
        ),
    ];
    for (kind, bytes) in cases {
        assert_eq!(unpacked(kind, bytes), numbers, "type {kind}");
    }
}

/// The same program, with `x = ((np.arange(64) * 7919 % 1000 - 500) / np.float32(300)).astype(np.float32)`, prints the
/// bytes (`bytes(quants.quantize(x, T.Q8_0)[:40]).hex()`) and what they mean (`quants.dequantize` of them).
#[test]
fn q8_0_is_packed_as_the_reference_packs_it() {
    let expected =
        "b822816a56412d1804efdac6b19d88725d48341f0bf6e2cdb8a48f7964503b2612fdae22e8d4bfaa";
    let (model, tokenizer) = character_model(64);
    let numbers: Vec<f32> = (0..64)
        .map(|at| ((at * 7919 % 1000) as f32 - 500.0) / 300.0)
        .collect();
    let row = candle_core::Tensor::from_vec(numbers, (1, 64), &Device::Cpu).unwrap();
    model.embed_tokens().slice_set(&row, 0, 0).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.gguf");
    write(&path, &model, &tokenizer, WeightType::Q8_0).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let wanted: Vec<u8> = (0..expected.len() / 2)
        .map(|at| u8::from_str_radix(&expected[at * 2..][..2], 16).unwrap())
        .collect();
    assert!(bytes.windows(wanted.len()).any(|part| part == wanted));
    let found = flat(Model::load(&path, &Device::Cpu).unwrap().embed_tokens());
    let expected = [
        -1.66656494140625,
        1.3909912109375,
        -0.03936767578125,
        -0.3131103515625,
    ];
    assert_eq!([0, 1, 31, 32].map(|at| found[at]), expected);
}
