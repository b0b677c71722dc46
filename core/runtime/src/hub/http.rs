//! Requests to the hub.
//!
//! Redirects are followed here and not by the HTTP library, for two reasons. The token goes to the address it was given
//! for and to no other, and the hub's weights lie elsewhere (a redirect leads to a CDN whose address is its own
//! credential). And the headers that describe a file, its hash and its size, come with the redirect, not with the file.

mod answer;

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use ureq::http::Response;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

use self::answer::{
    content_start, header, is_plain, json, not_a_hub, not_a_hub_text, plain_etag, refuse_failure,
    refuse_page, shown,
};
use super::url::{Url, segment};
use super::{HubError, HubSettings, ModelId, Result};

const MOST_REDIRECTS: usize = 10;
/// How often a server that says it is overloaded is asked again.
const RETRIES: usize = 2;

/// What the hub says about a file before it is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RemoteFile {
    /// The name of the file's content: its SHA-256 for large files.
    pub etag: String,
    pub size: Option<u64>,
}

/// Whether redirects to other hosts are followed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Follow {
    /// To where the bytes are.
    Anywhere,
    /// As long as the hub itself answers.
    Hub,
}

/// A connection to one hub.
#[derive(Debug)]
pub(super) struct Http {
    agent: Agent,
    settings: HubSettings,
    endpoint: Url,
}

impl Http {
    pub fn new(settings: &HubSettings) -> Result<Self> {
        let endpoint = Url::parse(&settings.endpoint).ok_or_else(|| HubError::Setting {
            variable: "HF_ENDPOINT".to_owned(),
            problem: format!("is no address: {:?}", settings.endpoint),
        })?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(RootCerts::new_with_certs(&trusted(&endpoint)?))
            .build();
        let mut config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("farthing/", env!("CARGO_PKG_VERSION")))
            // A compressed answer's length would not be the file's.
            .accept_encoding("identity")
            .timeout_resolve(Some(settings.patience))
            .timeout_connect(Some(settings.patience))
            .timeout_recv_response(Some(settings.patience))
            .timeout_per_read(Some(settings.patience));
        if !settings.use_proxy {
            config = config.proxy(None);
        }
        Ok(Self {
            agent: config.build().into(),
            settings: settings.clone(),
            endpoint,
        })
    }

    /// The commit that the id means now, and the files in it.
    pub fn listing(&self, id: &ModelId) -> Result<(String, Vec<String>)> {
        #[derive(serde::Deserialize)]
        struct Info {
            sha: String,
            siblings: Vec<Sibling>,
        }
        #[derive(serde::Deserialize)]
        struct Sibling {
            rfilename: String,
        }
        let endpoint = &self.settings.endpoint;
        let revision = segment(id.revision());
        let url = format!(
            "{endpoint}/api/models/{}/revision/{revision}",
            id.repository
        );
        let (url, answer) = self.ask(id, "GET", &url, Follow::Hub, None)?;
        refuse_failure(&self.settings, id, None, &url, &answer)?;
        let info: Info = json(&url, answer)?;
        if !super::id::is_commit(&info.sha) {
            return Err(not_a_hub(&url, format!("{:?} is no commit", info.sha)));
        }
        let names = info.siblings.into_iter().map(|file| file.rfilename);
        Ok((info.sha, names.collect()))
    }

    /// What the file's headers say.
    pub fn describe(&self, id: &ModelId, file: &str) -> Result<RemoteFile> {
        let url = self.file_url(id, file);
        let mut headers = BTreeMap::new();
        let (url, answer) = self.ask(id, "HEAD", &url, Follow::Hub, Some(&mut headers))?;
        if !answer.status().is_redirection() {
            refuse_failure(&self.settings, id, Some(file), &url, &answer)?;
        }
        refuse_page(&url, file, answer.headers())?;
        let get = |name: &str| headers.get(name).map(String::as_str);
        let etag = get("x-linked-etag").or_else(|| get("etag")).map(plain_etag);
        let Some(etag) = etag.filter(|etag| is_plain(etag)) else {
            let problem = format!("{file} comes without an ETag that could name its content");
            return Err(not_a_hub(&url, problem));
        };
        let size = get("x-linked-size").or_else(|| get("content-length"));
        Ok(RemoteFile {
            etag: etag.to_owned(),
            size: size.and_then(|size| size.parse().ok()),
        })
    }

    /// The file from byte `start` on: where the answer begins, how much it announces, and the bytes.
    pub fn open(&self, id: &ModelId, file: &str, start: u64) -> Result<Opened> {
        let url = self.file_url(id, file);
        let mut agent_url = url;
        let mut tries = 0;
        loop {
            let range = (start > 0).then_some(start);
            let (url, answer) =
                self.request(id, "GET", &agent_url, Follow::Anywhere, range, None)?;
            let status = answer.status().as_u16();
            if self.is_worth_a_retry(status, &mut tries) {
                agent_url = self.file_url(id, file);
                continue;
            }
            if status == 416 {
                return Ok(Opened::OutOfRange);
            }
            refuse_failure(&self.settings, id, Some(file), &url, &answer)?;
            refuse_page(&url, file, answer.headers())?;
            let from = match status {
                206 => content_start(answer.headers()).ok_or_else(|| {
                    not_a_hub(&url, format!("{file} comes in part without Content-Range"))
                })?,
                _ => 0,
            };
            let length = header(answer.headers(), "content-length");
            return Ok(Opened::Bytes {
                from,
                length: length.and_then(|length| length.parse().ok()),
                body: Box::new(answer.into_body().into_reader()),
            });
        }
    }

    fn file_url(&self, id: &ModelId, file: &str) -> String {
        format!(
            "{}/{}/resolve/{}/{}",
            self.settings.endpoint,
            id.repository,
            segment(id.revision()),
            segment(file)
        )
    }

    fn ask(
        &self,
        id: &ModelId,
        method: &str,
        url: &str,
        follow: Follow,
        mut headers: Option<&mut BTreeMap<String, String>>,
    ) -> Result<(Url, Response<Body>)> {
        let mut tries = 0;
        loop {
            let answer = self.request(id, method, url, follow, None, headers.as_deref_mut())?;
            if !self.is_worth_a_retry(answer.1.status().as_u16(), &mut tries) {
                return Ok(answer);
            }
        }
    }

    fn is_worth_a_retry(&self, status: u16, tries: &mut usize) -> bool {
        let is_passing = matches!(status, 429 | 500 | 502 | 503 | 504);
        if !is_passing || *tries == RETRIES {
            return false;
        }
        *tries += 1;
        tracing::debug!(status, "the hub is busy; asking again");
        std::thread::sleep(self.settings.retry_pause * *tries as u32);
        true
    }

    /// One request with its redirects. `headers` collects those of the hub's own answers, later ones winning.
    fn request(
        &self,
        id: &ModelId,
        method: &str,
        url: &str,
        follow: Follow,
        start: Option<u64>,
        mut headers: Option<&mut BTreeMap<String, String>>,
    ) -> Result<(Url, Response<Body>)> {
        let mut url = Url::parse(url).ok_or_else(|| not_a_hub_text(url, "no address"))?;
        for _ in 0..MOST_REDIRECTS {
            let answer =
                self.request_once(method, &url, start)
                    .map_err(|error| HubError::Unreachable {
                        model: id.to_string(),
                        host: url.shown().to_owned(),
                        why: why(&error, self.settings.patience),
                    })?;
            tracing::debug!(
                method,
                url = url.shown(),
                status = answer.status().as_u16(),
                "asked"
            );
            if let Some(headers) = headers.as_deref_mut() {
                let known = ["x-linked-etag", "etag", "x-linked-size", "content-length"];
                let is_redirect = answer.status().is_redirection();
                for name in known {
                    // The length of a redirect is that of its own page.
                    if let Some(value) = header(answer.headers(), name)
                        && !(is_redirect && name == "content-length")
                    {
                        headers.insert(name.to_owned(), value.to_owned());
                    }
                }
            }
            let location = match answer.status().as_u16() {
                301 | 302 | 303 | 307 | 308 => header(answer.headers(), "location"),
                _ => None,
            };
            let Some(location) = location else {
                return Ok((url, answer));
            };
            let next = url.join(location).ok_or_else(|| {
                not_a_hub(&url, "it redirects to what is no web address".to_owned())
            })?;
            if url.is_https() && !next.is_https() {
                let to = next.shown();
                let problem =
                    format!("it redirects from https to {to}, which anybody can read and change");
                return Err(not_a_hub(&url, problem));
            }
            if follow == Follow::Hub && next.origin() != self.endpoint.origin() {
                return Ok((url, answer));
            }
            url = next;
        }
        Err(not_a_hub(
            &url,
            format!("more than {MOST_REDIRECTS} redirects"),
        ))
    }

    fn request_once(
        &self,
        method: &str,
        url: &Url,
        start: Option<u64>,
    ) -> Result<Response<Body>, ureq::Error> {
        let mut request = match method {
            "HEAD" => self.agent.head(url.as_str()),
            _ => self.agent.get(url.as_str()),
        };
        if let Some(token) = &self.settings.token
            && url.origin() == self.endpoint.origin()
        {
            request = request.header("Authorization", format!("Bearer {}", token.0));
        }
        if let Some(start) = start {
            request = request.header("Range", format!("bytes={start}-"));
        }
        request.call()
    }
}

