//! Answers in words.

use dashu_ratio::RBig;

use crate::{
    Policy,
    answer::Form,
    choices,
    expr::{Expr, fraction, integer},
    region::{Interval, Region},
    token::{Bracket, Kind, Token},
};

/// Letters of multiple choice.
fn choice(word: &str) -> Option<char> {
    let mut letters = word.chars();
    let letter = letters.next()?;
    let alone = letters.next().is_none();
    (alone && ('A'..='J').contains(&letter.to_ascii_uppercase())).then_some(letter)
}

/// `(A)`, `A)`, `\text{A}`, `Option A`; nothing for anything else.
pub fn read_choice(tokens: &[Token]) -> Option<Form> {
    let kinds: Vec<&Kind> = tokens.iter().map(|token| &token.kind).collect();
    let letter = match kinds.as_slice() {
        [Kind::Text(word)] => choice(word).filter(char::is_ascii_uppercase)?,
        [
            Kind::Open(Bracket::Paren),
            Kind::Text(word) | Kind::Letters(word),
            Kind::Close(Bracket::Paren),
        ]
        | [
            Kind::Text(word) | Kind::Letters(word),
            Kind::Close(Bracket::Paren),
        ] => choice(word)?,
        [
            Kind::Letters(name) | Kind::Text(name),
            Kind::Text(word) | Kind::Letters(word),
        ]
        | [
            Kind::Letters(name) | Kind::Text(name),
            Kind::Open(Bracket::Paren),
            Kind::Text(word) | Kind::Letters(word),
            Kind::Close(Bracket::Paren),
        ] if choices::is_name(name) => choice(word)?,
        // `(A) 5`: the letter, and what it stands for.
        [Kind::Open(Bracket::Paren), ..] => choices::labelled(tokens)?.0.letter,
        _ => return None,
    };
    Some(Form::Choice(letter))
}

/// An answer that is nothing but words; nothing where it may be a formula.
pub fn read(tokens: &[Token], text: &str, policy: &Policy) -> Option<Form> {
    let only = tokens.iter().all(|token| {
        matches!(
            token.kind,
            Kind::Letters(_) | Kind::Text(_) | Kind::Period | Kind::Prime | Kind::Minus
        )
    });
    let is_word = |token: &Token| match &token.kind {
        Kind::Text(word) => word.chars().count() > 1,
        Kind::Letters(word) => {
            let capitalised = word.chars().count() == 3
                && word.starts_with(|first: char| first.is_uppercase())
                && word.chars().skip(1).all(char::is_lowercase);
            // `HTH` is a sequence, and no product that commutes.
            let capitals = word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase());
            !crate::grammar::is_variables(word)
                || capitals
                || capitalised
                || crate::units::is_named(word)
        }
        _ => false,
    };
    let joins = |token: &Token| {
        matches!(&token.kind, Kind::Text(word) | Kind::Letters(word)
            if matches!(&**word, "and" | "or"))
    };
    let inner = tokens.get(1..tokens.len().saturating_sub(1));
    if inner.is_some_and(|inner| inner.iter().any(joins)) {
        return None;
    }
    if !only || !tokens.iter().any(is_word) {
        return None;
    }
    let canonical = canonical(tokens, text, policy);
    Some(meaning(&canonical).unwrap_or(Form::Words(canonical.into())))
}

/// Any text that has words in it, or signs that are no formula's, compared as it stands: an
/// answer that is not understood equals itself, so that its problem need not be dropped.
pub fn fallback(tokens: &[Token], text: &str, policy: &Policy) -> Option<Form> {
    let words = tokens.iter().any(|token| match &token.kind {
        Kind::Text(word) | Kind::Letters(word) => word.chars().count() > 1,
        Kind::Unknown(_)
        | Kind::Ellipsis
        | Kind::Angle
        | Kind::Begin(_)
        | Kind::Mid
        | Kind::NumberSet(_) => true,
        _ => false,
    });
    words.then(|| Form::Words(canonical(tokens, text, policy).into()))
}

/// Words in lower case, without articles; signs as they are; one space between.
fn canonical(tokens: &[Token], text: &str, policy: &Policy) -> String {
    let mut canonical = String::new();
    for (place, token) in tokens.iter().enumerate() {
        if around_one(tokens, place) {
            continue;
        }
        let word;
        let piece = match &token.kind {
            Kind::Letters(letters) | Kind::Text(letters) => {
                let lower = letters.to_lowercase();
                if matches!(lower.as_str(), "the" | "a" | "an") && is_word(tokens.get(place + 1)) {
                    continue;
                }
                word = if policy.case_of_words || letters.chars().count() == 1 {
                    letters.to_string()
                } else {
                    lower
                };
                &word
            }
            // A hyphen, and no sign.
            Kind::Minus
                if place > 0
                    && is_word(tokens.get(place - 1))
                    && is_word(tokens.get(place + 1)) =>
            {
                continue;
            }
            Kind::Period | Kind::Prime => continue,
            Kind::Times => "×",
            _ => &text[token.at..token.end],
        };
        if !canonical.is_empty() {
            canonical.push(' ');
        }
        canonical.push_str(piece);
    }
    canonical
}

