//! Units behind a value, from `cm` to `square miles per hour`.
//!
//! A unit is a scale and powers of base units, so that 100 cm is 1 m and no cm² is a cm. A
//! noun that is no unit (`5 apples`) is a base unit of its own.

use dashu_ratio::RBig;

use crate::{
    expr::{Function, fraction},
    slicing::close_of,
    token::{Bracket, Kind, Literal, Token},
    words::{number_word, scale_word},
};

mod table;

use table::row;

/// A unit: what one of it is in base units.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    pub scale: RBig,
    /// Base units and their powers, sorted, none zero.
    pub powers: Vec<(Box<str>, i32)>,
}

impl Unit {
    pub fn none() -> Self {
        Self {
            scale: RBig::ONE,
            powers: Vec::new(),
        }
    }

    pub fn named(base: &str) -> Self {
        Self {
            scale: RBig::ONE,
            powers: vec![(base.into(), 1)],
        }
    }

    /// Whether it is a thing of rows and columns: a `2\times3` matrix is no 6 matrices.
    pub fn has_two_sides(&self) -> bool {
        const TABLES: [&str; 8] = [
            "matrix",
            "matrice",
            "matrixe",
            "grid",
            "board",
            "array",
            "table",
            "rectangle",
        ];
        let is_table = |(noun, _): &(Box<str>, i32)| {
            let last = noun.rsplit(' ').next().unwrap_or(noun);
            TABLES.contains(&last.strip_suffix('s').unwrap_or(last))
        };
        self.powers.iter().any(is_table)
    }

    pub fn multiply(&mut self, other: &Self, power: i32) {
        let factor = other.scale.pow(power.unsigned_abs() as isize);
        if power >= 0 {
            self.scale *= factor;
        } else {
            self.scale /= factor;
        }
        for (base, exponent) in &other.powers {
            match self.powers.iter_mut().find(|(own, _)| own == base) {
                Some((_, own)) => *own += exponent * power,
                None => self.powers.push((base.clone(), exponent * power)),
            }
        }
        // Degrees Celsius are one unit.
        let temperature = |(base, power): &(Box<str>, i32)| {
            *power == 1 && matches!(&**base, "celsius" | "fahrenheit")
        };
        if self.powers.iter().any(temperature) {
            self.powers.retain(|(base, _)| &**base != "degree");
        }
        self.powers.retain(|(_, power)| *power != 0);
        self.powers.sort_unstable();
    }
}

/// Whether a plain word is a unit.
pub fn is_unit(word: &str) -> bool {
    matches!(
        word,
        "mph" | "kph" | "kmph" | "sq" | "square" | "cubic" | "cc"
    ) || row(word).is_some()
}

/// The unit of that name.
pub fn one(word: &str) -> Option<Unit> {
    row(word).map(|_| unit(word))
}

fn unit(word: &str) -> Unit {
    let speed = |length: i64, below: u64| Unit {
        scale: fraction(length, below),
        powers: vec![("m".into(), 1), ("s".into(), -1)],
    };
    match word {
        "mph" => return speed(1_609_344, 3_600_000),
        "kph" | "kmph" => return speed(1000, 3600),
        "cc" => {
            return Unit {
                scale: fraction(1, 1_000_000),
                powers: vec![("m".into(), 3)],
            };
        }
        _ => {}
    }
    match row(word) {
        Some((_, base, above, below)) => Unit {
            scale: fraction(*above, *below),
            powers: vec![((*base).into(), 1)],
        },
        None => {
            let lower = word.to_lowercase();
            let singular = match lower.strip_suffix("ies") {
                Some(stem) if stem.len() > 1 => format!("{stem}y"),
                _ => lower.strip_suffix('s').unwrap_or(&lower).to_owned(),
            };
            Unit::named(&singular)
        }
    }
}

