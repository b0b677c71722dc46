//! The two ways to order merges: `tokenizers` lists pairs, SentencePiece scores the pieces that they make.
//!
//! SentencePiece joins any two neighbours whose text is a piece, the best score first. So a list of pairs says the same
//! exactly if it has every way to cut every piece into two, and the ways to make one piece follow each other.

use std::collections::{HashMap, HashSet};

/// Pieces of real vocabularies have up to some tens of characters; cutting a long one takes time by its square.
const LONGEST_PIECE: usize = 1024;

/// Pairs in the order of the scores of what they make, as transformers finds them: of one piece, the longest left part
/// first. `pieces` have text and score.
pub(super) fn from_scores(pieces: &[(&str, f32)]) -> Result<Vec<(String, String)>, String> {
    let known: HashSet<&str> = pieces.iter().map(|(piece, _)| *piece).collect();
    let mut order: Vec<&(&str, f32)> = pieces.iter().collect();
    if let Some((piece, score)) = pieces.iter().find(|(_, score)| score.is_nan()) {
        return Err(format!("the score of the token {piece:?} is {score}"));
    }
    // Stable: of equal scores the first token's comes first.
    order.sort_by(|left, right| right.1.total_cmp(&left.1));
    let mut merges = Vec::new();
    for (piece, _) in order {
        check_length(piece)?;
        for (at, _) in piece.char_indices().rev().filter(|(at, _)| *at > 0) {
            let (left, right) = piece.split_at(at);
            if known.contains(left) && known.contains(right) {
                merges.push((left.to_owned(), right.to_owned()));
            }
        }
    }
    Ok(merges)
}

fn check_length(piece: &str) -> Result<(), String> {
    match piece.len() > LONGEST_PIECE {
        true => Err(format!(
            "a token has {} bytes; expected at most {LONGEST_PIECE}",
            piece.len()
        )),
        false => Ok(()),
    }
}

/// Scores that make SentencePiece join as `merges` say: 0 for what no pair makes, -1 for what the first pair makes, and
/// so on. An error says where the list cannot be said with scores.
pub(super) fn to_scores(
    pieces: &[&str],
    merges: &[(String, String)],
) -> Result<HashMap<String, f32>, String> {
    let known: HashSet<&str> = pieces.iter().copied().collect();
    let listed: HashSet<(&str, &str)> = merges
        .iter()
        .map(|(left, right)| (left.as_str(), right.as_str()))
        .collect();
    for piece in pieces {
        check_length(piece)?;
        for (at, _) in piece.char_indices().skip(1) {
            let (left, right) = piece.split_at(at);
            // A character without a token is a neighbour like any other to SentencePiece.
            let neighbour = |text: &str| known.contains(text) || text.chars().nth(1).is_none();
            if neighbour(left) && neighbour(right) && !listed.contains(&(left, right)) {
                return Err(format!(
                    "SentencePiece would join {left:?} and {right:?} to the token {piece:?}, and this tokenizer's \
                     merges do not"
                ));
            }
        }
    }
    let mut scores: HashMap<String, f32> = HashMap::new();
    let mut last: Option<String> = None;
    let mut rank = 0.0;
    for (left, right) in merges {
        let made = format!("{left}{right}");
        if last.as_ref() == Some(&made) {
            continue;
        }
        rank -= 1.0;
        if scores.insert(made.clone(), rank).is_some() {
            return Err(format!(
                "the token {made:?} is made by merges of different rank, and SentencePiece has one score for it"
            ));
        }
        last = Some(made);
    }
    Ok(scores)
}
