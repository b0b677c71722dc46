//! The value of a polynomial, the roots of a quadratic one, two equations with two unknowns.

use farthing_sdk::prelude::*;

use super::exercise::{Exercise, constant, following, latex, leading, signed};

pub fn draw(level: u8, rng: &mut impl RngExt) -> Exercise {
    let mut pick = |from: i64, to: i64| rng.random_range(from..=to);
    match level {
        1 => value(pick(1, 9), pick(1, 12), pick(0, 20)),
        2 => {
            let smaller = pick(-9, 8);
            roots(smaller, pick(smaller + 1, 9))
        }
        _ => system(pick(-20, 20), pick(-20, 20), pick(2, 5)),
    }
}

/// `x^2+bx+c` where x is known.
fn value(x: i64, b: i64, c: i64) -> Exercise {
    let polynomial = format!("x^2{}{}", following(b, "x"), constant(c));
    let (square, product) = (x * x, b * x);
    let answer = (square + product + c).to_string();
    let mut steps = vec![format!("{x}^2={square}"), format!("{b}*{x}={product}")];
    steps.push(format!("{square}+{product}{}={answer}", constant(c)));
    Exercise {
        terse: format!("x={x}:{polynomial}="),
        question: format!("What is the value of ${polynomial}$ for $x = {x}$?"),
        answer,
        steps,
    }
}

/// `(x-p)(x-q) = 0`, multiplied out; `p < q`.
fn roots(p: i64, q: i64) -> Exercise {
    let equation = format!("x^2{}{}=0", following(-(p + q), "x"), constant(p * q));
    let factor = |root: i64| match root {
        0 => "x".to_owned(),
        root => format!("(x{})", signed(-root)),
    };
    Exercise {
        terse: format!("{equation}:"),
        question: format!(
            "Find all solutions of ${}$, in increasing order and separated by a comma.",
            latex(&equation)
        ),
        answer: format!("{p},{q}"),
        steps: vec![format!("{}{}=0", factor(p), factor(q))],
    }
}

/// `x+y` and `ax-y` are known.
fn system(x: i64, y: i64, a: i64) -> Exercise {
    let (sum, other) = (x + y, a * x - y);
    let (first, second) = (
        format!("x+y={sum}"),
        format!("{}-y={other}", leading(a, "x")),
    );
    Exercise {
        question: format!(
            "Find the pair $(x,y)$ with ${}$ and ${}$.",
            latex(&first),
            latex(&second)
        ),
        terse: format!("{first},{second}:"),
        answer: format!("({x},{y})"),
        steps: vec![
            format!("{}={}", leading(a + 1, "x"), sum + other),
            format!("x={x}"),
            format!("y={sum}{}={y}", signed(-x)),
        ],
    }
}
