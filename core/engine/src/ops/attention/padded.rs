//! Segments laid out as rectangles, for devices where one large product is cheaper than many small ones.
//!
//! Segments are taken in order into rectangles, each as long as its longest segment. Rows that fill a rectangle are
//! copies of the batch's first row: as keys the mask hides them, as queries nobody reads their result, and in the
//! backward they are cleared. A row that several segments see as their prefix gets a derivative from each of them; they
//! are gathered and summed, not scattered, so that sums have one order.

use candle_core::{D, DType, Tensor};

use super::{Heads, Segment};
use crate::error::Result;
use crate::ops::precision::{rounded_as, widened};

/// Scores that exist at one time: 256 MiB of f32, and a few of that size are alive together.
pub(crate) const LARGEST_RECTANGLE: usize = 1 << 26;

#[derive(Debug)]
pub struct Padded {
    pub rectangles: Vec<Rectangle>,
    /// Where each row lies among the queries, and among the keys, of all rectangles; `(tokens)` each.
    queries: Tensor,
    own_keys: Tensor,
    shared: Option<Shared>,
}

/// Segments that are attended in together.
#[derive(Debug)]
pub struct Rectangle {
    pub segments: usize,
    /// Rows of the longest segment, and keys that the longest one sees.
    pub queries: usize,
    pub keys: usize,
    /// Rows of the batch, `(segments * queries)` and `(segments * keys)`.
    query_rows: Tensor,
    key_rows: Tensor,
    /// 1 where a query is a segment's, 0 where it fills the rectangle, `(segments * queries, 1)`; absent where it is full.
    real: Option<Tensor>,
    /// 0 where a query sees a key, minus infinity elsewhere, `(segments, 1, queries, keys)`.
    pub mask: Tensor,
}

/// Rows that other segments see as their prefix.
#[derive(Debug)]
struct Shared {
    /// Where their derivatives lie among the keys of all rectangles, `(rows * most)`, where `most` is the number of
    /// segments that see one row; and 1 where there is one, `(rows * most, 1)`.
    places: Tensor,
    real: Tensor,
    most: usize,
    /// For each row of the batch which of these rows it is; `rows` where it is none of them. `(tokens)`.
    row_of: Tensor,
}

