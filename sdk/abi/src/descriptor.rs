//! A fixed-size record in a section of its own, which the host reads from the file
//! before any code of the library runs.
//!
//! Text is UTF-8 padded with zero bytes; numbers are little endian. The record may only
//! grow at its end, and `size` says how long this one is.

/// First bytes of the record.
pub const DESCRIPTOR_MAGIC: [u8; 16] = *b"farthing-plugin\0";

/// The section's name as `object` reports it.
pub const DESCRIPTOR_SECTION: &str = if cfg!(target_vendor = "apple") {
    "__farthing"
} else {
    ".farthing"
};

/// Who built this library, with what.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Descriptor {
    magic: [u8; 16],
    size: [u8; 4],
    sdk: [[u8; 4]; 3],
    name: [u8; 64],
    version: [u8; 32],
    rustc: [u8; 96],
    target: [u8; 64],
    panic: [u8; 16],
}

/// Why bytes are not a descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DescriptorFault {
    TooShort { expected: usize, found: usize },
    WrongMagic,
    NotText { field: &'static str },
}

impl Descriptor {
    /// Length of the record in bytes.
    pub const SIZE: usize = size_of::<Self>();

    /// Builds the record at compile time; a text that does not fit stops the build.
    pub const fn new(
        sdk: [u32; 3],
        name: &str,
        version: &str,
        rustc: &str,
        target: &str,
        panic: &str,
    ) -> Self {
        Self {
            magic: DESCRIPTOR_MAGIC,
            size: (Self::SIZE as u32).to_le_bytes(),
            sdk: [
                sdk[0].to_le_bytes(),
                sdk[1].to_le_bytes(),
                sdk[2].to_le_bytes(),
            ],
            name: padded(name),
            version: padded(version),
            rustc: padded(rustc),
            target: padded(target),
            panic: padded(panic),
        }
    }

    /// Reads a record from the bytes of its section.
    pub fn read(bytes: &[u8]) -> Result<Self, DescriptorFault> {
        if bytes.len() < Self::SIZE {
            return Err(DescriptorFault::TooShort {
                expected: Self::SIZE,
                found: bytes.len(),
            });
        }
        let mut rest = bytes;
        let descriptor = Self {
            magic: take(&mut rest),
            size: take(&mut rest),
            sdk: [take(&mut rest), take(&mut rest), take(&mut rest)],
            name: take(&mut rest),
            version: take(&mut rest),
            rustc: take(&mut rest),
            target: take(&mut rest),
            panic: take(&mut rest),
        };
        if descriptor.magic != DESCRIPTOR_MAGIC {
            return Err(DescriptorFault::WrongMagic);
        }
        for (field, text) in [
            ("name", &descriptor.name[..]),
            ("version", &descriptor.version[..]),
            ("rustc", &descriptor.rustc[..]),
            ("target", &descriptor.target[..]),
            ("panic", &descriptor.panic[..]),
        ] {
            if unpadded(text).is_none_or(str::is_empty) {
                return Err(DescriptorFault::NotText { field });
            }
        }
        Ok(descriptor)
    }

    /// Version of the sdk it was built with: major, minor, patch.
    pub fn sdk(&self) -> [u32; 3] {
        self.sdk.map(u32::from_le_bytes)
    }

    pub fn name(&self) -> &str {
        unpadded(&self.name).unwrap_or_default()
    }

    pub fn version(&self) -> &str {
        unpadded(&self.version).unwrap_or_default()
    }

    /// `rustc --version` of the build.
    pub fn rustc(&self) -> &str {
        unpadded(&self.rustc).unwrap_or_default()
    }

    /// Target triple.
    pub fn target(&self) -> &str {
        unpadded(&self.target).unwrap_or_default()
    }

    /// `unwind` or `abort`.
    pub fn panic(&self) -> &str {
        unpadded(&self.panic).unwrap_or_default()
    }
}

const fn padded<const N: usize>(text: &str) -> [u8; N] {
    let text = text.as_bytes();
    assert!(
        text.len() <= N,
        "a text of the plugin descriptor is too long"
    );
    let mut out = [0; N];
    let mut i = 0;
    while i < text.len() {
        out[i] = text[i];
        i += 1;
    }
    out
}

fn unpadded(bytes: &[u8]) -> Option<&str> {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    std::str::from_utf8(&bytes[..end]).ok()
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let mut out = [0; N];
    let (head, tail) = rest.split_at(N);
    out.copy_from_slice(head);
    *rest = tail;
    out
}
