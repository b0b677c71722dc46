//! The text that equal numbers share, and that nothing else has.

use farthing_math_equivalence::{Policy, parse};

fn canonical(text: &str) -> Option<String> {
    parse(text, &Policy::default())
        .expect("the answer is readable")
        .canonical()
}

#[test]
fn equal_rational_numbers_share_one_text() {
    for half in [
        "1/2",
        "0.5",
        ".50",
        r"\frac{2}{4}",
        r"$2^{-1}$",
        "½",
        "1 - 1/2",
    ] {
        assert_eq!(canonical(half).as_deref(), Some("1/2"), "{half}");
    }
    for number in ["-12", r"-\frac{24}{2}", "-12.0", "3 - 15"] {
        assert_eq!(canonical(number).as_deref(), Some("-12"), "{number}");
    }
    assert_eq!(canonical("1,000,000").as_deref(), Some("1000000"));
    assert_ne!(canonical("0.333"), canonical("1/3"));
}

#[test]
fn what_is_no_bare_number_has_none() {
    for other in [
        r"\pi", r"\sqrt2", "x = 3", "(1, 2)", "5 cm", r"50\%", "2x", "yes", "3:4",
    ] {
        assert_eq!(canonical(other), None, "{other}");
    }
}
