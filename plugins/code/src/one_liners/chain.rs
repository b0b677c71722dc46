//! A chain of steps: in words, as a value, as a Python expression.

use std::fmt;

/// One step. The numbers are chosen so that no step is another's double, or does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Double,
    Triple,
    Square,
    Negate,
    /// 1 to 9, as the others.
    Add(i64),
    Subtract(i64),
    /// 4 to 9: less has a name.
    Times(i64),
    /// The remainder by 2 to 9.
    Modulo(i64),
}

impl Step {
    /// How many steps there are.
    pub const COUNT: u64 = 4 + 9 + 9 + 6 + 8;

    /// The step of this number, below `COUNT`.
    pub fn numbered(number: u64) -> Self {
        let number = number as i64;
        match number {
            0 => Self::Double,
            1 => Self::Triple,
            2 => Self::Square,
            3 => Self::Negate,
            4..13 => Self::Add(number - 3),
            13..22 => Self::Subtract(number - 12),
            22..28 => Self::Times(number - 18),
            _ => Self::Modulo(number - 26),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        (0..Self::COUNT)
            .map(Self::numbered)
            .find(|step| step.to_string() == text)
    }

    fn apply(self, value: i64) -> i64 {
        match self {
            Self::Double => value * 2,
            Self::Triple => value * 3,
            Self::Square => value * value,
            Self::Negate => -value,
            Self::Add(number) => value + number,
            Self::Subtract(number) => value - number,
            Self::Times(number) => value * number,
            // Python's remainder has the sign of the divisor.
            Self::Modulo(number) => value.rem_euclid(number),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Double => f.write_str("double"),
            Self::Triple => f.write_str("triple"),
            Self::Square => f.write_str("square"),
            Self::Negate => f.write_str("negate"),
            Self::Add(number) => write!(f, "add {number}"),
            Self::Subtract(number) => write!(f, "subtract {number}"),
            Self::Times(number) => write!(f, "times {number}"),
            Self::Modulo(number) => write!(f, "modulo {number}"),
        }
    }
}

/// Steps, each done with what the one before made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain(Vec<Step>);

/// How tightly the outermost operator of an expression binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Sum,
    Product,
    Sign,
    Power,
    Name,
}

impl Chain {
    /// The largest value of four steps is then that of "times 9, times 9, square, square".
    const MOST_SQUARES: usize = 2;

    /// Inputs from minus to plus this keep it inside 64 bits: (81 * 500)^4 is below 2^62.
    pub const LARGEST_INPUT: i64 = 500;

    /// The chain, unless its values could leave 64 bits.
    pub fn new(steps: Vec<Step>) -> Option<Self> {
        let squares = steps.iter().filter(|step| **step == Step::Square).count();
        (squares <= Self::MOST_SQUARES).then_some(Self(steps))
    }

    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::new(text.split(", ").map(Step::parse).collect::<Option<_>>()?)
    }

    /// What the program must return.
    pub fn value(&self, input: i64) -> i64 {
        self.0.iter().fold(input, |value, step| step.apply(value))
    }

    /// Such as `2-steps`.
    pub fn level(&self) -> String {
        match self.0.len() {
            1 => "1-step".to_owned(),
            steps => format!("{steps}-steps"),
        }
    }

    /// The expression in `x`, with no bracket too many. The bits of `variant` choose on which
    /// side of `*` and `+` the numbers stand.
    pub fn expression(&self, variant: u64) -> String {
        let mut text = "x".to_owned();
        let mut binding = Binding::Name;
        for (place, step) in self.0.iter().enumerate() {
            let in_front = (variant >> place) & 1 == 1;
            let at_least = |least: Binding| match binding >= least {
                true => text.clone(),
                false => format!("({text})"),
            };
            (text, binding) = match *step {
                Step::Double => product(&at_least, 2, in_front),
                Step::Triple => product(&at_least, 3, in_front),
                Step::Times(number) => product(&at_least, number, in_front),
                Step::Square => (format!("{}**2", at_least(Binding::Name)), Binding::Power),
                Step::Negate => (format!("-{}", at_least(Binding::Power)), Binding::Sign),
                Step::Add(number) if in_front => (
                    format!("{number}+{}", at_least(Binding::Product)),
                    Binding::Sum,
                ),
                Step::Add(number) => (format!("{text}+{number}"), Binding::Sum),
                Step::Subtract(number) => (format!("{text}-{number}"), Binding::Sum),
                Step::Modulo(number) => (
                    format!("{}%{number}", at_least(Binding::Product)),
                    Binding::Product,
                ),
            };
        }
        text
    }
}

/// In front, the number needs brackets around another product: `2*(x%5)` is not `2*x%5`.
fn product(at_least: &dyn Fn(Binding) -> String, number: i64, in_front: bool) -> (String, Binding) {
    let text = match in_front {
        true => format!("{number}*{}", at_least(Binding::Sign)),
        false => format!("{}*{number}", at_least(Binding::Product)),
    };
    (text, Binding::Product)
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{step}")?;
        }
        Ok(())
    }
}
