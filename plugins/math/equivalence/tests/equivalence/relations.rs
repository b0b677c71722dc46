//! Equations, inequalities, intervals, and sets of real numbers.

use crate::table::{check, check_with};
use farthing_math_equivalence::Policy;

#[test]
fn assignments() {
    check(&[
        ("x = 3", "3", true),
        ("3", "x = 3", true),
        ("x = 3", "3 = x", true),
        ("f(x) = 2x+1", "2x+1", true),
        ("f(x) = x^2", "f(t) = t^2", true),
        ("f(x) = x^2", "y = x^2", true),
        ("101", "a=b=101", true),
        ("5", "2+3=5", true),
        (r"\text{Area} = 12", "12", true),
        (r"f^{-1}(x)=\frac{x-1}{2}", r"\frac{x-1}{2}", true),
        ("x = 3", "y = 3", false),
        ("f(x) = x^2", "g(x) = x^2", false),
        ("x = 3", "x = 4", false),
        ("6", "2+3=6", false),
        ("x=0", "0=0", false),
        ("0=0", "x=0", false),
    ]);
    let strict = Policy {
        drop_labels: false,
        ..Policy::default()
    };
    check_with(&strict, &[("x = 3", "3", false), ("x = 3", "x=3", true)]);
}

#[test]
fn equations_up_to_a_scale() {
    check(&[
        ("y = 2x+1", "2x - y + 1 = 0", true),
        ("2x - y + 1 = 0", "y = 2x+1", true),
        ("x^2+y^2=4", "4 = y^2 + x^2", true),
        ("x^2+y^2=4", "2x^2+2y^2=8", true),
        ("y = 2x+1", r"x = \frac{y-1}{2}", true),
        ("y = 2x+1", "y = 2x-1", false),
        ("x^2+y^2=4", "x^2+y^2=2", false),
        ("x^2=4", "x=2", false),
        ("x=2", "x^2=4", false),
        ("x=2", "3x+1=7", false),
        ("x^2-4", "x^2-4=0", false),
        ("2", "3x+1=7", false),
    ]);
}

#[test]
fn inequalities() {
    check(&[
        ("x > 2", "2 < x", true),
        ("x > 2", "-x < -2", true),
        ("x > 2", "2x > 4", true),
        (r"x \le 5", "x <= 5", true),
        (r"1 < x \le 3", r"3 \ge x > 1", true),
        ("x+2y<4", "8 > 4y+2x", true),
        (r"x \neq 3", "x != 3", true),
        ("x > 2", "x < 2", false),
        ("x > 2", r"x \ge 2", false),
        ("x > 2", "y > 2", false),
        ("x > 2", "-x > -2", false),
        ("x > 2", "3x+1>7", false),
        ("x>2", "|x|>2", false),
        ("|x|>2", "x>2", false),
        (r"x \ge 0", r"|x| \ge 0", false),
        ("x>1, y>2", "x>1", false),
        ("x>1", "x>1, y>2", false),
        (r"x \neq 3", "x = 3", false),
    ]);
}

#[test]
fn intervals_and_inequalities() {
    check(&[
        (r"(2,\infty)", "x>2", true),
        ("x > 2", r"(2,\infty)", true),
        (r"1<x\le3", "(1,3]", true),
        ("[0,1]", r"0\le x\le 1", true),
        (r"\left(\frac12, 3\right]", "(0.5,3]", true),
        (r"(-\infty,1)\cup(2,\infty)", r"x<1 \text{ or } x>2", true),
        (
            r"(-\infty,1)\cup(2,\infty)",
            r"(2,\infty) \cup (-\infty,1)",
            true,
        ),
        (r"[0,1]\cup[1,2]", "[0,2]", true),
        (r"x \in (1,2)", "(1,2)", true),
        (r"(1,2)", "1<x<2", true),
        (r"[0,\sqrt2]", r"\left[0, 2^{1/2}\right]", true),
        ("[0,1)", "[0,1]", false),
        ("(0,1)", "[0,1]", false),
        (r"x\neq 0,1", r"x\ne1 \text{ and } x\ne0", true),
        (r"x\ne\pm2", r"x\neq2,-2", true),
        (r"(0,1]\cup\{2\}", r"0<x\le1\text{ or }x=2", true),
        (
            r"(-\infty,-2]\cup[5,\infty)",
            r"x \leq -2 \cup x\geq 5",
            true,
        ),
        (r"n\geq 3", r"\text{all } n\ge3", true),
        (r"\ge5", r"[5,\infty)", true),
        (r"x\neq 0,1", r"x\ne0", false),
        (r"x\ne\pm2", r"x\ne2", false),
        (r"(0,1]\cup\{2\}", r"0<x\le1\text{ or }x=3", false),
        (r"\ge5", r"(5,\infty)", false),
        // A point of the plane.
        (r"\emptyset", "(0,0)", false),
        ("(1,1)", r"\text{no solution}", false),
        (r"(2,\infty)", "3x+1>7", false),
        (r"(2,\infty)", "x<2", false),
        (r"[0,1)\cup(1,2]", "[0,2]", false),
        (r"(1,\infty]", r"(1,\infty)", false),
        (r"(-\infty, 2)", r"(2, \infty)", false),
        (r"[0,\sqrt2]", "[0, 1.414]", false),
    ]);
}

