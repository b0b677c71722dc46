//! What may stand before an answer and be left out, and what changes it.

use crate::table::check;

#[test]
fn a_quantity_is_named_in_signs() {
    check(&[
        ("7", "m+n=7", true),
        ("7", "a+b+c = 7", true),
        ("4", "f(1)+f(2)=4", true),
        ("4", "f(-1)=4", true),
        ("4", "f(f(1))=4", true),
        ("4", "f'(2)=4", true),
        ("4", r"\phi(5)=4", true),
        ("4", "(f\\circ g)(2)=4", true),
        (r"\frac{3}{7}", r"\frac{m}{n}=\frac37", true),
        (r"\frac{1}{4}", r"P(X=2)=\frac14", true),
        (r"\frac{1}{4}", r"\mathbb{E}[X]=\frac14", true),
        (r"\frac{3}{5}", r"\sin 2\theta=\frac35", true),
        (r"\frac{1}{2}", r"\cos\angle BAC=\frac12", true),
        ("5", "|z|=5", true),
        ("5", "|AB|=5", true),
        ("5", "[ABC]=5", true),
        ("5", r"\|v\|=5", true),
        ("4", r"\det A=4", true),
        ("4", r"\int_0^2 x\,dx=4", true),
        ("4", r"x_{\max}=4", true),
        ("4", r"\max f(x)=4", true),
        ("4", r"\Delta x=4", true),
        ("7", r"\log_2 128=7", true),
        ("120", "5!=120", true),
        ("2x", "y(x)=2x", true),
        ("y=2x", "y(x)=2x", true),
        ("2x", r"\frac{dy}{dx}=2x", true),
        ("x^2", "f(x,y)=x^2", true),
        ("2t", "x(t)=2t", true),
        (r"\{1,2\}", r"A\cup B=\{1,2\}", true),
        (
            r"\begin{pmatrix}1&2\\3&4\end{pmatrix}",
            r"A^{-1}=\begin{pmatrix}1&2\\3&4\end{pmatrix}",
            true,
        ),
        // The question's equation, or another one.
        ("7", "x+y=7", false),
        ("12", "2x=12", false),
        ("12", "x+1=12", false),
        ("5", "|x|=5", false),
        ("4", "x^2=4", false),
        ("7", r"x\pm y=7", false),
        ("7", r"2x\pm1=7", false),
        (r"\pm4", r"x^2=\pm4", false),
        ("5", "x!=5", false),
        ("121", "5!=120", false),
    ]);
}

#[test]
fn the_left_side_is_checked_whatever_is_on_the_right() {
    check(&[
        ("12", r"x=12\text{ cm}", true),
        (r"12\text{ cm}", r"x=12\text{ cm}", true),
        ("12", r"2x=12\text{ cm}", false),
        ("12", r"5+6=12\text{ cm}", false),
        ("12", r"11=12\text{ cm}", false),
        (r"12\text{ cm}", r"11\text{ cm}=12\text{ cm}", false),
        (r"\$18", r"3\cdot9=\$18", false),
        (r"\$18", r"2\cdot9=\$18", true),
        ("(1,2)", "P=(1,2)", true),
        ("(1,2)", "2P=(1,2)", false),
        ("(1,2)", "P+Q=(1,2)", false),
        ("(1,2)", "(2x,y)=(1,2)", false),
        ("(1,2)", "99=(1,2)", false),
        (r"\{1,2\}", r"3=\{1,2\}", false),
        ("3:4", "a:b=3:4", true),
        ("3:4", "5:6=3:4", false),
        ("y=2x+3", "99=y=2x+3", false),
        (
            r"\begin{pmatrix}1\\2\end{pmatrix}",
            r"2A=\begin{pmatrix}1\\2\end{pmatrix}",
            false,
        ),
    ]);
}

