//! How ggml packs numbers: sixteen-bit floats, and blocks of small integers with a scale.
//!
//! The formulas are those of ggml's reference, in its order of operations, so that the values equal those of llama.cpp
//! and the `gguf` package bit by bit.

use half::{bf16, f16};

/// Numbers in one block of the "K" types.
const K: usize = 256;

/// The packed types that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    F32,
    F16,
    Bf16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4K,
    Q6K,
}

/// How the matrices of an exported file are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightType {
    /// Sixteen-bit floats.
    F16,
    /// Blocks of 32 eight-bit integers with one scale: 8.5 bits a number. A matrix whose rows are no multiple of 32 is
    /// stored as F16, as llama.cpp's converter does.
    Q8_0,
}

/// The names of ggml's types, for messages about those that are not read.
pub(super) fn type_name(kind: u32) -> String {
    const NAMES: [&str; 40] = [
        "F32",
        "F16",
        "Q4_0",
        "Q4_1",
        "Q4_2",
        "Q4_3",
        "Q5_0",
        "Q5_1",
        "Q8_0",
        "Q8_1",
        "Q2_K",
        "Q3_K",
        "Q4_K",
        "Q5_K",
        "Q6_K",
        "Q8_K",
        "IQ2_XXS",
        "IQ2_XS",
        "IQ3_XXS",
        "IQ1_S",
        "IQ4_NL",
        "IQ3_S",
        "IQ2_S",
        "IQ4_XS",
        "I8",
        "I16",
        "I32",
        "I64",
        "F64",
        "IQ1_M",
        "BF16",
        "Q4_0_4_4",
        "Q4_0_4_8",
        "Q4_0_8_8",
        "TQ1_0",
        "TQ2_0",
        "IQ4_NL_4_4",
        "IQ4_NL_4_8",
        "IQ4_NL_8_8",
        "MXFP4",
    ];
    match NAMES.get(kind as usize) {
        Some(name) => (*name).to_owned(),
        None => format!("type {kind}"),
    }
}

impl Encoding {
    /// The encoding of ggml's type number, if it is read.
    pub fn of(kind: u32) -> Option<Self> {
        Some(match kind {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            6 => Self::Q5_0,
            7 => Self::Q5_1,
            8 => Self::Q8_0,
            12 => Self::Q4K,
            14 => Self::Q6K,
            30 => Self::Bf16,
            _ => return None,
        })
    }

    /// ggml's type number.
    pub fn kind(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::Q4_1 => 3,
            Self::Q5_0 => 6,
            Self::Q5_1 => 7,
            Self::Q8_0 => 8,
            Self::Q4K => 12,
            Self::Q6K => 14,
            Self::Bf16 => 30,
        }
    }

    /// Numbers in a block and bytes of a block.
    pub fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::Bf16 => (1, 2),
            Self::Q4_0 => (32, 18),
            Self::Q4_1 => (32, 20),
            Self::Q5_0 => (32, 22),
            Self::Q5_1 => (32, 24),
            Self::Q8_0 => (32, 34),
            Self::Q4K => (K, 144),
            Self::Q6K => (K, 210),
        }
    }

    /// How many bytes a tensor takes.
    pub fn byte_count(self, shape: &[usize]) -> Result<usize, String> {
        let (numbers, bytes) = self.block();
        let row = shape.last().copied().unwrap_or(1);
        if !row.is_multiple_of(numbers) {
            return Err(format!(
                "{} packs rows in blocks of {numbers} numbers, and these have {row}",
                type_name(self.kind())
            ));
        }
        let count = shape
            .iter()
            .try_fold(1_usize, |product, &size| product.checked_mul(size));
        count
            .and_then(|count| (count / numbers).checked_mul(bytes))
            .filter(|&bytes| isize::try_from(bytes).is_ok())
            .ok_or_else(|| "more numbers than any machine holds".to_owned())
    }

    /// Unpacks whole blocks.
    pub fn unpack(self, bytes: &[u8], values: &mut [f32]) {
        let (numbers, size) = self.block();
        let blocks = bytes
            .chunks_exact(size)
            .zip(values.chunks_exact_mut(numbers));
        match self {
            Self::F32 => blocks.for_each(|(block, out)| {
                out[0] = f32::from_le_bytes([block[0], block[1], block[2], block[3]]);
            }),
            Self::F16 => blocks.for_each(|(block, out)| out[0] = half_at(block, 0)),
            Self::Bf16 => blocks.for_each(|(block, out)| {
                out[0] = bf16::from_le_bytes([block[0], block[1]]).to_f32();
            }),
            Self::Q4_0 => blocks.for_each(|(block, out)| {
                let scale = half_at(block, 0);
                nibbles(&block[2..], out, |q, _| (f32::from(q) - 8.0) * scale);
            }),
            Self::Q4_1 => blocks.for_each(|(block, out)| {
                let (scale, least) = (half_at(block, 0), half_at(block, 2));
                nibbles(&block[4..], out, |q, _| f32::from(q) * scale + least);
            }),
            Self::Q5_0 => blocks.for_each(|(block, out)| {
                let scale = half_at(block, 0);
                let high = high_bits(&block[2..]);
                nibbles(&block[6..], out, |q, at| {
                    (f32::from(q | fifth(high, at)) - 16.0) * scale
                });
            }),
            Self::Q5_1 => blocks.for_each(|(block, out)| {
                let (scale, least) = (half_at(block, 0), half_at(block, 2));
                let high = high_bits(&block[4..]);
                nibbles(&block[8..], out, |q, at| {
                    f32::from(q | fifth(high, at)) * scale + least
                });
            }),
            Self::Q8_0 => blocks.for_each(|(block, out)| {
                let scale = half_at(block, 0);
                for (value, &q) in out.iter_mut().zip(&block[2..]) {
                    *value = f32::from(q as i8) * scale;
                }
            }),
            Self::Q4K => blocks.for_each(|(block, out)| unpack_q4_k(block, out)),
            Self::Q6K => blocks.for_each(|(block, out)| unpack_q6_k(block, out)),
        }
    }

    /// Packs numbers; only the types that are written. False if a number does not fit.
    pub fn pack(self, values: &[f32], bytes: &mut Vec<u8>) -> bool {
        match self {
            Self::F32 => {
                values
                    .iter()
                    .for_each(|value| bytes.extend(value.to_le_bytes()));
                true
            }
            Self::F16 => {
                let mut fits = true;
                for &value in values {
                    let half = f16::from_f32(value);
                    fits &= half.is_finite();
                    bytes.extend(half.to_le_bytes());
                }
                fits
            }
            Self::Q8_0 => values.chunks_exact(32).fold(true, |fits, block| {
                let largest = block
                    .iter()
                    .fold(0.0_f32, |most, value| most.max(value.abs()));
                let scale = largest / 127.0;
                let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
                let half = f16::from_f32(scale);
                bytes.extend(half.to_le_bytes());
                // `as` stops at the ends of the range; `round` goes away from zero, as C's roundf.
                bytes.extend(
                    block
                        .iter()
                        .map(|value| (value * inverse).round() as i8 as u8),
                );
                fits && half.is_finite() && block.iter().all(|value| value.is_finite())
            }),
            other => unreachable!("{other:?} is read, never written"),
        }
    }
}

fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// Sixteen bytes hold 32 numbers of four bits: the low halves are the first sixteen.
fn nibbles(bytes: &[u8], out: &mut [f32], value: impl Fn(u8, usize) -> f32) {
    let (first, second) = out.split_at_mut(16);
    for (at, &byte) in bytes.iter().enumerate() {
        first[at] = value(byte & 0x0f, at);
        second[at] = value(byte >> 4, at + 16);
    }
}

fn high_bits(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// The fifth bit of number `at`, in its place.
fn fifth(high: u32, at: usize) -> u8 {
    ((high >> at & 1) << 4) as u8
}

/// Eight groups of 32 numbers, each with a six-bit scale and a six-bit minimum of its own.
fn unpack_q4_k(block: &[u8], out: &mut [f32]) {
    let (scale, least) = (half_at(block, 0), half_at(block, 2));
    let (packed, quants) = (&block[4..16], &block[16..]);
    for (group, values) in out.chunks_exact_mut(32).enumerate() {
        // The first four groups have their six bits in one byte; of the others, four bits lie in the last bytes and
        // two above the first groups'.
        let (group_scale, group_least) = match group {
            0..4 => (packed[group] & 63, packed[group + 4] & 63),
            _ => (
                packed[group + 4] & 0x0f | (packed[group - 4] >> 6) << 4,
                packed[group + 4] >> 4 | (packed[group] >> 6) << 4,
            ),
        };
        let (d, m) = (
            scale * f32::from(group_scale),
            least * f32::from(group_least),
        );
        let bytes = &quants[group / 2 * 32..][..32];
        let shift = group % 2 * 4;
        for (value, &byte) in values.iter_mut().zip(bytes) {
            *value = d * f32::from(byte >> shift & 0x0f) - m;
        }
    }
}

/// Sixteen groups of 16 numbers, each with an eight-bit scale; four bits of a number lie in one array, two in another.
fn unpack_q6_k(block: &[u8], out: &mut [f32]) {
    let (low, high, scales) = (&block[..128], &block[128..192], &block[192..208]);
    let scale = half_at(block, 208);
    for (at, value) in out.iter_mut().enumerate() {
        // Halves of 128 numbers; in each, quarters of 32.
        let (part, quarter, within) = (at / 128, at / 32 % 4, at % 32);
        let four = low[part * 64 + quarter % 2 * 32 + within] >> (quarter / 2 * 4) & 0x0f;
        let two = high[part * 32 + within] >> (quarter * 2) & 3;
        let q = i16::from(four | two << 4) - 32;
        *value = scale * f32::from(scales[at / 16] as i8) * f32::from(q);
    }
}
