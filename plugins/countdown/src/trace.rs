//! Worked solutions, as a model is to write them.
//!
//! Two notations, chosen by the template. Terse, for a character-level model:
//! `7*3=21;21-5=16;<answer>7*3-5</answer>`, where a `!` in place of the last `;` says
//! "that missed" and starts anew. In words, for a language model, inside the think tags.
//! The larger operand comes first wherever the order is free: with half as many sums to
//! know by heart, a small model learns them in half the time.

use std::fmt::Write as _;

use crate::{
    arithmetic::Rational,
    expression::{Expression, Step},
    space::Puzzle,
    template::Template,
};

/// Attempts that miss, then one that does not.
pub struct Trace<'a> {
    pub puzzle: &'a Puzzle,
    pub missed: Vec<Expression>,
    pub solution: Expression,
}

impl Trace<'_> {
    /// The completion to this template's prompt.
    pub fn written_for(&self, template: &Template) -> String {
        match template {
            Template::Tiny => self.terse(),
            opened if opened.opens_think() => self.in_words(),
            _ => format!("<think>{}", self.in_words()),
        }
    }

    fn terse(&self) -> String {
        let mut text = String::new();
        for missed in &self.missed {
            let steps: Vec<String> = missed.steps().iter().map(terse_step).collect();
            text += &steps.join(";");
            text.push('!');
        }
        for step in self.solution.steps() {
            text += &terse_step(&step);
            text.push(';');
        }
        let _ = write!(text, "<answer>{}</answer>", self.solution);
        text
    }

    fn in_words(&self) -> String {
        let target = self.puzzle.target;
        let mut text = format!("\nI have to make {target}.\n");
        for missed in &self.missed {
            text += "Let me try ";
            text += &worded_steps(missed);
            let _ = writeln!(text, ". That is not {target}.");
        }
        text += if self.missed.is_empty() {
            "First, "
        } else {
            "Let me try "
        };
        text += &worded_steps(&self.solution);
        let _ = write!(
            text,
            ". That is {target}.\n</think>\n<answer>{}</answer>",
            spaced(&self.solution)
        );
        text
    }
}

fn terse_step(step: &Step) -> String {
    format!(
        "{}{}{}={}",
        operand(step.left),
        step.operation.symbol(),
        operand(step.right),
        step.result
    )
}

fn worded_steps(expression: &Expression) -> String {
    let step = |step: &Step| {
        format!(
            "{} {} {} = {}",
            operand(step.left),
            step.operation.symbol(),
            operand(step.right),
            step.result
        )
    };
    let steps: Vec<String> = expression.steps().iter().map(step).collect();
    steps.join(", then ")
}

/// A fraction in parentheses, because `8/1/3` is not `8/(1/3)`.
fn operand(value: Rational) -> String {
    if value.is_integer() {
        value.to_string()
    } else {
        format!("({value})")
    }
}

/// With a space on both sides of each operation, as people write to each other.
fn spaced(expression: &Expression) -> String {
    let spread = |character: char| match character {
        '+' | '-' | '*' | '/' => format!(" {character} "),
        other => other.to_string(),
    };
    expression.to_string().chars().map(spread).collect()
}
