//! Whether a file is a whole dynamic library for this machine.
//!
//! The `object` crate reads the headers of every format and never looks beyond the bytes it is given. What it does not
//! say is whether the parts that the system's loader will map are there: that is compared here, part by part.

use object::{
    Architecture, Endianness, FileKind, Object, ObjectKind, ObjectSegment,
    elf::{self, FileHeader64},
    read::elf::{FileHeader, ProgramHeader},
};

use crate::host::load_error::LoadFault;

/// The object format of this machine's dynamic libraries.
pub(in crate::host) fn native_format() -> &'static str {
    match NATIVE {
        FileKind::Elf64 => "64-bit ELF",
        FileKind::Elf32 => "32-bit ELF",
        FileKind::MachO64 => "64-bit Mach-O",
        _ => "64-bit PE",
    }
}

/// Whether a file begins like this machine's libraries, whatever follows.
pub(in crate::host) fn looks_native(bytes: &[u8]) -> bool {
    let magic: &[u8] = match NATIVE {
        FileKind::Elf64 | FileKind::Elf32 => &elf::ELFMAG,
        FileKind::MachO64 => &[0xcf, 0xfa, 0xed, 0xfe],
        _ => b"MZ",
    };
    bytes.starts_with(magic)
}

/// Checks format, machine, type, and that everything the loader will map lies inside the file.
pub(in crate::host) fn check_image(bytes: &[u8]) -> Result<(), LoadFault> {
    if bytes.is_empty() {
        return Err(LoadFault::Empty);
    }
    if looks_native(bytes) && bytes.len() < SMALLEST_HEADER {
        return Err(truncated(
            "the file's header",
            SMALLEST_HEADER as u64,
            bytes,
        ));
    }
    let kind = FileKind::parse(bytes).map_err(|_| LoadFault::NotALibrary {
        found: nature(bytes),
    })?;
    match kind {
        FileKind::Elf64 if NATIVE == FileKind::Elf64 => check_elf(bytes)?,
        _ if kind == NATIVE => check_segments(bytes)?,
        _ => return Err(foreign(kind)),
    }
    let library = object::File::parse(bytes).map_err(damaged)?;
    if library.architecture() != machine() {
        return Err(LoadFault::WrongMachine {
            expected: format!("{:?}", machine()).to_lowercase(),
            found: format!("{:?}", library.architecture()).to_lowercase(),
        });
    }
    match library.kind() {
        ObjectKind::Dynamic => Ok(()),
        other => Err(LoadFault::NotALibrary {
            found: kind_name(other).into(),
        }),
    }
}

const NATIVE: FileKind = if cfg!(windows) {
    FileKind::Pe64
} else if cfg!(target_vendor = "apple") {
    FileKind::MachO64
} else if cfg!(target_pointer_width = "32") {
    FileKind::Elf32
} else {
    FileKind::Elf64
};

/// Below this, no format has room for its header.
const SMALLEST_HEADER: usize = 64;

fn machine() -> Architecture {
    match std::env::consts::ARCH {
        "x86_64" => Architecture::X86_64,
        "aarch64" => Architecture::Aarch64,
        "riscv64" => Architecture::Riscv64,
        "powerpc64" => Architecture::PowerPc64,
        "s390x" => Architecture::S390x,
        "loongarch64" => Architecture::LoongArch64,
        _ => Architecture::Unknown,
    }
}

/// ELF in the order in which the loader reads it: header, program headers, segments. Section headers come last in the
/// file, so they are what a cut removes first.
fn check_elf(bytes: &[u8]) -> Result<(), LoadFault> {
    let header = FileHeader64::<Endianness>::parse(bytes).map_err(damaged)?;
    let endian = header.endian().map_err(damaged)?;
    if endian != Endianness::default() {
        return Err(LoadFault::WrongMachine {
            expected: format!("{:?} endian", Endianness::default()).to_lowercase(),
            found: format!("{endian:?} endian").to_lowercase(),
        });
    }
    let segments = header.program_headers(endian, bytes).map_err(|_| {
        let size = u64::from(header.e_phnum(endian)) * u64::from(header.e_phentsize(endian));
        truncated(
            "its program headers",
            header.e_phoff(endian).saturating_add(size),
            bytes,
        )
    })?;
    for segment in segments {
        let in_file = matches!(
            segment.p_type(endian),
            elf::PT_LOAD | elf::PT_DYNAMIC | elf::PT_TLS
        );
        let (start, size) = segment.file_range(endian);
        let end = start.saturating_add(size);
        if in_file && end > bytes.len() as u64 {
            return Err(truncated(
                "a segment that is mapped into memory",
                end,
                bytes,
            ));
        }
    }
    let size = u64::from(header.e_shnum(endian)) * u64::from(header.e_shentsize(endian));
    let end = header.e_shoff(endian).saturating_add(size);
    if end > bytes.len() as u64 {
        return Err(truncated("its section headers", end, bytes));
    }
    Ok(())
}

/// The same for the formats whose segments `object` reads without a layer between.
fn check_segments(bytes: &[u8]) -> Result<(), LoadFault> {
    let library = object::File::parse(bytes).map_err(damaged)?;
    for segment in library.segments() {
        let (start, size) = segment.file_range();
        let end = start.saturating_add(size);
        if end > bytes.len() as u64 {
            return Err(truncated(
                "a segment that is mapped into memory",
                end,
                bytes,
            ));
        }
    }
    Ok(())
}

fn truncated(missing: &str, needed: u64, bytes: &[u8]) -> LoadFault {
    LoadFault::Truncated {
        missing: missing.into(),
        needed,
        found: bytes.len() as u64,
    }
}

fn damaged(error: object::Error) -> LoadFault {
    LoadFault::Damaged {
        why: error.to_string(),
    }
}

/// Well formed, and of no use here.
fn foreign(kind: FileKind) -> LoadFault {
    let found = match kind {
        FileKind::Elf32 => "a 32-bit ELF file",
        FileKind::Elf64 => "a 64-bit ELF file",
        FileKind::MachO32 => "a 32-bit Mach-O file",
        FileKind::MachO64 => "a 64-bit Mach-O file",
        FileKind::MachOFat32 | FileKind::MachOFat64 => "a Mach-O file for several machines",
        FileKind::Pe32 => "a 32-bit Windows library",
        FileKind::Pe64 => "a 64-bit Windows library",
        FileKind::Archive => {
            return LoadFault::NotALibrary {
                found: "a static library".into(),
            };
        }
        _ => {
            return LoadFault::NotALibrary {
                found: "an object file of another kind".into(),
            };
        }
    };
    LoadFault::WrongMachine {
        expected: format!("a {} file", native_format()),
        found: found.into(),
    }
}

fn kind_name(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Executable => "an executable",
        ObjectKind::Relocatable => "an object file that was not linked",
        ObjectKind::Core => "a memory image of a dead process",
        _ => "an object file of another kind",
    }
}

/// What a file that is no object file looks like to a person.
fn nature(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(64)];
    let text = String::from_utf8_lossy(head);
    if text.chars().all(|c| !c.is_control() || c.is_whitespace()) && !text.contains('\u{fffd}') {
        let line: String = text
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(40)
            .collect();
        return format!("text that begins with {line:?}");
    }
    format!(
        "{} bytes that begin with {}",
        bytes.len(),
        hex::encode(&head[..head.len().min(8)])
    )
}
