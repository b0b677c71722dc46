//! Sums, differences and products of whole numbers, with the usual order of operations.

use farthing_sdk::prelude::*;

use super::exercise::{Exercise, latex};

pub fn draw(level: u8, rng: &mut impl RngExt) -> Exercise {
    let mut pick = |from: i64, to: i64| rng.random_range(from..=to);
    let (formula, steps, value) = match level {
        1 => {
            let (a, b, small, factor) = (pick(1, 50), pick(1, 49), pick(2, 9), pick(2, 9));
            let (formula, value) = match pick(0, 2) {
                0 => (format!("{a}+{b}"), a + b),
                1 => (format!("{a}-{b}"), a - b),
                _ => (format!("{small}*{factor}"), small * factor),
            };
            (formula.clone(), vec![format!("{formula}={value}")], value)
        }
        2 => {
            let (a, b, c) = (pick(1, 50), pick(2, 9), pick(2, 9));
            let product = b * c;
            let (formula, last, value) = match pick(0, 2) {
                0 => (
                    format!("{a}+{b}*{c}"),
                    format!("{a}+{product}"),
                    a + product,
                ),
                1 => (
                    format!("{a}-{b}*{c}"),
                    format!("{a}-{product}"),
                    a - product,
                ),
                _ => (
                    format!("{b}*{c}-{a}"),
                    format!("{product}-{a}"),
                    product - a,
                ),
            };
            let steps = vec![format!("{b}*{c}={product}"), format!("{last}={value}")];
            (formula, steps, value)
        }
        _ => {
            let (a, b, c, d) = (pick(10, 60), pick(1, 39), pick(2, 12), pick(1, 99));
            let (sign, inner) = match pick(0, 1) {
                0 => ('+', a + b),
                _ => ('-', a - b),
            };
            let product = inner * c;
            let value = product - d;
            let steps = vec![
                format!("{a}{sign}{b}={inner}"),
                format!("{inner}*{c}={product}"),
                format!("{product}-{d}={value}"),
            ];
            (format!("({a}{sign}{b})*{c}-{d}"), steps, value)
        }
    };
    Exercise {
        question: format!("Compute ${}$.", latex(&formula)),
        terse: format!("{formula}="),
        answer: value.to_string(),
        steps,
    }
}
