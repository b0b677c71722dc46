//! The private root: a small file system in memory with read-only windows to the machine's own programs, four devices,
//! and one writable directory.
//!
//! It is built over `/proc`, a directory that every machine has and that no program's tree lies in, and then becomes
//! the root; what was the root before is detached and has no name any more. There is no `/proc` inside: Python and
//! most programs run without, and what is not there cannot be read.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::image::Image;
use crate::protocol::{INSIDE, ORDER_DESCRIPTOR};
use crate::{Job, Layer, Limits, SandboxError};

/// Where programs and their libraries are on every Linux; what is not there is left out.
const SYSTEM: [&str; 9] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/etc/ld.so.cache",
    "/etc/alternatives",
];

/// The devices that programs count on.
pub(crate) const DEVICES: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];

/// What of the machine a private root shows.
#[derive(Clone, Debug)]
pub(crate) struct Windows {
    /// Directories and files, read-only, none inside another.
    pub trees: Vec<Tree>,
    /// Symbolic links, such as `/bin` to `usr/bin`.
    pub links: Vec<(PathBuf, PathBuf)>,
}

/// A window.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub path: PathBuf,
    pub directory: bool,
}

impl Windows {
    /// The system's own trees and those of a policy.
    pub fn new(read_only: &[PathBuf]) -> Result<Self, SandboxError> {
        let mut links = Vec::new();
        let mut paths = BTreeSet::new();
        for path in SYSTEM.map(Path::new) {
            match std::fs::symlink_metadata(path) {
                Ok(about) if about.is_symlink() => {
                    let target =
                        std::fs::read_link(path).map_err(|source| SandboxError::System {
                            what: format!("read the link {}", path.display()),
                            source,
                        })?;
                    links.push((path.to_owned(), target));
                }
                Ok(_) => {
                    paths.insert(path.to_owned());
                }
                Err(_) => {} // Not every system has every one of them.
            }
        }
        for path in read_only {
            let ours = ["/proc", "/dev", Job::DIRECTORY];
            let whole = path.parent().is_none();
            if whole || !is_plain(path) || ours.iter().any(|ours| path.starts_with(ours)) {
                return Err(SandboxError::Policy {
                    what: format!(
                        "read_only path {}: expected an absolute path without `.` and `..`, below / and not in {}",
                        path.display(),
                        ours.join(", ")
                    ),
                });
            }
            paths.insert(path.clone());
        }

        let mut trees: Vec<Tree> = Vec::new();
        for path in paths {
            // They come in order, so an enclosing tree comes first.
            let covered = |path: &Path| trees.iter().any(|tree| path.starts_with(&tree.path));
            let through_link = |path: &Path| links.iter().any(|(link, _)| path.starts_with(link));
            if covered(&path) || through_link(&path) {
                continue;
            }
            let about = std::fs::metadata(&path).map_err(|source| SandboxError::System {
                what: format!("look at the read-only path {}", path.display()),
                source,
            })?;
            trees.push(Tree {
                directory: about.is_dir(),
                path,
            });
        }
        Ok(Self { trees, links })
    }
}

fn is_plain(path: &Path) -> bool {
    path.is_absolute()
        && path
            .components()
            .all(|part| matches!(part, Component::RootDir | Component::Normal(_)))
}

/// Writes the steps that build the root and enter it.
pub(crate) fn write(
    image: &mut Image,
    windows: &Windows,
    limits: &Limits,
    files: &[(&str, &[u8])],
) -> Result<(), SandboxError> {
    image.stage(INSIDE).layer(Layer::PrivateRoot);
    let none = 0;
    let (slash, staging, here) = (image.text("/"), image.text("/proc"), image.text("."));
    let tmpfs = image.text("tmpfs");

    // Nothing that is mounted from here on reaches the machine.
    let private = libc::MS_REC | libc::MS_PRIVATE;
    image.step(
        "make all mounts private",
        libc::SYS_mount,
        &[none, slash, none, private, none],
    );
    let plain = libc::MS_NOSUID | libc::MS_NODEV;
    let options = image.text("mode=755,size=64k,nr_inodes=1k");
    image.step(
        "mount the root's tmpfs",
        libc::SYS_mount,
        &[tmpfs, staging, tmpfs, plain, options],
    );
    image.step("enter the root", libc::SYS_chdir, &[staging]);

    let mut skeleton = Skeleton {
        made: BTreeSet::new(),
    };
    for tree in &windows.trees {
        skeleton.mount_point(image, &tree.path, tree.directory);
    }
    for (link, target) in &windows.links {
        skeleton.parents(image, link);
        let (target, name) = (
            image.text(target.as_os_str().as_bytes()),
            image.text(relative(link)),
        );
        image.step(
            what("make the link", link),
            libc::SYS_symlinkat,
            &[target, at_cwd(), name],
        );
    }
    for device in DEVICES.map(Path::new) {
        skeleton.mount_point(image, device, false);
    }
    skeleton.mount_point(image, Path::new(Job::DIRECTORY), true);
    if !skeleton.made.contains(Path::new("/tmp")) {
        let (target, name) = (
            image.text(relative(Path::new(Job::DIRECTORY))),
            image.text("tmp"),
        );
        image.step(
            "make the link /tmp",
            libc::SYS_symlinkat,
            &[target, at_cwd(), name],
        );
    }

    for tree in &windows.trees {
        bind(image, &tree.path);
    }
    // All of it at once, with whatever the machine has mounted below; devices come after, or they could not be opened.
    let sealed = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID;
    let recursive = libc::AT_RECURSIVE as u64;
    set_mount(
        image,
        "make the root read-only",
        here,
        recursive,
        sealed | libc::MOUNT_ATTR_NODEV,
    );
    for device in DEVICES.map(Path::new) {
        bind(image, device);
        // A device can be written to all the same; its times and its mode, which are the machine's, cannot be changed.
        let name = image.text(relative(device));
        let attributes = sealed | libc::MOUNT_ATTR_NOEXEC;
        set_mount(image, what("seal", device), name, 0, attributes);
    }

    let (work, inodes) = (
        image.text(relative(Path::new(Job::DIRECTORY))),
        u64::from(limits.inodes) + 1,
    );
    let options = image.text(format!(
        "mode=755,size={},nr_inodes={inodes}",
        limits.disk.max(1)
    ));
    image.step(
        "mount the working directory",
        libc::SYS_mount,
        &[tmpfs, work, tmpfs, plain, options],
    );

    image.step("pivot_root", libc::SYS_pivot_root, &[here, here]);
    image.step(
        "detach the machine's root",
        libc::SYS_umount2,
        &[here, libc::MNT_DETACH as u64],
    );
    let work = image.text(Job::DIRECTORY);
    image.step("enter the working directory", libc::SYS_chdir, &[work]);
    write_files(image, files)
}

