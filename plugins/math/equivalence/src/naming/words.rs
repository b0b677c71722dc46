//! Names in words, and words that make a name of nothing.

use crate::{
    expr::Function,
    slicing::{last_outermost, outermost},
    token::{Bracket, Kind, Token},
};

/// Without what leads to the answer: `Therefore, x = 4`, `2x = 8 \implies x = 4`.
pub fn concluded(mut tokens: &[Token]) -> &[Token] {
    let follows = |kind: &Kind| {
        matches!(kind, Kind::Unknown(name)
            if matches!(&**name, "implies" | "Rightarrow" | "Longrightarrow" | "therefore"))
    };
    if let Some(place) = last_outermost(tokens, follows)
        && place + 1 < tokens.len()
        // Only from a statement does something follow: `6 \Rightarrow 5` is two answers.
        && (place == 0 || tokens[..place].iter().any(|token| matches!(token.kind, Kind::Compare(_))))
    {
        tokens = &tokens[place + 1..];
    }
    let mut rest = tokens;
    while let [first, behind @ ..] = rest
        && let Kind::Letters(word) | Kind::Text(word) = &first.kind
        && matches!(
            word.to_lowercase().as_str(),
            "therefore" | "thus" | "so" | "hence" | "then" | "finally" | "consequently"
        )
    {
        rest = match behind {
            [comma, behind @ ..] if matches!(comma.kind, Kind::Comma | Kind::Colon) => behind,
            behind => behind,
        };
    }
    if rest.is_empty() { tokens } else { rest }
}

/// Words in front of an answer, and the answer: `The answer is 204`, `Answer: 7`.
pub fn announced(tokens: &[Token]) -> Option<&[Token]> {
    let verb = |kind: &Kind| match kind {
        Kind::Colon => true,
        Kind::Letters(word) | Kind::Text(word) => matches!(&**word, "is" | "are" | "equals" | "be"),
        _ => false,
    };
    let place = outermost(tokens, verb)?;
    let (before, behind) = (&tokens[..place], &tokens[place + 1..]);
    (is_words(before) && !behind.is_empty() && !denies(behind)).then_some(behind)
}

/// Words that name something, perhaps with letters: `Area`, `area of triangle ABC`, `the value of x`.
pub fn is_words(tokens: &[Token]) -> bool {
    let word = |token: &Token| match &token.kind {
        Kind::Letters(word) | Kind::Text(word) => word.chars().count() > 1,
        _ => false,
    };
    let part = |token: &Token| {
        matches!(
            token.kind,
            Kind::Letters(_)
                | Kind::Text(_)
                | Kind::Named(_)
                | Kind::Angle
                | Kind::Prime
                | Kind::Period
                | Kind::Colon
                | Kind::Underscore
                | Kind::Constant(_)
                | Kind::Function(Function::Max | Function::Min)
                | Kind::Open(Bracket::Group | Bracket::Paren)
                | Kind::Close(Bracket::Group | Bracket::Paren)
        )
    };
    tokens.iter().all(part) && tokens.iter().any(word) && !denies(tokens)
}

/// Whether a word takes back what stands before it: `5 is wrong`.
pub fn retracts(tokens: &[Token]) -> bool {
    tokens.iter().any(|token| match &token.kind {
        Kind::Letters(word) | Kind::Text(word) => {
            matches!(
                &*word.to_lowercase(),
                "not"
                    | "no"
                    | "never"
                    | "least"
                    | "most"
                    | "impossible"
                    | "excluded"
                    | "fails"
                    | "bound"
                    | "limit"
                    | "guess"
                    | "invalid"
                    | "rejected"
                    | "unlikely"
                    | "doubled"
                    | "halved"
                    | "debt"
                    | "loss"
                    | "backwards"
                    | "too"
                    | "approximately"
                    | "roughly"
                    | "isn't"
                    | "wrong"
                    | "incorrect"
                    | "false"
            )
        }
        _ => false,
    })
}

/// Whether a word says that what follows is not the answer, or not all of it.
pub fn denies(tokens: &[Token]) -> bool {
    const DENYING: [&str; 63] = [
        "squared",
        "times",
        "plus",
        "minus",
        "bound",
        "estimate",
        "not",
        "no",
        "never",
        "cannot",
        "can't",
        "isn't",
        "neither",
        "nor",
        "except",
        "excluding",
        "without",
        "unless",
        "but",
        "other",
        "than",
        "instead",
        "if",
        "when",
        "where",
        "while",
        "for",
        "at",
        "with",
        "since",
        "because",
        "let",
        "suppose",
        "assume",
        "wrong",
        "incorrect",
        "false",
        "about",
        "around",
        "roughly",
        "nearly",
        "almost",
        "least",
        "most",
        "less",
        "more",
        "fewer",
        "greater",
        "before",
        "after",
        "until",
        "perpendicular",
        "parallel",
        "reflection",
        "opposite",
        "inverse",
        "reciprocal",
        "half",
        "twice",
        "double",
        "maybe",
        "perhaps",
        "negative",
    ];
    tokens.iter().any(|token| match &token.kind {
        Kind::Letters(word) | Kind::Text(word) => DENYING.contains(&word.to_lowercase().as_str()),
        Kind::Unknown(_) => true,
        _ => false,
    })
}
