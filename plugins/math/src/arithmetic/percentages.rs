//! So many per cent of a number, and a number that rises or falls by so many per cent.

use farthing_sdk::prelude::*;
use num_rational::Ratio;

use super::exercise::{Exercise, plain};

pub fn draw(level: u8, rng: &mut impl RngExt) -> Exercise {
    let mut pick = |from: i64, to: i64| rng.random_range(from..=to);
    match level {
        1 => share([10, 20, 25, 50][pick(0, 3) as usize], 20 * pick(1, 40)),
        2 => share(5 * pick(1, 19), pick(2, 99)),
        _ => changed(5 * pick(1, 15), 20 * pick(1, 25), pick(0, 1) == 0),
    }
}

fn share(percent: i64, of: i64) -> Exercise {
    let product = percent * of;
    let answer = plain(Ratio::new(product, 100));
    Exercise {
        terse: format!("{percent}%*{of}="),
        question: format!("What is ${percent}\\%$ of ${of}$?"),
        steps: vec![
            format!("{percent}*{of}={product}"),
            format!("{product}/100={answer}"),
        ],
        answer,
    }
}

fn changed(percent: i64, number: i64, rises: bool) -> Exercise {
    let product = percent * number;
    let change = Ratio::new(product, 100);
    let (sign, verb, value) = match rises {
        true => ('+', "increased", Ratio::from(number) + change),
        false => ('-', "decreased", Ratio::from(number) - change),
    };
    let (change, answer) = (plain(change), plain(value));
    Exercise {
        terse: format!("{number}{sign}{percent}%="),
        question: format!("What is ${number}$ {verb} by ${percent}\\%$?"),
        steps: vec![
            format!("{percent}*{number}={product}"),
            format!("{product}/100={change}"),
            format!("{number}{sign}{change}={answer}"),
        ],
        answer,
    }
}