impl Padded {
    /// On the device and for the type of `like`.
    pub fn new(segments: &[Segment], heads: Heads, like: &Tensor) -> Result<Self> {
        let segments: Vec<&Segment> = segments
            .iter()
            .filter(|segment| !segment.rows.is_empty())
            .collect();
        let tokens = segments.last().map_or(0, |segment| segment.rows.end);
        let mut rectangles = Vec::new();
        let (mut queries, mut own_keys) = (Vec::with_capacity(tokens), Vec::with_capacity(tokens));
        // Of each row: where its derivatives lie as a part of somebody's prefix.
        let mut seen_at: Vec<Vec<u32>> = vec![Vec::new(); tokens];
        let (mut query_start, mut key_start) = (0, 0);
        let mut rest = segments.as_slice();
        while !rest.is_empty() {
            let (some, after) = rest.split_at(fitting(rest, heads));
            let rectangle = Rectangle::new(some, like)?;
            for (index, segment) in some.iter().enumerate() {
                let query_at = query_start + index * rectangle.queries;
                let key_at = key_start + index * rectangle.keys;
                let own_at = key_at + segment.prefix.len();
                queries.extend((0..segment.rows.len()).map(|row| (query_at + row) as u32));
                own_keys.extend((0..segment.rows.len()).map(|row| (own_at + row) as u32));
                for (offset, row) in segment.prefix.clone().enumerate() {
                    seen_at[row].push((key_at + offset) as u32);
                }
            }
            query_start += rectangle.segments * rectangle.queries;
            key_start += rectangle.segments * rectangle.keys;
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

    /// The batch's rows out of the queries of each rectangle, `(segments * queries, width)`.
    pub fn rows(&self, of_rectangles: &[Tensor], like: &Tensor) -> Result<Tensor> {
        match of_rectangles.is_empty() {
            true => Ok(like.zeros_like()?),
            false => Ok(Tensor::cat(of_rectangles, 0)?.index_select(&self.queries, 0)?),
        }
    }

    /// The derivatives of the batch's rows as keys, out of those of each rectangle, `(segments * keys, width)`.
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
    fn new(segments: &[&Segment], like: &Tensor) -> Result<Self> {
        let queries = longest(segments, |segment| segment.rows.len());
        let keys = longest(segments, |segment| segment.keys());
        let (mut query_rows, mut key_rows) = (Vec::new(), Vec::new());
        // The last key that each query sees.
        let (mut real, mut last_seen) = (Vec::new(), Vec::new());
        for segment in segments {
            let own = segment.rows.clone();
            query_rows.extend(filled(own.clone(), queries));
            key_rows.extend(filled(segment.prefix.clone().chain(own.clone()), keys));
            real.extend((0..queries).map(|query| f32::from(u8::from(query < own.len()))));
            last_seen.extend((0..queries).map(|query| (segment.prefix.len() + query) as u32));
        }
        let device = like.device();
        let count = segments.len();
        let full = real.iter().all(|&real| real == 1.0);
        let dtype = widened(&like.narrow(0, 0, 1)?)?.dtype();
        let column = |real| Tensor::from_vec(real, (count * queries, 1), device)?.to_dtype(dtype);
        let last_seen = Tensor::from_vec(last_seen, (count, 1, queries, 1), device)?;
        let hidden = Tensor::arange(0, keys as u32, device)?
            .reshape((1, 1, 1, keys))?
            .broadcast_gt(&last_seen)?;
        let shape = hidden.shape();
        let never = Tensor::new(f32::NEG_INFINITY, device)?.to_dtype(dtype)?;
        let mask = hidden.where_cond(
            &never.broadcast_as(shape)?,
            &never.zeros_like()?.broadcast_as(shape)?,
        )?;
        Ok(Self {
            segments: count,
            queries,
            keys,
            query_rows: Tensor::new(query_rows, device)?,
            key_rows: Tensor::new(key_rows, device)?,
            real: (!full).then(|| column(real)).transpose()?,
            mask,
        })
    }

    /// `(segments * queries, width)` from `(tokens, width)`.
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

    /// `(segments * keys, width)` from `(tokens, width)`.
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
        let dtype: DType = widened(&like.narrow(0, 0, 1)?)?.dtype();
        let count = real.len();
        Ok(Some(Self {
            places: Tensor::new(places, device)?,
            real: Tensor::from_vec(real, (count, 1), device)?.to_dtype(dtype)?,
            most,
            row_of: Tensor::new(row_of, device)?,
        }))
    }
}

/// How many of the first segments make a rectangle that is not too large: at least one.
fn fitting(segments: &[&Segment], heads: Heads) -> usize {
    let (mut queries, mut keys) = (0, 0);
    let too_large = |(index, segment): (usize, &&Segment)| {
        queries = queries.max(segment.rows.len());
        keys = keys.max(segment.keys());
        index > 0 && (index + 1) * heads.query * queries * keys > LARGEST_RECTANGLE
    };
    let end = segments.iter().enumerate().position(too_large);
    end.unwrap_or(segments.len())
}

fn longest(segments: &[&Segment], length: impl Fn(&Segment) -> usize) -> usize {
    segments
        .iter()
        .map(|segment| length(segment))
        .max()
        .unwrap_or(0)
}

/// `length` rows: those given, then the batch's first.
fn filled(rows: impl Iterator<Item = usize>, length: usize) -> impl Iterator<Item = u32> {
    rows.map(|row| row as u32)
        .chain(std::iter::repeat(0))
        .take(length)
}
