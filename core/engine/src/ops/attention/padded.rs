//! Segments laid out as rectangles, for devices where one large product is cheaper than many small ones.
//!
//! Segments are taken in order into rectangles, each as long as its longest segment; one that would be too large by itself
//! is cut into pieces, which see the pieces before them. Rows that fill a rectangle are
//! copies of the batch's first row: as keys the mask hides them, as queries nobody reads their result, and in the
//! backward they are cleared. A row that several segments see as their prefix gets a derivative from each of them; they
//! are gathered and summed, not scattered, so that sums have one order.

use std::ops::Range;

use candle_core::{D, Tensor};

use super::{Heads, Segment};
use crate::error::Result;
use crate::ops::precision::{mask, rounded_as, wide, widened};

/// Scores that exist at one time: 256 MiB of f32, and a few of that size are alive together. Tests have few tokens, and
/// rectangles and pieces all the same.
pub(crate) const LARGEST_RECTANGLE: usize = if cfg!(test) { 1 << 11 } else { 1 << 26 };

/// A segment, or some of its rows.
#[derive(Clone, Debug)]
struct Piece {
    rows: Range<usize>,
    prefix: Range<usize>,
    /// Rows of the segment that come before.
    earlier: Range<usize>,
}

impl Piece {
    /// What the piece's rows see beside themselves.
    fn before(&self) -> impl Iterator<Item = usize> {
        self.prefix.clone().chain(self.earlier.clone())
    }

    fn keys_before(&self) -> usize {
        self.prefix.len() + self.earlier.len()
    }

    fn keys(&self) -> usize {
        self.keys_before() + self.rows.len()
    }
}

#[derive(Debug)]
pub struct Padded {
    pub rectangles: Vec<Rectangle>,
    /// Where each row lies among the queries, and among the keys, of all rectangles; `(tokens)` each.
    queries: Tensor,
    own_keys: Tensor,
    shared: Option<Shared>,
}

/// Pieces that are attended in together.
#[derive(Debug)]
pub struct Rectangle {
    pub pieces: usize,
    /// Rows of the longest piece, and keys that the longest one sees.
    pub queries: usize,
    pub keys: usize,
    /// Rows of the batch, `(pieces * queries)` and `(pieces * keys)`.
    query_rows: Tensor,
    key_rows: Tensor,
    /// 1 where a query is a piece's, 0 where it fills the rectangle, `(pieces * queries, 1)`; absent where it is full.
    real: Option<Tensor>,
    /// 0 where a query sees a key, minus infinity elsewhere, `(pieces, 1, queries, keys)`.
    pub mask: Tensor,
}

/// Rows that other pieces see.
#[derive(Debug)]
struct Shared {
    /// Where their derivatives lie among the keys of all rectangles, `(rows * most)`, where `most` is the number of
    /// pieces that see one row; and 1 where there is one, `(rows * most, 1)`.
    places: Tensor,
    real: Tensor,
    most: usize,
    /// For each row of the batch which of these rows it is; `rows` where it is none of them. `(tokens)`.
    row_of: Tensor,
}

impl Padded {
    /// On the device and for the type of `like`.
    pub fn new(segments: &[Segment], heads: Heads, like: &Tensor) -> Result<Self> {
        let pieces: Vec<Piece> = segments
            .iter()
            .flat_map(|segment| pieces(segment, heads))
            .collect();
        let tokens = pieces.last().map_or(0, |piece| piece.rows.end);
        let mut rectangles = Vec::new();
        let (mut queries, mut own_keys) = (Vec::with_capacity(tokens), Vec::with_capacity(tokens));
        // Of each row: where its derivatives lie as one that others see.
        let mut seen_at: Vec<Vec<u32>> = vec![Vec::new(); tokens];
        let (mut query_start, mut key_start) = (0, 0);
        let mut rest = pieces.as_slice();
        while !rest.is_empty() {
            let (some, after) = rest.split_at(fitting(rest, heads));
            let rectangle = Rectangle::new(some, like)?;
            for (index, piece) in some.iter().enumerate() {
                let query_at = query_start + index * rectangle.queries;
                let key_at = key_start + index * rectangle.keys;
                let own_at = key_at + piece.keys_before();
                queries.extend((0..piece.rows.len()).map(|row| (query_at + row) as u32));
                own_keys.extend((0..piece.rows.len()).map(|row| (own_at + row) as u32));
                for (offset, row) in piece.before().enumerate() {
                    seen_at[row].push((key_at + offset) as u32);
                }
            }
            query_start += rectangle.pieces * rectangle.queries;
            key_start += rectangle.pieces * rectangle.keys;
            rectangles.push(rectangle);
            rest = after;
        }
        Ok(Self {
            rectangles,
            queries: Tensor::new(queries, like.device())?,
            own_keys: Tensor::new(own_keys, like.device())?,
            shared: Shared::new(&seen_at, like)?,
        })
    }

    /// The batch's rows out of the queries of each rectangle, `(pieces * queries, width)`.
    pub fn rows(&self, of_rectangles: &[Tensor], like: &Tensor) -> Result<Tensor> {
        match of_rectangles.is_empty() {
            true => Ok(like.zeros_like()?),
            false => Ok(Tensor::cat(of_rectangles, 0)?.index_select(&self.queries, 0)?),
        }
    }

