//! What names a model of the hub: `owner/name`, or `owner/name@revision`.
//!
//! The same text could be a path. What exists on the disk is one, and so is what begins with `/`, `./` or `../`: that is
//! for the caller to look at first, because only the caller knows what paths are relative to. Names become folders of
//! the cache and parts of a URL, so nothing gets through here that could leave either.

use std::fmt;

/// The hub's own limit for either part of an id.
const LONGEST_NAME: usize = 96;
const LONGEST_REVISION: usize = 255;

/// A model's repository, and which version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelId {
    /// `owner/name`.
    pub repository: String,
    /// A branch, a tag or a commit; `main` if the id names none.
    pub revision: Option<String>,
}

impl ModelId {
    /// Reads `owner/name` or `owner/name@revision`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (repository, revision) = match text.split_once('@') {
            Some((repository, revision)) => (repository, Some(revision)),
            None => (text, None),
        };
        let (owner, name) = repository.split_once('/')?;
        let is_weight_file = [".gguf", ".safetensors"]
            .iter()
            .any(|ending| name.ends_with(ending));
        let is_id = is_name(owner) && is_name(name) && !is_weight_file;
        (is_id && revision.is_none_or(is_revision)).then(|| Self {
            repository: repository.to_owned(),
            revision: revision.map(str::to_owned),
        })
    }

    /// The revision to ask for.
    pub fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or("main")
    }

    /// The same repository at another revision.
    #[must_use]
    pub fn at(&self, revision: &str) -> Self {
        Self {
            repository: self.repository.clone(),
            revision: Some(revision.to_owned()),
        }
    }

    /// The revision, if it is a commit: the one kind of name that can never come to mean something else.
    pub fn commit(&self) -> Option<&str> {
        self.revision.as_deref().filter(|text| is_commit(text))
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository)?;
        match &self.revision {
            Some(revision) => write!(f, "@{revision}"),
            None => Ok(()),
        }
    }
}

/// Whether the text is a full commit hash.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    text.len() <= LONGEST_NAME
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(inner)
        && !text.contains("..")
        // The cache separates owner and name by two dashes.
        && !text.contains("--")
}

fn is_revision(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c))
    };
    text.len() <= LONGEST_REVISION && text.split('/').all(part) && !text.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_owner_and_name_with_an_optional_revision() {
        let id = ModelId::parse("Qwen/Qwen2.5-0.5B").expect("an id");
        assert_eq!((id.revision(), id.commit()), ("main", None));
        let id = ModelId::parse("a/b@refs/pr/1").expect("an id");
        assert_eq!(
            (id.repository.as_str(), id.revision()),
            ("a/b", "refs/pr/1")
        );
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let id = ModelId::parse(&format!("a/b@{commit}")).expect("an id");
        assert_eq!(id.commit(), Some(commit));
        assert_eq!(id.to_string(), format!("a/b@{commit}"));
    }

    #[test]
    fn nothing_else_is_an_id() {
        for text in [
            "",
            "model",
            "/a/b",
            "./a/b",
            "../a",
            "a/../b",
            "a/b/c",
            "a//b",
            "a/b@",
            "a/b@../x",
            "a/b@x/../y",
            "a/b@/x",
            "a/b@x y",
            "a b/c",
            "a/b.gguf",
            "a/b.safetensors",
            "a/b--c",
            "~/b",
            "a\\b",
            "C:/b",
            "a/b@x?y",
            "a/b@x%2f",
            "a/b@x@y",
            "ä/b",
            "a/b\n",
        ] {
            assert_eq!(ModelId::parse(text), None, "{text:?}");
        }
    }
}
