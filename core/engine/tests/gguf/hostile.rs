//! Files cut off, damaged and made to lie: an error that names the file, never a panic, never half a model.

use candle_core::Device;
use farthing_engine::gguf::{WeightType, write};
use farthing_engine::{Model, Tokenizer};
use proptest::prelude::*;

use crate::file::{File, Value, Written, text};
use crate::support::flat;
use crate::vocabulary::character_model;

/// A small file as we write it, with everything in it.
fn whole() -> Vec<u8> {
    let (model, tokenizer) = character_model(32);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.gguf");
    write(&path, &model, &tokenizer, WeightType::Q8_0).unwrap();
    std::fs::read(&path).unwrap()
}

/// Where the tensors' data begins.
fn header_length(bytes: &[u8]) -> usize {
    let name = b"output_norm.weight";
    let at = bytes
        .windows(name.len())
        .position(|part| part == name)
        .unwrap();
    // Dimensions, one size, type and offset follow the name; the tied model's last tensor is this norm.
    (at + name.len() + 4 + 8 + 4 + 8).next_multiple_of(32)
}

#[track_caller]
fn refused(bytes: &[u8], part: &str) {
    let written = Written::of(bytes);
    for error in [
        Model::load(&written.path, &Device::Cpu)
            .unwrap_err()
            .to_string(),
        Tokenizer::load(&written.path).unwrap_err().to_string(),
    ] {
        assert!(
            error.contains("model.gguf") && error.contains(part),
            "{part}: {error}"
        );
    }
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let bytes = whole();
    let header = header_length(&bytes);
    let lengths = (0..header).chain((header..bytes.len() - 32).step_by(97));
    let written = Written::of(&bytes);
    Model::load(&written.path, &Device::Cpu).unwrap();
    for length in lengths {
        std::fs::write(&written.path, &bytes[..length]).unwrap();
        let model = Model::load(&written.path, &Device::Cpu)
            .unwrap_err()
            .to_string();
        let tokenizer = Tokenizer::load(&written.path).unwrap_err().to_string();
        for error in [model, tokenizer] {
            assert!(error.contains("model.gguf: "), "{length} bytes: {error}");
        }
    }
}

#[test]
fn every_damaged_byte_of_the_header_is_survived() {
    let bytes = whole();
    let header = header_length(&bytes);
    let parameters = Model::load(&Written::of(&bytes).path, &Device::Cpu).unwrap();
    let expected: Vec<Vec<f32>> = parameters
        .parameters()
        .map(|(_, tensor)| flat(tensor))
        .collect();
    let written = Written::of(&bytes);
    let mut loaded = 0;
    for at in 0..header {
        let flip = [0x01, 0x80, 0xff][at % 3];
        let mut damaged = bytes.clone();
        damaged[at] ^= flip;
        std::fs::write(&written.path, &damaged).unwrap();
        let _ = Tokenizer::load(&written.path);
        // What loads in spite of it is damaged in a word, never in its weights.
        if let Ok(model) = Model::load(&written.path, &Device::Cpu) {
            loaded += 1;
            let found: Vec<Vec<f32>> = model.parameters().map(|(_, tensor)| flat(tensor)).collect();
            assert!(
                found == expected,
                "byte {at} of {header} flipped by {flip:#x}"
            );
        }
    }
    assert!(loaded > 0, "no byte of a text was reached");
}

