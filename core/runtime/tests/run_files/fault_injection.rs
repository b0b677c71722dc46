//! File operations that fail, stop the process, or forget what was not synced.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use farthing_runtime::run::durable::{FileOperations, OperatingSystem};

/// What happens at the chosen operation.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// It fails with this kind of error, and the process goes on.
    Error(io::ErrorKind),
    /// The process ends without unwinding, as by `kill -9`. A write gets half-way.
    Abort,
}

/// Counts operations and applies the fault at one of them.
pub struct FaultyFiles {
    fault: Fault,
    at: usize,
    next: AtomicUsize,
    operations: Mutex<Vec<String>>,
}

impl FaultyFiles {
    pub fn new(fault: Fault, at: usize) -> Self {
        Self {
            fault,
            at,
            next: AtomicUsize::new(0),
            operations: Mutex::default(),
        }
    }

    /// Whether the chosen operation was reached.
    pub fn fired(&self) -> bool {
        self.next.load(Ordering::SeqCst) > self.at
    }

    /// The names of the operations so far.
    pub fn operations(&self) -> Vec<String> {
        self.operations.lock().unwrap().clone()
    }

    fn point(&self, name: &str, half: impl FnOnce()) -> io::Result<()> {
        self.operations.lock().unwrap().push(name.to_string());
        if self.next.fetch_add(1, Ordering::SeqCst) != self.at {
            return Ok(());
        }
        match self.fault {
            Fault::Error(kind) => Err(kind.into()),
            Fault::Abort => {
                half();
                std::process::abort()
            }
        }
    }
}

impl FileOperations for FaultyFiles {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.point("create directory", || ())?;
        OperatingSystem.create_directory(path)
    }

    fn write_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.point("write", || {
            fs::write(path, &bytes[..bytes.len() / 2]).unwrap()
        })?;
        OperatingSystem.write_file(path, bytes)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.point("sync file", || ())?;
        OperatingSystem.sync_file(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.point("sync directory", || ())?;
        OperatingSystem.sync_directory(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.point("rename", || ())?;
        OperatingSystem.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        // A removal that is cut short has already taken something.
        self.point("remove", || {
            if let Some(first) = fs::read_dir(path).into_iter().flatten().flatten().next() {
                let _ = OperatingSystem.remove(&first.path());
            }
        })?;
        OperatingSystem.remove(path)
    }
}

/// Remembers what was synced, so that a power cut can take the rest.
///
/// The model is the least that POSIX promises: a file's bytes survive if the file was synced after its last
/// write, a name in a directory survives if the directory was synced after the name was made.
#[derive(Default)]
pub struct ForgetfulFiles {
    disk: Mutex<Disk>,
}

#[derive(Default)]
struct Disk {
    synced_files: BTreeSet<PathBuf>,
    synced_names: BTreeSet<PathBuf>,
    pending_renames: Vec<(PathBuf, PathBuf)>,
}

impl ForgetfulFiles {
    /// Everything that is on the disk now has been there for long.
    pub fn settle(&self, root: &Path) {
        let mut disk = self.disk.lock().unwrap();
        for path in everything_under(root) {
            disk.synced_files.insert(path.clone());
            disk.synced_names.insert(path);
        }
    }

    /// Cuts the power: unsynced renames are undone, unsynced names vanish, unsynced files are empty.
    pub fn cut_power(&self, root: &Path) {
        let mut disk = self.disk.lock().unwrap();
        for (from, to) in std::mem::take(&mut disk.pending_renames).into_iter().rev() {
            fs::rename(&to, &from).unwrap();
            disk.moved(&to, &from);
        }
        for path in everything_under(root) {
            if !path.exists() {
                continue;
            }
            if !disk.synced_names.contains(&path) {
                OperatingSystem.remove(&path).unwrap();
            } else if path.is_file() && !disk.synced_files.contains(&path) {
                fs::write(&path, b"").unwrap();
            }
        }
    }
}

impl Disk {
    fn moved(&mut self, from: &Path, to: &Path) {
        let rename = |paths: &BTreeSet<PathBuf>| {
            let renamed = paths.iter().map(|path| match path.strip_prefix(from) {
                Ok(rest) if rest.as_os_str().is_empty() => to.to_path_buf(),
                Ok(rest) => to.join(rest),
                Err(_) => path.clone(),
            });
            renamed.collect()
        };
        self.synced_files = rename(&self.synced_files);
        self.synced_names = rename(&self.synced_names);
    }
}

impl FileOperations for ForgetfulFiles {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        OperatingSystem.create_directory(path)
    }

    fn write_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.disk.lock().unwrap().synced_files.remove(path);
        OperatingSystem.write_file(path, bytes)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.disk
            .lock()
            .unwrap()
            .synced_files
            .insert(path.to_path_buf());
        Ok(())
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock().unwrap();
        disk.pending_renames
            .retain(|(_, to)| to.parent() != Some(path));
        for entry in fs::read_dir(path)? {
            let entry = entry?.path();
            disk.synced_names.insert(entry);
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        OperatingSystem.rename(from, to)?;
        let mut disk = self.disk.lock().unwrap();
        disk.moved(from, to);
        // A rename moves a name that was durable only if the old one was.
        disk.pending_renames
            .push((from.to_path_buf(), to.to_path_buf()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        OperatingSystem.remove(path)
    }
}

/// Parents before children.
fn everything_under(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path.clone());
            }
            found.push(path);
        }
    }
    found
}
