//! Tuples, lists, sets, matrices, ratios.

use crate::table::{check, check_with};
use farthing_math_equivalence::{ListOrder, Policy};

#[test]
fn tuples_keep_their_order() {
    check(&[
        ("(1,2)", "( 1 , 2 )", true),
        (r"\left(\frac12, 3\right)", "(0.5, 3)", true),
        ("(x,y)=(1,2)", "(1,2)", true),
        ("(1,2)", "x=1, y=2", true),
        ("(1,2)", "1, 2", true),
        (r"\langle 1,2,3\rangle", "(1,2,3)", true),
        ("(1,500)", "(1, 500)", true),
        ("(1,2),(3,4)", "(3,4), (1,2)", true),
        ("(1,2)", "(2,1)", false),
        ("(1,2)", "(1,2,3)", false),
        ("(1,2,3)", "(1,2)", false),
        ("(1,2)", "[1,2]", false),
        ("(1,2)", r"\{1,2\}", false),
        ("(1,2)", "12", false),
        ("(0,0)", "0", false),
        ("(1,2),(3,4)", "(1,4),(3,2)", false),
        ("(1,2)", "x=2, y=1", false),
    ]);
}

#[test]
fn lists_and_solutions() {
    check(&[
        ("1, 2, 3", "1; 2; 3", true),
        ("1, 2, 3", "1, 2, and 3", true),
        ("x = 1 or x = 2", r"\{1,2\}", true),
        (r"x=1\text{ or }x=2", "x=2, x=1", true),
        ("7 and 11", "11 and 7", true),
        (r"\pm 2", "2, -2", true),
        (r"\pm 2", "-2, 2", true),
        (r"1 \pm \sqrt2", r"1-\sqrt2, 1+\sqrt2", true),
        (r"x = \pm 3", "3, -3", true),
        ("A, C", "C, A", true),
        (r"1,2,\ldots,10", r"1, 2, \ldots, 10", true),
        ("1, 2", "2, 1", false),
        ("1, 2", "1, 2, 3", false),
        ("1, 2, 3", "1, 2", false),
        ("1, 1, 2", "1, 2", false),
        ("1, 2", "(1, 2)", false),
        (r"\pm 2", "2", false),
        ("2", r"\pm 2", false),
        (r"\pm 2", r"\pm 3", false),
        ("x = 1 or x = 2", "x = 1", false),
        (r"1,2,\ldots,10", r"1,2,\ldots,11", false),
        ("5", ",5", false),
    ]);
    let free = Policy {
        list_order: ListOrder::Free,
        ..Policy::default()
    };
    check_with(
        &free,
        &[
            ("1, 2", "2, 1", true),
            ("1, 1, 2", "1, 2, 2", false),
            ("(1,2)", "(2,1)", false),
        ],
    );
}

#[test]
fn sets_have_neither_order_nor_repetition() {
    check(&[
        (r"\{1,2\}", r"\{2,1\}", true),
        (r"\{1,2\}", "{2, 1}", true),
        (r"\{1,2\}", r"\{1,2,2\}", true),
        (r"\{1,2\}", "1, 2", true),
        ("5", r"\{5\}", true),
        (r"\{\pm1,\pm2\}", r"\{-2,-1,1,2\}", true),
        (r"x \in \{1,2\}", r"\{1,2\}", true),
        (r"\{a+|b|, 2\}", r"\{2, |b|+a\}", true),
        (r"\{|x|, 2\}", r"\{2, |x|\}", true),
        (r"\{1,2\}", r"\{1,3\}", false),
        (r"\{1,2\}", r"\{1\}", false),
        (r"\{1,2\}", "(1,2)", false),
        (r"\{0,1\}", "[0,1]", false),
        (r"\{\{1\},\{2\}\}", r"\{1,2\}", false),
        (r"\{(1,2)\}", r"\{1,2\}", false),
    ]);
}

#[test]
fn matrices() {
    check(&[
        (
            r"\begin{pmatrix}1&2\\3&4\end{pmatrix}",
            r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}",
            true,
        ),
        (
            r"\left[\begin{array}{cc}1&2\\3&4\end{array}\right]",
            r"\begin{pmatrix}1&2\\[2pt]3&4\\\end{pmatrix}",
            true,
        ),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", "(1,2)", true),
        (
            r"\frac12\begin{pmatrix}2\\4\end{pmatrix}",
            r"\begin{pmatrix}1\\2\end{pmatrix}",
            true,
        ),
        (r"\begin{vmatrix}2&1\\1&2\end{vmatrix}", "3", true),
        (
            r"\begin{pmatrix}1&2\\3&4\end{pmatrix}",
            r"\begin{pmatrix}1&3\\2&4\end{pmatrix}",
            false,
        ),
        (
            r"\begin{pmatrix}1&2\end{pmatrix}",
            r"\begin{pmatrix}1\\2\end{pmatrix}",
            false,
        ),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", "(2,1)", false),
        (r"\overrightarrow{AB}", r"\overrightarrow{BA}", false),
    ]);
}

