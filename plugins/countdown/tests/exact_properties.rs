//! `countdown/exact` against a second implementation that shares nothing with it: it splits
//! text at the last operator outside parentheses, and calculates with unreduced pairs.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_countdown::Exact;
use farthing_sdk::{prelude::*, testing, testing::RewardKit};
use proptest::{prelude::*, sample::select};

const WRONG: f64 = 0.5;

/// Numerator and denominator, not reduced; `None` has no value.
type Pair = Option<(i128, i128)>;

fn calculate(operator: char, left: Pair, right: Pair) -> Pair {
    let ((a, b), (c, d)) = (left?, right?);
    match operator {
        '+' => Some((a * d + c * b, b * d)),
        '-' => Some((a * d - c * b, b * d)),
        '*' => Some((a * c, b * d)),
        _ => (c != 0).then(|| (a * d, b * c)),
    }
}

/// The value of the text and the numbers it uses; `None` for malformed text.
fn slow(text: &str, used: &mut Vec<u64>) -> Option<Pair> {
    let text = text.trim();
    for operators in ["+-", "*/"] {
        let mut depth = 0_i32;
        for (at, character) in text.char_indices().rev() {
            match character {
                ')' => depth += 1,
                '(' => depth -= 1,
                _ => {}
            }
            if depth == 0 && operators.contains(character) {
                let left = slow(&text[..at], used)?;
                let right = slow(&text[at + 1..], used)?;
                return Some(calculate(character, left, right));
            }
        }
    }
    if let Some(inside) = text
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
    {
        return slow(inside, used);
    }
    let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    let number = text.parse().ok()?;
    used.push(number);
    Some(Some((i128::from(number), 1)))
}

/// What the answer is worth, by the second implementation.
fn expected(answer: &str, numbers: &[u64], target: i64) -> f64 {
    let mut used = Vec::new();
    let Some(value) = slow(answer, &mut used) else {
        return 0.0;
    };
    used.sort_unstable();
    let mut given = numbers.to_vec();
    given.sort_unstable();
    let hits = value.is_some_and(|(a, b)| a == i128::from(target) * b);
    if used == given && hits { 1.0 } else { WRONG }
}

fn scored(reward: &RewardKit, answer: &str, numbers: &[u64], target: i64) -> f64 {
    let facts = json!({ "numbers": numbers, "target": target });
    let completion = format!("<answer>{answer}</answer>");
    match reward.score(&facts, &completion).unwrap() {
        Outcome::Scored { value, .. } => value,
        Outcome::Abstain => panic!("abstained on {completion:?}"),
    }
}

fn reward() -> RewardKit {
    testing::reward::<Exact>(json!({ "format_score": WRONG })).unwrap()
}

#[derive(Clone, Debug)]
enum Tree {
    Number(u64),
    Binary(char, Box<Tree>, Box<Tree>),
}

impl Tree {
    fn value(&self) -> Pair {
        match self {
            Self::Number(number) => Some((i128::from(*number), 1)),
            Self::Binary(operator, left, right) => {
                calculate(*operator, left.value(), right.value())
            }
        }
    }

    fn numbers(&self) -> Vec<u64> {
        match self {
            Self::Number(number) => vec![*number],
            Self::Binary(_, left, right) => [left.numbers(), right.numbers()].concat(),
        }
    }

    /// Fully parenthesised.
    fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Binary(operator, left, right) => {
                format!("({} {operator} {})", left.text(), right.text())
            }
        }
    }
}

fn trees() -> impl Strategy<Value = Tree> {
    let number = (0_u64..100).prop_map(Tree::Number);
    number.prop_recursive(3, 8, 2, |inner| {
        (select(vec!['+', '-', '*', '/']), inner.clone(), inner)
            .prop_map(|(operator, left, right)| Tree::Binary(operator, left.into(), right.into()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// A tree scores 1 exactly when its value is the target.
    #[test]
    fn a_tree_scores_one_exactly_when_it_equals_the_target(tree in trees(), other in -50_i64..200) {
        let reward = reward();
        let (numbers, text) = (tree.numbers(), tree.text());
        let whole = tree.value().filter(|(a, b)| a % b == 0).map(|(a, b)| a / b);
        if let Some(target) = whole.and_then(|value| i64::try_from(value).ok()) {
            prop_assert_eq!(scored(&reward, &text, &numbers, target), 1.0);
            prop_assert_eq!(scored(&reward, &text, &numbers, target + 1), WRONG);
            let mut more = numbers.clone();
            more.push(7);
            prop_assert_eq!(scored(&reward, &text, &more, target), WRONG);
            prop_assert_eq!(scored(&reward, &text, &numbers[1..], target), WRONG);
        }
        let hits = whole == Some(i128::from(other));
        prop_assert_eq!(scored(&reward, &text, &numbers, other) == 1.0, hits);
    }

    /// On any text of the right characters both implementations agree, malformed or not.
    #[test]
    fn any_text_is_worth_the_same_to_both(text in "[0-9+*/() -]{0,14}", target in 0_i64..20) {
        let mut used = Vec::new();
        slow(&text, &mut used);
        let reward = reward();
        prop_assert_eq!(scored(&reward, &text, &used, target), expected(&text, &used, target));
        prop_assert_eq!(scored(&reward, &text, &[1, 2], target), expected(&text, &[1, 2], target));
    }

    /// Operators and numbers in turn, so that most texts are well-formed, without the
    /// parentheses that make precedence visible.
    #[test]
    fn precedence_is_the_same_to_both(
        first in 0_u64..30,
        rest in proptest::collection::vec((select(vec!['+', '-', '*', '/']), 0_u64..30), 0..6),
    ) {
        let mut text = first.to_string();
        for (operator, number) in rest {
            text += &format!("{operator}{number}");
        }
        let mut used = Vec::new();
        let value = slow(&text, &mut used).expect("the text is well-formed");
        let target = value.map_or(0, |(a, b)| i64::try_from(a / b).unwrap_or(0));
        let reward = reward();
        prop_assert_eq!(scored(&reward, &text, &used, target), expected(&text, &used, target));
    }

    /// Arbitrary text neither panics nor scores.
    #[test]
    fn arbitrary_text_is_scored(text in any::<String>()) {
        let reward = reward();
        let value = scored(&reward, &text, &[44, 19, 35], 98);
        prop_assert!(value == 0.0 || value == WRONG || text.contains("44"));
    }
}
