//! Causal attention over packed sequences, with grouped query heads (Ainslie et al. 2023).
//!
//! For each sequence and head: S = Q K^T / sqrt(dim) over keys not after the query, P = softmax(S), O = P V. The
//! forward keeps only the logarithm of each row's normaliser; the backward makes P again from it (Dao et al. 2022), so
//! memory grows with the number of tokens and not with its square.
//!
//! Sequences that begin alike share their beginning: its rows exist once, and the rows that follow see them as a
//! prefix.

mod backward;
mod composed;
mod forward;
mod padded;

use std::cell::RefCell;
use std::ops::Range;
use std::sync::OnceLock;

use candle_core::Tensor;

pub(crate) use self::padded::LARGEST_RECTANGLE;
use self::padded::Padded;
use super::slices::{on_cpu, read};
use crate::buffers::{self, Buffer};
use crate::error::Result;
use crate::product::{Matrix, MatrixMut, PackedMatrix};

/// How many heads there are, and their size. Query head `h` reads key and value head `h / (query / key_value)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    pub query: usize,
    pub key_value: usize,
    pub dim: usize,
}

impl Heads {
    /// Query heads that share one key and value head.
    fn group(self) -> usize {
        self.query / self.key_value
    }

    /// The columns of a matrix that belong to each key-value head, where it has `width` of them.
    fn bounds(self, width: usize) -> Vec<usize> {
        (0..=self.key_value).map(|head| head * width).collect()
    }

    fn scale(self) -> f32 {
        1.0 / (self.dim as f32).sqrt()
    }
}

/// Rows of one sequence. A row sees the prefix, the rows of its segment before it, and itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Segments follow each other without a gap.
    pub rows: Range<usize>,
    /// Rows of an earlier segment; empty for a sequence that shares nothing.
    pub prefix: Range<usize>,
}

impl Segment {
    /// Keys that the segment's last row sees.
    fn keys(&self) -> usize {
        self.prefix.len() + self.rows.len()
    }
}

/// The segments of one batch, which cover its rows in order, and the heads that attend in them.
#[derive(Debug)]
pub struct Segments {
    list: Vec<Segment>,
    heads: Heads,
    /// How a composition lays them out, made when the first layer asks.
    padded: OnceLock<Padded>,
}

impl Segments {
    pub fn new(list: Vec<Segment>, heads: Heads) -> Self {
        Self {
            list,
            heads,
            padded: OnceLock::new(),
        }
    }

    fn padded(&self, like: &Tensor) -> Result<&Padded> {
        if self.padded.get().is_none() {
            let _ = self.padded.set(Padded::new(&self.list, self.heads, like)?);
        }
        Ok(self.padded.get().expect("it was just made"))
    }
}

/// Where each segment's rows begin, and where the last one's end.
fn row_bounds(segments: &[Segment]) -> Vec<usize> {
    let ends = segments.iter().map(|segment| segment.rows.end);
    std::iter::once(0).chain(ends).collect()
}

/// What attention keeps for its backward.
#[derive(Debug)]
pub struct Attended {
    /// (tokens, query heads * dim)
    pub out: Tensor,
    /// ln of the sum of exponentials of each row of S, (tokens, query heads).
    pub log_normaliser: Tensor,
}

/// The derivatives of the three inputs, shaped as they are.
#[derive(Debug)]
pub struct Derivatives {
    pub query: Tensor,
    pub key: Tensor,
    pub value: Tensor,
}

/// Attention inside each segment and its prefix; `query`: (tokens, query heads * dim), `key` and
/// `value`: (tokens, key-value heads * dim).
pub fn forward(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    segments: &Segments,
) -> Result<Attended> {
    let heads = segments.heads;
    if !on_cpu(&[query, key, value]) {
        return composed::forward(query, key, value, segments.padded(query)?, heads);
    }
    let (tokens, width) = query.dims2()?;
    let mut out = buffers::take(tokens * width);
    let mut log_normaliser = buffers::take(tokens * heads.query);
    let key_width = heads.key_value * heads.dim;
    forward::attend(
        Matrix::new(&read(query), tokens, width),
        Matrix::new(&read(key), tokens, key_width),
        Matrix::new(&read(value), tokens, key_width),
        &segments.list,
        heads,
        MatrixMut::new(&mut out, tokens, width),
        MatrixMut::new(&mut log_normaliser, tokens, heads.query),
    );
    Ok(Attended {
        out: out.into_tensor(tokens, width)?,
        log_normaliser: log_normaliser.into_tensor(tokens, heads.query)?,
    })
}

pub fn backward(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    attended: &Attended,
    dout: &Tensor,
    segments: &Segments,
) -> Result<Derivatives> {
    let heads = segments.heads;
    if !on_cpu(&[query, key, value, dout]) {
        let padded = segments.padded(query)?;
        return composed::backward(query, key, value, attended, dout, padded, heads);
    }
    let (tokens, width) = query.dims2()?;
    let key_width = heads.key_value * heads.dim;
    let mut dquery = buffers::take(tokens * width);
    let mut dkey = buffers::take_zeroed(tokens * key_width);
    let mut dvalue = buffers::take_zeroed(tokens * key_width);
    backward::attend(
        backward::Inputs {
            query: Matrix::new(&read(query), tokens, width),
            key: Matrix::new(&read(key), tokens, key_width),
            value: Matrix::new(&read(value), tokens, key_width),
            out: Matrix::new(&read(&attended.out), tokens, width),
            log_normaliser: Matrix::new(&read(&attended.log_normaliser), tokens, heads.query),
            dout: Matrix::new(&read(dout), tokens, width),
        },
        &segments.list,
        heads,
        MatrixMut::new(&mut dquery, tokens, width),
        &mut dkey,
        &mut dvalue,
    );
    Ok(Derivatives {
        query: dquery.into_tensor(tokens, width)?,
        key: dkey.into_tensor(tokens, key_width)?,
        value: dvalue.into_tensor(tokens, key_width)?,
    })
}

/// Query rows that are treated together: the keys after a block's last row are left out, so smaller blocks waste
/// less on what the causal mask hides, and larger ones make better use of a packed key.
const QUERY_BLOCK: usize = 48;

/// Working memory of one thread, kept between tasks.
#[derive(Default)]
struct Scratch {
    packed: [PackedMatrix; 5],
    scores: Buffer,
    dscores: Buffer,
    /// Keys and values of a prefix and a segment, side by side.
    joined: [Vec<f32>; 2],
}

/// The rows of a prefix and of a segment as one matrix: copied together, or the segment's own where there is no prefix.
fn join<'a>(
    matrix: Matrix<'a>,
    segment: &Segment,
    columns: Range<usize>,
    joined: &'a mut Vec<f32>,
) -> Matrix<'a> {
    if segment.prefix.is_empty() {
        return matrix.block(segment.rows.clone(), columns);
    }
    joined.clear();
    for row in segment.prefix.clone().chain(segment.rows.clone()) {
        joined.extend_from_slice(&matrix.row(row)[columns.clone()]);
    }
    Matrix::new(joined, segment.keys(), columns.len())
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}
