//! How arrays over sequences are cut into batches, and values moved between all tokens and the drawn ones.

use std::ops::Range;

/// Splits sequences in their order so that each part has at most `budget` tokens; a longer sequence goes alone. There
/// are as few parts as can be, and the largest is as small as it can be then: parts of one size use the same memory.
pub(crate) fn split_by_tokens(
    lengths: impl Iterator<Item = usize>,
    budget: usize,
) -> Vec<Range<usize>> {
    let lengths: Vec<usize> = lengths.collect();
    let fewest = fill(&lengths, budget);
    let (mut low, mut high) = (0, budget);
    while low < high {
        let middle = low + (high - low) / 2;
        match fill(&lengths, middle).len() <= fewest.len() {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    match fewest.is_empty() {
        true => fewest,
        false => fill(&lengths, high),
    }
}

/// Parts that are filled up to `budget` one after another.
fn fill(lengths: &[usize], budget: usize) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut used = 0;
    for (index, &length) in lengths.iter().enumerate() {
        match parts.last_mut() {
            Some(part) if used + length <= budget => part.end = index + 1,
            _ => {
                parts.push(index..index + 1);
                used = 0;
            }
        }
        used += length;
    }
    parts
}

pub(crate) fn gather(values: &[f32], positions: &[usize]) -> Vec<f32> {
    positions.iter().map(|&at| values[at]).collect()
}

pub(crate) fn scatter(values: &[f32], positions: &[usize], length: usize) -> Vec<f32> {
    let mut out = vec![0.0; length];
    for (&at, &value) in positions.iter().zip(values) {
        out[at] = value;
    }
    out
}

pub(crate) fn offsets(lengths: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut offsets = vec![0];
    let mut end = 0;
    for length in lengths {
        end += length as u32;
        offsets.push(end);
    }
    offsets
}

/// The lengths of runs of equal values.
pub(crate) fn runs(values: impl Iterator<Item = usize>) -> impl Iterator<Item = usize> {
    let mut lengths: Vec<(usize, usize)> = Vec::new();
    for value in values {
        match lengths.last_mut() {
            Some((last, length)) if *last == value => *length += 1,
            _ => lengths.push((value, 1)),
        }
    }
    lengths.into_iter().map(|(_, length)| length)
}

/// `count` things in at most `parts` ranges that differ in size by one at most.
pub(crate) fn split_evenly(count: usize, parts: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = parts.min(count).max(1);
    (0..parts).map(move |part| part * count / parts..(part + 1) * count / parts)
}

#[cfg(test)]
mod tests {
    use super::{runs, split_by_tokens, split_evenly};

    #[test]
    fn parts_stay_within_the_budget_and_cover_everything() {
        let lengths = [3, 3, 3, 10, 1, 1, 5];
        let parts = split_by_tokens(lengths.into_iter(), 6);
        assert_eq!(parts, [0..2, 2..3, 3..4, 4..6, 6..7]);
        assert!(split_by_tokens(std::iter::empty(), 6).is_empty());
    }

    #[test]
    fn parts_are_as_even_as_the_order_allows() {
        // Filled up they would be 4, 4 and 2.
        let parts = split_by_tokens(std::iter::repeat_n(10, 10), 45);
        let sizes: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(sizes, [4, 4, 2]);
        let parts = split_by_tokens(std::iter::repeat_n(10, 9), 45);
        let sizes: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(sizes, [3, 3, 3]);
    }

    #[test]
    fn updates_share_the_groups_evenly() {
        let parts: Vec<_> = split_evenly(7, 3).collect();
        assert_eq!(parts, [0..2, 2..4, 4..7]);
        assert_eq!(split_evenly(2, 5).count(), 2);
    }

    #[test]
    fn a_split_group_counts_once_in_each_part() {
        let lengths: Vec<_> = runs([4, 4, 7, 7, 7, 9].into_iter()).collect();
        assert_eq!(lengths, [2, 3, 1]);
    }
}
