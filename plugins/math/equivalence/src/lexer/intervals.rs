//! Intervals as French has them: `]3,5[` without its ends, `[3,5[` without the upper one.

use crate::{
    slicing::depth_change,
    token::{Bracket, Kind, Token},
};

/// Puts parentheses for the brackets that are turned away from their interval.
pub fn turned(tokens: &mut [Token]) {
    let mut depth = 0_i32;
    let mut place = 0;
    while place < tokens.len() {
        let kind = &tokens[place].kind;
        let square = is_square(kind);
        if depth == 0
            && square
            && let Some(end) = interval_end(tokens, place)
        {
            if tokens[place].kind == Kind::Close(Bracket::Square) {
                tokens[place].kind = Kind::Open(Bracket::Paren);
            }
            if tokens[end].kind == Kind::Open(Bracket::Square) {
                tokens[end].kind = Kind::Close(Bracket::Paren);
            }
            place = end + 1;
            continue;
        }
        depth += depth_change(&tokens[place].kind);
        place += 1;
    }
}

fn is_square(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Open(Bracket::Square) | Kind::Close(Bracket::Square)
    )
}

/// Where the interval ends that a bracket at this place begins; nothing where it begins none.
fn interval_end(tokens: &[Token], start: usize) -> Option<usize> {
    let mut depth = 0_i32;
    let mut separator = None;
    for (place, token) in tokens.iter().enumerate().skip(start + 1) {
        if depth == 0 && is_square(&token.kind) {
            let goes_on = tokens.get(place + 1).is_some_and(|next| {
                token.kind == Kind::Open(Bracket::Square)
                    && !matches!(
                        next.kind,
                        Kind::Union
                            | Kind::Intersection
                            | Kind::SetMinus
                            | Kind::Comma
                            | Kind::Semicolon
                            | Kind::Period
                            | Kind::And
                            | Kind::Or
                            | Kind::Close(Bracket::Group)
                    )
            });
            let between = separator.is_some_and(|comma| comma > start + 1 && comma + 1 < place);
            return (between && !goes_on).then_some(place);
        }
        match token.kind {
            Kind::Comma | Kind::Semicolon if depth == 0 => {
                if separator.replace(place).is_some() {
                    return None;
                }
            }
            _ => depth += depth_change(&token.kind),
        }
        if depth < 0 {
            return None;
        }
    }
    None
}
