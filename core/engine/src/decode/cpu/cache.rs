//! Keys and values of the tokens so far, in pages.
//!
//! An attempt's length is not known beforehand, so its cache grows by pages of 64 positions that come from a pool and
//! go back to it: nothing is copied, and memory follows what is in use. A prompt's pages are shared by its group.
//!
//! Keys lie in panels of sixteen positions, interleaved along the head dimension, so that the scores of sixteen
//! positions are made at once by the same multiply-adds as a matrix product. Values lie position by position.

use std::sync::Arc;

/// Positions of a page.
pub(crate) const PAGE: usize = 64;

/// Sixteen numbers on a cache line. One vector of AVX-512, two of AVX2.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Line(pub [f32; 16]);

impl Line {
    pub const ZERO: Self = Self([0.0; 16]);
}

#[derive(Clone, Copy, Debug)]
pub(super) struct CacheShape {
    pub layers: usize,
    pub key_value_heads: usize,
    pub head_dim: usize,
}

/// Keys and values of all layers for up to [`PAGE`] positions.
type Page = Vec<Line>;

/// One head of one layer in one page.
pub(super) struct HeadPage<'a> {
    /// `(PAGE / 16, head_dim)` lines of sixteen positions.
    pub keys: &'a [Line],
    /// `(PAGE, value_lines)`.
    pub values: &'a [Line],
    /// Positions in use.
    pub count: usize,
}

/// A prompt's keys and values, shared by the attempts at it.
pub(in crate::decode) struct PromptCache {
    pages: Vec<Page>,
    length: usize,
}

/// One attempt's keys and values (or a prompt's while it is computed).
#[derive(Default)]
pub(in crate::decode) struct Sequence {
    prompt: Option<Arc<PromptCache>>,
    pages: Vec<Page>,
    /// Positions in `pages`.
    length: usize,
}

/// Pages that are not in use.
pub(super) struct Pool {
    shape: CacheShape,
    free: Vec<Page>,
}

impl CacheShape {
    /// Lines of one position's values, filled up.
    pub fn value_lines(&self) -> usize {
        self.head_dim.div_ceil(16)
    }

    fn key_lines(&self) -> usize {
        PAGE / 16 * self.head_dim
    }

    fn head_lines(&self) -> usize {
        self.key_lines() + PAGE * self.value_lines()
    }

    fn head_start(&self, layer: usize, head: usize) -> usize {
        (layer * self.key_value_heads + head) * self.head_lines()
    }

    fn page_lines(&self) -> usize {
        self.layers * self.key_value_heads * self.head_lines()
    }
}

impl Pool {
    pub fn new(shape: CacheShape) -> Self {
        Self {
            shape,
            free: Vec::new(),
        }
    }

    /// Makes room for `more` positions.
    pub fn reserve(&mut self, sequence: &mut Sequence, more: usize) {
        while sequence.pages.len() * PAGE < sequence.length + more {
            let page = self
                .free
                .pop()
                .unwrap_or_else(|| vec![Line::ZERO; self.shape.page_lines()]);
            sequence.pages.push(page);
        }
    }

    /// Takes back an attempt's pages, and its prompt's with the last attempt.
    pub fn release(&mut self, sequence: Sequence) {
        self.free.extend(sequence.pages);
        if let Some(prompt) = sequence.prompt {
            self.release_prompt(prompt);
        }
    }

    pub fn release_prompt(&mut self, prompt: Arc<PromptCache>) {
        if let Some(prompt) = Arc::into_inner(prompt) {
            self.free.extend(prompt.pages);
        }
    }
}

impl Sequence {
    pub fn after(prompt: Arc<PromptCache>) -> Self {
        Self {
            prompt: Some(prompt),
            ..Self::default()
        }
    }

    pub fn into_prompt(self) -> PromptCache {
        PromptCache {
            pages: self.pages,
            length: self.length,
        }
    }

    /// Positions of prompt and attempt.
    pub fn length(&self) -> usize {
        self.prompt.as_ref().map_or(0, |prompt| prompt.length) + self.length
    }

    /// Counts `positions` as present. Their keys and values are written layer by layer afterwards.
    pub fn extend(&mut self, positions: usize) {
        self.length += positions;
    }

    /// Writes one head's key and value, `(head_dim)` each, at `position` (of prompt and attempt).
    pub(super) fn write(
        &mut self,
        shape: &CacheShape,
        layer: usize,
        head: usize,
        position: usize,
        key: &[f32],
        value: &[f32],
    ) {
        let own = position - self.prompt.as_ref().map_or(0, |prompt| prompt.length);
        let page =
            &mut self.pages[own / PAGE][shape.head_start(layer, head)..][..shape.head_lines()];
        let (keys, values) = page.split_at_mut(shape.key_lines());
        let at = own % PAGE;
        let panel = &mut keys[at / 16 * shape.head_dim..][..shape.head_dim];
        for (line, &key) in panel.iter_mut().zip(key) {
            line.0[at % 16] = key;
        }
        let lines = &mut values[at * shape.value_lines()..][..shape.value_lines()];
        for (line, value) in lines.iter_mut().zip(value.chunks(16)) {
            line.0[..value.len()].copy_from_slice(value);
        }
    }

    /// One head's pages up to `length` positions: the prompt's, then the attempt's.
    pub(super) fn head_pages<'a>(
        &'a self,
        shape: &'a CacheShape,
        layer: usize,
        head: usize,
        length: usize,
    ) -> impl Iterator<Item = HeadPage<'a>> + Clone {
        let (prompt_pages, prompt_length) = match &self.prompt {
            Some(prompt) => (prompt.pages.as_slice(), prompt.length),
            None => (&[][..], 0),
        };
        let start = shape.head_start(layer, head);
        let parts = |pages: &'a [Page], length: usize| {
            pages
                .iter()
                .take(length.div_ceil(PAGE))
                .enumerate()
                .map(move |(index, page)| {
                    let (keys, values) =
                        page[start..][..shape.head_lines()].split_at(shape.key_lines());
                    HeadPage {
                        keys,
                        values,
                        count: (length - index * PAGE).min(PAGE),
                    }
                })
        };
        parts(prompt_pages, prompt_length.min(length))
            .chain(parts(&self.pages, length.saturating_sub(prompt_length)))
    }
}
