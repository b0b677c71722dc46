//! What an answer says about itself behind the answer: when it holds, and over which numbers a letter of it runs.

use crate::{
    answer::{Conditional, Family, Form, Relation},
    expr::Expr,
    grammar::Parsed,
    naming,
    reading::Reader,
    slicing::{close_of, outermost, trimmed},
    token::{Bracket, Comparison, Kind, Token},
};

/// Words that begin a condition. Behind "if" and "provided" there are other cases with other values.
const CONDITIONS: [&str; 11] = [
    "at",
    "when",
    "where",
    "for",
    "with",
    "since",
    "because",
    "given",
    "while",
    "attained",
    "occurring",
];

impl Reader<'_> {
    /// An answer with something behind it that is no part of its value; nothing where there is no such thing.
    pub(crate) fn qualified(&self, tokens: &[Token], depth: usize) -> Option<Parsed<Form>> {
        if let Some((value, parameter, set)) = family(tokens) {
            let value = self.joined(value, depth + 1);
            return Some(value.map(|value| {
                Form::Family(Box::new(Family {
                    value,
                    parameter,
                    set,
                }))
            }));
        }
        let place = outermost(tokens, is_condition).filter(|place| *place > 0)?;
        let value = trimmed(&tokens[..place]);
        let condition = &tokens[place..];
        // One relation, of which nothing else can be an answer: `5 for 2` and `3 at x = 1 or 4 at x = 2` say more.
        let inside = trimmed(&condition[1..]);
        let relates = |kind: &Kind| matches!(kind, Kind::Compare(_) | Kind::In);
        let more = |kind: &Kind| {
            is_condition(kind)
                || matches!(
                    kind,
                    Kind::Comma | Kind::Semicolon | Kind::And | Kind::Or | Kind::Row
                )
                || matches!(kind, Kind::Letters(word) | Kind::Text(word) if word.chars().count() > 1)
        };
        let relations = inside.iter().filter(|token| relates(&token.kind)).count();
        let alone = relations == 1
            && outermost(inside, relates).is_some()
            && outermost(inside, more).is_none();
        if !alone || value.is_empty() || naming::denies(value) {
            return None;
        }
        let condition =
            self.text[condition[0].at..condition[condition.len() - 1].end].split_whitespace();
        let condition = condition.collect::<Vec<_>>().join(" ").into();
        // What is not understood in front of it is compared as words, all of it.
        let value = self
            .joined(value, depth + 1)
            .ok()
            .filter(|value| !matches!(value, Form::Words(_)))?;
        Some(Ok(Form::Conditional(Box::new(Conditional {
            value,
            condition,
        }))))
    }
}

fn is_condition(kind: &Kind) -> bool {
    matches!(kind, Kind::Letters(word) | Kind::Text(word) if CONDITIONS.contains(&&**word))
}

/// A value, the letter that runs in it, and over what: `2k\pi, k \in \mathbb{Z}`, `2k\pi (k \in \mathbb{Z})`, `2k\pi for
/// every integer k`.
fn family(tokens: &[Token]) -> Option<(&[Token], Box<str>, &'static str)> {
    let last = tokens.last()?;
    let comma = tokens
        .iter()
        .rposition(|token| matches!(token.kind, Kind::Comma | Kind::Semicolon));
    let word = outermost(tokens, is_condition);
    let opened = (last.kind == Kind::Close(Bracket::Paren)).then(|| {
        tokens
            .iter()
            .rposition(|token| token.kind == Kind::Open(Bracket::Paren))
    });
    let cuts = [
        opened
            .flatten()
            .map(|open| (open, &tokens[open + 1..tokens.len() - 1])),
        comma.map(|comma| (comma, &tokens[comma + 1..])),
        word.map(|word| (word, &tokens[word + 1..])),
    ];
    cuts.into_iter().flatten().find_map(|(end, said)| {
        let (parameter, set) = parameter(said)?;
        let value = trimmed(&tokens[..end]);
        let runs = |token: &Token| matches!(&token.kind, Kind::Letters(letters) if letters.contains(&*parameter));
        let whole = value.iter().fold(0, |depth, token| depth + crate::slicing::depth_change(&token.kind)) == 0;
        (whole && value.iter().any(runs)).then_some((value, parameter, set))
    })
}

