//! Linear equations in one unknown, whose solution is a whole number.

use farthing_sdk::prelude::*;

use super::exercise::{Exercise, constant, leading};

pub fn draw(level: u8, rng: &mut impl RngExt) -> Exercise {
    let mut pick = |from: i64, to: i64| rng.random_range(from..=to);
    match level {
        1 => {
            let (x, b) = (pick(1, 50), nonzero(pick(-49, 49)));
            exercise((1, b), (0, x + b), x)
        }
        2 => {
            let (x, a, b) = (pick(-9, 9), pick(2, 9), nonzero(pick(-30, 30)));
            exercise((a, b), (0, a * x + b), x)
        }
        _ => {
            let (x, c, more) = (pick(-12, 12), pick(1, 9), pick(1, 9));
            let (a, b) = (c + more, nonzero(pick(-30, 30)));
            exercise((a, b), (c, a * x + b - c * x), x)
        }
    }
}

/// `ax+b = cx+d`, which `x` solves; `a > c` and `b` is not 0.
fn exercise((a, b): (i64, i64), (c, d): (i64, i64), x: i64) -> Exercise {
    let side = |coefficient: i64, number: i64| match coefficient {
        0 => number.to_string(),
        _ => format!("{}{}", leading(coefficient, "x"), constant(number)),
    };
    let equation = format!("{}={}", side(a, b), side(c, d));
    let mut steps = Vec::new();
    if c != 0 {
        steps.push(format!("{}={d}", side(a - c, b)));
    }
    if a - c != 1 {
        steps.push(format!("{}={}", leading(a - c, "x"), d - b));
    }
    steps.push(format!("x={x}"));
    Exercise {
        question: format!("Solve ${}$ for $x$.", equation.replace('=', " = ")),
        terse: format!("{equation}:"),
        answer: x.to_string(),
        steps,
    }
}

fn nonzero(number: i64) -> i64 {
    match number {
        0 => 1,
        other => other,
    }
}
