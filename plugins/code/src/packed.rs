//! LiveCodeBench's private tests, as its files have them: JSON, as a Python text, pickled, compressed, and written in
//! base64.
//!
//! A pickle is a program for a machine that can call anything. This reads the few instructions of a pickle that is one
//! text, and refuses every other.

use std::io::Read;

use base64::{Engine, prelude::BASE64_STANDARD};
use farthing_sdk::prelude::*;
use flate2::read::ZlibDecoder;

/// The largest problems have some 100 MB of tests; a row that unpacks to more is no data set's.
const LIMIT: u64 = 1 << 30;

/// The JSON inside.
///
/// # Errors
/// Says which of its wrappings is not what it must be.
pub fn unpacked(text: &str) -> Result<String> {
    let compressed = BASE64_STANDARD
        .decode(text.trim())
        .map_err(|error| Error::new(format!("neither JSON nor base64: {error}")))?;
    let mut pickle = Vec::new();
    ZlibDecoder::new(&compressed[..])
        .take(LIMIT + 1)
        .read_to_end(&mut pickle)
        .map_err(|error| Error::new(format!("base64, but not compressed by zlib: {error}")))?;
    if pickle.len() as u64 > LIMIT {
        bail!("unpacks to more than {LIMIT} bytes");
    }
    let json =
        pickled_text(&pickle).ok_or_else(|| Error::new("compressed, but no pickle of one text"))?;
    Ok(json.to_owned())
}

/// The text of a pickle that holds one, of any protocol from 1 on.
fn pickled_text(mut pickle: &[u8]) -> Option<&str> {
    let mut text = None;
    loop {
        // Each instruction is a byte and what it takes; a length stands in front of a text.
        let instruction = take(&mut pickle, 1)?[0];
        match instruction {
            b'X' => text = Some(counted(&mut pickle, 4)?),
            0x8c => text = Some(counted(&mut pickle, 1)?),
            0x8d => text = Some(counted(&mut pickle, 8)?),
            0x80 | b'q' => drop(take(&mut pickle, 1)?), // protocol; keep under a number
            b'r' => drop(take(&mut pickle, 4)?),
            0x95 => drop(take(&mut pickle, 8)?), // frame
            0x94 => {}                           // keep
            b'.' => return std::str::from_utf8(text?).ok(),
            _ => return None,
        }
    }
}

fn counted<'p>(pickle: &mut &'p [u8], width: usize) -> Option<&'p [u8]> {
    let mut length = [0; 8];
    length[..width].copy_from_slice(take(pickle, width)?);
    take(pickle, usize::try_from(u64::from_le_bytes(length)).ok()?)
}

fn take<'p>(bytes: &mut &'p [u8], count: usize) -> Option<&'p [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
#[path = "packed_tests.rs"]
mod tests;