#[test]
fn words_name_an_answer_or_deny_it() {
    check(&[
        ("12", r"\text{Area} = 12", true),
        ("204", r"\text{The answer is } 204", true),
        ("7", r"\text{Answer: } 7", true),
        ("7", r"\text{The maximum value is } 7", true),
        ("5", "the value of x = 5", true),
        ("3", "not x=3", false),
        ("x=3", "not x=3", false),
        ("3", r"\text{not equal to }x=3", false),
        ("3", r"\text{at least }x=3", false),
        ("x=3", r"\text{about }x=3", false),
        ("x=3", r"\neg x=3", false),
        ("5", r"\text{except }x=5", false),
        ("5", r"\text{all but }x=5", false),
        ("5", r"\text{Let }x=5", false),
        ("y=2x+3", r"\text{perpendicular to }y=2x+3", false),
        ("5", "x is never equal to y = 5", false),
        ("7", r"\text{The answer is not } 7", false),
        ("5", r"5\text{ is wrong}", false),
        ("(0,1)", r"not x\in(0,1)", false),
    ]);
}

#[test]
fn when_it_holds_is_no_part_of_a_number() {
    check(&[
        ("9", r"9 \text{ at } x=5", true),
        ("9", "9 when x = 5", true),
        (r"9\text{ cm}", r"9\text{ cm when }x=5", true),
        (r"9 \text{ at } x=5", "9", true),
        ("9", r"x=9 \text{ since } y = 5", true),
        ("5", r"9 \text{ at } x=5", false),
        ("x=5", r"9 \text{ at } x=5", false),
        ("5", r"\text{maximum } 9 \text{ at } x=5", false),
        ("5", r"\text{max is }9\text{ at }x=5", false),
        ("5", r"0\text{ when }x=5", false),
        ("5", r"x=9 \text{ since } y = 5", false),
        ("5", r"3+x\text{ with }x=5", false),
        ("5", "5 for 2", false),
        ("5", "5 if x=3", false),
        // Half of a function is another function.
        ("x^2", r"x^2 \text{ for } x>0", false),
        (r"x^2 \text{ for } x>0", "x^2", false),
        (r"x^2 \text{ for } x>0", r"x^2 \text{ for } x>0", true),
        (r"\mathbb{R}", r"x+1\text{ for }x\in\mathbb{R}", false),
        (r"\mathbb{R}", r"x=1\in\mathbb{R}", false),
        (
            r"\mathbb{Z}",
            r"\frac\pi4+k\pi\text{ for }k\in\mathbb{Z}",
            false,
        ),
    ]);
}

#[test]
fn a_letter_that_runs_over_whole_numbers() {
    let gold = r"\frac{\pi}{4}+k\pi, k\in\mathbb{Z}";
    check(&[
        (gold, r"\frac{\pi}{4}+k\pi \quad (k\in\mathbb{Z})", true),
        (gold, r"\frac{\pi}{4}+k\pi", true),
        (gold, r"x = \frac{\pi}{4}+n\pi, n \in \mathbb{Z}", true),
        (gold, r"\frac{\pi}{4}+k\pi \text{ for } k\in Z", true),
        (
            gold,
            r"\frac{\pi}{4}+k\pi \text{ where } k \text{ is an integer}",
            true,
        ),
        (gold, r"\{\frac{\pi}{4}+k\pi \mid k\in\mathbb{Z}\}", true),
        (r"2^n-1", r"2^{n}-1 \quad (n\in\mathbb{N}^*)", true),
        (gold, r"\frac{\pi}{4}+2k\pi, k\in\mathbb{Z}", false),
        (gold, r"\frac{\pi}{3}+k\pi, k\in\mathbb{Z}", false),
        (gold, r"\frac{\pi}{4}+k\pi, k\in\mathbb{N}", false),
        (gold, r"\frac{\pi}{4}", false),
        (gold, r"k\in\mathbb{Z}", false),
        (r"\mathbb{Z}", gold, false),
    ]);
}

#[test]
fn names_say_which_value_is_whose() {
    check(&[
        ("(x,y)=(3,4)", "(3,4)", true),
        ("(x,y)=(3,4)", "x=3,y=4", true),
        ("(x,y)=(3,4)", "y=4,x=3", true),
        ("(x,y)=(3,4)", r"y=4\text{ and }x=3", true),
        ("(x,y)=(3,4)", r"\{x=3,y=4\}", true),
        ("(3,4)", "y=4, x=3", true),
        ("(a,b,c)=(2,-1,0)", "c=0,a=2,b=-1", true),
        ("(2,1)", "m=2, b=1", true),
        ("(3,7)", r"x=3 \quad y=7", true),
        ("(x,y)=(3,4)", "y=3,x=4", false),
        ("(3,4)", "y=3,x=4", false),
        ("(x,y)=(3,4)", "(y,x)=(3,4)", false),
        ("(3,4)", "(y,x)=(3,4)", false),
        ("(a,b,c)=(2,-1,0)", "(a,c,b)=(2,-1,0)", false),
        ("7", r"x=3\quad y=7", false),
        ("7", "x=3 y=7", false),
        ("7", "x=5 x=7", false),
        ("x=3", "x=4/x=3", false),
        ("x=3", r"x=4 \text{ instead of } x=3", false),
    ]);
}

