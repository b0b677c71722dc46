//! Layer 1: what can be known of a library from its bytes, before any of its code runs.
//!
//! The system's loader trusts the headers of a file: a library that was cut off while it was copied is mapped beyond
//! its end, and the first access there kills the process. So the headers are read here first (`image`). The plugin
//! then speaks for itself through its descriptor, a record in a section of its own, which decides by three rules
//! whether this host may open it: the sdk's version, the target, the panic strategy.

mod image;

use std::path::Path;

use farthing_abi::{DESCRIPTOR_SECTION, Descriptor, DescriptorFault};
use object::{Object, ObjectSection};
use sha2::{Digest, Sha256};

use super::{
    component::{PluginIdentity, SdkVersion},
    file_snapshot::FileSnapshot,
    load_error::LoadFault,
};

pub(super) use image::{check_image, looks_native, native_format};

/// A library that may be opened as far as its bytes tell.
#[derive(Clone, Debug)]
pub(super) struct Preflight {
    pub identity: PluginIdentity,
    pub snapshot: FileSnapshot,
}

/// Checks one file; if it is refused, says everything that is wrong with it.
pub(super) fn preflight(path: &Path) -> Result<Preflight, Vec<LoadFault>> {
    let (snapshot, bytes) = FileSnapshot::read(path).map_err(one)?;
    check_image(&bytes).map_err(one)?;
    let descriptor = read_descriptor(&bytes).map_err(one)?;
    let faults = check_descriptor(&descriptor);
    if !faults.is_empty() {
        return Err(faults);
    }
    let identity = identity(&descriptor, &snapshot, &bytes);
    Ok(Preflight { identity, snapshot })
}

/// The descriptor of a library whose image was checked.
pub(super) fn read_descriptor(bytes: &[u8]) -> Result<Descriptor, LoadFault> {
    let damaged = |error: object::Error| LoadFault::Damaged {
        why: error.to_string(),
    };
    let library = object::File::parse(bytes).map_err(damaged)?;
    let section = library
        .section_by_name(DESCRIPTOR_SECTION)
        .ok_or(LoadFault::NoDescriptor)?;
    Descriptor::read(section.data().map_err(damaged)?).map_err(|fault| LoadFault::BadDescriptor {
        why: match fault {
            DescriptorFault::TooShort { expected, found } => {
                format!("a section of {found} bytes, shorter than the record's {expected}")
            }
            DescriptorFault::WrongMagic => {
                "a section that does not begin with the record's mark".into()
            }
            DescriptorFault::NotText { field } => {
                format!("a record whose {field} is empty or not text")
            }
        },
    })
}

/// Every rule that the descriptor breaks.
pub(super) fn check_descriptor(descriptor: &Descriptor) -> Vec<LoadFault> {
    let mut faults = Vec::new();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !descriptor.name().chars().all(plain) {
        faults.push(LoadFault::BadName {
            name: descriptor.name().into(),
        });
    }
    let plugin = SdkVersion(descriptor.sdk());
    if !plugin.loads_in(SdkVersion::HOST) {
        faults.push(LoadFault::Sdk {
            host: SdkVersion::HOST,
            plugin,
        });
    }
    if descriptor.target() != farthing_sdk::private::TARGET {
        faults.push(LoadFault::OtherTarget {
            expected: farthing_sdk::private::TARGET.into(),
            found: descriptor.target().into(),
        });
    }
    if descriptor.panic() != "unwind" {
        faults.push(LoadFault::PanicStrategy {
            found: descriptor.panic().into(),
        });
    }
    faults
}

/// Who the library says it is, with the hash of the bytes that said so.
pub(super) fn identity(
    descriptor: &Descriptor,
    snapshot: &FileSnapshot,
    bytes: &[u8],
) -> PluginIdentity {
    PluginIdentity {
        name: descriptor.name().into(),
        version: descriptor.version().into(),
        sdk: SdkVersion(descriptor.sdk()),
        rustc: descriptor.rustc().into(),
        target: descriptor.target().into(),
        file: snapshot.path.clone(),
        sha256: hex::encode(Sha256::digest(bytes)),
    }
}

fn one(fault: LoadFault) -> Vec<LoadFault> {
    vec![fault]
}
