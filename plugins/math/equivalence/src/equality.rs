//! Whether two formulas are the same function.
//!
//! In the order of cost: as they are written, as fractions, by fingerprint in a finite field
//! (see [`crate::field`]), and at last by value, in ball arithmetic at fixed points (see
//! [`crate::real`]). The first three decide everything that is made of rational numbers,
//! variables, pi, e, i and square roots. By value, "different" is always a proof; "equal"
//! means that the difference vanished with the precision, at every point, and at more than
//! twice the precision of the first look.

use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;

use crate::{
    complex::Complex,
    expr::{self, Constant, Expr, Function},
    field, limits,
    real::{self, Precision, Trouble},
    value::{self, Point},
};

/// That a question has no answer within the limits, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided(pub String);

pub type Decision<T = bool> = Result<T, Undecided>;

/// About sixty digits, for the first look at numbers.
const FIRST_BITS: usize = 200;
/// And for functions, where several points are looked at.
const POINT_BITS: usize = 128;
/// How many points must agree, and how many are tried.
const AGREEING: usize = 5;
const POINTS: usize = 24;
/// How many are tried in any case: some are positive, some negative, some mixed, as |x| is x
/// on one side only.
const LEAST_POINTS: usize = 10;
/// Bits by which an agreement must exceed what chance would give.
const MARGIN: f64 = 60.0;

pub fn equal(a: &Expr, b: &Expr) -> Decision {
    if let (Expr::Number(a), Expr::Number(b)) = (a, b) {
        return Ok(a == b);
    }
    match (a.infinite(), b.infinite()) {
        (Some(a), Some(b)) => return Ok(a == b),
        (None, None) => {}
        _ => return Ok(false),
    }
    if a == b {
        return Ok(true);
    }
    let mut nodes = 0;
    for expr in [a, b] {
        expr.each(&mut |_| nodes += 1);
    }
    real::spend(10 * nodes).map_err(no_verdict)?;
    match (field::print(a, 0), field::print(b, 0)) {
        (Some(first), Some(second)) if first.same(second) => {
            let again = (field::print(a, 1), field::print(b, 1));
            if matches!(again, (Some(first), Some(second)) if first.same(second)) {
                return Ok(true);
            }
        }
        (Some(first), Some(second)) if first.exact && second.exact => return Ok(false),
        // It divides by zero wherever it is looked at, as (x - x)/(x - x) does.
        (Some(_), None) if field::print(b, 1).is_none() => return Ok(false),
        _ => {}
    }
    if let Some(decided) = equal_giants(a, b)? {
        return Ok(decided);
    }
    let mut names = a.variables();
    names.extend(b.variables());
    if names.is_empty() {
        equal_numbers(a, b)
    } else if are_complex(a, &names) || are_complex(b, &names) {
        let split = |expr: &Expr| {
            expr.substituted(&|name| {
                let imaginary = Expr::Variable(format!("{name} imaginary").into());
                let i = Expr::Constant(Constant::I);
                let imaginary = Expr::Product(vec![i, imaginary]);
                Expr::Sum(vec![Expr::Variable(name.into()), imaginary])
            })
        };
        equal_functions(&split(a), &split(b), &names)
    } else {
        names.sort_unstable();
        names.dedup();
        equal_functions(a, b, &names)
    }
}

/// Whether the variables stand for complex numbers: one is conjugated, or z or w has an
/// absolute value.
fn are_complex(expr: &Expr, names: &[&str]) -> bool {
    let usual = names.iter().any(|name| matches!(*name, "z" | "w"));
    expr.any(|node| match node {
        Expr::Call(Function::Conjugate, arguments) => !arguments[0].variables().is_empty(),
        Expr::Call(Function::Abs, _) => usual,
        _ => false,
    })
}

/// Numbers that no precision holds, such as 10^(10^(10^10)) and (10^10)!: none of them is a
/// number of an ordinary size, and two powers of one base are as equal as their exponents.
fn equal_giants(a: &Expr, b: &Expr) -> Decision<Option<bool>> {
    let (giant, other) = match (least_log(a), least_log(b)) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return match (a, b) {
                (Expr::Power(a), Expr::Power(b)) if a[0] == b[0] => equal(&a[1], &b[1]).map(Some),
                _ => Ok(None),
            };
        }
        (Some(giant), None) => (giant, b),
        (None, Some(giant)) => (giant, a),
    };
    if !other.variables().is_empty() {
        return Ok(None);
    }
    let nowhere = |name: &str| unreachable!("a number has no variable {name}");
    let value = value::value(other, &nowhere, &Precision::new(POINT_BITS));
    let smaller = value.is_ok_and(|value| value.magnitude() < giant - 1.0);
    Ok(smaller.then_some(false))
}

/// Exponents from here on are out of reach.
const GIANT: f64 = 1e12;

