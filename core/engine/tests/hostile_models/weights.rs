//! Weights and indices that lie about what they hold.

use serde_json::json;

use crate::Directory;

/// A safetensors file with this header before the given number of zero bytes.
fn safetensors(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

#[test]
fn weights_that_lie_are_refused() {
    let directory = Directory::new();
    let tensor = |dtype: &str, shape: &str, from: &str, to: &str| {
        format!(
            r#"{{"model.norm.weight":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{from},{to}]}}}}"#
        )
    };
    let headers = [
        tensor("F32", "[24]", "0", "95"),
        tensor("F32", "[24]", "1", "97"),
        tensor("F32", "[24]", "96", "0"),
        tensor("F32", "[24]", "-1", "95"),
        tensor("F32", "[24]", "0", "18446744073709551615"),
        tensor(
            "F32",
            "[24]",
            "18446744073709551520",
            "18446744073709551615",
        ),
        tensor("F32", "[18446744073709551615,2]", "0", "96"),
        tensor("F32", "[4611686018427387904,4]", "0", "96"),
        tensor("F32", "[-24]", "0", "96"),
        tensor("F32", "[2.5]", "0", "96"),
        tensor("F99", "[24]", "0", "96"),
        tensor("I32", "[24]", "0", "96"),
        tensor("F64", "[12]", "0", "96"),
        tensor("F32", "[2,12]", "0", "96"),
        tensor("F32", "[24]", "0", "NaN"),
        "null".to_owned(),
        "[[[[".to_owned(),
        "[".repeat(100_000),
    ];
    for header in headers {
        directory.write("model.safetensors", &safetensors(&header, 96));
        let shown: String = header.chars().take(120).collect();
        directory.refuses("safetensors", &shown);
    }
    let overlapping = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#;
    directory.write("model.safetensors", &safetensors(overlapping, 12));
    directory.refuses("model.safetensors", "overlapping tensors");
    for length in [0, 1, 100_000_001, u64::MAX - 7, u64::MAX] {
        let mut bytes = Directory::new().read("model.safetensors");
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        directory.write("model.safetensors", &bytes);
        directory.refuses("model.safetensors", &format!("a header of {length} bytes"));
    }
}

#[test]
fn a_shard_is_a_file_beside_its_index() {
    for shard in [
        "../one.safetensors",
        "/etc/hostname",
        "a/one.safetensors",
        "..",
        ".",
        "",
        "one.safetensors/",
        "missing.safetensors",
        "one\0",
    ] {
        let directory = Directory::sharded();
        std::fs::create_dir(directory.path("a")).unwrap();
        std::fs::copy(
            directory.path("one.safetensors"),
            directory.path("a/one.safetensors"),
        )
        .unwrap();
        directory.index(shard);
        let text = directory.load().unwrap_err().to_string();
        let names =
            text.contains("model.safetensors.index.json") || text.contains("missing.safetensors");
        assert!(names, "{shard:?}: {text}");
    }
    let directory = Directory::sharded();
    for map in [
        json!({}),
        json!([]),
        json!({ "a": 1 }),
        json!({ "a": null }),
    ] {
        let index = json!({ "weight_map": map }).to_string();
        directory.write("model.safetensors.index.json", index.as_bytes());
        directory.refuses("model.safetensors.index.json", &index);
    }
}
