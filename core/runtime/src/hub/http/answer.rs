//! What a hub's answers mean.
//!
//! Any server can stand behind an address: a mirror, a proxy that wants a password, a page about the weather. What is no
//! answer of a hub is said to be none, with a line of what came instead.

use std::io::Read;

use ureq::Body;
use ureq::http::{HeaderMap, Response};

use crate::hub::url::Url;
use crate::hub::{HubError, HubSettings, ModelId, Result};

/// Lists of files and shard indices are some megabytes at most.
const LARGEST_JSON: u64 = 64 << 20;
/// As much of an error's page as a message can hold.
const LARGEST_WORD: usize = 200;

/// Turns a status that is no success into what it means.
pub(super) fn refuse_failure(
    settings: &HubSettings,
    id: &ModelId,
    file: Option<&str>,
    url: &Url,
    answer: &Response<Body>,
) -> Result<()> {
    let status = answer.status().as_u16();
    if (200..300).contains(&status) {
        return Ok(());
    }
    let host = settings.endpoint.clone();
    let code = header(answer.headers(), "x-error-code").unwrap_or_default();
    let message = header(answer.headers(), "x-error-message").unwrap_or_default();
    let word = |otherwise: &str| match message {
        "" => otherwise.to_owned(),
        message => shown(message),
    };
    let has_token = settings.token.is_some();
    Err(match (status, code) {
        (_, "RepoNotFound") => HubError::NoSuchModel {
            repository: id.repository.clone(),
            host,
            who: who(has_token),
        },
        (_, "RevisionNotFound") => HubError::NoSuchRevision {
            repository: id.repository.clone(),
            host,
            revision: id.revision().to_owned(),
        },
        (401 | 403, _) => HubError::Refused {
            model: id.to_string(),
            host,
            status,
            why: word("it gives no reason"),
            has_token,
            gated: code == "GatedRepo",
        },
        (404, _) if file.is_some() => HubError::NoSuchFile {
            model: id.to_string(),
            host,
            file: file.unwrap_or_default().to_owned(),
        },
        (404, _) => HubError::NoSuchModel {
            repository: id.repository.clone(),
            host,
            who: who(has_token),
        },
        _ => HubError::Server {
            model: id.to_string(),
            url: url.shown().to_owned(),
            status,
            why: word(match status {
                429 => "too many requests",
                500.. => "it has a trouble of its own",
                _ => "that is no answer to a request for a model",
            }),
        },
    })
}

/// Reads an answer as JSON.
pub(super) fn json<T: serde::de::DeserializeOwned>(url: &Url, answer: Response<Body>) -> Result<T> {
    let is_page = is_page(answer.headers());
    let mut text = Vec::new();
    let read = answer
        .into_body()
        .into_reader()
        .take(LARGEST_JSON + 1)
        .read_to_end(&mut text);
    let problem = match read {
        Err(error) => format!("the answer broke off: {error}"),
        Ok(_) if is_page => {
            format!(
                "expected JSON, found a web page: {}",
                shown(&String::from_utf8_lossy(&text))
            )
        }
        Ok(_) if text.len() as u64 > LARGEST_JSON => {
            format!("the answer is longer than {} MiB", LARGEST_JSON >> 20)
        }
        Ok(_) => match serde_json::from_slice(&text) {
            Ok(value) => return Ok(value),
            Err(error) => {
                let found = shown(&String::from_utf8_lossy(&text));
                format!("expected a model's description in JSON ({error}), found {found:?}")
            }
        },
    };
    Err(not_a_hub(url, problem))
}

pub(super) fn refuse_page(url: &Url, file: &str, headers: &HeaderMap) -> Result<()> {
    match is_page(headers) {
        true => Err(not_a_hub(url, format!("expected {file}, found a web page"))),
        false => Ok(()),
    }
}

fn is_page(headers: &HeaderMap) -> bool {
    header(headers, "content-type").is_some_and(|kind| kind.starts_with("text/html"))
}

/// The first byte that `Content-Range: bytes 5-9/10` announces.
pub(super) fn content_start(headers: &HeaderMap) -> Option<u64> {
    let range = header(headers, "content-range")?.strip_prefix("bytes ")?;
    range.split('-').next()?.trim().parse().ok()
}

pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// `W/"abc"` as `abc`.
pub(super) fn plain_etag(etag: &str) -> &str {
    etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"')
}

/// Whether an ETag can be a file's name; a server could send `../../x`.
pub(super) fn is_plain(etag: &str) -> bool {
    (1..=128).contains(&etag.len())
        && !etag.starts_with('.')
        && etag
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn who(has_token: bool) -> &'static str {
    match has_token {
        true => "this token",
        false => "somebody without a token",
    }
}

pub(super) fn not_a_hub(url: &Url, problem: String) -> HubError {
    not_a_hub_text(url.shown(), &problem)
}

pub(super) fn not_a_hub_text(url: &str, problem: &str) -> HubError {
    HubError::NotAHub {
        url: url.to_owned(),
        problem: problem.to_owned(),
    }
}

/// A foreign text in one short line.
pub(super) fn shown(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LARGEST_WORD)
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