fn is_word(token: Option<&Token>) -> bool {
    matches!(token.map(|token| &token.kind), Some(Kind::Letters(word) | Kind::Text(word))
        if word.chars().count() > 1)
}

/// Whether a brace has one token beside it and its partner behind that: `\pmod{4}` is
/// `\pmod 4`.
fn around_one(tokens: &[Token], place: usize) -> bool {
    let kind = |place: Option<usize>| Some(&tokens.get(place?)?.kind);
    let open = Kind::Open(Bracket::Group);
    let close = Kind::Close(Bracket::Group);
    let two = place.checked_sub(2);
    (tokens[place].kind == open && kind(Some(place + 2)) == Some(&close))
        || (tokens[place].kind == close && kind(two) == Some(&open))
}

/// Words that say something which also has a sign.
fn meaning(words: &str) -> Option<Form> {
    let lower = words.to_lowercase();
    let lower = lower.as_str();
    if let Some(number) = number_word(lower) {
        return Some(Form::plain(integer(number)));
    }
    // `two thirds`, `three hundred`.
    if let Some((number, name)) = lower.rsplit_once(' ')
        && let (Some(number), Some(scale)) = (number_word(number), scale_word(name))
    {
        // "Twenty-fifth" is a place in a row and no fraction.
        let several = name.ends_with('s');
        if scale.is_int() || several == (number != 1) {
            return Some(Form::plain(Expr::Number(RBig::from(number) * scale)));
        }
    }
    Some(match lower {
        "no solution"
        | "no solutions"
        | "no real solution"
        | "no real solutions"
        | "empty set"
        | "no such number exists"
        | "none" => Form::Region(Region::empty()),
        "all real numbers"
        | "all reals"
        | "real numbers"
        | "set of all real numbers"
        | "any real number"
        | "all real"
        | "all real x" => Form::Region(Region::of(vec![Interval::everything()])),
        "all integers" | "integers" | "set of integers" | "set of all integers" => {
            Form::NumberSet('Z')
        }
        "dne" | "does not exist" => Form::Words("does not exist".into()),
        "half" | "one half" | "onehalf" => Form::plain(Expr::Number(fraction(1, 2))),
        _ => return None,
    })
}

/// What a number is multiplied by where this word follows it: `million`, `dozen`, `tenths`.
///
/// Scores are things, and a score is twenty; a second is a time.
pub fn scale_word(word: &str) -> Option<RBig> {
    const WHOLE: [(&str, i64); 10] = [
        ("dozen", 12),
        ("score", 20),
        ("hundred", 100),
        ("gross", 144),
        ("thousand", 1000),
        ("lakh", 100_000),
        ("million", 1_000_000),
        ("crore", 10_000_000),
        ("billion", 1_000_000_000),
        ("trillion", 1_000_000_000_000),
    ];
    const PARTS: [(&str, u64); 15] = [
        ("half", 2),
        ("halve", 2),
        ("third", 3),
        ("quarter", 4),
        ("fourth", 4),
        ("fifth", 5),
        ("sixth", 6),
        ("seventh", 7),
        ("eighth", 8),
        ("ninth", 9),
        ("tenth", 10),
        ("twelfth", 12),
        ("sixteenth", 16),
        ("twentieth", 20),
        ("hundredth", 100),
    ];
    const SMALL_PARTS: [(&str, u64); 3] = [
        ("thousandth", 1000),
        ("millionth", 1_000_000),
        ("billionth", 1_000_000_000),
    ];
    match word {
        // One and ten begin another number: `5 ten thousandths`.
        "ones" => return Some(RBig::ONE),
        "tens" => return Some(RBig::from(10)),
        "scores" => return None,
        _ => {}
    }
    let singular = word.strip_suffix('s').unwrap_or(word);
    let whole = WHOLE
        .iter()
        .find(|(name, _)| [word, singular].contains(name))
        .map(|(_, factor)| RBig::from(*factor));
    whole.or_else(|| {
        PARTS
            .iter()
            .chain(&SMALL_PARTS)
            .find(|(name, _)| *name == singular)
            .map(|(_, parts)| fraction(1, *parts))
    })
}

pub fn number_word(word: &str) -> Option<i64> {
    const SMALL: [&str; 21] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ];
    const TENS: [&str; 9] = [
        "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    ];
    if let Some(number) = SMALL.iter().position(|name| *name == word) {
        return Some(number as i64);
    }
    let (tens, ones) = word.split_once([' ', '-']).unwrap_or((word, "zero"));
    let tens = TENS.iter().position(|name| *name == tens)? as i64 + 1;
    let ones = SMALL[..10].iter().position(|name| *name == ones)? as i64;
    (tens > 1 || ones == 0).then_some(10 * tens + ones)
}