#[test]
fn systems_are_their_rows() {
    check(&[
        ("x=1, y=2", r"\begin{cases}x=1\\y=2\end{cases}", true),
        (r"\begin{cases}x=1\\y=2\end{cases}", "(x,y)=(1,2)", true),
        (r"\begin{cases}x=1\\y=2\end{cases}", "x=1, y=2", true),
        (
            "(1,2)",
            r"\left\{\begin{array}{l}x=1\\y=2\end{array}\right.",
            true,
        ),
        ("(1,2)", r"\begin{aligned}x&=1\\y&=2\end{aligned}", true),
        ("x=1, y=2", r"x=1 \\ y=2", true),
        ("x=1, y=2", r"\begin{cases}x=2\\y=1\end{cases}", false),
        ("x=1", r"\begin{cases}x=1\\y=2\end{cases}", false),
    ]);
}

#[test]
fn or_is_less_than_and() {
    check(&[
        (r"x=1\text{ and }y=2", "x=1, y=2", true),
        (r"x=1\text{ and }y=2", "x=1 or y=2", false),
        ("(3,4)", "x=3 or y=4", false),
        (r"x>0 \text{ and } y>0", r"x>0\text{ or }y>0", false),
        (r"\text{Alice and Bob}", "Alice or Bob", false),
        (r"\text{red, blue}", "red and blue", true),
        (r"\text{red, blue}", "red or blue", false),
        (r"\text{(A) and (C)}", "A, C", true),
        (r"\text{(A) and (C)}", "A or C", false),
        // Of the values of one thing, both mean that there are two.
        ("1, 2", r"1\text{ or }2", true),
        ("x=1, x=2", r"x=1\text{ or }x=2", true),
        (r"1\text{ and }2", r"1\text{ or }2", true),
    ]);
}

#[test]
fn a_value_at_zero_is_no_product_with_zero() {
    let gold = r"I(0) e^{-\frac{t}{RC}}";
    check(&[
        (gold, r"I(0)e^{-t/(RC)}", true),
        ("y(0)=1", "1", true),
        ("P(0)e^{rt}", "P(0)e^{r t}", true),
        (gold, "0", false),
        (gold, "I(0)e^{t/(RC)}", false),
        ("L(0)+3", "3", false),
        ("y(0)=1", "f''(0)=4", false),
    ]);
}

#[test]
fn what_has_no_value_is_no_number() {
    for answer in [
        r"\tan 90^\circ",
        r"\cot\pi",
        r"\frac{1}{\sin\pi}",
        r"\ln(\sin\pi)",
        r"\frac{1}{\sqrt2+\sqrt3-\sqrt{5+2\sqrt6}}",
        r"\ln 0",
        "(-1)!",
        r"\arcsin 2",
        "9^{-9^{9^9}}",
        "1-9^{-9^{9^9}}",
        r"\infty\cdot0",
    ] {
        check(&[
            ("5", answer, false),
            ("x^2", answer, false),
            (r"\infty", answer, false),
        ]);
    }
}

#[test]
fn a_condition_holds_no_second_answer() {
    check(&[
        ("3", r"3 \text{ for odd } n, 4 \text{ for even } n", false),
        (
            "3",
            r"3 \text{ when } x > 0 \text{ and } 4 \text{ when } x \le 0",
            false,
        ),
        (
            "3",
            r"3 \text{ at } x = 1 \text{ or } 4 \text{ at } x = 2",
            false,
        ),
        ("3", r"3 \text{ at } x=5, 4 \text{ at } x = 6", false),
        ("3", r"3 \text{ when } x=1, 4 \text{ else}", false),
        ("3", r"3 \text{ when } x>0, \text{ otherwise } 0", false),
        ("3", r"3 \text{ when } x > 0 \text{ or } 4", false),
        ("3", r"3 \text{ where } 3 \text{ is } 4", false),
        ("7", r"7 \text{ at } x=2, 8", false),
        ("7", r"7 \text{ at } x=2, \text{ minimum } 3", false),
        ("7", r"7 \text{ for men, } 8 \text{ for women}", false),
        ("7", r"7 \text{ at most at } x = 2", false),
        (
            "(1,2)",
            r"(1,2) \text{ when } t=0, (3,4) \text{ when } t = 1",
            false,
        ),
    ]);
}

