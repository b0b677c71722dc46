//! Texts that were made, or found by `examples/fuzz.rs`, to hang or to crash.
//!
//! No test here looks at a clock: what bounds the work is counted, and a text that got past
//! the counts would show as a test that never ends. The driver prints the slowest pair.

use std::{fs, path::Path, thread};

use farthing_math_equivalence::{Policy, Verdict, compare, parse};

/// Grades every pair of the texts, on a thread with a small stack.
fn grade_all(texts: Vec<String>) {
    let graded = thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || {
            let policy = Policy::default();
            let answers: Vec<_> = texts
                .iter()
                .filter_map(|text| parse(text, &policy).ok())
                .collect();
            for gold in &answers {
                assert_eq!(compare(gold, gold, &policy), Verdict::Equal);
                for given in &answers {
                    compare(gold, given, &policy);
                }
            }
        })
        .expect("a thread can be started")
        .join();
    assert!(graded.is_ok());
}

#[test]
fn crashes_that_were_found_stay_away() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crashes");
    let mut files = 0;
    for file in fs::read_dir(folder).expect("the corpus is there") {
        let path = file.expect("the corpus can be listed").path();
        let text = fs::read_to_string(path).expect("the corpus is text");
        grade_all(text.lines().map(str::to_owned).collect());
        files += 1;
    }
    assert!(files >= 3);
}

#[test]
fn depth_is_bounded() {
    let repeated = |piece: &str, times| piece.repeat(times);
    grade_all(vec![
        repeated("(", 4000),
        repeated("{", 4000),
        repeated(r"\frac{", 600) + "1",
        repeated(r"\sqrt", 700) + "2",
        repeated("-", 1400) + "x",
        repeated("x^", 1400) + "x",
        format!("x{}", repeated("!", 1400)),
        format!("x{}", repeated("'", 1400)),
        format!("x{}", repeated("%", 1400)),
        repeated(r"\sin", 1000) + "x",
        repeated("|", 1400),
        format!("{}1{}", repeated("{", 40), repeated("}", 40)),
        format!("{}1{}", repeated("(", 40), repeated(")", 40)),
        repeated(r"\text{", 600),
        repeated(r"\begin{pmatrix}", 200),
        repeated(r"\{", 45) + "1" + &repeated(r"\}", 45),
        repeated("1/", 1400) + "x",
        repeated("x=", 700) + "1",
        repeated(r"(1,2)\cup", 300) + "(3,4)",
        repeated(r"\mathbb{R}\setminus", 300) + "(3,4)",
        repeated(r"\pm", 700) + "1",
        repeated(r"\\", 2000),
        // What would be read, or looked at, twice at every level.
        repeated("C(", 46) + "1" + &repeated(")", 46),
        repeated("f(", 46) + "1" + &repeated(")", 46),
        repeated(r"\{x|", 46) + "1" + &repeated(r"\}", 46),
        repeated(r"\{x:", 46) + "1" + &repeated(r"\}", 46),
        repeated("(x=", 46) + "1" + &repeated(")", 46),
        repeated("10^", 46) + "10",
        repeated("10^10", 200),
    ]);
}

#[test]
fn numbers_are_bounded() {
    grade_all(
        [
            "10^10^10",
            "10^{10^{10^{10}}}",
            "9^{9^{9^9}}",
            "99999999999999999999!",
            "3000!",
            "(3000!)!",
            r"\binom{3000}{1500}",
            "1e4000",
            "1e999999999999999999999",
            "2^{-99999999999999999999}",
            r"\sqrt[99999999999]{2}",
            r"\sqrt[0]{2}",
            "x^{99999999999999999999}",
            r"\sin(10^{400})",
            r"\tan(10^{10^{10}})",
            r"e^{e^{e^{e^{e}}}}",
            r"\ln(\ln(\ln(\ln 3)))",
            r"\frac{1}{10^{4000}}+\sqrt{2}",
            "(x+y+z+w+1)^{1000000}",
            r"\lfloor 10^{50}\pi \rfloor",
            r"\gcd(10^{4000}, 6^{4000})",
            "0^{-1}",
            "0^0",
            "0/0",
            r"\log_1 5",
            r"\log_0 5",
        ]
        .map(str::to_owned)
        .to_vec(),
    );
}

#[test]
fn long_answers_are_bounded() {
    let list = |element: &str, times| vec![element; times].join(", ");
    grade_all(vec![
        list("1", 500),
        list("x+1", 120),
        list(r"\sqrt{2}", 100),
        format!(r"\{{{}\}}", list(r"\sin x", 100)),
        format!(r"\{{{}\}}", list(r"\cos x", 100)),
        list(r"\pm 1", 100),
        list("x<1", 100),
        vec!["7"; 1400].join("+"),
        vec!["7"; 1400].join(""),
        vec!["x"; 1400].join(" "),
        "1".repeat(4000),
        "x".repeat(5000),
    ]);
}

#[test]
fn errors_say_where_and_why() {
    let policy = Policy::default();
    let why = |text: &str| match parse(text, &policy) {
        Ok(_) => panic!("{text} is readable"),
        Err(why) => why.to_string(),
    };
    assert_eq!(
        why(""),
        "cannot read the answer at byte 0: the answer is empty"
    );
    assert!(why("1/0").ends_with("a division by zero"), "{}", why("1/0"));
    assert!(why("1 + ").contains("expected a formula"));
    let long = why(&"1+".repeat(3000));
    assert!(long.contains("6000 bytes, more than 4096"), "{long}");
    let deep = why(&"(".repeat(100));
    assert!(deep.contains("more than 48 deep"), "{deep}");
}
