//! A model hub inside the test: the addresses, headers and redirects of the real one, and its faults on request.
//!
//! Small files come from the hub itself behind a relative redirect, `.safetensors` from another host (another port here)
//! behind an absolute one, whose answer names the content's SHA-256. Every request is written down.

#![allow(dead_code)] // Not every test program needs every fault.

// Named, because another test program includes this file from another folder.
#[path = "fake_hub/answer.rs"]
mod answer;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use sha2::{Digest, Sha256};

use self::answer::Answer;

/// What is wrong with the answer to a request for a file, or for the description of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This status, with the headers `X-Error-Code` and `X-Error-Message`.
    Status(u16, &'static str, &'static str),
    /// A portal's page with status 200.
    Page,
    /// The connection ends after so many bytes of each body, though the length says more.
    CutAfter(usize),
    /// The size that the hub announces before the file is asked for.
    Announces(u64),
    /// Other bytes of the same length.
    Damages,
    /// The whole file, whatever range is asked for.
    IgnoresRanges,
    /// More bytes than announced, without a length.
    TooLong,
    /// This ETag.
    Names(&'static str),
    /// A redirect to this address.
    Sends(String),
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub host: String,
    headers: BTreeMap<String, String>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

#[derive(Default)]
struct State {
    /// By repository, commit and name.
    files: BTreeMap<(String, String, String), Vec<u8>>,
    /// By repository and revision.
    revisions: BTreeMap<(String, String), String>,
    /// By the end of the path; a fault strikes so many times, if a number is given.
    faults: Vec<(String, Fault, Option<usize>)>,
    requests: Vec<Request>,
    cdn: String,
}

/// A running hub and the host beside it that has the large files. Both end with the value.
pub struct FakeHub {
    address: SocketAddr,
    cdn: SocketAddr,
    state: Arc<Mutex<State>>,
    ended: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl FakeHub {
    pub fn start() -> Self {
        let hub = TcpListener::bind("127.0.0.1:0").unwrap();
        let cdn = TcpListener::bind("127.0.0.1:0").unwrap();
        let state = Arc::new(Mutex::new(State {
            cdn: format!("http://{}", cdn.local_addr().unwrap()),
            ..State::default()
        }));
        let ended = Arc::new(AtomicBool::new(false));
        let (address, cdn_address) = (hub.local_addr().unwrap(), cdn.local_addr().unwrap());
        let threads = [hub, cdn].map(|listener| {
            let (state, ended) = (Arc::clone(&state), Arc::clone(&ended));
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    if ended.load(Ordering::SeqCst) {
                        return;
                    }
                    let state = Arc::clone(&state);
                    // A client that goes away in the middle is part of the tests.
                    std::thread::spawn(move || stream.and_then(|stream| serve(&stream, &state)));
                }
            })
        });
        Self {
            address,
            cdn: cdn_address,
            state,
            ended,
            threads: threads.into(),
        }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Publishes files as a commit, which `main` means from now on. Returns the commit.
    pub fn push(&self, repository: &str, files: &[(&str, &[u8])]) -> String {
        let mut state = self.state();
        let mut digest = Sha256::new();
        for (name, content) in files {
            digest.update(name.as_bytes());
            digest.update(content);
        }
        let commit = hex::encode(digest.finalize())[..40].to_owned();
        for (name, content) in files {
            let key = (repository.to_owned(), commit.clone(), (*name).to_owned());
            state.files.insert(key, content.to_vec());
        }
        let key = (repository.to_owned(), "main".to_owned());
        state.revisions.insert(key, commit.clone());
        commit
    }

    pub fn tag(&self, repository: &str, revision: &str, commit: &str) {
        let key = (repository.to_owned(), revision.to_owned());
        self.state().revisions.insert(key, commit.to_owned());
    }

    /// Answers wrongly wherever the path ends so.
    pub fn fault(&self, end: &str, fault: Fault) {
        self.state().faults.push((end.to_owned(), fault, None));
    }

    /// The same for the next `times` requests.
    pub fn fault_times(&self, end: &str, fault: Fault, times: usize) {
        self.state()
            .faults
            .push((end.to_owned(), fault, Some(times)));
    }

    pub fn mend(&self) {
        self.state().faults.clear();
    }

    /// The requests since the last call.
    pub fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.state().requests)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Drop for FakeHub {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        for address in [self.address, self.cdn] {
            let _ = TcpStream::connect(address);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn serve(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Ok(());
    };
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let request = Request {
        method: method.to_owned(),
        path: path.replace("%2F", "/"),
        host: headers.get("host").cloned().unwrap_or_default(),
        headers,
    };
    let answer = {
        let mut state = state.lock().unwrap();
        state.requests.push(request.clone());
        state.answer(&request)
    };
    answer.send(stream, &request)
}

impl State {
    fn strikes(&mut self, path: &str) -> Option<Fault> {
        let (_, fault, times) = self
            .faults
            .iter_mut()
            .find(|(end, _, times)| path.ends_with(end.as_str()) && *times != Some(0))?;
        if let Some(times) = times {
            *times -= 1;
        }
        Some(fault.clone())
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let fault = self.strikes(&request.path);
        match &fault {
            Some(Fault::Status(status, code, message)) => {
                return Answer::new(*status)
                    .with("X-Error-Code", *code)
                    .with("X-Error-Message", *message)
                    .body("{\"error\":\"no\"}");
            }
            Some(Fault::Page) => {
                return Answer::new(200)
                    .with("Content-Type", "text/html; charset=utf-8")
                    .body("<html>Welcome to the hotel. Please log in.</html>");
            }
            Some(Fault::Sends(to)) => return Answer::new(302).with("Location", to),
            _ => {}
        }
        let parts: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        match parts.as_slice() {
            ["api", "models", owner, name, "revision", revision @ ..] => {
                self.description(&format!("{owner}/{name}"), &revision.join("/"))
            }
            ["api", "resolve-cache", "models", owner, name, commit, file] => {
                self.file(&format!("{owner}/{name}"), commit, file, request, fault)
            }
            ["cdn", owner, name, commit, file] => {
                self.file(&format!("{owner}/{name}"), commit, file, request, fault)
            }
            [owner, name, "resolve", commit, file] => {
                self.resolve(&format!("{owner}/{name}"), commit, file, fault)
            }
            _ => Answer::new(404),
        }
    }

    fn description(&self, repository: &str, revision: &str) -> Answer {
        let known = |(found, _): &&(String, String)| found == repository;
        if !self.revisions.keys().any(|key| known(&key)) {
            return Answer::new(401).with("X-Error-Code", "RepoNotFound");
        }
        let key = (repository.to_owned(), revision.to_owned());
        let is_commit = |commit: &&String| *commit == revision;
        let named = self.revisions.get(&key);
        let Some(commit) = named.or_else(|| self.revisions.values().find(is_commit)) else {
            return Answer::new(404).with("X-Error-Code", "RevisionNotFound");
        };
        let siblings: Vec<_> = self
            .files
            .keys()
            .filter(|(of, at, _)| of == repository && at == commit)
            .map(|(_, _, name)| serde_json::json!({ "rfilename": name }))
            .collect();
        let text = serde_json::json!({ "id": repository, "sha": commit, "siblings": siblings });
        Answer::new(200)
            .with("Content-Type", "application/json")
            .body(text.to_string())
    }

    fn resolve(&self, repository: &str, commit: &str, file: &str, fault: Option<Fault>) -> Answer {
        let key = (repository.to_owned(), commit.to_owned(), file.to_owned());
        let Some(content) = self.files.get(&key) else {
            return Answer::new(404).with("X-Error-Code", "EntryNotFound");
        };
        let mut size = content.len() as u64;
        let mut etag = hex::encode(Sha256::digest(content));
        let is_large = file.ends_with(".safetensors");
        if !is_large {
            // Git's names are shorter; the test's need not be git's.
            etag.truncate(40);
        }
        match fault {
            Some(Fault::Announces(other)) => size = other,
            Some(Fault::Names(other)) => etag = other.to_owned(),
            _ => {}
        }
        let answer = Answer::new(if is_large { 302 } else { 307 })
            .with("X-Repo-Commit", commit)
            .with("X-Linked-Size", size.to_string())
            .with("X-Linked-ETag", format!("\"{etag}\""))
            .with("ETag", "\"that-of-the-redirect\"")
            .body("Found. Redirecting to somewhere else, and these are not the file's bytes.");
        match is_large {
            true => {
                let cdn = &self.cdn;
                answer.with(
                    "Location",
                    format!("{cdn}/cdn/{repository}/{commit}/{file}"),
                )
            }
            false => answer.with(
                "Location",
                format!("/api/resolve-cache/models/{repository}/{commit}/{file}"),
            ),
        }
    }

    fn file(
        &self,
        repository: &str,
        commit: &str,
        file: &str,
        request: &Request,
        fault: Option<Fault>,
    ) -> Answer {
        let key = (repository.to_owned(), commit.to_owned(), file.to_owned());
        let Some(content) = self.files.get(&key) else {
            return Answer::new(404);
        };
        let mut content = content.clone();
        if fault == Some(Fault::Damages) {
            content.iter_mut().for_each(|byte| *byte ^= 0x55);
        }
        let range = request
            .header("range")
            .filter(|_| fault != Some(Fault::IgnoresRanges));
        let range = range.map(|range| {
            let start = range.trim_start_matches("bytes=").trim_end_matches('-');
            start.parse::<usize>().unwrap()
        });
        let total = content.len();
        let start = range.unwrap_or(0);
        if start >= total && start > 0 {
            return Answer::new(416);
        }
        let mut answer = match range {
            Some(_) => Answer::new(206).with(
                "Content-Range",
                format!("bytes {start}-{}/{total}", total - 1),
            ),
            None => Answer::new(200),
        };
        answer.body = content.split_off(start);
        match fault {
            Some(Fault::CutAfter(count)) => {
                answer.length = Some(answer.body.len());
                answer.body.truncate(count);
            }
            Some(Fault::TooLong) => {
                answer.length = Some(0);
                answer.body.extend_from_slice(b"and more");
            }
            _ => {}
        }
        answer.with("ETag", "\"that-of-the-other-host\"")
    }
}