/// Reads tokens that are nothing but a unit; `None` when they are something else.
///
/// Several unknown nouns (`5 red apples`) are one unit with all of their words.
pub fn read(tokens: &[Token]) -> Option<Unit> {
    let mut whole = Unit::none();
    let mut place = 0;
    let mut sign = 1;
    // What `square` or `cubic` in front asks of the next unit.
    let mut announced = 1;
    let mut noun: Vec<String> = Vec::new();
    let mut last: Option<Unit> = None;
    while let Some(token) = tokens.get(place) {
        place += 1;
        match &token.kind {
            Kind::Letters(word) | Kind::Text(word) => match word.to_lowercase().as_str() {
                "square" | "sq" => announced = 2,
                "cubic" | "cu" => announced = 3,
                "squared" | "cubed" => {
                    let extra = if word.starts_with(['s', 'S']) { 1 } else { 2 };
                    whole.multiply(last.as_ref()?, sign * extra);
                }
                "per" => sign = -1,
                // They take back what is before them, or go on.
                "not" | "no" | "nor" | "or" | "if" | "unless" | "maybe" | "perhaps"
                | "possibly" | "but" | "except" | "than" | "wrong" | "incorrect" => return None,
                "old" | "tall" | "long" | "wide" | "high" | "deep" | "thick" if last.is_some() => {}
                "of" | "the" | "a" | "an" | "in" | "each" if row(word).is_none() => {}
                _ => {
                    let known = is_unit(word);
                    if !known && word.len() < 2 {
                        return None;
                    }
                    // `5 ten thousandths` counts no things.
                    let lower = word.to_lowercase();
                    let counts = number_word(&lower).is_some() || scale_word(&lower).is_some();
                    if !known && counts {
                        return None;
                    }
                    if !known {
                        noun.push(word.to_lowercase());
                        continue;
                    }
                    let one = unit(word);
                    let power = announced * exponent(tokens, &mut place)?;
                    whole.multiply(&one, sign * power);
                    announced = 1;
                    last = Some(one);
                }
            },
            Kind::Function(Function::Min) => whole.multiply(&unit("min"), sign),
            Kind::Function(Function::Sec) => whole.multiply(&unit("sec"), sign),
            Kind::Currency(name) => whole.multiply(&currency(name), sign),
            Kind::Degree => whole.multiply(&Unit::named("degree"), sign),
            Kind::Slash => sign = -1,
            Kind::Frac => {
                let (fraction, length) = fraction_of_units(&tokens[place - 1..])?;
                whole.multiply(&fraction, sign);
                place += length - 1;
                last = None;
            }
            Kind::Times | Kind::Period => {}
            Kind::Open(Bracket::Group | Bracket::Paren)
            | Kind::Close(Bracket::Group | Bracket::Paren) => {}
            _ => return None,
        }
    }
    if announced != 1 {
        // `5 square`: of what, it does not say.
        return None;
    }
    if !noun.is_empty() {
        let noun = noun.join(" ");
        whole.multiply(&unit(&noun), sign);
    }
    Some(whole)
}

/// `\frac{\text{km}}{\text{h}}` at the beginning, with the number of its tokens.
pub fn fraction_of_units(tokens: &[Token]) -> Option<(Unit, usize)> {
    let mut whole = Unit::none();
    let mut place = 1;
    for sign in [1, -1] {
        let length = close_of(&tokens[place..])?;
        let part = &tokens[place + 1..place + length];
        let known = |token: &Token| match &token.kind {
            Kind::Letters(word) | Kind::Text(word) => is_unit(word) || &**word == "per",
            // The grammar would have it twice over.
            Kind::Frac => false,
            _ => true,
        };
        if tokens[place].kind != Kind::Open(Bracket::Group) || !part.iter().all(known) {
            return None;
        }
        whole.multiply(&read(part)?, sign);
        place += length + 1;
    }
    (!whole.powers.is_empty()).then_some((whole, place))
}

