//! What every kind of exercise is made of, and how its formulas are written.

use num_rational::Ratio;

/// An exercise with its answer and the way to it.
pub struct Exercise {
    /// In as few characters as possible, as a character-level model reads it: `12+35*2=`.
    /// It names the exercise.
    pub terse: String,
    /// In words, with formulas in LaTeX.
    pub question: String,
    pub answer: String,
    /// Terse equations, each of which follows from those before: `35*2=70`.
    pub steps: Vec<String>,
}

/// A term with its sign: `+3`, `-5`.
pub fn signed(number: i64) -> String {
    format!("{number:+}")
}

/// A coefficient with its name, as it begins a formula: `x`, `-x`, `3x`.
pub fn leading(coefficient: i64, name: &str) -> String {
    match coefficient {
        1 => name.to_owned(),
        -1 => format!("-{name}"),
        other => format!("{other}{name}"),
    }
}

/// The same with its sign, as it goes on: `+x`, `-3x`, and nothing for 0.
pub fn following(coefficient: i64, name: &str) -> String {
    match coefficient {
        0 => String::new(),
        positive if positive > 0 => format!("+{}", leading(positive, name)),
        negative => leading(negative, name),
    }
}

/// A constant term: `+3`, `-5`, and nothing for 0.
pub fn constant(number: i64) -> String {
    match number {
        0 => String::new(),
        other => signed(other),
    }
}

/// `3`, or `5/6` in lowest terms.
pub fn plain(number: Ratio<i64>) -> String {
    number.to_string()
}

/// A terse formula in LaTeX: `35*2=70` becomes `35 \cdot 2 = 70`.
pub fn latex(terse: &str) -> String {
    let mut latex = String::with_capacity(2 * terse.len());
    for character in terse.chars() {
        match character {
            '*' => latex += " \\cdot ",
            '=' => latex += " = ",
            '%' => latex += "\\%",
            ',' => latex += ", ",
            other => latex.push(other),
        }
    }
    latex
}
