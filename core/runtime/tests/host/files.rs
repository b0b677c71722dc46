//! Files that are no whole library for this machine: refused before any code of theirs runs.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use farthing_abi::DESCRIPTOR_SECTION;
use farthing_runtime::host::{LoadFault, ProbeReport, Prober, inspect};
use insta::assert_snapshot;
use object::{
    Endianness, Object, ObjectSection,
    elf::{FileHeader64, PT_LOAD},
    read::elf::{FileHeader, ProgramHeader},
};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::libraries::{copy, library, refused};

#[test]
fn a_missing_file() {
    assert_snapshot!(refused(Path::new("/nowhere/libmissing.so")), @r"
    cannot load `libmissing.so`: there is no such file
      expected: a dynamic library that this user may read
      found: nothing at this path
      remedy: correct the path, or build the plugin with `cargo build`
    ");
}

#[test]
fn a_directory() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("libdirectory.so");
    fs::create_dir(&path).unwrap();
    assert_snapshot!(refused(&path), @r"
    cannot load `libdirectory.so`: not a regular file
      expected: a regular file, or a link to one
      found: a directory
      remedy: name the library itself; a directory goes into `search`
    ");
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_not_waited_for() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("libpipe.so");
    let status = std::process::Command::new("mkfifo")
        .arg(&path)
        .status()
        .unwrap();
    assert!(status.success());
    assert_snapshot!(refused(&path), @r"
    cannot load `libpipe.so`: not a regular file
      expected: a regular file, or a link to one
      found: a pipe, socket or device
      remedy: name the library itself; a directory goes into `search`
    ");
}

#[test]
fn an_empty_file() {
    assert_snapshot!(refused(&written(b"").1), @r"
    cannot load `libwritten.so`: the file is empty
      expected: a dynamic library in 64-bit ELF format
      found: 0 bytes
      remedy: copy or build the library again; its last copy was perhaps cut off
    ");
}

#[test]
fn a_text() {
    assert_snapshot!(refused(&written(b"GROUP ( libc.so.6 libm.so.6 )\n").1), @r#"
    cannot load `libwritten.so`: not a dynamic library
      expected: a dynamic library in 64-bit ELF format
      found: text that begins with "GROUP ( libc.so.6 libm.so.6 )"
      remedy: build the plugin as crate-type = ["cdylib"] and name that file
    "#);
}

#[test]
fn noise() {
    assert_snapshot!(refused(&written(&[0x00, 0xff, 0x13, 0x37, 0x01, 0x02]).1), @r#"
    cannot load `libwritten.so`: not a dynamic library
      expected: a dynamic library in 64-bit ELF format
      found: 6 bytes that begin with 00ff13370102
      remedy: build the plugin as crate-type = ["cdylib"] and name that file
    "#);
}

#[test]
fn an_archive() {
    assert_snapshot!(refused(&written(b"!<arch>\nnothing in it           ").1), @r#"
    cannot load `libwritten.so`: not a dynamic library
      expected: a dynamic library in 64-bit ELF format
      found: a static library
      remedy: build the plugin as crate-type = ["cdylib"] and name that file
    "#);
}

#[test]
fn another_machine() {
    let other = if cfg!(target_arch = "x86_64") {
        183
    } else {
        62_u16
    };
    let (_directory, file) = patched("good", 18, &other.to_le_bytes());
    let message = refused(&file);
    if cfg!(target_arch = "x86_64") {
        assert_snapshot!(message, @r"
    cannot load `libgood.so`: built for another machine
      expected: x86_64
      found: aarch64
      remedy: build the plugin with `--target x86_64-unknown-linux-gnu`
    ");
    }
}

#[test]
fn another_word_size() {
    let (_directory, file) = patched("good", 4, &[1]);
    assert_snapshot!(refused(&file), @r"
    cannot load `libgood.so`: built for another machine
      expected: a 64-bit ELF file
      found: a 32-bit ELF file
      remedy: build the plugin with `--target x86_64-unknown-linux-gnu`
    ");
}

#[test]
fn another_byte_order() {
    let (_directory, file) = patched("good", 5, &[2]);
    assert_snapshot!(refused(&file), @r"
    cannot load `libgood.so`: built for another machine
      expected: little endian
      found: big endian
      remedy: build the plugin with `--target x86_64-unknown-linux-gnu`
    ");
}

#[test]
fn an_executable() {
    let (_directory, file) = patched("good", 16, &[2, 0]);
    assert_snapshot!(refused(&file), @r#"
    cannot load `libgood.so`: not a dynamic library
      expected: a dynamic library in 64-bit ELF format
      found: an executable
      remedy: build the plugin as crate-type = ["cdylib"] and name that file
    "#);
}

#[test]
fn a_library_that_was_cut_in_the_middle() {
    let (_directory, file) = copy("good");
    let length = fs::metadata(&file).unwrap().len();
    File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_len(length / 2)
        .unwrap();
    let message = refused(&file);
    assert!(
        message.starts_with("cannot load `libgood.so`: the file is not whole\n"),
        "{message}"
    );
    assert!(
        message.contains(&format!("  found: {} bytes\n", length / 2)),
        "{message}"
    );
    assert!(
        message.ends_with(
            "remedy: copy or build the library again; its last copy was perhaps cut off"
        )
    );
}

/// A cut library kills the process that opens it, so every cut must be seen before.
#[test]
fn no_cut_passes_the_first_layer() {
    let (_directory, path) = copy("good");
    let bytes = fs::read(&path).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    let cuts = cuts(&bytes);
    assert!(cuts.len() > 40, "{cuts:?}");
    for cut in cuts.into_iter().rev() {
        file.set_len(cut).unwrap();
        let inspection = inspect(&path, None, Some(&NeverOpen));
        let first = inspection
            .findings
            .iter()
            .find_map(|finding| finding.fault.clone());
        let expected = matches!(
            first,
            Some(LoadFault::Empty | LoadFault::Truncated { .. } | LoadFault::NotALibrary { .. })
        );
        assert!(expected, "cut at {cut} of {}: {first:?}", bytes.len());
    }
}

/// Whatever the bytes say, the first layer answers.
#[test]
fn damaged_headers_are_an_answer_not_a_panic() {
    let bytes = fs::read(library("no_root_module")).unwrap();
    let sections = bytes.len() - 4096;
    let (_directory, path) = written(&bytes);
    let place = prop_oneof![0..64_usize, 64..2048_usize, sections..bytes.len()];
    let damage = prop::collection::vec((place, any::<u8>()), 1..8);
    proptest!(ProptestConfig::with_cases(200), |(damage in damage)| {
        let mut damaged = bytes.clone();
        for (place, byte) in damage {
            damaged[place] = byte;
        }
        fs::write(&path, damaged).unwrap();
        prop_assert!(!inspect(&path, None, Some(&NeverOpen)).is_loadable());
    });
}

#[test]
fn a_descriptor_of_zeros() {
    let (_directory, file) = descriptor_patched(0, &[0; 16]);
    assert_snapshot!(refused(&file), @r"
    cannot load `libgood.so`: the plugin descriptor cannot be read
      expected: the record that `plugin!` writes
      found: a section that does not begin with the record's mark
      remedy: rebuild the plugin with the farthing-sdk of this host
    ");
}

#[test]
fn a_descriptor_without_a_name() {
    let (_directory, file) = descriptor_patched(NAME, &[0; 64]);
    assert_snapshot!(refused(&file), @r"
    cannot load `libgood.so`: the plugin descriptor cannot be read
      expected: the record that `plugin!` writes
      found: a record whose name is empty or not text
      remedy: rebuild the plugin with the farthing-sdk of this host
    ");
}

#[test]
fn another_major_version_of_the_sdk() {
    let (_directory, file) = descriptor_patched(SDK, &7_u32.to_le_bytes());
    assert_snapshot!(refused(&file), @r"
    cannot load `libgood.so`: built with an sdk that this host does not support
      expected: sdk 0.1 or an older 0.x
      found: sdk 7.1.0
      remedy: build the plugin with farthing-sdk 0.1
    ");
}

#[test]
fn another_patch_version_of_the_sdk_loads() {
    let [_, _, patch] = farthing_sdk::private::SDK_VERSION;
    let (_directory, file) = descriptor_patched(SDK + 8, &(patch + 1).to_le_bytes());
    let inspection = inspect(&file, None, None);
    assert!(inspection.is_loadable(), "{inspection:#?}");
}

#[test]
fn every_broken_rule_is_named() {
    let mut fields = vec![0; 64 + 32 + 96 + 64];
    fields[..9].copy_from_slice(b"has/slash");
    fields[64] = b'1';
    fields[96] = b'r';
    fields[192..][..15].copy_from_slice(b"riscv128-plan-9");
    let (_directory, file) = descriptor_patched(NAME, &fields);
    assert_snapshot!(refused(&file), @r#"
    cannot load `libgood.so`: the plugin's name cannot be used in a manifest
      expected: lower-case letters, digits and `-`
      found: "has/slash"
      remedy: rename the plugin in its `plugin!(..)`
    cannot load `libgood.so`: built for another target
      expected: x86_64-unknown-linux-gnu
      found: riscv128-plan-9
      remedy: build the plugin with `--target x86_64-unknown-linux-gnu`
    "#);
}

/// Where the fields of the descriptor begin.
const SDK: usize = 20;
const NAME: usize = 32;

fn written(bytes: &[u8]) -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("libwritten.so");
    fs::write(&path, bytes).unwrap();
    (directory, path)
}

fn patched(name: &str, at: usize, with: &[u8]) -> (TempDir, PathBuf) {
    let (directory, path) = copy(name);
    let mut bytes = fs::read(&path).unwrap();
    bytes[at..at + with.len()].copy_from_slice(with);
    fs::write(&path, bytes).unwrap();
    (directory, path)
}

fn descriptor_patched(at: usize, with: &[u8]) -> (TempDir, PathBuf) {
    let bytes = fs::read(library("good")).unwrap();
    let parsed = object::File::parse(&*bytes).unwrap();
    let section = parsed.section_by_name(DESCRIPTOR_SECTION).unwrap();
    let (start, _) = section.file_range().unwrap();
    patched("good", start as usize + at, with)
}

/// Sixteenths, the ends of headers and segments, and their neighbours.
fn cuts(bytes: &[u8]) -> Vec<u64> {
    let length = bytes.len() as u64;
    let header = FileHeader64::<Endianness>::parse(bytes).unwrap();
    let endian = header.endian().unwrap();
    let segments = header.program_headers(endian, bytes).unwrap();
    let mut cuts: Vec<u64> = (0..16).map(|part| length * part / 16).collect();
    cuts.extend([
        1,
        4,
        10,
        16,
        17,
        63,
        64,
        65,
        500,
        2000,
        4096,
        length - 1,
        length - 64,
    ]);
    let mut edges = vec![
        header.e_phoff(endian) + 56 * segments.len() as u64,
        header.e_shoff(endian),
    ];
    for segment in segments
        .iter()
        .filter(|segment| segment.p_type(endian) == PT_LOAD)
    {
        let (start, size) = segment.file_range(endian);
        edges.extend([start, start + size]);
    }
    cuts.extend(
        edges
            .into_iter()
            .flat_map(|edge| [edge.saturating_sub(1), edge, edge + 1]),
    );
    cuts.retain(|&cut| cut < length);
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// Keeps files that pass the first layer from being opened in this process.
struct NeverOpen;

impl Prober for NeverOpen {
    fn probe(&self, files: &[PathBuf]) -> Vec<ProbeReport> {
        let report = ProbeReport::NotProbed {
            why: "this test opens nothing".into(),
        };
        vec![report; files.len()]
    }
}