/// `k \in \mathbb{Z}`, `k is an integer`, `every positive integer n`.
pub fn parameter(tokens: &[Token]) -> Option<(Box<str>, &'static str)> {
    let tokens = match trimmed(tokens) {
        [first, rest @ ..] if is_condition(&first.kind) => rest,
        all => all,
    };
    if let [
        Token {
            kind: Kind::Letters(name),
            ..
        },
        element,
        set @ ..,
    ] = tokens
        && element.kind == Kind::In
    {
        return Some((name.clone(), number_set(set)?));
    }
    let (mut name, mut set) = (None, None);
    let mut positive = false;
    for token in tokens {
        let (Kind::Letters(word) | Kind::Text(word)) = &token.kind else {
            return None;
        };
        match word.to_lowercase().as_str() {
            "is" | "are" | "an" | "any" | "all" | "some" | "every" | "each" | "the"
            | "arbitrary" | "number" | "numbers" => {}
            "positive" => positive = true,
            "integer" | "integers" => set = Some("Z"),
            "natural" => set = Some("N"),
            letter if letter.chars().count() == 1 && name.is_none() => name = Some(word.clone()),
            _ => return None,
        }
    }
    let set = if positive { set.map(|_| "N*") } else { set };
    Some((name?, set?))
}

fn number_set(tokens: &[Token]) -> Option<&'static str> {
    let (set, marks) = tokens.split_first()?;
    let letter = match &set.kind {
        Kind::NumberSet(letter) => *letter,
        Kind::Letters(letter) if letter.len() == 1 => char::from(letter.as_bytes()[0]),
        _ => return None,
    };
    let plain = marks.is_empty();
    let mark = |wanted: &[Kind]| marks.iter().any(|token| wanted.contains(&token.kind));
    let raised = marks.iter().all(|token| {
        matches!(
            token.kind,
            Kind::Caret
                | Kind::Underscore
                | Kind::Plus
                | Kind::Times
                | Kind::Open(Bracket::Group)
                | Kind::Close(Bracket::Group)
        )
    });
    match letter {
        'Z' if plain => Some("Z"),
        'N' if plain => Some("N"),
        'Z' | 'N' if raised && mark(&[Kind::Plus, Kind::Times]) => Some("N*"),
        _ => None,
    }
}

/// The rows of a system of equations, where the tokens are one: `\begin{cases} x = 1 \\ y = 2 \end{cases}`.
pub fn system(tokens: &[Token]) -> Option<Vec<Vec<Token>>> {
    let tokens = match tokens {
        // `\left\{ \begin{array}{l} .. \end{array} \right.` has a brace that nothing closes.
        [brace, inside @ ..]
            if brace.kind == Kind::Open(Bracket::Brace)
                && matches!(inside.first()?.kind, Kind::Begin(_)) =>
        {
            inside
        }
        all => all,
    };
    let named = matches!(&tokens.first()?.kind, Kind::Begin(name)
        if matches!(&**name, "cases" | "dcases" | "rcases" | "aligned" | "align" | "alignedat" | "array" | "gathered" | "split"));
    if !named || close_of(tokens) != Some(tokens.len() - 1) {
        return None;
    }
    let rows = crate::slicing::parts(&tokens[1..tokens.len() - 1], |kind| *kind == Kind::Row);
    let rows = rows.into_iter().map(|row| {
        let compares = |token: Option<&Token>| {
            token.is_some_and(|token| matches!(token.kind, Kind::Compare(_)))
        };
        // `x &= 1`: the sign marks a place.
        let mut kept: Vec<Token> = Vec::with_capacity(row.len());
        for (place, token) in trimmed(row).iter().enumerate() {
            match token.kind {
                Kind::Ampersand
                    if compares(row.get(place + 1)) || compares(kept.last()) || place == 0 => {}
                Kind::Ampersand => return None,
                _ => kept.push(token.clone()),
            }
        }
        let relation = kept
            .iter()
            .filter(|token| matches!(token.kind, Kind::Compare(_)))
            .count()
            == 1;
        (relation || kept.is_empty()).then_some(kept)
    });
    let mut rows = rows.collect::<Option<Vec<_>>>()?;
    rows.retain(|row| !row.is_empty());
    (!rows.is_empty()).then_some(rows)
}

/// `x \ne 0, 1` says two things of x.
pub fn unequal(items: Vec<Form>) -> Vec<Form> {
    let Some(Form::Relation(Relation { sides, comparisons })) = items.first() else {
        return items;
    };
    let ([name @ Expr::Variable(_), _], [Comparison::NotEqual]) = (&sides[..], &comparisons[..])
    else {
        return items;
    };
    let name = name.clone();
    let said = |item: Form| match item {
        Form::Value(quantity)
            if quantity.unit.is_none() && quantity.expr.variables().is_empty() =>
        {
            Form::Relation(Relation {
                sides: vec![name.clone(), quantity.expr],
                comparisons: vec![Comparison::NotEqual],
            })
        }
        other => other,
    };
    items.into_iter().map(said).collect()
}
