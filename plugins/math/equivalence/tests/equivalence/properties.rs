//! Formulas that are made at random, printed in several notations, and graded against each
//! other; and texts of no meaning, which must be refused in peace.

use farthing_math_equivalence::{Policy, Verdict, compare, parse};
use proptest::prelude::*;

use crate::{pieces::PIECES, table};

#[derive(Clone, Debug)]
enum Tree {
    Number(u16),
    Fraction(u16, u16),
    Variable(char),
    Pi,
    Sum(Box<Tree>, Box<Tree>),
    Difference(Box<Tree>, Box<Tree>),
    Product(Box<Tree>, Box<Tree>),
    Quotient(Box<Tree>, u16),
    Square(Box<Tree>),
    Root(u16),
    Sine(Box<Tree>),
}

fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        any::<u16>().prop_map(Tree::Number),
        (any::<u16>(), 1_u16..50).prop_map(|(above, below)| Tree::Fraction(above, below)),
        prop::sample::select(vec!['x', 'y', 'a']).prop_map(Tree::Variable),
        Just(Tree::Pi),
        (1_u16..200).prop_map(Tree::Root),
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        let two = || {
            (
                inner.clone().prop_map(Box::new),
                inner.clone().prop_map(Box::new),
            )
        };
        prop_oneof![
            two().prop_map(|(a, b)| Tree::Sum(a, b)),
            two().prop_map(|(a, b)| Tree::Difference(a, b)),
            two().prop_map(|(a, b)| Tree::Product(a, b)),
            (inner.clone(), 1_u16..50).prop_map(|(a, b)| Tree::Quotient(Box::new(a), b)),
            inner.clone().prop_map(|a| Tree::Square(Box::new(a))),
            inner.prop_map(|a| Tree::Sine(Box::new(a))),
        ]
    })
}

/// How the same tree is put on paper.
#[derive(Clone, Copy)]
enum Notation {
    Latex,
    Plain,
    /// With the sides of sums and products exchanged, and spaces.
    Turned,
}

fn print(tree: &Tree, notation: Notation) -> String {
    use Notation::{Latex, Plain, Turned};
    let of = |tree: &Tree| print(tree, notation);
    match (tree, notation) {
        (Tree::Number(n), _) => n.to_string(),
        (Tree::Fraction(a, b), Latex) => format!(r"\frac{{{a}}}{{{b}}}"),
        (Tree::Fraction(a, b), Plain) => format!("({a}/{b})"),
        (Tree::Fraction(a, b), Turned) => format!(r"\left( {a} \div {b} \right)"),
        (Tree::Variable(name), _) => name.to_string(),
        (Tree::Pi, Latex | Turned) => r"\pi ".to_owned(),
        (Tree::Pi, Plain) => "pi".to_owned(),
        (Tree::Sum(a, b), Turned) => format!("({} + {})", of(b), of(a)),
        (Tree::Sum(a, b), _) => format!("({}+{})", of(a), of(b)),
        (Tree::Difference(a, b), Turned) => format!("(-{} + {})", of(b), of(a)),
        (Tree::Difference(a, b), _) => format!("({}-{})", of(a), of(b)),
        (Tree::Product(a, b), Latex) => format!(r"{}\cdot {}", of(a), of(b)),
        (Tree::Product(a, b), Plain) => format!("{}*{}", of(a), of(b)),
        (Tree::Product(a, b), Turned) => format!(r"{} \times {}", of(b), of(a)),
        (Tree::Quotient(a, b), Latex) => format!(r"\dfrac{{{}}}{{{b}}}", of(a)),
        (Tree::Quotient(a, b), Plain) => format!("(({})/{b})", of(a)),
        (Tree::Quotient(a, b), Turned) => format!(r"(\frac{{1}}{{{b}}} ({}))", of(a)),
        (Tree::Square(a), Plain) => format!("({})**2", of(a)),
        (Tree::Square(a), _) => format!("({})^{{2}}", of(a)),
        (Tree::Root(n), Latex) => format!(r"\sqrt{{{n}}}"),
        (Tree::Root(n), Plain) => format!("sqrt({n})"),
        (Tree::Root(n), Turned) => format!(r"{n}^{{1/2}}"),
        (Tree::Sine(a), Plain) => format!("sin({})", of(a)),
        (Tree::Sine(a), _) => format!(r"\sin\left({}\right)", of(a)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_formula_equals_itself_in_every_notation(tree in trees()) {
        let policy = Policy::default();
        let latex = print(&tree, Notation::Latex);
        for other in [Notation::Plain, Notation::Turned] {
            let other = print(&tree, other);
            prop_assert_eq!(table::verdict(&latex, &other, &policy), "equal", "{}", other);
            prop_assert_eq!(table::verdict(&other, &latex, &policy), "equal", "{}", other);
        }
    }

    #[test]
    fn a_formula_that_is_a_little_more_is_another(tree in trees(), digits in 1_u32..60) {
        let policy = Policy::default();
        let latex = print(&tree, Notation::Latex);
        let more = format!("{}+10^{{-{digits}}}", print(&tree, Notation::Plain));
        prop_assert_eq!(table::verdict(&latex, &more, &policy), "different", "{}", more);
        let opposite = format!("-({})+1", print(&tree, Notation::Turned));
        prop_assert_ne!(table::verdict(&latex, &opposite, &policy), "undecided");
    }

    #[test]
    fn any_text_is_graded_or_refused(gold in any::<String>(), given in any::<String>()) {
        let policy = Policy::default();
        if let (Ok(gold), Ok(given)) = (parse(&gold, &policy), parse(&given, &policy)) {
            prop_assert_eq!(compare(&gold, &gold, &policy), Verdict::Equal);
            compare(&gold, &given, &policy);
        }
    }

    #[test]
    fn any_soup_of_tokens_is_graded_or_refused(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40),
        others in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40),
    ) {
        let policy = Policy::default();
        let read = [pieces.concat(), others.concat()].map(|text| parse(&text, &policy));
        if let [Ok(gold), Ok(given)] = &read {
            prop_assert_eq!(compare(gold, gold, &policy), Verdict::Equal);
            compare(gold, given, &policy);
        }
    }
}