#[test]
fn distances_and_squares_leave_intervals() {
    check(&[
        ("|x| < 3", "(-3, 3)", true),
        ("|x| < 3", "-3 < x < 3", true),
        ("|x| < 3", r"x \in (-3, 3)", true),
        (r"|x-2| \le 3", "[-1, 5]", true),
        ("|x+1| > 2", "x < -3 or x > 1", true),
        (r"|x| \ge 2", r"(-\infty,-2]\cup[2,\infty)", true),
        ("x^2 < 4", "(-2, 2)", true),
        ("4 > x^2", "-2 < x < 2", true),
        (r"x^2 \ge 2", r"(-\infty,-\sqrt2]\cup[\sqrt2,\infty)", true),
        ("(x-1)^2 < 9", "-2 < x < 4", true),
        ("|x| < 3", "[-3, 3]", false),
        ("|x| < 3", "(-3, 4)", false),
        ("|x| < 3", "-3 < y < 3", false),
        ("|x| < 3", "x < 3", false),
        ("|x| > 3", "x > 3", false),
        ("|x| > 3", "(-3, 3)", false),
        ("|x-2| < 3", "(-5, 1)", false),
        ("|x-2| < 3", "(-3, 3)", false),
        ("x^2 < 4", "(-4, 4)", false),
        ("x^2 < 4", "[-2, 2]", false),
        ("x^2 < 4", "x < 2", false),
        ("x^3 < 8", "(-2, 2)", false),
        ("x^2 = 4", "(-2, 2)", false),
        // A disc.
        ("|z| < 3", "(-3, 3)", false),
        // Nothing follows from a bound that is not positive, and nothing is read into it.
        ("|x| > -3", r"\mathbb{R}", false),
        ("|x| < a", "(-a, a)", false),
        // Given back, it may be the question.
        ("(-3, 3)", "|x| < 3", false),
        ("-2 < x < 2", "x^2 < 4", false),
    ]);
}

#[test]
fn sets_of_real_numbers() {
    check(&[
        (r"\mathbb{R}", r"(-\infty,\infty)", true),
        (r"\mathbb{R}", r"\text{all real numbers}", true),
        (
            r"\mathbb{R}\setminus\{0\}",
            r"(-\infty,0)\cup(0,\infty)",
            true,
        ),
        (r"\mathbb{R}\setminus\{0\}", r"x\neq 0", true),
        (r"\{x \mid x > 2\}", r"(2,\infty)", true),
        (r"\{x \in \mathbb{R} : x \le 2\}", r"(-\infty,2]", true),
        (r"\emptyset", r"\{\}", true),
        (r"\varnothing", "no solution", true),
        (r"\mathbb{Z}", "ℤ", true),
        (r"\mathbb{R}", r"\mathbb{Q}", false),
        (r"\mathbb{R}\setminus\{0\}", r"\mathbb{R}", false),
        (
            r"\mathbb{R}\setminus\{0\}",
            r"\mathbb{R}\setminus\{1\}",
            false,
        ),
        (r"\emptyset", r"\{0\}", false),
        (r"\emptyset", "0", false),
    ]);
}

#[test]
fn inequalities_against_zero() {
    check(&[
        (r"x \le 5", r"x-5 \le 0", true),
        (r"7 \leqslant t", r"t-7 \ge 0", true),
        (r"x \le 5", r"x+5 \le 0", false),
        (r"x \le 5", r"5-x \le 0", false),
    ]);
}

#[test]
fn slips_are_no_empty_sets_and_no_truths() {
    check(&[
        (r"[5,2)", r"(7,3]", false),
        (r"(5,2)", r"(5,-\infty)", false),
        (r"\emptyset", r"[5,2]", false),
        (r"2>1", r"3>2", false),
        (r"11", r"x\sqrt=11", false),
        (r"[5,2)", r"[5, 2)", true),
    ]);
}