#[test]
fn a_header_that_lies_is_refused() {
    let file = File::llama(8);
    let bytes = file.bytes();
    let with = |at: usize, value: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        bytes
    };
    refused(b"", "the file ends at byte 0 inside the magic number");
    refused(b"GGML and more", "expected it to begin with \"GGUF\"");
    refused(
        &with(4, &1_u32.to_le_bytes()),
        "expected GGUF version 2 or 3, found 1",
    );
    refused(&with(4, &3_u32.to_be_bytes()), "a big-endian file");
    refused(
        &with(8, &u64::MAX.to_le_bytes()),
        "tensors: the count is 18446744073709551615",
    );
    refused(
        &with(16, &(1_u64 << 40).to_le_bytes()),
        "metadata entries: the count is 1099511627776",
    );
    refused(
        &with(24, &(1_u64 << 62).to_le_bytes()),
        "is said to have 4611686018427387904 bytes",
    );

    type Change = fn(&mut File);
    let cases: [(Change, &str); 18] = [
        (
            |file| file.tensors[1].offset = Some(0),
            "begin at byte 0 of the data; expected 128",
        ),
        (
            |file| file.tensors[1].offset = Some(u64::MAX - 31),
            "expected 128",
        ),
        (
            |file| file.tensors[3].offset = Some(64),
            "where the one before it ends",
        ),
        (
            |file| file.tensors[2].shape = vec![1 << 40, 1 << 40],
            "more numbers than any machine holds",
        ),
        (
            |file| file.tensors[2].shape = vec![0, 8],
            "an impossible size",
        ),
        (
            |file| file.tensors[2].shape = vec![2; 5],
            "5 dimensions; expected 1 to 4",
        ),
        (|file| file.tensors[2].shape = Vec::new(), "0 dimensions"),
        (
            |file| file.tensors[2].kind = 8,
            "Q8_0 packs rows in blocks of 32 numbers, and these have 8",
        ),
        (
            |file| file.tensors[2].name = "token_embd.weight".to_owned(),
            "two tensors with the name",
        ),
        (
            |file| file.tensors.last_mut().unwrap().shape = vec![1 << 33],
            "it is cut off",
        ),
        (
            |file| file.tensors.last_mut().unwrap().bytes.extend([0; 64]),
            "bytes from the header, found",
        ),
        (
            |file| {
                file.entries
                    .push(("general.architecture".to_owned(), Value::U32(1)))
            },
            "has the key \"general.architecture\" twice",
        ),
        (
            |file| file.set("general.alignment", Value::U32(33)),
            "general.alignment is 33; expected a power of two",
        ),
        (
            |file| file.set("general.alignment", Value::U32(0)),
            "general.alignment is 0",
        ),
        (
            |file| file.set("x", Value::Raw(13, Vec::new())),
            "unknown type of value 13",
        ),
        (
            |file| file.set("x", Value::Raw(7, vec![2])),
            "expected 0 or 1 for a truth value, found 2",
        ),
        (
            |file| file.set("x", Value::Raw(9, list(8, u64::MAX))),
            "the count is 18446744073709551615",
        ),
        (
            |file| {
                file.set(
                    "x",
                    Value::Raw(9, (0..64).flat_map(|_| list(9, 1)).collect()),
                )
            },
            "lists inside lists",
        ),
    ];
    for (change, part) in cases {
        let mut file = file.clone();
        change(&mut file);
        refused(&file.bytes(), part);
    }
}

fn list(kind: u32, count: u64) -> Vec<u8> {
    [kind.to_le_bytes().to_vec(), count.to_le_bytes().to_vec()].concat()
}

#[test]
fn text_that_is_none_is_refused_where_it_matters() {
    let mut bytes = Vec::new();
    text(&mut bytes, "lla");
    bytes.push(0xff);
    bytes[0] = 4;
    let mut file = File::llama(8);
    // Nobody reads this one.
    file.set("general.author", Value::Raw(8, bytes.clone()));
    Model::load(&file.write().path, &Device::Cpu).unwrap();
    file.set("general.architecture", Value::Raw(8, bytes));
    let error = Model::load(&file.write().path, &Device::Cpu)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("general.architecture: expected a text, found a text that is not UTF-8"),
        "{error}"
    );
}

#[test]
fn a_vocabulary_made_to_take_forever_is_refused() {
    let mut file = File::llama(8);
    let long = "a".repeat(1 << 20);
    file.set("tokenizer.ggml.model", Value::Text("llama"));
    file.set(
        "tokenizer.ggml.tokens",
        Value::Texts(["<unk>", "<s>", "</s>", &long].map(str::to_owned).to_vec()),
    );
    file.set("tokenizer.ggml.scores", Value::F32s(vec![0.0; 4]));
    let error = Tokenizer::load(&file.write().path).unwrap_err().to_string();
    assert!(
        error.contains("1048576 bytes; expected at most 1024"),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever several damaged bytes do, loading says so or loads; it never panics.
    #[test]
    fn damage_in_many_places_never_panics(places in prop::collection::vec((0.0..1.0_f64, any::<u8>()), 1..8), cut in 0.0..1.5_f64) {
        let mut bytes = WHOLE.clone();
        let header = header_length(&bytes);
        for (share, value) in places {
            bytes[(share * header as f64) as usize] = value;
        }
        bytes.truncate((cut * bytes.len() as f64) as usize);
        let written = Written::of(&bytes);
        if let Err(error) = Model::load(&written.path, &Device::Cpu) {
            prop_assert!(error.to_string().contains("model.gguf"), "{error}");
        }
        if let Err(error) = Tokenizer::load(&written.path) {
            prop_assert!(error.to_string().contains("model.gguf"), "{error}");
        }
    }
}

static WHOLE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(whole);
