//! Rows of parquet files say what the same rows say as JSON.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Float32Array, Float64Array, Int64Array, ListArray,
    RecordBatch, StringArray, StructArray, UInt64Array,
    builder::{MapBuilder, StringBuilder},
    types::Int32Type,
};
use farthing_dataset::rows;
use farthing_sdk::prelude::*;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, GzipLevel, ZstdLevel},
    file::properties::WriterProperties,
};

const ROWS: usize = 3;

fn text(values: [Option<&str>; ROWS]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// Columns of every kind that a data set has; `binary` is text that is not marked as such.
fn batch() -> RecordBatch {
    let nested = StructArray::try_from(vec![("gold", text([Some("2"), Some("$\\frac12$"), None]))]);
    let lists = [
        Some(vec![Some(1), Some(2)]),
        Some(vec![]),
        None::<Vec<Option<i32>>>,
    ];
    let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for row in 0..ROWS {
        maps.keys().append_value("row");
        maps.values().append_value(row.to_string());
        maps.append(true).unwrap();
    }
    let columns: [(&str, ArrayRef); 10] = [
        ("text", text([Some("a"), Some("b"), None])),
        ("nested", Arc::new(nested.unwrap())),
        (
            "whole",
            Arc::new(Int64Array::from(vec![i64::MIN, 0, i64::MAX])),
        ),
        ("large", Arc::new(UInt64Array::from(vec![u64::MAX, 0, 1]))),
        (
            "single",
            Arc::new(Float32Array::from(vec![0.1, f32::MAX, f32::NAN])),
        ),
        (
            "double",
            Arc::new(Float64Array::from(vec![0.1, 1e300, f64::INFINITY])),
        ),
        (
            "truth",
            Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])),
        ),
        (
            "list",
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists)),
        ),
        ("map", Arc::new(maps.finish()) as Arc<dyn Array>),
        (
            "binary",
            Arc::new(BinaryArray::from(vec![&b"text"[..], b"", b"\xff"])),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// A file with as many row groups as rows.
fn written(directory: &Path, compression: Compression) -> PathBuf {
    let path = directory.join("data.parquet");
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(1));
    let file = File::create(&path).unwrap();
    let batch = batch();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

#[test]
fn parquet_reads_like_json() {
    let expected = [
        json!({
            "text": "a", "nested": { "gold": "2" }, "whole": i64::MIN, "large": u64::MAX, "single": 0.1,
            "double": 0.1, "truth": true, "list": [1, 2], "map": { "row": "0" }, "binary": "text",
        }),
        json!({
            "text": "b", "nested": { "gold": "$\\frac12$" }, "whole": 0, "large": 0, "single": 3.4028235e38,
            "double": 1e300, "truth": false, "list": [], "map": { "row": "1" }, "binary": "",
        }),
        json!({
            "text": null, "nested": { "gold": null }, "whole": i64::MAX, "large": 1, "single": null,
            "double": null, "truth": null, "list": null, "map": { "row": "2" }, "binary": "/w==",
        }),
    ];
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::ZSTD(ZstdLevel::default()),
        Compression::GZIP(GzipLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
    ] {
        let directory = tempfile::tempdir().unwrap();
        let path = written(directory.path(), compression);
        let rows: Vec<_> = rows(&path).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len(), ROWS);
        for (index, (row, expected)) in rows.iter().zip(&expected).enumerate() {
            for (name, value) in expected.as_object().unwrap() {
                assert_eq!(row.value(name), Some(value), "{name} of row {index}");
            }
            let place = format!("{}, row {}", path.display(), index + 1);
            assert_eq!(row.place.to_string(), place);
        }
        assert_eq!(rows[0].value("nested.gold"), Some(&json!("2")));
    }
}

#[test]
fn broken_files_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path(), Compression::SNAPPY);
    let whole = fs::read(&path).unwrap();
    for content in [&b"PAR1 and no more"[..], b"", &whole[..whole.len() / 2]] {
        fs::write(&path, content).unwrap();
        let said = rows(&path).err().expect("this is refused").to_string();
        assert!(
            said.contains("data.parquet: cannot be read as parquet: "),
            "{said}"
        );
    }
}

#[test]
fn a_file_without_rows_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data.parquet");
    let writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch().schema(), None);
    writer.unwrap().close().unwrap();
    let error = rows(&path).unwrap().next().unwrap().unwrap_err();
    assert!(error.to_string().contains("has no rows"), "{error}");
}