    /// The derivatives of the batch's rows as keys, out of those of each rectangle, `(pieces * keys, width)`.
    pub fn key_rows(&self, of_rectangles: &[Tensor], like: &Tensor) -> Result<Tensor> {
        if of_rectangles.is_empty() {
            return Ok(like.zeros_like()?);
        }
        let all = Tensor::cat(of_rectangles, 0)?;
        let own = all.index_select(&self.own_keys, 0)?;
        let Some(shared) = &self.shared else {
            return Ok(own);
        };
        let (places, width) = (shared.places.elem_count(), all.dim(D::Minus1)?);
        let each = widened(&all.index_select(&shared.places, 0)?)?;
        let sums = each
            .broadcast_mul(&shared.real)?
            .reshape((places / shared.most, shared.most, width))?
            .sum(1)?;
        let none = Tensor::zeros((1, width), sums.dtype(), sums.device())?;
        let sums = Tensor::cat(&[sums, none], 0)?.index_select(&shared.row_of, 0)?;
        rounded_as((widened(&own)? + sums)?, like)
    }
}

impl Rectangle {
    fn new(pieces: &[Piece], like: &Tensor) -> Result<Self> {
        let queries = longest(pieces, |piece| piece.rows.len());
        let keys = longest(pieces, Piece::keys);
        let (mut query_rows, mut key_rows) = (Vec::new(), Vec::new());
        // The last key that each query sees.
        let (mut real, mut last_seen) = (Vec::new(), Vec::new());
        for piece in pieces {
            let own = piece.rows.clone();
            query_rows.extend(filled(own.clone(), queries));
            key_rows.extend(filled(piece.before().chain(own.clone()), keys));
            real.extend((0..queries).map(|query| f32::from(u8::from(query < own.len()))));
            last_seen.extend((0..queries).map(|query| (piece.keys_before() + query) as u32));
        }
        let device = like.device();
        let count = pieces.len();
        let full = real.iter().all(|&real| real == 1.0);
        let dtype = wide(like.dtype());
        let column = |real| Tensor::from_vec(real, (count * queries, 1), device)?.to_dtype(dtype);
        let last_seen = Tensor::from_vec(last_seen, (count, 1, queries, 1), device)?;
        Ok(Self {
            pieces: count,
            queries,
            keys,
            query_rows: Tensor::new(query_rows, device)?,
            key_rows: Tensor::new(key_rows, device)?,
            real: (!full).then(|| column(real)).transpose()?,
            mask: mask(&last_seen, keys, dtype)?,
        })
    }

    /// `(pieces * queries, width)` from `(tokens, width)`.
    pub fn queries_of(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.index_select(&self.query_rows, 0)?)
    }

    /// The same with zeros where a row fills the rectangle.
    pub fn cleared_queries_of(&self, x: &Tensor) -> Result<Tensor> {
        let queries = self.queries_of(x)?;
        match &self.real {
            None => Ok(queries),
            Some(real) => Ok(queries.broadcast_mul(&real.to_dtype(x.dtype())?)?),
        }
    }

    /// `(pieces * keys, width)` from `(tokens, width)`.
    pub fn keys_of(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.index_select(&self.key_rows, 0)?)
    }
}

impl Shared {
    fn new(seen_at: &[Vec<u32>], like: &Tensor) -> Result<Option<Self>> {
        let most = seen_at.iter().map(Vec::len).max().unwrap_or(0);
        if most == 0 {
            return Ok(None);
        }
        let rows = seen_at.iter().filter(|places| !places.is_empty()).count() as u32;
        let (mut places, mut real, mut row_of) = (Vec::new(), Vec::new(), Vec::new());
        let mut row = 0;
        for seen in seen_at {
            if seen.is_empty() {
                row_of.push(rows);
                continue;
            }
            row_of.push(row);
            row += 1;
            let fill = most - seen.len();
            places.extend(seen.iter().copied().chain(std::iter::repeat_n(0, fill)));
            real.extend(std::iter::repeat_n(1.0_f32, seen.len()));
            real.extend(std::iter::repeat_n(0.0, fill));
        }
        let device = like.device();
        let dtype = wide(like.dtype());
        let count = real.len();
        Ok(Some(Self {
            places: Tensor::new(places, device)?,
            real: Tensor::from_vec(real, (count, 1), device)?.to_dtype(dtype)?,
            most,
            row_of: Tensor::new(row_of, device)?,
        }))
    }
}

/// A segment's rows in pieces whose scores are not too many; none of an empty one.
fn pieces(segment: &Segment, heads: Heads) -> impl Iterator<Item = Piece> {
    let rows = segment.rows.clone();
    let height = (LARGEST_RECTANGLE / (heads.query * segment.keys().max(1))).max(1);
    rows.clone().step_by(height).map(move |start| Piece {
        rows: start..(start + height).min(rows.end),
        prefix: segment.prefix.clone(),
        earlier: rows.start..start,
    })
}

/// How many of the first pieces make a rectangle that is not too large: at least one.
fn fitting(pieces: &[Piece], heads: Heads) -> usize {
    let (mut queries, mut keys) = (0, 0);
    let too_large = |(index, piece): (usize, &Piece)| {
        queries = queries.max(piece.rows.len());
        keys = keys.max(piece.keys());
        index > 0 && (index + 1) * heads.query * queries * keys > LARGEST_RECTANGLE
    };
    let end = pieces.iter().enumerate().position(too_large);
    end.unwrap_or(pieces.len())
}

fn longest(pieces: &[Piece], length: impl Fn(&Piece) -> usize) -> usize {
    pieces.iter().map(length).max().unwrap_or(0)
}

/// `length` rows: those given, then the batch's first.
fn filled(rows: impl Iterator<Item = usize>, length: usize) -> impl Iterator<Item = u32> {
    rows.map(|row| row as u32)
        .chain(std::iter::repeat(0))
        .take(length)
}
