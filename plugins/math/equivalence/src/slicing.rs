//! Where brackets close and separators stand, without reading what is between.

use crate::{
    Unreadable,
    lexer::unreadable,
    limits,
    token::{Bracket, Kind, Token},
};

/// Without punctuation behind it.
pub fn trimmed(mut tokens: &[Token]) -> &[Token] {
    let mark = |kind: &Kind| matches!(kind, Kind::Period | Kind::Comma | Kind::Semicolon);
    while let [rest @ .., last] = tokens
        && mark(&last.kind)
    {
        tokens = rest;
    }
    tokens
}

/// Without braces of LaTeX around all of it; `{1, 2}` is a set.
pub fn unwrapped(mut tokens: &[Token]) -> &[Token] {
    while let [first, inside @ .., _] = tokens
        && first.kind == Kind::Open(Bracket::Group)
        && !inside.is_empty()
        && close_of(tokens) == Some(tokens.len() - 1)
        && elements(inside).len() == 1
    {
        tokens = trimmed(inside);
    }
    tokens
}

/// What the tokens are, without the braces of LaTeX: `A^{-1}` as `A^-1`.
pub fn ungrouped(tokens: &[Token]) -> Vec<&Kind> {
    let group = |kind: &&Kind| {
        matches!(
            kind,
            Kind::Open(Bracket::Group) | Kind::Close(Bracket::Group)
        )
    };
    let kinds = tokens.iter().map(|token| &token.kind);
    kinds.filter(|kind| !group(kind)).collect()
}

pub fn depth_change(kind: &Kind) -> i32 {
    match kind {
        Kind::Open(_) | Kind::Begin(_) => 1,
        Kind::Close(_) | Kind::End => -1,
        _ => 0,
    }
}

/// Where the bracket that the tokens begin with is closed.
pub fn close_of(tokens: &[Token]) -> Option<usize> {
    let mut depth = 0;
    for (place, token) in tokens.iter().enumerate() {
        depth += depth_change(&token.kind);
        if depth <= 0 {
            return (place > 0).then_some(place);
        }
    }
    None
}

/// The first token outside of all brackets that the question is true of.
pub fn outermost(tokens: &[Token], question: impl Fn(&Kind) -> bool) -> Option<usize> {
    let mut depth = 0;
    tokens.iter().position(|token| {
        depth += depth_change(&token.kind);
        depth == 0 && question(&token.kind)
    })
}

pub fn last_outermost(tokens: &[Token], question: impl Fn(&Kind) -> bool) -> Option<usize> {
    let mut depth = 0;
    tokens.iter().rposition(|token| {
        depth += depth_change(&token.kind);
        depth == 0 && question(&token.kind)
    })
}

/// The tokens between separators outside of all brackets.
pub fn parts(tokens: &[Token], separates: impl Fn(&Kind) -> bool) -> Vec<&[Token]> {
    let mut parts = Vec::new();
    let mut rest = tokens;
    while let Some(place) = outermost(rest, &separates) {
        parts.push(&rest[..place]);
        rest = &rest[place + 1..];
    }
    parts.push(rest);
    parts
}

pub fn elements(tokens: &[Token]) -> Vec<&[Token]> {
    parts(tokens, |kind| matches!(kind, Kind::Comma | Kind::Semicolon))
}

pub fn check_depth(tokens: &[Token], depth: usize) -> Result<(), Unreadable> {
    if depth > limits::DEPTH {
        let at = tokens.first().map_or(0, |token| token.at);
        return Err(unreadable(at, "lists are too deep"));
    }
    Ok(())
}

pub fn too_many(tokens: &[Token]) -> Unreadable {
    let at = tokens.first().map_or(0, |token| token.at);
    unreadable(at, format!("more than {} elements", limits::ELEMENTS))
}
