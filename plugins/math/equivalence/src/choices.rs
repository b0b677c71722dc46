//! A letter of multiple choice with what it stands for behind it: `B) 12`, `(B) 12`, `Option B: 12`.
//!
//! Where the gold answer is a letter, the letter is judged, and otherwise what follows it. An
//! answer that names a second letter, or takes the first one back, has chosen nothing.

use crate::{
    answer::{Answer, Chosen, Form},
    expr::Expr,
    policy::Policy,
    slicing::depth_change,
    token::{Bracket, Kind, Token},
};

const NAMES: [&str; 4] = ["option", "choice", "answer", "statement"];

/// The word in a token, wherever it stands.
fn word(token: &Token) -> Option<&str> {
    match &token.kind {
        Kind::Text(word) | Kind::Letters(word) => Some(word),
        _ => None,
    }
}

fn letter(token: &Token) -> Option<char> {
    lone_letter(word(token)?)
}

fn lone_letter(word: &str) -> Option<char> {
    let mut letters = word.chars();
    let letter = letters.next()?;
    (letters.next().is_none() && ('A'..='J').contains(&letter)).then_some(letter)
}

/// Whether the word announces a letter: `Option B`.
pub fn is_name(word: &str) -> bool {
    NAMES.contains(&word.to_lowercase().as_str())
}

/// The letter and the tokens behind it; nothing where it may be no choice, or not the only one.
pub fn labelled(tokens: &[Token]) -> Option<(Chosen, &[Token])> {
    let (named, tokens) = match tokens {
        [name, rest @ ..] if word(name).is_some_and(is_name) => (true, rest),
        _ => (false, tokens),
    };
    let open = Kind::Open(Bracket::Paren);
    let close = Kind::Close(Bracket::Paren);
    let (chosen, rest) = match tokens {
        [first, label, last, rest @ ..] if first.kind == open && last.kind == close => {
            let apart = rest.first()?.spaced || matches!(label.kind, Kind::Text(_));
            let mark = matches!(rest[0].kind, Kind::Colon | Kind::Period);
            // `(B)(x+1)` and `(B) (x+1)` are products.
            let product = rest.iter().any(|token| token.kind == open);
            let chosen = letter(label).filter(|letter| *letter <= 'E');
            if !(apart || mark || named) || product {
                return None;
            }
            (chosen?, &rest[usize::from(mark)..])
        }
        [label, mark, rest @ ..]
            if mark.kind == close || matches!(mark.kind, Kind::Period | Kind::Colon) =>
        {
            (letter(label)?, rest)
        }
        _ => return None,
    };
    // `A:3` may be a ratio.
    let colon = matches!(tokens[0].kind, Kind::Letters(_)) && tokens[1].kind == Kind::Colon;
    let chosen = Chosen {
        letter: chosen,
        sure: named || !colon,
    };
    (!rest.is_empty() && is_one_text(rest)).then_some((chosen, rest))
}

/// Whether these tokens can be what one letter stands for.
fn is_one_text(tokens: &[Token]) -> bool {
    const DOUBTS: [&str; 9] = [
        "or", "not", "nor", "neither", "either", "maybe", "perhaps", "possibly", "if",
    ];
    let mut depth = 0;
    for (place, token) in tokens.iter().enumerate() {
        depth += depth_change(&token.kind);
        let doubtful = word(token).is_some_and(|word| DOUBTS.contains(&&*word.to_lowercase()));
        // "A square" begins with an article.
        let article = letter(token) == Some('A')
            && tokens
                .get(place + 1)
                .and_then(word)
                .is_some_and(|word| word.len() > 1);
        // "I and II" are statements.
        let second = letter(token).is_some_and(|letter| letter != 'I')
            && (token.spaced || place == 0)
            && !article;
        let bracketed = place > 0
            && letter(token).is_some()
            && tokens[place - 1].kind == Kind::Open(Bracket::Paren);
        if depth < 0 || doubtful || second || bracketed || token.kind == Kind::Or {
            return false;
        }
    }
    depth == 0
}

/// Whether the letters decide, and how; nothing where what they stand for has to, as it has where both
/// have one: "E. Noether" is not "E. Galois".
pub fn same_letter(gold: &Answer, given: &Answer, policy: &Policy) -> Option<bool> {
    let sure = gold.choice.filter(|chosen| chosen.sure);
    if sure.is_none() && given.choice.is_none() {
        return None;
    }
    let lone = |answer: &Answer| match &answer.form {
        Form::Choice(letter) => Some(*letter),
        Form::Value(quantity) if quantity.unit.is_none() => match &quantity.expr {
            Expr::Variable(name) => lone_letter(name),
            _ => None,
        },
        _ => None,
    };
    let wanted = sure.map(|chosen| chosen.letter).or_else(|| lone(gold))?;
    let chosen = given
        .choice
        .map(|chosen| chosen.letter)
        .or_else(|| lone(given))?;
    let same = wanted == chosen || (!policy.case_of_words && wanted.eq_ignore_ascii_case(&chosen));
    let two_texts = sure.is_some() && given.choice.is_some_and(|chosen| chosen.sure);
    (!same || !two_texts).then_some(same)
}
