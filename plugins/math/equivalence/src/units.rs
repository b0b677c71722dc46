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

/// Name, base unit, and how many of it: numerator and denominator.
type Row = (&'static [&'static str], &'static str, i64, u64);

const UNITS: &[Row] = &[
    (&["m", "meter", "metre"], "m", 1, 1),
    (&["cm", "centimeter", "centimetre"], "m", 1, 100),
    (&["mm", "millimeter", "millimetre"], "m", 1, 1000),
    (&["km", "kilometer", "kilometre"], "m", 1000, 1),
    (&["dm", "decimeter", "decimetre"], "m", 1, 10),
    (&["nm", "nanometer"], "m", 1, 1_000_000_000),
    (
        &["µm", "micrometer", "micrometre", "micron"],
        "m",
        1,
        1_000_000,
    ),
    (&["in", "inch", "inche"], "m", 254, 10_000),
    (&["ft", "foot", "feet"], "m", 3048, 10_000),
    (&["yd", "yard"], "m", 9144, 10_000),
    (&["mi", "mile"], "m", 1_609_344, 1000),
    (&["s", "sec", "second"], "s", 1, 1),
    (&["ms", "millisecond"], "s", 1, 1000),
    (&["µs", "microsecond"], "s", 1, 1_000_000),
    (&["min", "minute"], "s", 60, 1),
    (&["h", "hr", "hour"], "s", 3600, 1),
    (&["day"], "s", 86_400, 1),
    (&["week", "wk"], "s", 604_800, 1),
    (&["month"], "month", 1, 1),
    (&["year", "yr"], "month", 12, 1),
    (&["g", "gram"], "g", 1, 1),
    (&["mg", "milligram"], "g", 1, 1000),
    (&["µg", "microgram"], "g", 1, 1_000_000),
    (&["kg", "kilogram", "kilo"], "g", 1000, 1),
    (&["lb", "pound"], "lb", 1, 1),
    (&["oz", "ounce"], "oz", 1, 1),
    (&["ton", "tonne"], "ton", 1, 1),
    (&["L", "l", "liter", "litre"], "L", 1, 1),
    (&["mL", "ml", "milliliter", "millilitre"], "L", 1, 1000),
    (&["gal", "gallon"], "gallon", 1, 1),
    (&["qt", "quart"], "gallon", 1, 4),
    (&["pint", "pt"], "gallon", 1, 8),
    (&["dollar", "buck"], "usd", 1, 1),
    (&["cent", "¢"], "usd", 1, 100),
    (&["euro"], "eur", 1, 1),
    (&["yen"], "jpy", 1, 1),
    (&["rupee", "Rs"], "inr", 1, 1),
    (&["deg", "degree"], "degree", 1, 1),
    (&["rad", "radian"], "radian", 1, 1),
    (&["N", "newton"], "N", 1, 1),
    (&["J", "joule"], "J", 1, 1),
    (&["kJ", "kilojoule"], "J", 1000, 1),
    (&["W", "watt"], "W", 1, 1),
    (&["kW", "kilowatt"], "W", 1000, 1),
    (&["V", "volt"], "V", 1, 1),
    (&["A", "ampere", "amp"], "A", 1, 1),
    (&["Pa", "pascal"], "Pa", 1, 1),
    (&["Hz", "hertz"], "Hz", 1, 1),
    (&["kPa"], "Pa", 1000, 1),
    (&["K", "kelvin"], "K", 1, 1),
    (&["mol", "mole"], "mol", 1, 1),
    (&["ohm"], "ohm", 1, 1),
    (&["kiloohm", "kilohm", "kohm"], "ohm", 1000, 1),
    (&["megaohm", "megohm"], "ohm", 1_000_000, 1),
    (&["coulomb"], "coulomb", 1, 1),
    (&["µC", "microcoulomb"], "coulomb", 1, 1_000_000),
    (&["farad"], "farad", 1, 1),
    (&["µF", "microfarad"], "farad", 1, 1_000_000),
    (&["celsius", "centigrade"], "celsius", 1, 1),
    (&["fahrenheit"], "fahrenheit", 1, 1),
    // Coulombs or degrees Celsius, farads or degrees Fahrenheit.
    (&["C"], "C", 1, 1),
    (&["F"], "F", 1, 1),
    // Of bytes some count thousands and some count 1024s.
    (&["byte"], "byte", 1, 1),
    (&["KB", "kB", "kilobyte"], "kilobyte", 1, 1),
    (&["MB", "megabyte"], "megabyte", 1, 1),
    (&["GB", "gigabyte"], "gigabyte", 1, 1),
    (&["TB", "terabyte"], "terabyte", 1, 1),
    (&["rpm"], "rpm", 1, 1),
    (&["acre"], "acre", 1, 1),
    (&["unit"], "unit", 1, 1),
];

/// Whether a plain word is a unit.
pub fn is_unit(word: &str) -> bool {
    matches!(
        word,
        "mph" | "kph" | "kmph" | "sq" | "square" | "cubic" | "cc"
    ) || row(word).is_some()
}

fn row(word: &str) -> Option<&'static Row> {
    let named = |word: &str| UNITS.iter().find(|(names, ..)| names.contains(&word));
    if let Some(row) = named(word) {
        return Some(row);
    }
    if word.len() < 3 {
        return None;
    }
    let lower = word.to_lowercase();
    let singular = lower.strip_suffix('s').unwrap_or(&lower);
    named(singular).or_else(|| named(&lower))
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
