//! The first stage: from the machine into namespaces where nothing of it has a name.

use std::path::Path;

use crate::Layer;
use crate::image::Image;
use crate::protocol::{ORDER_DESCRIPTOR, OUTSIDE};

/// The identity that programs have, inside; outside too where the host is root. No file belongs to it.
pub(crate) const NOBODY: u32 = 65534;

/// The name of the machine, inside.
const HOST: &str = "sandbox";

/// The namespaces beside those of users, in the order in which they are entered.
const NAMESPACES: [(Layer, i32); 6] = [
    (Layer::MountNamespace, libc::CLONE_NEWNS),
    (Layer::NetworkNamespace, libc::CLONE_NEWNET),
    (Layer::IpcNamespace, libc::CLONE_NEWIPC),
    (Layer::UtsNamespace, libc::CLONE_NEWUTS),
    (Layer::CgroupNamespace, libc::CLONE_NEWCGROUP),
    (Layer::PidNamespace, libc::CLONE_NEWPID),
];

/// Who the host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub user: u32,
    pub group: u32,
    /// Whether the host may become [`NOBODY`] before it enters a user namespace. It must where it can: resource limits
    /// on processes do not bind root, nor anybody in a namespace that root made.
    pub drops: bool,
}

impl Identity {
    /// The identity of this process.
    pub fn of_this_process() -> std::io::Result<Self> {
        // SAFETY: neither call can fail or touches memory.
        let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
        // Root of a namespace with one user cannot become anybody else.
        let everybody = |map: &str| {
            map.lines().any(|line| {
                let mut fields = line.split_whitespace().map(|field| field.parse::<u64>());
                match (fields.next(), fields.nth(1)) {
                    (Some(Ok(first)), Some(Ok(count))) => {
                        (first..first + count).contains(&u64::from(NOBODY))
                    }
                    _ => false,
                }
            })
        };
        let drops = user == 0
            && everybody(&std::fs::read_to_string("/proc/self/uid_map")?)
            && everybody(&std::fs::read_to_string("/proc/self/gid_map")?);
        Ok(Self { user, group, drops })
    }
}

/// Writes the stage. `cgroups` are the files through which the process moves itself.
pub(crate) fn write(
    image: &mut Image,
    identity: Identity,
    cgroups: &[&Path],
    uses: &dyn Fn(Layer) -> bool,
) {
    image.stage(OUTSIDE).layer(None);
    let name = image.text("sandbox");
    image.step(
        "take a name for lists of processes",
        libc::SYS_prctl,
        &[libc::PR_SET_NAME as u64, name],
    );
    image.layer(Layer::Cgroup);
    for path in cgroups {
        write_file(image, path, b"0");
    }

    // Where the machine runs out of memory, a program that nobody trusts goes before the run that asked for it.
    image.layer(Layer::Limits);
    write_file(image, Path::new("/proc/self/oom_score_adj"), b"1000");

    let mut outer = (identity.user, identity.group);
    if identity.drops {
        image.layer(Layer::DroppedIds);
        let nobody = u64::from(NOBODY);
        image.step("drop all groups", libc::SYS_setgroups, &[0, 0]);
        image.step(
            "drop the group id",
            libc::SYS_setresgid,
            &[nobody, nobody, nobody],
        );
        image.step(
            "drop the user id",
            libc::SYS_setresuid,
            &[nobody, nobody, nobody],
        );
        // A change of identity gives /proc/self to root, and the maps below are written there.
        let dumpable = [libc::PR_SET_DUMPABLE as u64, 1];
        image.step("own /proc/self again", libc::SYS_prctl, &dumpable);
        outer = (NOBODY, NOBODY);
    }

    image.layer(Layer::UserNamespace);
    image.step(
        "unshare(CLONE_NEWUSER)",
        libc::SYS_unshare,
        &[libc::CLONE_NEWUSER as u64],
    );
    let (user, group) = outer;
    write_file(image, Path::new("/proc/self/setgroups"), b"deny");
    write_file(
        image,
        Path::new("/proc/self/uid_map"),
        format!("{NOBODY} {user} 1").as_bytes(),
    );
    write_file(
        image,
        Path::new("/proc/self/gid_map"),
        format!("{NOBODY} {group} 1").as_bytes(),
    );

    for (layer, flag) in NAMESPACES {
        if uses(layer) {
            image.layer(layer);
            image.step("unshare", libc::SYS_unshare, &[flag as u64]);
        }
    }
    if uses(Layer::UtsNamespace) {
        // A new namespace begins with the machine's names.
        image.layer(Layer::UtsNamespace);
        for (what, call) in [
            ("hide the host's name", libc::SYS_sethostname),
            ("hide the domain's name", libc::SYS_setdomainname),
        ] {
            let name = image.text(HOST);
            image.step(what, call, &[name, HOST.len() as u64]);
        }
    }
}

/// Three steps: open, write, close. The launcher holds no descriptor above the order's, which it has closed, so the
/// new one has that number.
fn write_file(image: &mut Image, path: &Path, content: &[u8]) {
    let descriptor = ORDER_DESCRIPTOR as u64;
    let name = image.text(path.as_os_str().as_encoded_bytes());
    let address = image.bytes(content);
    let length = content.len();
    let what = |verb: &str| format!("{verb} {}", path.display());
    let here = libc::AT_FDCWD as u64;
    let flags = (libc::O_WRONLY | libc::O_CLOEXEC) as u64;
    image.expect(
        descriptor as i64,
        what("open"),
        libc::SYS_openat,
        &[here, name, flags],
    );
    image.expect(
        length as i64,
        what("write to"),
        libc::SYS_write,
        &[descriptor, address, length as u64],
    );
    image.step(what("close"), libc::SYS_close, &[descriptor]);
}
