//! Fractions added, subtracted, multiplied and divided; answers in lowest terms.

use farthing_sdk::prelude::*;
use num_rational::Ratio;

use super::exercise::{Exercise, plain};

pub fn draw(level: u8, rng: &mut impl RngExt) -> Exercise {
    let mut pick = |from: i64, to: i64| rng.random_range(from..=to);
    match level {
        1 => {
            let below = pick(3, 12);
            let (a, b) = (pick(1, below - 1), pick(1, below - 1));
            added((a, below), (b, below), pick(0, 1) == 0)
        }
        2 => {
            let (first, second) = (pick(2, 9), pick(2, 9));
            let (a, b) = (pick(1, first - 1), pick(1, second - 1));
            added((a, first), (b, second), pick(0, 1) == 0)
        }
        _ => {
            let (first, second) = (pick(2, 12), pick(2, 12));
            let (a, b) = (pick(1, 12), pick(1, 12));
            multiplied((a, first), (b, second), pick(0, 1) == 0)
        }
    }
}

type Fraction = (i64, i64);

fn added((a, p): Fraction, (b, q): Fraction, plus: bool) -> Exercise {
    let common = p / gcd(p, q) * q;
    let (left, right) = (a * (common / p), b * (common / q));
    let (sign, above) = match plus {
        true => ('+', left + right),
        false => ('-', left - right),
    };
    let mut steps = Vec::new();
    if p != q {
        steps.extend([
            format!("{a}/{p}={left}/{common}"),
            format!("{b}/{q}={right}/{common}"),
        ]);
    }
    steps.push(format!(
        "{left}/{common}{sign}{right}/{common}={above}/{common}"
    ));
    exercise(
        format!("{a}/{p}{sign}{b}/{q}"),
        format!("\\frac{{{a}}}{{{p}}} {sign} \\frac{{{b}}}{{{q}}}"),
        steps,
        (above, common),
    )
}

fn multiplied((a, p): Fraction, (b, q): Fraction, times: bool) -> Exercise {
    if times {
        return exercise(
            format!("{a}/{p}*{b}/{q}"),
            format!("\\frac{{{a}}}{{{p}}} \\cdot \\frac{{{b}}}{{{q}}}"),
            vec![format!("{a}*{b}={}", a * b), format!("{p}*{q}={}", p * q)],
            (a * b, p * q),
        );
    }
    exercise(
        format!("({a}/{p})/({b}/{q})"),
        format!("\\frac{{{a}}}{{{p}}} \\div \\frac{{{b}}}{{{q}}}"),
        vec![
            format!("({a}/{p})/({b}/{q})={a}/{p}*{q}/{b}"),
            format!("{a}*{q}={}", a * q),
            format!("{p}*{b}={}", p * b),
        ],
        (a * q, p * b),
    )
}

fn exercise(
    terse: String,
    latex: String,
    mut steps: Vec<String>,
    (above, below): Fraction,
) -> Exercise {
    let answer = plain(Ratio::new(above, below));
    let unreduced = format!("{above}/{below}");
    if answer != unreduced {
        steps.push(format!("{unreduced}={answer}"));
    }
    Exercise {
        question: format!("Compute ${latex}$. Give the answer in lowest terms."),
        terse: format!("{terse}="),
        answer,
        steps,
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    match b {
        0 => a,
        _ => gcd(b, a % b),
    }
}
