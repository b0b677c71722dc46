//! Numbers with what stands behind them: words of number, units, angles.

use crate::table::check;

#[test]
fn degrees_of_mixed_numbers() {
    check(&[
        (r"22\frac12^\circ", "22.5", true),
        (r"22\frac12^\circ", r"22.5^\circ", true),
        (r"22\frac12^\circ", r"22\frac{1}{2}^\circ", true),
        (r"22\frac12^\circ", r"22\tfrac{1}{2}^{\circ}", true),
        (r"22\frac12^\circ", r"22\frac12\,^\circ", true),
        (r"22\frac12^\circ", "22½°", true),
        (r"22\frac12^\circ", "22 1/2°", true),
        (r"22\frac12^\circ", "11", false),
        (r"22\frac12^\circ", r"11^\circ", false),
        (r"22\frac12^\circ", r"22\frac13^\circ", false),
        (r"3\frac12^2", "3.5", false),
        ("11", r"22\frac12^\circ", false),
        (r"\sin 22\frac12^\circ", r"\sin 22.5^\circ", true),
        (r"\frac{\pi}{8}", r"22\frac12^\circ", true),
        ("45", r"22\frac12^2", false),
    ]);
}

#[test]
fn words_of_number_multiply() {
    check(&[
        ("5", "5 tenths", false),
        ("5", r"5\text{ tenths}", false),
        ("5", "5 hundredths", false),
        ("5", "5 thousandths", false),
        ("5", "5 millionths", false),
        ("5", "5 halves", false),
        ("5", "5 thirds", false),
        ("5", "5 quarters", false),
        ("5", "5 fifths", false),
        ("5", "5 eighths", false),
        ("5", "5 dozens", false),
        ("5", "5 gross", false),
        ("5", "5 score", false),
        ("5", "5 lakh", false),
        ("5", "5 lakhs", false),
        ("5", "5 crore", false),
        ("5", r"5\text{ thousands}", false),
        ("5", r"5\text{ millions}", false),
        ("5", "5 pairs", true),
        ("0.5", r"5\text{ tenths}", true),
        (r"\frac12", "5 tenths", true),
        ("0.05", "5 hundredths", true),
        (r"\frac54", "5 quarters", true),
        ("60", "5 dozens", true),
        ("60", "5 dozen", true),
        ("60", "5 dozen eggs", true),
        ("500000", "5 lakh", true),
        ("50000000", "5 crore", true),
        ("5000000", "5 million people", true),
        (r"\frac53", "5 thirds", true),
        ("100", "5 score", true),
        ("720", "5 gross", true),
        ("3 quarts", "3 quarters", false),
        ("2/3", "two thirds", true),
        ("2/3", r"\text{two-thirds}", true),
        ("5", "five tenths", false),
        ("1/2", "one half", true),
        ("5", "5 seconds", true),
    ]);
}

#[test]
fn sides_of_tables() {
    check(&[
        (r"2\times3\text{ matrix}", r"3\times2\text{ matrix}", false),
        (r"2\times3\text{ matrix}", "6", false),
        (
            r"2\times3\text{ matrix}",
            r"2 \times 3 \text{ matrix}",
            true,
        ),
    ]);
}
