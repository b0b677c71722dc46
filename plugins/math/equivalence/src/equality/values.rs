//! Equality by value: balls that do not meet are a proof of difference; agreement at twice
//! the precision, and at several points, is taken for equality.

use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;

use super::{Decision, POINT_BITS, Undecided, no_verdict};
use crate::{
    complex::Complex,
    expr::{self, Expr, Function},
    field, limits,
    real::{self, Precision, Trouble},
    value::{self, Point},
};

/// About sixty digits, for the first look at numbers.
const FIRST_BITS: usize = 200;
/// How many points must agree, and how many are tried.
const AGREEING: usize = 5;
pub(super) const POINTS: usize = 24;
/// How many are tried in any case: some are positive, some negative, some mixed, as |x| is x
/// on one side only.
const LEAST_POINTS: usize = 10;
/// Bits by which an agreement must exceed what chance would give.
const MARGIN: f64 = 60.0;

/// What one comparison by value shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// For sure.
    Different,
    /// The difference is as small as the precision lets it be.
    Agreeing,
    /// Neither has a value, or one has none, or the precision is not enough.
    Nothing(Trouble),
    /// One is real where the other is not.
    OffTheLine,
}

pub(super) fn equal_numbers(a: &Expr, b: &Expr) -> Decision {
    let nowhere = |name: &str| unreachable!("a number has no variable {name}");
    let written = bits(a) + bits(b);
    let mut last = Trouble::Imprecise;
    let mut agreed = false;
    // Two numbers may differ by as little as the digits that they are written with, or as what
    // they come to on the way: 1 and tanh(500). The first look is for those that do not.
    let mut needed = 0;
    for bits in [FIRST_BITS, 3 * FIRST_BITS, 8 * FIRST_BITS] {
        let wanted = bits + needed;
        let at = Precision::new(wanted.min(limits::PRECISION));
        real::look();
        match shown(a, b, &nowhere, &at) {
            Shown::Different => return Ok(false),
            Shown::Agreeing if wanted > limits::PRECISION => {
                return Err(no_verdict(Trouble::Imprecise));
            }
            Shown::Agreeing if agreed => return Ok(true),
            Shown::Agreeing => agreed = true,
            Shown::Nothing(Trouble::Undefined) => return undefined(a, b, &nowhere, &at),
            Shown::Nothing(trouble) => last = trouble,
            Shown::OffTheLine => return Ok(false),
        }
        needed = 2 * written.max(real::extent());
    }
    Err(no_verdict(last))
}

pub(super) fn equal_functions(a: &Expr, b: &Expr, names: &[&str]) -> Decision {
    // |x| is defined where x is, ln|x| not where ln x is: an absolute value that only the
    // first formula has says that its domain matters.
    let has_absolute = |expr: &Expr| expr.any(|node| matches!(node, Expr::Call(Function::Abs, _)));
    let domain_matters = has_absolute(a) && !has_absolute(b);
    let one_variable = names.len() == 1 && !a.variables().is_empty();
    let written = bits(a) + bits(b);
    let mut last = Trouble::Undefined;
    // Fractions first; then whole numbers, where factorials have values.
    for whole in [false, true] {
        let mut on_the_line = 0;
        let mut off_the_line = 0;
        let mut differ_off_the_line = false;
        for number in 0..POINTS {
            let point = |name: &str| coordinate(name, number, whole);
            real::look();
            let mut at = Precision::new(POINT_BITS);
            let mut found = shown(a, b, &point, &at);
            let close = matches!(found, Shown::Agreeing | Shown::Nothing(Trouble::Imprecise));
            if close && number + 2 >= LEAST_POINTS {
                // Some points are looked at as closely as the smallest number asks for.
                let wanted = 3 * POINT_BITS + 2 * written.max(real::extent());
                if wanted > limits::PRECISION {
                    return Err(no_verdict(Trouble::Imprecise));
                }
                at = Precision::new(wanted);
                found = shown(a, b, &point, &at);
            }
            let on_line = stays_real(a, &point, &at);
            let both_on_line = on_line && stays_real(b, &point, &at);
            match found {
                Shown::Different if both_on_line => return Ok(false),
                // Where the first is real, so must the second be: 2 ln x lacks half of ln(x^2).
                // Of several variables, what their signs must be goes without saying.
                Shown::Different | Shown::OffTheLine if on_line && one_variable => {
                    return Ok(false);
                }
                Shown::Different | Shown::OffTheLine => differ_off_the_line = true,
                Shown::Agreeing if both_on_line => on_the_line += 1,
                Shown::Agreeing => off_the_line += 1,
                Shown::Nothing(Trouble::TooMuchWork) => {
                    return Err(no_verdict(Trouble::TooMuchWork));
                }
                Shown::Nothing(Trouble::Undefined) if domain_matters => {
                    if undefined(a, b, &point, &at) == Ok(false) {
                        return Ok(false);
                    }
                }
                Shown::Nothing(trouble) => last = trouble,
            }
            if on_the_line >= AGREEING && number + 1 >= LEAST_POINTS {
                return Ok(true);
            }
        }
        // (-1)^n is real for whole n, which is what such names stand for.
        let counts = names
            .iter()
            .all(|name| matches!(*name, "n" | "k" | "m" | "j"));
        if on_the_line < 2 && differ_off_the_line && (whole || !counts) {
            return Ok(false);
        }
        if on_the_line + off_the_line >= AGREEING && !differ_off_the_line {
            return Ok(true);
        }
    }
    Err(no_verdict(last))
}

