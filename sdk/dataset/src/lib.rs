//! What the tasks that read data sets have in common: rows of files, and which are held out.
//!
//! A data set is JSON Lines or parquet, as people write it and as the hub serves it. Rows come
//! one at a time, so a file may be larger than memory, and each knows its place, so that
//! whatever is wrong with it can be said where it stands:
//!
//! ```no_run
//! # use std::path::Path;
//! # use farthing_sdk::prelude::*;
//! # fn questions() -> Result<()> {
//! for row in farthing_dataset::rows(Path::new("data/train.jsonl"))? {
//!     let row = row?;
//!     match row.value("extra.question").and_then(Value::as_str) {
//!         Some(question) => println!("{}: {question}", row.place),
//!         None => return Err(row.lacks(&["extra.question"])),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! It is a crate of its own, so that plugins that read no files do not compile a reader of parquet.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod jsonl;
mod one_or_many;
mod parquet;
mod row;
mod rows;
mod share;

pub use one_or_many::OneOrMany;
pub use row::{Place, Row};
pub use rows::{Rows, rows};
pub use share::{is_held_out, test_share};
