//! "Did you mean": the nearest of the names that would have been right.

/// The candidate that the written name most likely meant, or none if all are too far away to help.
///
/// Damerau-Levenshtein counts the slips that people make (a letter dropped, doubled, swapped); a third of the longer
/// name is the limit that git and cargo use. A name that only adds or lacks a whole word (`lr` for `base_lr`) is far
/// by that count but near for Jaro-Winkler, hence the second chance.
pub(super) fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // A name of kilobytes is no slip, and the distance costs the product of both lengths.
    if written.len() > 128 {
        return None;
    }
    let folded = written.to_lowercase().replace('-', "_");
    candidates
        .into_iter()
        .filter(|candidate| *candidate != written)
        .filter_map(|candidate| {
            let target = candidate.to_lowercase().replace('-', "_");
            let distance = strsim::damerau_levenshtein(&folded, &target);
            let limit = folded
                .chars()
                .count()
                .max(target.chars().count())
                .div_ceil(3);
            let close = distance <= limit || strsim::jaro_winkler(&folded, &target) > 0.9;
            close.then_some((distance, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// A list of names for a sentence: `a`, `b` and `c`, quoted as code.
pub(super) fn name_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => "none".to_owned(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let keys = [
            "name",
            "seed",
            "device",
            "checkpoint_every",
            "keep_checkpoints",
        ];
        assert_eq!(nearest("sedd", keys), Some("seed"));
        assert_eq!(nearest("Device", keys), Some("device"));
        assert_eq!(nearest("checkpoint-every", keys), Some("checkpoint_every"));
        assert_eq!(nearest("checkpoints_every", keys), Some("checkpoint_every"));
        assert_eq!(nearest("temperature", keys), None);
        assert_eq!(nearest("", keys), None);
        assert_eq!(nearest(&"s".repeat(1 << 20), keys), None);
    }
}