/// The certificates that this system trusts; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
fn trusted(endpoint: &Url) -> Result<Vec<Certificate<'static>>> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!("a certificate of the system cannot be read: {error}");
    }
    if found.certs.is_empty() && endpoint.is_https() {
        return Err(HubError::Setting {
            variable: "SSL_CERT_FILE".to_owned(),
            problem: format!(
                "names no certificates and the system has none either, so nobody can tell whether {} is the one: \
                 expected those of the package ca-certificates",
                endpoint.shown()
            ),
        });
    }
    let certificates = found.certs.iter();
    Ok(certificates
        .map(|certificate| Certificate::from_der(certificate).to_owned())
        .collect())
}

/// What came of asking for a file's bytes.
pub(super) enum Opened {
    Bytes {
        from: u64,
        length: Option<u64>,
        body: Box<dyn Read>,
    },
    /// The file has no byte at the asked place.
    OutOfRange,
}

fn why(error: &ureq::Error, patience: Duration) -> String {
    match error {
        ureq::Error::HostNotFound => "there is no such host, or no network".to_owned(),
        ureq::Error::Timeout(_) => format!("no answer within {} s", patience.as_secs_f64()),
        ureq::Error::Rustls(error) => {
            format!("no safe connection ({error}); the system's certificates decide who is trusted")
        }
        error => shown(&error.to_string()),
    }
}