/// The directories of the root that are made so far.
struct Skeleton {
    made: BTreeSet<PathBuf>,
}

impl Skeleton {
    fn mount_point(&mut self, image: &mut Image, path: &Path, directory: bool) {
        self.parents(image, path);
        if directory {
            self.directory(image, path);
        } else {
            let (name, flags) = (image.text(relative(path)), libc::O_CREAT | libc::O_CLOEXEC);
            let descriptor = ORDER_DESCRIPTOR as u64;
            image.expect(
                descriptor as i64,
                what("make the file", path),
                libc::SYS_openat,
                &[at_cwd(), name, flags as u64, 0o444],
            );
            image.step("close it", libc::SYS_close, &[descriptor]);
        }
    }

    fn parents(&mut self, image: &mut Image, path: &Path) {
        let mut parents: Vec<&Path> = path.ancestors().skip(1).collect();
        parents.pop(); // The root itself.
        for parent in parents.into_iter().rev() {
            self.directory(image, parent);
        }
    }

    fn directory(&mut self, image: &mut Image, path: &Path) {
        if self.made.insert(path.to_owned()) {
            let name = image.text(relative(path));
            image.step(
                what("make the directory", path),
                libc::SYS_mkdirat,
                &[at_cwd(), name, 0o755],
            );
        }
    }
}

/// Shows a path of the machine under the same name.
fn bind(image: &mut Image, path: &Path) {
    let (from, to) = (
        image.text(path.as_os_str().as_bytes()),
        image.text(relative(path)),
    );
    let flags = libc::MS_BIND | libc::MS_REC;
    image.step(
        what("show", path),
        libc::SYS_mount,
        &[from, to, 0, flags, 0],
    );
}

/// Sets attributes of a mount.
fn set_mount(
    image: &mut Image,
    what: impl Into<Cow<'static, str>>,
    path: u64,
    flags: u64,
    attributes: u64,
) {
    let attributes = image.words(&[attributes, 0, 0, 0]);
    let size = size_of::<libc::mount_attr>() as u64;
    let arguments = [at_cwd(), path, flags, attributes, size];
    image.step(what, libc::SYS_mount_setattr, &arguments);
}

/// Lays the job's files in the working directory, which is where the process is.
fn write_files(image: &mut Image, files: &[(&str, &[u8])]) -> Result<(), SandboxError> {
    image.layer(None);
    let mut made = BTreeSet::new();
    for (name, content) in files {
        let path = Path::new(name);
        let plain = path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if name.is_empty() || name.contains('\0') || name.ends_with('/') || !plain {
            return Err(SandboxError::Job {
                what: format!("file {name:?}: expected a relative name without `.`, `..` and NUL"),
            });
        }
        let mut parents: Vec<&Path> = path.ancestors().skip(1).collect();
        parents.pop();
        for parent in parents.into_iter().rev() {
            if made.insert(parent) {
                let name = image.text(parent.as_os_str().as_bytes());
                image.step(
                    what("make the job's directory", parent),
                    libc::SYS_mkdirat,
                    &[at_cwd(), name, 0o755],
                );
            }
        }
        let flags = libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY | libc::O_CLOEXEC;
        let (name, descriptor) = (image.text(name.as_bytes()), ORDER_DESCRIPTOR as u64);
        let (address, length) = (image.bytes(content), content.len() as u64);
        image.expect(
            descriptor as i64,
            what("make the job's file", path),
            libc::SYS_openat,
            &[at_cwd(), name, flags as u64, 0o644],
        );
        image.expect(
            length as i64,
            what("write the job's file", path),
            libc::SYS_write,
            &[descriptor, address, length],
        );
        image.step("close it", libc::SYS_close, &[descriptor]);
    }
    Ok(())
}

fn at_cwd() -> u64 {
    libc::AT_FDCWD as u64
}

fn relative(path: &Path) -> &[u8] {
    let name: &OsStr = path.strip_prefix("/").unwrap_or(path).as_os_str();
    name.as_bytes()
}

fn what(verb: &str, path: &Path) -> String {
    format!("{verb} {}", path.display())
}
