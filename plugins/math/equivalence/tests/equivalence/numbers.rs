//! Numbers: how they are written, and how near two may be and yet differ.

use crate::table::{check, check_with};
use farthing_math_equivalence::{Percent, Policy};

#[test]
fn decimals_that_go_on() {
    check(&[
        (r"\frac13", "0.333...", true),
        (r"\frac13", r"0.333\ldots", true),
        ("0.3333…", r"\frac13", true),
        (r"\frac16", "0.1666...", true),
        (r"\frac{4}{33}", r"0.1212\dots", true),
        (r"\frac17", "0.142857142857...", true),
        (r"\frac{100}{3}\%", r"33.333\ldots\%", true),
        (r"\frac13", "0.333", false),
        (r"\frac13", "0.33...", false),
        (r"\frac13", "0.3...", false),
        (r"\frac13", "0.334...", false),
        (r"\frac13", "0.333...4", false),
        (r"\frac13", "0.666...", false),
        ("2", "2.000...", false),
        ("2", "1.999...", false),
        (r"\sqrt{11}", "3.31662479...", false),
        ("e", "2.718281828...", false),
        (r"\frac{27182818281828}{10^{13}}", "2.718281828...", false),
        (r"\pi", "3.14159...", false),
        (r"\sqrt2", "1.414...", false),
        ("0.333", "0.333...", false),
    ]);
}

#[test]
fn mixed_numbers_in_braces_and_upright_digits() {
    check(&[
        (r"\frac52", r"2{\frac{1}{2}}", true),
        (r"2{\frac12}", "2.5", true),
        (r"2{\frac12}", "1", false),
        ("1", r"2{\frac12}", false),
        (r"2{\frac32}", "3", true),
        (r"2{\frac32}", "3.5", false),
        (r"\log_2{\frac{1}{2}}", "-1", true),
        (r"x^2{\frac{1}{2}}", r"\frac{x^2}{2}", true),
        (r"x^2{\frac{1}{2}}", r"x^{5/2}", false),
        (r"\sin^2{\frac12}", r"(\sin 0.5)^2", true),
        ("255", r"\mathrm{FF}_{16}", true),
        (r"\text{FF}_{16}", r"FF_{16}", true),
        (r"\mathrm{1A}_{16}", "26", true),
        (r"\mathrm{FF}_{16}", "256", false),
        (r"\mathrm{FF}_{16}", r"\mathrm{FE}_{16}", false),
        (r"\mathrm{FF}_{16}", r"\mathrm{FF}_{17}", false),
        (r"\mathrm{CO}_2", "2", false),
    ]);
}

#[test]
fn fractions_and_mixed_numbers() {
    check(&[
        (r"\frac{1}{2}", "1/2", true),
        (r"\frac12", r"\dfrac{1}{2}", true),
        (r"\frac{1}2", "½", true),
        (r"\tfrac13", r"\cfrac{1}{3}", true),
        (r"{3 \over 7}", r"\frac37", true),
        (r"\frac{2}{4}", "0.5", true),
        (r"-\frac{3}{4}", r"\frac{-3}{4}", true),
        (r"-\frac{3}{4}", r"\frac{3}{-4}", true),
        (r"4\frac49", "40/9", true),
        ("4 4/9", r"\frac{40}{9}", true),
        (r"-1\frac12", "-3/2", true),
        ("2½", "2.5", true),
        (r"\frac{1}{2}", r"\frac{1}{3}", false),
        (r"\frac{1}{2}", r"-\frac{1}{2}", false),
        (r"\frac{1}{2}", "2", false),
        (r"4\frac49", r"\frac{16}{9}", false),
        (r"-1\frac12", "-1/2", false),
        (r"\frac{40}{9}", "4.44", false),
    ]);
}