#[test]
fn words_keep_the_signs_between_them() {
    let pieces = r"f(x)=\begin{cases} x & x\ge 0 \\ -x & x<0 \end{cases}";
    check(&[
        (pieces, pieces, true),
        (
            pieces,
            r"f(x)=\begin{cases} -x & x\ge 0 \\ x & x<0 \end{cases}",
            false,
        ),
        (
            pieces,
            r"f(x)=\begin{cases} x & x\ge 0 \\ x & x<0 \end{cases}",
            false,
        ),
        (
            r"\text{diverges to } -\infty",
            r"\text{diverges to } \infty",
            false,
        ),
        (
            r"\text{the point } (-1,2)",
            r"\text{the point } (1,2)",
            false,
        ),
        (
            r"\text{increases by } a - b",
            r"\text{increases by } b - a",
            false,
        ),
        (r"\text{right-angled}", "right angled", true),
        (r"\text{the even ones}", "even ones", true),
    ]);
}

#[test]
fn two_names_are_compared() {
    check(&[
        ("P(2)=5", "P(2) = 5", true),
        (r"\overline{AB}=5", "AB=5", true),
        ("|AB|=5", "AB=5", true),
        ("P(2)=5", "P(3)=5", false),
        ("f(3)=10", "g(3)=10", false),
        (r"P(X=2)=\frac{1}{4}", r"P(X\ge2)=\frac14", false),
        (r"\sin\theta=\frac35", r"\cos\theta=\frac35", false),
        (r"\sin\theta=\frac35", r"\theta=\frac35", false),
        (r"\overline{AB}=5", "AC=5", false),
        (r"\angle A = 30^\circ", r"\angle B = 30^\circ", false),
        ("f(x)=4x", "f(x+1)=4x", false),
        ("f(x)=4x", "f(t)=4t", true),
        ("f(x)=4x", "f(t)=4x", false),
        ("4x", "f(x+1)=4x", false),
        ("x=1, x=2", "x=1, y=2", false),
        ("x=1, y=2", "x=1, x=2", false),
        ("2x+3", "x = 2x+3", false),
        (r"\frac{1}{x}", r"x = \frac1x", false),
    ]);
}

#[test]
fn what_leads_to_an_answer_is_left_out() {
    check(&[
        (r"\sqrt{3}", r"\sqrt{3} \approx 1.732", true),
        (
            r"\sqrt{13}",
            r"\sqrt{2^2 + 3^2} = \sqrt{13} \approx 3.61",
            true,
        ),
        (
            r"12\pi",
            r"12\pi \text{ cm}^2 \approx 37.7 \text{ cm}^2",
            true,
        ),
        (r"\sqrt{2}", r"x = \sqrt{2} \approx 1.4142", true),
        ("1.73", r"x \approx 1.73", true),
        ("7", r"\text{Therefore, } 7", true),
        ("x=4", r"\text{Thus, } x = 4", true),
        ("4", r"2x = 8 \implies x = 4", true),
        ("5", r"x - 5 = 0 \Rightarrow x = 5", true),
        ("7", r"\begin{aligned} x &= 3+4 \\ &= 7 \end{aligned}", true),
        ("5", r"\begin{aligned} x &= 5 \end{aligned}", true),
        ("1.732", r"\sqrt{3} \approx 1.732", false),
        (r"\sqrt{3}", r"\sqrt{3} \approx 5", false),
        ("3", r"3 \approx 4", false),
        ("5", r"6 \Rightarrow 5", false),
        ("3", r"3 \text{ at least}", false),
        ("3", r"3 \text{ is too small}", false),
        ("3", r"3 \text{ is an upper bound}", false),
        ("4", r"\text{the answer squared} = 4", false),
    ]);
}
