//! Which problems of a data set are held out.
//!
//! By the id alone: no seed, no other row and no order moves a problem from one split to the
//! other, and a larger share holds out the same problems and more.

use farthing_sdk::prelude::*;

/// Whether the problem is held out, where `share` of all problems is.
pub fn is_held_out(id: &str, share: f64) -> bool {
    // 53 bits, the most that a float holds exactly.
    let uniform = (stream(0, id, 1).random::<u64>() >> 11) as f64 / (1_u64 << 53) as f64;
    uniform < share
}

/// The share that is held out: as it is given, or else 0 where there is a file of held-out
/// problems and 0.1 where there is none.
///
/// # Errors
/// When it is not from 0 to 1; not a number is not.
pub fn test_share(given: Option<f64>, has_test_file: bool) -> Result<f64> {
    let share = given.unwrap_or(if has_test_file { 0.0 } else { 0.1 });
    match (0.0..=1.0).contains(&share) {
        true => Ok(share),
        false => bail!("`test_share` must be from 0 to 1, found {share}"),
    }
}
