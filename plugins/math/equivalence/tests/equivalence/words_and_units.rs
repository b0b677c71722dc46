//! Words, choices, units, money, degrees.

use crate::table::{check, check_with};
use farthing_math_equivalence::{Policy, Units};

#[test]
fn units() {
    check(&[
        (r"5\text{ cm}", "5", true),
        ("5", "5 cm", true),
        ("5 cm", r"5\,\mathrm{cm}", true),
        ("100 cm", "1 m", true),
        (r"12\text{ m}^2", "12 square meters", true),
        (r"60\text{ km/h}", "60 km/h", true),
        (r"60\text{ km/h}", "60 kilometers per hour", true),
        (r"25\pi\text{ cm}^2", r"25\pi", true),
        ("5 apples", "5", true),
        ("5 apples", "5 apple", true),
        (r"5 \text{ m}", "5 m", true),
        ("5 min", "300 seconds", true),
        ("2 million", "2,000,000", true),
        ("12 square units", "12", true),
        ("5 cm", "5 m", false),
        ("5 cm", "5 cm^2", false),
        ("5 cm", "6 cm", false),
        ("5 apples", "6 apples", false),
        ("5 apples", "5 oranges", false),
        ("5 kg", "5 seconds", false),
        ("1 m", "100", false),
    ]);
    let required = Policy {
        units: Units::Required,
        ..Policy::default()
    };
    check_with(&required, &[("5 cm", "5", false), ("5", "5 cm", true)]);
    let ignored = Policy {
        units: Units::Ignored,
        ..Policy::default()
    };
    check_with(&ignored, &[("5 cm", "5 m", true), ("5 cm", "6 cm", false)]);
}

#[test]
fn money_and_degrees() {
    check(&[
        (r"\$5", "5", true),
        ("$5", "5 dollars", true),
        (r"\$1,250.50", "1250.5", true),
        (r"\$0.50", "50 cents", true),
        ("£12", "12 pounds", true),
        (r"90^\circ", "90", true),
        (r"90^{\circ}", "90 degrees", true),
        ("90°", r"\frac{\pi}{2}\text{ radians}", true),
        ("20°C", r"20^\circ\text{C}", true),
        (r"\$5", "€5", false),
        (r"\$5", "6", false),
        (r"\$10", r"10\%", false),
        (r"90^\circ", "9", false),
        ("90", r"\frac{\pi}{2}", false),
        (r"90^\circ", r"\pi", false),
    ]);
}

#[test]
fn words_and_choices() {
    check(&[
        (r"\text{even}", "Even", true),
        ("Monday", "monday", true),
        (r"\text{the circle}", "circle", true),
        ("yes", r"\text{Yes}", true),
        ("seven", "7", true),
        ("Carla and Dan", "Dan and Carla", true),
        ("(A)", "A", true),
        (r"\textbf{(C)}", "C", true),
        ("B", r"\text{B}", true),
        ("(A) 5", "A", true),
        (r"\text{even}", "odd", false),
        ("yes", "no", false),
        ("Monday", "Tuesday", false),
        ("HTH", r"\text{HTH}", true),
        ("HTH", "HHT", false),
        ("ABC", "CBA", false),
        ("A", "B", false),
        ("March 5", "March 6", false),
        ("7", "three hundred", false),
        ("10", "the answer", false),
        // No constant hides in a word.
        ("e", "circle", false),
        ("pi", "pie", false),
    ]);
    let exact = Policy {
        case_of_words: true,
        ..Policy::default()
    };
    check_with(
        &exact,
        &[("Monday", "monday", false), ("Monday", "Monday", true)],
    );
}

#[test]
fn what_is_not_understood_equals_itself_alone() {
    check(&[
        (
            r"\{2k : k\in\mathbb{Z}\}",
            r"\{2k : k \in \mathbb{Z}\}",
            true,
        ),
        (r"n\equiv 1 \pmod 4", r"n \equiv 1 \pmod{4}", true),
        (r"\sum_{k=1}^{10} k", r"\sum_{k=1}^{10}k", true),
        (
            r"\{2k : k\in\mathbb{Z}\}",
            r"\{3k : k\in\mathbb{Z}\}",
            false,
        ),
        (r"2024-01-02", r"2024-02-01", false),
        (r"n\equiv 1 \pmod 4", r"n\equiv 1 \pmod 5", false),
        (r"1,2,3,\ldots", r"1,2,4,\ldots", false),
    ]);
}