#[test]
fn sums_and_transposes_of_matrices() {
    check(&[
        (
            r"\begin{pmatrix}1\\2\end{pmatrix}+t\begin{pmatrix}3\\-4\end{pmatrix}",
            r"\begin{pmatrix}1+3t\\2-4t\end{pmatrix}",
            true,
        ),
        (
            r"\begin{pmatrix}1&2\end{pmatrix}-\begin{pmatrix}0&5\end{pmatrix}",
            r"\begin{pmatrix}1&-3\end{pmatrix}",
            true,
        ),
        (
            r"-\frac12\begin{pmatrix}2\\4\end{pmatrix}",
            r"\begin{pmatrix}-1\\-2\end{pmatrix}",
            true,
        ),
        (
            r"\begin{pmatrix}1&2\\3&4\end{pmatrix}^T",
            r"\begin{pmatrix}1&3\\2&4\end{pmatrix}",
            true,
        ),
        (
            r"\begin{pmatrix}1&2&3\end{pmatrix}^{\top}",
            r"\begin{pmatrix}1\\2\\3\end{pmatrix}",
            true,
        ),
        (
            r"\begin{pmatrix}1\\2\end{pmatrix}+t\begin{pmatrix}3\\-4\end{pmatrix}",
            r"\begin{pmatrix}1\\2\end{pmatrix}-t\begin{pmatrix}3\\-4\end{pmatrix}",
            false,
        ),
        (
            r"\begin{pmatrix}1&2\\3&4\end{pmatrix}^T",
            r"\begin{pmatrix}1&2\\3&4\end{pmatrix}",
            false,
        ),
        (
            r"\begin{pmatrix}1&2\\3&4\end{pmatrix}^2",
            r"\begin{pmatrix}1&4\\9&16\end{pmatrix}",
            false,
        ),
        (
            r"\begin{pmatrix}1&2&3\end{pmatrix}^T",
            r"\begin{pmatrix}1&2&3\end{pmatrix}",
            false,
        ),
        (
            r"\begin{pmatrix}1\\2\end{pmatrix}+\begin{pmatrix}1&2\end{pmatrix}",
            r"\begin{pmatrix}2\\4\end{pmatrix}",
            false,
        ),
        (
            r"2-3\begin{pmatrix}1\\2\end{pmatrix}",
            r"\begin{pmatrix}-1\\-2\end{pmatrix}",
            false,
        ),
    ]);
}

#[test]
fn matrices_as_plain_tex_and_python_write_them() {
    check(&[
        (
            r"\begin{pmatrix}1&2\\3&4\end{pmatrix}",
            r"\begin{pmatrix}1&2\cr 3&4\cr\end{pmatrix}",
            true,
        ),
        (
            r"\begin{pmatrix}1&2\\3&4\end{pmatrix}",
            "[[1,2],[3,4]]",
            true,
        ),
        (
            "[[1, 2], [3, 4]]",
            r"\begin{bmatrix}1&2\\3&4\end{bmatrix}",
            true,
        ),
        (
            r"\begin{pmatrix}1&2\\3&4\end{pmatrix}",
            "[[1,3],[2,4]]",
            false,
        ),
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "[[1,2]]", false),
        (
            r"\begin{pmatrix}1&2\\3&4\end{pmatrix}",
            "[[1,2,3],[3,4]]",
            false,
        ),
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "[1,2,3,4]", false),
        (
            r"\begin{pmatrix}1&2\\3&4\end{pmatrix}",
            "((1,2),(3,4))",
            false,
        ),
        (r"\begin{pmatrix}1\\3\end{pmatrix}", "[[1,2],[3,4]]", false),
    ]);
}

#[test]
fn ratios_and_times() {
    check(&[
        ("3:4", "6:8", true),
        ("3:4", r"\frac34", true),
        ("3:4", "3 to 4", true),
        ("1:2:3", "2:4:6", true),
        ("12:00", "12:00", true),
        ("3:45 PM", "3:45 p.m.", true),
        ("3:45 PM", "15:45", true),
        ("12:05 AM", "0:05", true),
        ("3:4", "4:3", false),
        ("1:2:3", "1:2", false),
        ("12:30", "6:15", false),
        ("3:45 PM", "3:45 AM", false),
        ("9 AM", "9:00 AM", true),
        ("9:00 AM", r"9\text{ a.m.}", true),
        ("5 PM", "17:00", true),
        ("12 PM", "12:00", true),
        ("9 AM", "9", true),
        ("3:05", "3:50", false),
        ("9 AM", "9 PM", false),
        ("9 AM", "9:30 AM", false),
        ("9 AM", "21:00", false),
        ("9 AM", "10 AM", false),
        ("9:00 AM", "9", false),
        ("12 AM", "12 PM", false),
        // A product and a quotient of variables.
        ("5 p m", "5 PM", false),
        ("5/am", "5 AM", false),
    ]);
}
