//! Starting the launcher.
//!
//! The host may hold gigabytes and a GPU's context, in many threads. `posix_spawn` shares the memory with the new
//! process until that is a program of its own, so no page table is copied; it blocks and resets signals in between;
//! and it is the C library's to know what is safe there. All that needs care is done by the launcher, afterwards.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::ptr;

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::pipe::PipeFlags;

use crate::SandboxError;
use crate::protocol::ORDER_DESCRIPTOR;

/// The launcher, as `build.rs` compiled it.
static LAUNCHER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/launcher"));

/// The descriptors that a launcher starts with are 0 to this, so none of ours may be.
const FIRST_OF_OURS: RawFd = 16;

/// Moves a descriptor out of the way of those that a launcher starts with: in a host without a standard input, a new
/// descriptor is 0.
fn out_of_the_way(descriptor: OwnedFd) -> rustix::io::Result<OwnedFd> {
    if descriptor.as_raw_fd() >= FIRST_OF_OURS {
        return Ok(descriptor);
    }
    rustix::io::fcntl_dupfd_cloexec(descriptor, FIRST_OF_OURS)
}

/// A pipe: the end to read from, and the end to write to.
pub(crate) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    Ok((out_of_the_way(read)?, out_of_the_way(write)?))
}

/// A file without a name that holds these bytes and stays as it is.
pub(crate) fn sealed_file(bytes: &[u8]) -> io::Result<OwnedFd> {
    sealed(bytes, MemfdFlags::empty())
}

/// The same, to be executed. Where `vm.memfd_noexec` is 1 that must be asked for; before Linux 6.3 it cannot be.
fn sealed_program(bytes: &[u8]) -> io::Result<OwnedFd> {
    match sealed(bytes, MemfdFlags::EXEC) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => sealed_file(bytes),
        sealed => sealed,
    }
}

fn sealed(bytes: &[u8], flags: MemfdFlags) -> io::Result<OwnedFd> {
    let flags = flags | MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = out_of_the_way(rustix::fs::memfd_create(c"farthing-sandbox", flags)?)?;
    let mut offset = 0;
    while offset < bytes.len() {
        offset += rustix::io::pwrite(&file, &bytes[offset..], offset as u64)?;
    }
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&file, seals)?;
    Ok(file)
}

/// The launcher in memory, ready to be started any number of times.
#[derive(Debug)]
pub(crate) struct Launcher {
    _file: OwnedFd,
    path: CString,
}

impl Launcher {
    pub fn new() -> Result<Self, SandboxError> {
        let file = sealed_program(LAUNCHER).map_err(|source| {
            let forbidden = source.raw_os_error() == Some(libc::EACCES);
            let remedy = if forbidden {
                " (where `sysctl vm.memfd_noexec` is 2 nothing in memory can be executed: set it to 1 or 0)"
            } else {
                ""
            };
            SandboxError::System {
                what: format!("put the launcher into memory{remedy}"),
                source,
            }
        })?;
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let path = CString::new(path).expect("a path of digits and letters holds no NUL");
        Ok(Self { _file: file, path })
    }

    /// Starts it with these descriptors, as 0, 1, 2 and so on. The process is the caller's to wait for.
    pub fn start(
        &self,
        descriptors: [&OwnedFd; ORDER_DESCRIPTOR as usize + 1],
    ) -> io::Result<libc::pid_t> {
        let mut actions = Actions::new()?;
        for (number, descriptor) in descriptors.into_iter().enumerate() {
            actions.duplicate(descriptor, number as RawFd)?;
        }
        let attributes = Attributes::new()?;
        let arguments = [c"launcher".as_ptr().cast_mut(), ptr::null_mut()];
        let environment = [ptr::null_mut()];
        let mut process = 0;
        // SAFETY: all pointers are to values that live here, the arrays end with NULL, and both sets are initialised.
        let error = unsafe {
            libc::posix_spawn(
                &mut process,
                self.path.as_ptr(),
                &actions.0,
                &attributes.0,
                arguments.as_ptr(),
                environment.as_ptr(),
            )
        };
        checked(error)?;
        Ok(process)
    }
}

/// What happens to descriptors in the new process.
struct Actions(libc::posix_spawn_file_actions_t);

impl Actions {
    fn new() -> io::Result<Self> {
        let mut actions = std::mem::MaybeUninit::uninit();
        // SAFETY: the call initialises what it is given, or fails.
        checked(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        // SAFETY: it did not fail.
        Ok(Self(unsafe { actions.assume_init() }))
    }

    fn duplicate(&mut self, from: &OwnedFd, to: RawFd) -> io::Result<()> {
        let from = from.as_fd().as_raw_fd();
        // SAFETY: `self.0` is initialised; the descriptors are numbers here.
        checked(unsafe { libc::posix_spawn_file_actions_adddup2(&mut self.0, from, to) })
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: `self.0` is initialised, and not used again.
        unsafe { libc::posix_spawn_file_actions_destroy(&mut self.0) };
    }
}

/// The new process's signals, none blocked and all as they are by default, and its session, its own.
struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    fn new() -> io::Result<Self> {
        let mut attributes = std::mem::MaybeUninit::uninit();
        // SAFETY: the call initialises what it is given, or fails.
        checked(unsafe { libc::posix_spawnattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: it did not fail.
        let mut attributes = Self(unsafe { attributes.assume_init() });
        let session = libc::c_int::from(libc::POSIX_SPAWN_SETSID);
        let flags = libc::POSIX_SPAWN_SETSIGDEF | libc::POSIX_SPAWN_SETSIGMASK | session;
        let mut signals = std::mem::MaybeUninit::uninit();
        // SAFETY: the set of signals is made, empty or full, before it is read; the attributes are initialised.
        unsafe {
            libc::sigemptyset(signals.as_mut_ptr());
            checked(libc::posix_spawnattr_setsigmask(
                &mut attributes.0,
                signals.as_ptr(),
            ))?;
            libc::sigfillset(signals.as_mut_ptr());
            checked(libc::posix_spawnattr_setsigdefault(
                &mut attributes.0,
                signals.as_ptr(),
            ))?;
            checked(libc::posix_spawnattr_setflags(
                &mut attributes.0,
                flags as libc::c_short,
            ))?;
        }
        Ok(attributes)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: `self.0` is initialised, and not used again.
        unsafe { libc::posix_spawnattr_destroy(&mut self.0) };
    }
}

/// The functions of this family return the error's number.
fn checked(error: libc::c_int) -> io::Result<()> {
    match error {
        0 => Ok(()),
        number => Err(io::Error::from_raw_os_error(number)),
    }
}