/// Whether the tokens begin with a unit in upright letters that a formula could take for its
/// own: a fraction of units, or a unit in braces or brackets.
pub fn begins_upright(tokens: &[Token]) -> bool {
    let upright = |token: &Token| match &token.kind {
        Kind::Text(word) => is_unit(word),
        Kind::Letters(_) => false,
        _ => true,
    };
    match &tokens[0].kind {
        Kind::Frac => fraction_of_units(tokens)
            .is_some_and(|(_, length)| tokens[..length].iter().all(upright)),
        Kind::Open(Bracket::Group | Bracket::Paren) => {
            matches!(tokens.get(1), Some(Token { kind: Kind::Text(word), .. }) if is_unit(word))
                && close_of(tokens).is_some_and(|close| tokens[..close].iter().all(upright))
        }
        _ => false,
    }
}

/// `^2` or `^{2}` behind a unit; one without.
fn exponent(tokens: &[Token], place: &mut usize) -> Option<i32> {
    // `{\rm cm}^2`.
    let braced = *place >= 2
        && tokens[*place - 2].kind == Kind::Open(Bracket::Group)
        && tokens.get(*place).map(|token| &token.kind) == Some(&Kind::Close(Bracket::Group));
    if braced && tokens.get(*place + 1).map(|token| &token.kind) == Some(&Kind::Caret) {
        *place += 1;
    }
    if tokens.get(*place).map(|token| &token.kind) != Some(&Kind::Caret) {
        return Some(1);
    }
    *place += 1;
    let mut sign = 1;
    loop {
        let token = tokens.get(*place)?;
        *place += 1;
        match &token.kind {
            Kind::Open(Bracket::Group) => {}
            Kind::Minus => sign = -1,
            Kind::Number(value, Literal::Whole) => {
                let power = i32::try_from(value.numerator()).ok()?;
                if matches!(
                    tokens.get(*place).map(|token| &token.kind),
                    Some(Kind::Close(Bracket::Group))
                ) {
                    *place += 1;
                }
                return (power.abs() <= 9).then_some(sign * power);
            }
            _ => return None,
        }
    }
}

/// Puts the names of units for signs that are variables elsewhere: `16\,\Omega`,
/// `2\text{ k}\Omega`, `5\,\mu\text{m}`, `5\ \text{(C)}`. They stand at the end, behind a number.
pub fn spelled_out(tokens: &mut Vec<Token>) {
    let named = |kind: &Kind, name: &str| matches!(kind, Kind::Letters(own) if &**own == name);
    let plain = |tokens: &[Token]| {
        let is_name = |token: &Token| matches!(token.kind, Kind::Letters(_) | Kind::Text(_));
        !tokens.is_empty() && !tokens.iter().any(is_name)
    };
    let (count, name): (usize, String) = match tokens.as_slice() {
        [number @ .., sign] if named(&sign.kind, "Omega") && plain(number) => (1, "ohm".into()),
        [number @ .., prefix, sign] if named(&sign.kind, "Omega") && plain(number) => {
            match &prefix.kind {
                Kind::Text(word) if &**word == "k" => (2, "kiloohm".into()),
                Kind::Text(word) if &**word == "M" => (2, "megaohm".into()),
                _ => return,
            }
        }
        [number @ .., prefix, sign] if named(&prefix.kind, "mu") && plain(number) => {
            match &sign.kind {
                Kind::Text(word) => (2, format!("µ{word}")),
                _ => return,
            }
        }
        _ => return,
    };
    if row(&name).is_none() {
        return;
    }
    let end = tokens[tokens.len() - 1].end;
    tokens.truncate(tokens.len() - count + 1);
    if let Some(last) = tokens.last_mut() {
        last.kind = Kind::Text(name.into());
        last.end = end;
    }
}

/// The unit of a sign of money.
pub fn currency(name: &str) -> Unit {
    match name {
        "cent" => unit("cent"),
        _ => Unit::named(name),
    }
}

/// Whether a word of two letters or more is a unit by its name.
pub fn is_named(word: &str) -> bool {
    word.len() > 1 && is_unit(word)
}
