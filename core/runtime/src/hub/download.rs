//! One file, from the hub into the cache.
//!
//! Bytes are added to `<etag>.incomplete` as they come, so a download that breaks off goes on where it was, in this
//! process or a later one. What has all its bytes is held against its hash and only then gets its name. Large files are
//! named by their SHA-256; of small ones, whose name is git's hash, the length is checked.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};

use sha2::{Digest, Sha256};

use super::cache::Cache;
use super::http::{Http, Opened, RemoteFile};
use super::{HubError, ModelId, Result, Watch};

/// A connection that breaks is taken up again as long as each brings at least this much, so that a server that gives a
/// few bytes at a time does not keep us forever.
const PROGRESS: u64 = 1 << 16;
const BUFFER: usize = 1 << 17;

/// A file on its way. The id names the commit.
pub(super) struct Download<'a> {
    pub http: &'a Http,
    pub cache: &'a Cache,
    pub id: &'a ModelId,
    pub commit: &'a str,
    pub file: &'a str,
}

impl Download<'_> {
    /// Puts the file into the snapshot.
    pub fn run(&self, watch: &mut dyn Watch) -> Result<()> {
        let remote = self.http.describe(self.id, self.file)?;
        let _lock = self.cache.lock(&remote.etag, || {
            tracing::info!("waiting for another process that fetches {}", self.file);
        })?;
        // Another process may have brought it, or another revision has the same content.
        if !self.is_here(&remote) {
            self.fetch(&remote, watch)?;
            self.cache.publish(&remote.etag)?;
        }
        self.cache.link(self.commit, self.file, &remote.etag)
    }

    fn is_here(&self, remote: &RemoteFile) -> bool {
        let blob = self.cache.blob(&remote.etag).metadata();
        blob.is_ok_and(|blob| blob.is_file() && remote.size.is_none_or(|size| size == blob.len()))
    }

    fn fetch(&self, remote: &RemoteFile, watch: &mut dyn Watch) -> Result<()> {
        let path = self.cache.incomplete(&remote.etag);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(HubError::io("open", &path))?;
        let mut done = file.metadata().map_err(HubError::io("read", &path))?.len();
        if remote.size.is_none_or(|size| done > size) {
            // Longer than the whole: not a beginning of it. And of an unknown length nobody knows what is missing.
            done = 0;
        }
        let mut digest = Sha256::new();
        hash_beginning(&mut file, done, &mut digest).map_err(HubError::io("read", &path))?;
        self.refuse_without_room(remote, done)?;
        watch.begin(self.file, remote.size, done);
        while remote.size.is_none_or(|size| done < size) {
            let before = done;
            let Some(broke) = self.receive(remote, &mut file, &mut done, &mut digest, watch)?
            else {
                break;
            };
            if done < before + PROGRESS {
                return Err(HubError::BrokeOff {
                    model: self.id.to_string(),
                    file: self.file.to_owned(),
                    expected: remote.size.map_or("?".to_owned(), |size| size.to_string()),
                    found: done,
                    why: broke,
                });
            }
            tracing::debug!("{} broke off ({broke}); going on at byte {done}", self.file);
        }
        file.set_len(done).map_err(HubError::io("write", &path))?;
        self.refuse_damage(remote, &digest.finalize())
            .inspect_err(|_| {
                // Going on from damaged bytes would never end well.
                let _ = std::fs::remove_file(&path);
            })?;
        watch.end();
        Ok(())
    }

    /// One connection's worth. `None` when the file is whole, why not otherwise.
    fn receive(
        &self,
        remote: &RemoteFile,
        file: &mut File,
        done: &mut u64,
        digest: &mut Sha256,
        watch: &mut dyn Watch,
    ) -> Result<Option<String>> {
        let path = self.cache.incomplete(&remote.etag);
        let opened = self.http.open(self.id, self.file, *done)?;
        let Opened::Bytes {
            from,
            length,
            mut body,
        } = opened
        else {
            return Err(self.wrong_length(remote, "no byte where the file goes on"));
        };
        if from != *done {
            // A server without ranges begins again; anything else is no continuation of what is here.
            if from != 0 {
                let found = format!("bytes from {from} on where those from {done} were asked for");
                return Err(self.wrong_length(remote, &found));
            }
            *done = 0;
            *digest = Sha256::new();
        }
        if let (Some(size), Some(length)) = (remote.size, length)
            && *done + length != size
        {
            let _ = std::fs::remove_file(&path);
            return Err(self.wrong_length(remote, &format!("{} bytes announced", *done + length)));
        }
        file.seek(SeekFrom::Start(*done))
            .map_err(HubError::io("write", &path))?;
        let mut buffer = vec![0; BUFFER];
        loop {
            if let Some(signal) = watch.interrupted() {
                return Err(HubError::Interrupted {
                    model: self.id.to_string(),
                    signal,
                });
            }
            let count = match body.read(&mut buffer) {
                Ok(0) if remote.size.is_some_and(|size| *done < size) => {
                    return Ok(Some("the connection ended".to_owned()));
                }
                Ok(0) => return Ok(None),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Ok(Some(error.to_string())),
            };
            if remote.size.is_some_and(|size| *done + count as u64 > size) {
                let _ = std::fs::remove_file(&path);
                return Err(self.wrong_length(remote, "more bytes than that"));
            }
            file.write_all(&buffer[..count])
                .map_err(HubError::io("write", &path))?;
            digest.update(&buffer[..count]);
            *done += count as u64;
            watch.at(*done);
        }
    }

    fn refuse_without_room(&self, remote: &RemoteFile, done: u64) -> Result<()> {
        let needed = remote.size.unwrap_or(0).saturating_sub(done);
        match self.cache.free() {
            Some(free) if free < needed => Err(HubError::NoRoom {
                model: self.id.to_string(),
                file: self.file.to_owned(),
                cache: self.cache.root().to_owned(),
                needed,
                free,
            }),
            _ => Ok(()),
        }
    }

    fn refuse_damage(&self, remote: &RemoteFile, found: &[u8]) -> Result<()> {
        let is_sha256 = remote.etag.len() == 64 && hex::decode(&remote.etag).is_ok();
        let found = hex::encode(found);
        if !is_sha256 || remote.etag.eq_ignore_ascii_case(&found) {
            return Ok(());
        }
        Err(HubError::Damaged {
            model: self.id.to_string(),
            file: self.file.to_owned(),
            expected: format!("sha256 {}", remote.etag),
            found,
        })
    }

    fn wrong_length(&self, remote: &RemoteFile, found: &str) -> HubError {
        HubError::Damaged {
            model: self.id.to_string(),
            file: self.file.to_owned(),
            expected: remote
                .size
                .map_or("a file".to_owned(), |size| format!("{size} bytes")),
            found: found.to_owned(),
        }
    }
}

/// Hashes the first `length` bytes.
fn hash_beginning(file: &mut File, length: u64, digest: &mut Sha256) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    let mut beginning = Read::take(&mut *file, length);
    loop {
        match beginning.read(&mut buffer)? {
            0 => return Ok(()),
            count => digest.update(&buffer[..count]),
        }
    }
}