#[test]
fn separators_and_decimals() {
    check(&[
        ("1,000", "1000", true),
        ("1{,}000", r"1\,000", true),
        (r"32,\!349", "32349", true),
        ("1 000 000", "1,000,000", true),
        (".5", "0.50", true),
        ("5.", "5", true),
        ("007", "7", true),
        (r"0.\overline{3}", r"\frac13", true),
        (r"0.1\overline{36}", r"\frac{3}{22}", true),
        ("0.(27)", "3/11", true),
        ("32, 349", "32349", false),
        ("32349", "32, 349", false),
        ("1,000", "1", false),
        ("1,000", "1.000", false),
        (r"\frac13", "0.333", false),
        (r"\frac13", "0.3333333333333333", false),
        (r"0.\overline{9}", "0.9", false),
    ]);
}

#[test]
fn exponents_percent_and_bases() {
    check(&[
        ("1e-3", "0.001", true),
        (r"2\times10^3", "2000", true),
        ("2*10^3", "2E3", true),
        (r"6.02 \cdot 10^{23}", "6.02e23", true),
        (r"50\%", r"\frac12", true),
        (r"50\%", "50", true),
        (r"45/2\%", "22.5 percent", true),
        ("101_2", "5", true),
        ("FF_{16}", "255", true),
        ("2B_{12}", "35", true),
        ("1e-3", "1e-4", false),
        (r"2\times10^3", r"2\times10^4", false),
        (r"50\%", "5", false),
        ("0.5", "50", false),
        ("101_2", "101_3", false),
        (r"10\%", r"10^\circ", false),
    ]);
    let hundredth = Policy {
        percent: Percent::Hundredth,
        ..Policy::default()
    };
    check_with(
        &hundredth,
        &[(r"50\%", "50", false), (r"50\%", "0.5", true)],
    );
}

#[test]
fn tiny_differences_count() {
    check(&[
        ("2^{-99}", "2^{-98}", false),
        ("1", "1.000000000000000000000000000001", false),
        ("1", "1+10^{-300}", false),
        (r"\pi", r"\pi + 10^{-300}", false),
        (r"\sqrt{2}", r"\sqrt{2} + 10^{-200}", false),
        (
            r"\sqrt{2}",
            "1.41421356237309504880168872420969807856967",
            false,
        ),
        (r"\sin 1", r"\sin(1 + 10^{-100})", false),
        (r"\ln 2", r"\ln(2 + 10^{-150})", false),
        ("10^{-40}", "0", false),
        ("e^{-1000}", "0", false),
        ("2^{1000000}", "2^{1000001}", false),
        ("2^{1000000}", "4^{500000}", true),
        (r"\sqrt{2}+\sqrt{3}", r"\sqrt{5+2\sqrt{6}}", true),
        // e^(pi sqrt 163) is within 10^-12 of a whole number.
        (r"e^{\pi\sqrt{163}}", "262537412640768744", false),
    ]);
}

#[test]
fn a_tolerance_is_relative_and_for_decimals_alone() {
    let tolerant = Policy {
        decimal_tolerance: 0.01,
        ..Policy::default()
    };
    check_with(
        &tolerant,
        &[
            (r"\frac13", "0.333", true),
            (r"\frac13", "0.33", true),
            (r"\frac13", "0.3", false),
            (r"-\frac13", "-0.333", true),
            (r"-\frac13", "0.333", false),
            (r"\pi", "3.14", true),
            (r"\pi", "22/7", false),
            ("1000", "1001", false),
        ],
    );
}

#[test]
fn lowest_terms_where_they_are_asked_for() {
    let reduced = Policy {
        reduced_fractions: true,
        ..Policy::default()
    };
    check_with(
        &reduced,
        &[
            (r"\frac12", r"\frac24", false),
            (r"\frac12", "2/4", false),
            (r"\frac12", "0.5", true),
            (r"\frac24", r"\frac24", true),
        ],
    );
    check(&[(r"\frac12", r"\frac24", true)]);
}

#[test]
fn commas_of_other_languages() {
    let comma = Policy {
        decimal_comma: true,
        ..Policy::default()
    };
    check_with(
        &comma,
        &[("3,14", "3.14", true), ("(1,5; 2)", "(1.5, 2)", false)],
    );
    check(&[("3,14", "3.14", false)]);
}
