//! Fenced blocks, as CommonMark has them: the last one that is closed is most often the program.

use std::ops::Range;

/// The closed blocks of a text.
pub struct Fences<'a> {
    text: &'a str,
    blocks: Vec<Block<'a>>,
    /// A block is opened and never closed: it reaches to the end.
    is_cut_off: bool,
}

/// A block that is closed.
pub struct Block<'a> {
    pub label: &'a str,
    /// The lines between the fences.
    pub content: Range<usize>,
    indent: usize,
}

impl<'a> Fences<'a> {
    pub fn of(text: &'a str) -> Self {
        let mut found = Self {
            text,
            blocks: Vec::new(),
            is_cut_off: false,
        };
        let mut at = 0;
        while let Some(line) = line_at(text, at) {
            at += line.len();
            let Some(fence) = Fence::opened_by(line) else {
                continue;
            };
            let Some(content) = fence.content(text, at) else {
                found.is_cut_off = true;
                break;
            };
            at = content.end + line_at(text, content.end).map_or(0, str::len);
            found.blocks.push(Block {
                label: fence.label,
                content,
                indent: fence.indent,
            });
        }
        found
    }

    /// Whether there is a line that opens a block.
    pub fn any(&self) -> bool {
        self.is_cut_off || !self.blocks.is_empty()
    }

    /// Whether what stands there is inside a closed block.
    pub fn hold(&self, at: usize) -> bool {
        let behind = self.blocks.partition_point(|block| block.content.end <= at);
        self.blocks
            .get(behind)
            .is_some_and(|block| block.content.contains(&at))
    }

    /// What the last block holds that is labelled as one of these or, failing that, not at all.
    pub fn program(&self, labels: &[String]) -> Option<String> {
        let last = |is_ours: &dyn Fn(&str) -> bool| {
            let mut blocks = self.blocks.iter();
            blocks.rfind(|block| is_ours(block.label))
        };
        let labelled = |label: &str| labels.iter().any(|ours| ours.eq_ignore_ascii_case(label));
        let block = last(&labelled).or_else(|| last(&str::is_empty))?;
        let lines = self.text[block.content.clone()].lines();
        // A block in a list is indented, and its lines with it.
        let unindented = lines.map(|line| {
            let spaces = line.len() - line.trim_start_matches(' ').len();
            format!("{}\n", &line[spaces.min(block.indent)..])
        });
        Some(unindented.collect())
    }
}

/// The line that begins there, with its end.
pub fn line_at(text: &str, at: usize) -> Option<&str> {
    text[at..].split_inclusive('\n').next()
}

/// A line of three or more backticks or tildes.
pub struct Fence<'a> {
    mark: char,
    length: usize,
    indent: usize,
    pub label: &'a str,
}

impl<'a> Fence<'a> {
    pub fn opened_by(line: &'a str) -> Option<Self> {
        let trimmed = line.trim_start_matches(' ');
        let mark = trimmed.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let rest = trimmed.trim_start_matches(mark);
        let length = trimmed.len() - rest.len();
        // ```` ```print(1)``` ```` in one line is inline code, and ```` ```</answer> ```` closes.
        if length < 3 || (mark == '`' && rest.contains('`')) || rest.starts_with("</") {
            return None;
        }
        Some(Self {
            mark,
            length,
            indent: line.len() - trimmed.len(),
            label: rest.split_whitespace().next().unwrap_or_default(),
        })
    }

    /// The lines from there to the one that closes the block, if one does.
    pub fn content(&self, text: &str, start: usize) -> Option<Range<usize>> {
        let mut end = start;
        while let Some(line) = line_at(text, end) {
            let trimmed = line.trim();
            if trimmed.len() >= self.length && trimmed.chars().all(|c| c == self.mark) {
                return Some(start..end);
            }
            end += line.len();
        }
        None
    }
}
