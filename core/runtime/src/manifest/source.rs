//! The texts a manifest is read from and the places in them.
//!
//! A value of the manifest can come from the file or from an override on the command line. Every key and value
//! carries a [`Place`], so that a complaint made long after parsing (a component's own schema, a task that no
//! plugin gives) still points at the characters that the person wrote.

use std::ops::Range;

/// Where a key or a value was written: in the manifest's file or in an override, and which bytes
/// of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub(super) source: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Place {
    pub(super) fn new(source: usize, span: Range<usize>) -> Self {
        Self {
            source,
            start: span.start,
            end: span.end.max(span.start),
        }
    }

    /// True for a value that an override gave, not the file.
    pub fn is_override(&self) -> bool {
        self.source != MANIFEST_FILE
    }
}

/// The index of the manifest's own text; the overrides follow in the order of the command line.
pub(super) const MANIFEST_FILE: usize = 0;

/// The manifest's text first, then one text for each override.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    texts: Vec<SourceText>,
}

#[derive(Clone, Debug)]
pub(super) struct SourceText {
    pub name: String,
    pub text: String,
    /// Where each line starts, because a file with many mistakes is asked for many lines.
    line_starts: Vec<usize>,
}

impl SourceText {
    fn new(name: String, text: String) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0)
            .chain(breaks.map(|(at, _)| at + 1))
            .collect();
        Self {
            name,
            text,
            line_starts,
        }
    }
}

impl Sources {
    pub fn new(file_name: &str, text: &str) -> Self {
        Self {
            texts: vec![SourceText::new(file_name.to_owned(), text.to_owned())],
        }
    }

    /// Adds an override's text and returns the index that its places use.
    pub fn add_override(&mut self, text: &str) -> usize {
        self.texts
            .push(SourceText::new("--set".to_owned(), text.to_owned()));
        self.texts.len() - 1
    }

    pub fn get(&self, place: &Place) -> &SourceText {
        &self.texts[place.source]
    }

    /// The place moved inside its text and onto character borders, whatever a parser reported.
    pub fn clamp(&self, place: &Place) -> Place {
        let text = &self.get(place).text;
        let start = text.floor_char_boundary(place.start.min(text.len()));
        let end = text.ceil_char_boundary(place.end.clamp(start, text.len()));
        Place {
            source: place.source,
            start,
            end,
        }
    }

    /// Line and column of the place's start, both from 1, the column counted in characters.
    pub fn line_and_column(&self, place: &Place) -> (usize, usize) {
        let place = self.clamp(place);
        let source = self.get(&place);
        let line = source
            .line_starts
            .partition_point(|&start| start <= place.start);
        let before = &source.text[source.line_starts[line - 1]..place.start];
        (line, before.chars().count() + 1)
    }

    /// The whole line that holds the place's start, without its line break.
    pub fn line(&self, place: &Place) -> &str {
        let (line, _) = self.line_and_column(place);
        let source = self.get(place);
        let end = source
            .line_starts
            .get(line)
            .map_or(source.text.len(), |next| next - 1);
        source.text[source.line_starts[line - 1]..end].trim_end_matches('\r')
    }
}
