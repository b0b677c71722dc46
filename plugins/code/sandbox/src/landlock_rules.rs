//! Landlock: once more, and by another mechanism of the kernel, which files may be touched.
//!
//! The private root shows no other files. Should a hole in it be found, these rules still hold: they belong to the
//! process, not to what is mounted. They also forbid TCP, and signals and abstract sockets to anybody outside.
//!
//! The rules name directories inside the private root, so they cannot be made in the host: the crate `landlock` gives
//! the bits of each version, and the calls are steps of the order.

use landlock::{ABI, Access, AccessFs, AccessNet, BitFlags, Scope};

use crate::image::Image;
use crate::protocol::{ORDER_DESCRIPTOR, PROGRAM};
use crate::root::{DEVICES, Windows};
use crate::{Job, Layer};

/// The newest version that is known here. A newer kernel enforces this one in full.
const NEWEST: i32 = 7;

const LANDLOCK_CREATE_RULESET_VERSION: u64 = 1;
const LANDLOCK_RULE_PATH_BENEATH: u64 = 1;

/// The version that this kernel enforces and we use; none, and what the kernel said.
pub(crate) fn version() -> std::io::Result<i32> {
    // SAFETY: with this flag the call takes no pointer and returns a number.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            0usize,
            0usize,
            LANDLOCK_CREATE_RULESET_VERSION,
        )
    };
    if version < 1 {
        return Err(std::io::Error::last_os_error());
    }
    Ok((version as i32).min(NEWEST))
}

/// Writes the steps: a set of rules, and no way back.
pub(crate) fn write(image: &mut Image, version: i32, windows: &Windows) {
    image.stage(PROGRAM).layer(Layer::Landlock);
    let abi = ABI::from(version);
    let handled = AccessFs::from_all(abi);
    let attributes = image.words(&[
        handled.bits(),
        AccessNet::from_all(abi).bits(),
        Scope::from_all(abi).bits(),
    ]);
    // Older kernels know a shorter structure, and refuse a longer one only where the rest is not zero.
    let (ruleset, beneath) = (ORDER_DESCRIPTOR as u64, ORDER_DESCRIPTOR as u64 + 1);
    image.expect(
        ruleset as i64,
        "create the ruleset",
        libc::SYS_landlock_create_ruleset,
        &[attributes, 24, 0],
    );

    let read = AccessFs::Execute | AccessFs::ReadFile | AccessFs::ReadDir;
    let mut allow = |path: &[u8], access: BitFlags<AccessFs>| {
        let flags = (libc::O_PATH | libc::O_CLOEXEC) as u64;
        let name = image.text(path);
        image.expect(
            beneath as i64,
            format!("open {} for a rule", String::from_utf8_lossy(path)),
            libc::SYS_openat,
            &[libc::AT_FDCWD as u64, name, flags],
        );
        let rule = image.words(&[access.bits(), beneath]);
        let arguments = [ruleset, LANDLOCK_RULE_PATH_BENEATH, rule, 0];
        image.step("add a rule", libc::SYS_landlock_add_rule, &arguments);
        image.step("close it", libc::SYS_close, &[beneath]);
    };
    for tree in &windows.trees {
        let access = if tree.directory {
            read
        } else {
            read & AccessFs::from_file(abi)
        };
        allow(tree.path.as_os_str().as_encoded_bytes(), access);
    }
    for device in DEVICES {
        allow(device.as_bytes(), AccessFs::ReadFile | AccessFs::WriteFile);
    }
    let forbidden = AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev;
    allow(Job::DIRECTORY.as_bytes(), handled & !forbidden);

    image.step(
        "enforce the rules",
        libc::SYS_landlock_restrict_self,
        &[ruleset, 0],
    );
    image.step("close the ruleset", libc::SYS_close, &[ruleset]);
}
