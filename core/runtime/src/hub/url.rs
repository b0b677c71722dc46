//! Addresses: parts put together so that no name can change where a request goes, and redirects followed by the letter.

use ureq::http::Uri;

/// An absolute http or https address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    text: String,
    uri: Uri,
}

impl Url {
    pub fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
        (is_web && uri.host().is_some_and(|host| !host.is_empty())).then(|| Self {
            text: text.to_owned(),
            uri,
        })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The address without its query, which can hold a signature that opens a file.
    pub fn shown(&self) -> &str {
        self.text.split(['?', '#']).next().unwrap_or_default()
    }

    pub fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// Scheme, host and port: what a token given to one address may be given to.
    pub fn origin(&self) -> (bool, String, u16) {
        let port = match self.uri.port_u16() {
            Some(port) => port,
            None if self.is_https() => 443,
            None => 80,
        };
        let host = self.uri.host().unwrap_or_default().to_ascii_lowercase();
        (self.is_https(), host, port)
    }

    /// Where a redirect from here leads.
    pub fn join(&self, location: &str) -> Option<Self> {
        let scheme = self.uri.scheme_str()?;
        let authority = self.uri.authority()?;
        let path = self.uri.path();
        let text = if location.contains("://") {
            location.to_owned()
        } else if location.starts_with("//") {
            format!("{scheme}:{location}")
        } else if location.starts_with('/') {
            format!("{scheme}://{authority}{location}")
        } else {
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            format!("{scheme}://{authority}{parent}/{location}")
        };
        Self::parse(&text)
    }
}

/// One segment of a path: everything but unreserved characters is escaped, the slash too.
pub(super) fn segment(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'~' => {
                char::from(b).to_string()
            }
            _ => format!("%{b:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_followed_from_where_it_was_given() {
        let from =
            Url::parse("https://hub.example:8443/a/b/resolve/main/c?x=1").expect("an address");
        for (location, expected) in [
            ("/d/e", "https://hub.example:8443/d/e"),
            ("f", "https://hub.example:8443/a/b/resolve/main/f"),
            ("//cdn.example/g?h", "https://cdn.example/g?h"),
            ("http://cdn.example/i", "http://cdn.example/i"),
        ] {
            assert_eq!(
                from.join(location).as_ref().map(Url::as_str),
                Some(expected)
            );
        }
        for wrong in ["file:///etc/passwd", "https://", "gopher://x/y"] {
            assert_eq!(from.join(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let origin = |text| Url::parse(text).expect("an address").origin();
        assert_eq!(
            origin("https://Hub.example/a"),
            origin("https://hub.example:443/b")
        );
        assert_ne!(origin("https://hub.example"), origin("http://hub.example"));
        assert_ne!(
            origin("http://hub.example"),
            origin("http://hub.example:8080")
        );
        assert_ne!(
            origin("https://hub.example"),
            origin("https://hub.example.evil.example")
        );
        assert_eq!(
            origin("https://hub.example@evil.example/").1,
            "evil.example"
        );
    }

    #[test]
    fn a_segment_stays_one() {
        assert_eq!(segment("refs/pr/1"), "refs%2Fpr%2F1");
        assert_eq!(segment("a?b#c%"), "a%3Fb%23c%25");
    }
}