/// A lower bound of a giant's logarithm to base two.
fn least_log(expr: &Expr) -> Option<f64> {
    let above = |number: &Expr, least: f64| match number {
        Expr::Number(number) => number.to_f64_fast() > least,
        _ => false,
    };
    match expr {
        // n! is more than 2^n from n = 4 on.
        Expr::Call(Function::Factorial, arguments) => match &arguments[0] {
            Expr::Number(n) if n.is_int() && above(&arguments[0], 1000.0) => {
                Some(n.to_f64_fast().min(GIANT))
            }
            _ => None,
        },
        Expr::Power(parts) if above(&parts[0], 1.99) => {
            let exponent = &parts[1];
            let large = match exponent {
                Expr::Number(_) => above(exponent, GIANT),
                // 2^40 is above the bound.
                Expr::Power(inner) => above(&inner[0], 1.99) && above(&inner[1], 40.0),
                _ => false,
            };
            (large || least_log(exponent).is_some()).then_some(GIANT)
        }
        _ => None,
    }
}

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

fn equal_numbers(a: &Expr, b: &Expr) -> Decision {
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

/// Where the given answer alone has no value, it is not the gold one.
fn undefined(a: &Expr, b: &Expr, point: &Point<'_>, at: &Precision) -> Decision {
    let has_none = |expr| matches!(value::value(expr, point, at), Err(Trouble::Undefined));
    if has_none(a) == has_none(b) {
        return Err(Undecided("neither formula has a value".to_owned()));
    }
    Ok(false)
}

fn no_verdict(trouble: Trouble) -> Undecided {
    Undecided(
        match trouble {
            Trouble::Undefined => "the formulas have no value at the points that were tried",
            Trouble::Imprecise => "the precision is not enough to tell the values apart",
            Trouble::TooMuchWork => "comparing the values takes more work than is allowed",
        }
        .to_owned(),
    )
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
        (Err(Trouble::Imprecise), _) | (_, Err(Trouble::Imprecise)) => {
            Shown::Nothing(Trouble::Imprecise)
        }
        _ => Shown::Nothing(Trouble::Undefined),
    }
}

/// Whether a formula is real at a point, on all of the way there.
fn stays_real(expr: &Expr, point: &Point<'_>, at: &Precision) -> bool {
    real::look();
    value::value(expr, point, at).is_ok_and(|value| value.is_real()) && !real::left()
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

fn equal_functions(a: &Expr, b: &Expr, names: &[&str]) -> Decision {
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
fn coordinate(name: &str, number: usize, whole: bool) -> RBig {
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

/// Whether `b` is `a` times a number that is not zero; with the sign of that number where it
/// is real and known.
pub fn proportional(a: &Expr, b: &Expr) -> Decision<Option<i8>> {
    let zero = Expr::Number(RBig::ZERO);
    if equal(a, &zero)? || equal(b, &zero)? {
        return Ok(None);
    }
    // a(x) b(y) = a(y) b(x) for all x and y.
    let other = |expr: &Expr| expr.renamed(&|name| format!("{name}~").into());
    let crossed = |first: &Expr, second: &Expr| Expr::Product(vec![first.clone(), other(second)]);
    if !equal(&crossed(a, b), &crossed(b, a))? {
        return Ok(None);
    }
    let at = Precision::new(POINT_BITS);
    for number in 0..POINTS {
        let point = |name: &str| coordinate(name, number, false);
        let values = (value::value(a, &point, &at), value::value(b, &point, &at));
        if let (Ok(a), Ok(b)) = values
            && let (Ok(a), Ok(b)) = (a.real(), b.real())
            && a.is_nonzero()
            && b.is_nonzero()
        {
            return Ok(Some(if a.is_positive() == b.is_positive() {
                1
            } else {
                -1
            }));
        }
    }
    Ok(Some(0))
}

/// The sign of a number; `None` for what is no real number.
pub fn sign(of: &Expr) -> Decision<Option<i8>> {
    if let Some(sign) = of.infinite() {
        return Ok(Some(sign));
    }
    if let Expr::Number(number) = of {
        let zero = RBig::ZERO;
        return Ok(Some(i8::from(*number > zero) - i8::from(*number < zero)));
    }
    if !of.variables().is_empty() {
        return Ok(None);
    }
    let nowhere = |name: &str| unreachable!("a number has no variable {name}");
    for bits in [POINT_BITS, 4 * POINT_BITS] {
        let at = Precision::new(bits);
        match value::value(of, &nowhere, &at) {
            Ok(value) if !value.is_real() => return Ok(None),
            Ok(value) if value.re.is_positive() => return Ok(Some(1)),
            Ok(value) if value.re.is_negative() => return Ok(Some(-1)),
            Err(Trouble::Undefined) => return Ok(None),
            _ => {}
        }
    }
    match equal(of, &Expr::Number(RBig::ZERO))? {
        true => Ok(Some(0)),
        false => Err(no_verdict(Trouble::Imprecise)),
    }
}
