//! In which order a problem names its numbers.
//!
//! The split of a puzzle does not depend on the order, so a puzzle can be posed in all of
//! its orders without one of them telling anything about a held-out puzzle. For a model
//! that is trained from scratch, and sees a small space many times, that is the difference
//! between learning the puzzles by heart and learning to solve them.

use farthing_sdk::prelude::*;

/// In which order a problem names its numbers.
#[config]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Ascending.
    Sorted,
    /// Mixed, but the same whenever the puzzle is posed.
    Mixed,
    /// In the training split every order of a puzzle is a problem of its own. A held-out
    /// puzzle is posed once, mixed.
    Every,
}

/// How many different lists the numbers can be written as: `n! / (m1! m2! ..)`, where `m`
/// count equal numbers.
pub fn orders(sorted: &[u64]) -> u64 {
    let factorial = |n: usize| (1..=n as u64).product::<u64>();
    let repeats = sorted
        .chunk_by(|a, b| a == b)
        .map(|run| factorial(run.len()));
    factorial(sorted.len()) / repeats.product::<u64>()
}

/// The order number `rank` of all [`orders`], counted as a dictionary lists them.
pub fn order(sorted: &[u64], mut rank: u64) -> Vec<u64> {
    let mut left = sorted.to_vec();
    let mut chosen = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let mut place = 0;
        loop {
            let mut rest = left.clone();
            let number = rest.remove(place);
            let behind = orders(&rest);
            if rank < behind {
                chosen.push(number);
                left = rest;
                break;
            }
            rank -= behind;
            // The next number that differs.
            place += left[place..]
                .iter()
                .take_while(|&&other| other == number)
                .count();
        }
    }
    chosen
}

/// Mixed by the puzzle's id alone.
pub fn mixed(sorted: &[u64], id: &str) -> Vec<u64> {
    let mut numbers = sorted.to_vec();
    numbers.shuffle(&mut stream(0, id, 1));
    numbers
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_order_has_one_rank() {
        for numbers in [
            &[1, 2, 3, 4][..],
            &[2, 2, 5],
            &[7, 7, 7],
            &[1, 1, 3, 3, 9],
            &[4],
        ] {
            let all: Vec<_> = (0..orders(numbers))
                .map(|rank| order(numbers, rank))
                .collect();
            assert!(all.is_sorted(), "{all:?}");
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
            for mut listed in all {
                listed.sort_unstable();
                assert_eq!(listed, numbers);
            }
        }
        assert_eq!(orders(&[1, 2, 3]), 6);
        assert_eq!(orders(&[1, 1, 3]), 3);
    }
}
