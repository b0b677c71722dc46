//! Attention from Candle's operations, many segments at a time, for devices and types without a kernel here.
//!
//! Products are made in the type of the inputs, the softmax in f32 at least.

use candle_core::{D, Tensor};

use super::padded::{Padded, Rectangle};
use super::{Attended, Derivatives, Heads};
use crate::error::Result;
use crate::ops::precision::{Softmax, rounded_as, widened};

pub fn forward(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    padded: &Padded,
    heads: Heads,
) -> Result<Attended> {
    let (tokens, _) = query.dims2()?;
    let (mut outs, mut logs) = (Vec::new(), Vec::new());
    for rectangle in &padded.rectangles {
        let q = split_queries(&rectangle.queries_of(query)?, rectangle, heads)?;
        let k = split_keys(&rectangle.keys_of(key)?, rectangle, heads)?;
        let v = split_keys(&rectangle.keys_of(value)?, rectangle, heads)?;
        let softmax = Softmax::of(&scores(&q, &k, rectangle, heads)?)?;
        logs.push(by_row(&softmax.log_normaliser()?, rectangle, heads)?);
        let p = rounded_as(softmax.p, query)?;
        outs.push(join_queries(
            &grouped(&p, heads)?.matmul(&v)?,
            rectangle,
            heads,
        )?);
    }
    let no_logs = widened(&query.narrow(1, 0, 1)?)?.broadcast_as((tokens, heads.query))?;
    Ok(Attended {
        out: padded.rows(&outs, query)?,
        log_normaliser: padded.rows(&logs, &no_logs)?,
    })
}

pub fn backward(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    attended: &Attended,
    dout: &Tensor,
    padded: &Padded,
    heads: Heads,
) -> Result<Derivatives> {
    let scale = f64::from(heads.scale());
    let (mut dqueries, mut dkeys, mut dvalues) = (Vec::new(), Vec::new(), Vec::new());
    for rectangle in &padded.rectangles {
        let own = |x: &Tensor| {
            let queries = rectangle.cleared_queries_of(x)?;
            split_queries(&queries, rectangle, heads)
        };
        let (q, o, d_o) = (own(query)?, own(&attended.out)?, own(dout)?);
        let k = split_keys(&rectangle.keys_of(key)?, rectangle, heads)?;
        let v = split_keys(&rectangle.keys_of(value)?, rectangle, heads)?;
        let log_normaliser = rectangle.cleared_queries_of(&attended.log_normaliser)?;
        let log_normaliser = by_head(&log_normaliser, rectangle, heads)?;
        let p = scores(&q, &k, rectangle, heads)?
            .broadcast_sub(&log_normaliser)?
            .exp()?;
        let d = (widened(&d_o)? * widened(&o)?)?.sum_keepdim(D::Minus1)?;
        let dp = widened(&d_o.matmul(&v.t()?)?)?;
        let ds = (grouped(&p, heads)? * dp.broadcast_sub(&d)?)?;
        let ds = rounded_as((ds * scale)?, query)?;
        let p = rounded_as(grouped(&p, heads)?, query)?;
        dqueries.push(join_queries(&ds.matmul(&k)?, rectangle, heads)?);
        dkeys.push(join_keys(&ds.t()?.matmul(&q)?, rectangle, heads)?);
        dvalues.push(join_keys(&p.t()?.matmul(&d_o)?, rectangle, heads)?);
    }
    Ok(Derivatives {
        query: padded.rows(&dqueries, query)?,
        key: padded.key_rows(&dkeys, key)?,
        value: padded.key_rows(&dvalues, value)?,
    })
}

/// (pieces * queries, heads * dim) as (pieces, key-value heads, group * queries, dim): the query heads that share a
/// key and value head one below the other.
fn split_queries(x: &Tensor, rectangle: &Rectangle, heads: Heads) -> Result<Tensor> {
    let (kv, group, dim) = (heads.key_value, heads.group(), heads.dim);
    let (pieces, queries) = (rectangle.pieces, rectangle.queries);
    let x = x.reshape(&[pieces, queries, kv, group, dim])?;
    let x = x.permute([0, 2, 3, 1, 4])?.contiguous()?;
    Ok(x.reshape((pieces, kv, group * queries, dim))?)
}

/// The other way.
fn join_queries(x: &Tensor, rectangle: &Rectangle, heads: Heads) -> Result<Tensor> {
    let (kv, group, dim) = (heads.key_value, heads.group(), heads.dim);
    let (pieces, queries) = (rectangle.pieces, rectangle.queries);
    let x = x.reshape(&[pieces, kv, group, queries, dim])?;
    let x = x.permute([0, 3, 1, 2, 4])?.contiguous()?;
    Ok(x.reshape((pieces * queries, heads.query * dim))?)
}

/// (pieces * keys, key-value heads * dim) as (pieces, key-value heads, keys, dim).
fn split_keys(x: &Tensor, rectangle: &Rectangle, heads: Heads) -> Result<Tensor> {
    let (pieces, keys) = (rectangle.pieces, rectangle.keys);
    let x = x.reshape((pieces, keys, heads.key_value, heads.dim))?;
    Ok(x.transpose(1, 2)?.contiguous()?)
}

/// The other way.
fn join_keys(x: &Tensor, rectangle: &Rectangle, heads: Heads) -> Result<Tensor> {
    let rows = rectangle.pieces * rectangle.keys;
    let x = x.transpose(1, 2)?.contiguous()?;
    Ok(x.reshape((rows, heads.key_value * heads.dim))?)
}

/// (pieces, heads, queries, keys) as (pieces, key-value heads, group * queries, keys).
fn grouped(x: &Tensor, heads: Heads) -> Result<Tensor> {
    let (pieces, _, queries, keys) = x.dims4()?;
    Ok(x.reshape((pieces, heads.key_value, heads.group() * queries, keys))?)
}

/// (pieces, heads, queries, 1) as (pieces * queries, heads).
fn by_row(x: &Tensor, rectangle: &Rectangle, heads: Heads) -> Result<Tensor> {
    let rows = rectangle.pieces * rectangle.queries;
    let x = x.squeeze(D::Minus1)?.transpose(1, 2)?.contiguous()?;
    Ok(x.reshape((rows, heads.query))?)
}

/// The other way.
fn by_head(x: &Tensor, rectangle: &Rectangle, heads: Heads) -> Result<Tensor> {
    let x = x.reshape((rectangle.pieces, rectangle.queries, heads.query))?;
    Ok(x.transpose(1, 2)?.contiguous()?.unsqueeze(D::Minus1)?)
}

/// S, (pieces, heads, queries, keys), with minus infinity where a query does not see a key.
fn scores(q: &Tensor, k: &Tensor, rectangle: &Rectangle, heads: Heads) -> Result<Tensor> {
    let s = widened(&q.matmul(&k.t()?)?)?;
    let shape = (
        rectangle.pieces,
        heads.query,
        rectangle.queries,
        rectangle.keys,
    );
    let s = (s.reshape(shape)? * f64::from(heads.scale()))?;
    Ok(s.broadcast_add(&rectangle.mask)?)
}