/// Where a variable is at a point; always the same for one name. In turns, all variables are
/// between 0 and 1, negative, between 0 and 4, and each of a sign of its own.
pub(super) fn coordinate(name: &str, number: usize, whole: bool) -> RBig {
    let seed = name
        .bytes()
        .fold(0x5eed, |seed, byte| field::mixed(seed ^ u64::from(byte)));
    let random = field::mixed(seed ^ field::mixed(number as u64 + 1));
    if whole {
        return RBig::from(IBig::from(1 + number as u64 % 6 + random % 7));
    }
    let fraction = (random >> 40) as i64 | 1;
    let (range, negative) = match number % 10 {
        0 | 4 | 8 => (1, false),
        1 => (2, true),
        2 | 6 => (4, false),
        _ => (3, random & 1 == 1),
    };
    let sign = if negative { -1 } else { 1 };
    RBig::from_parts(IBig::from(sign * range * fraction), UBig::ONE << 24_usize)
}

/// Where the given answer alone has no value, it is not the gold one.
fn undefined(a: &Expr, b: &Expr, point: &Point<'_>, at: &Precision) -> Decision {
    let has_none = |expr| matches!(value::value(expr, point, at), Err(Trouble::Undefined));
    if has_none(a) == has_none(b) {
        return Err(Undecided("neither formula has a value".to_owned()));
    }
    Ok(false)
}

fn shown(a: &Expr, b: &Expr, point: &Point<'_>, at: &Precision) -> Shown {
    let first = value::value(a, point, at);
    let second = value::value(b, point, at);
    match (first, second) {
        (Ok(a), Ok(b)) if a.is_real() == b.is_real() => compared(&a, &b, at),
        (Ok(a), Ok(b)) => match compared(&a, &b, at) {
            Shown::Different => Shown::OffTheLine,
            // On the line but for a rounding: (1+i)(1-i) against 2.
            other => other,
        },
        (Err(Trouble::TooMuchWork), _) | (_, Err(Trouble::TooMuchWork)) => {
            Shown::Nothing(Trouble::TooMuchWork)
        }
        (Err(Trouble::Imprecise | Trouble::OutOfRange), _)
        | (_, Err(Trouble::Imprecise | Trouble::OutOfRange)) => Shown::Nothing(Trouble::Imprecise),
        _ => Shown::Nothing(Trouble::Undefined),
    }
}

fn compared(a: &Complex, b: &Complex, at: &Precision) -> Shown {
    let difference = match at.subtract_complex(a, b) {
        Ok(difference) => difference,
        Err(trouble) => return Shown::Nothing(trouble),
    };
    if difference.is_nonzero() {
        return Shown::Different;
    }
    // Two exact values that do not differ, or a difference far below the larger value.
    let scale = a
        .magnitude()
        .max(b.magnitude())
        .max(-(at.bits as f64) / 2.0);
    if difference.is_exact_zero() || difference.error() < scale - MARGIN {
        Shown::Agreeing
    } else {
        Shown::Nothing(Trouble::Imprecise)
    }
}

/// Whether a formula is real at a point, on all of the way there.
fn stays_real(expr: &Expr, point: &Point<'_>, at: &Precision) -> bool {
    real::look();
    value::value(expr, point, at).is_ok_and(|value| value.is_real()) && !real::left()
}

/// Bits of the numbers that are written in a formula: a difference may be as small as they
/// can make it.
fn bits(expr: &Expr) -> usize {
    let mut sum = 0_usize;
    expr.each(&mut |node| {
        if let Expr::Number(number) = node {
            sum = sum.saturating_add(expr::bits(number));
        }
    });
    sum
}
