//! `countdown/countdown` through the boundary's shims: what it poses can be solved, what is
//! held out stays held out, and prompts read as they should.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use std::collections::{BTreeMap, BTreeSet};

use farthing_countdown::Countdown;
use farthing_sdk::{prelude::*, testing, testing::TaskKit};

fn task(config: Value) -> TaskKit {
    testing::task::<Countdown>(config).unwrap()
}

fn refusal(config: Value) -> String {
    testing::task::<Countdown>(config)
        .err()
        .expect("this is refused")
        .to_string()
}

/// Three numbers up to 10, target up to 30: small enough to be listed.
fn tiny() -> Value {
    json!({ "numbers": 3, "max_number": 10, "max_target": 30, "template": "tiny" })
}

fn with(mut config: Value, key: &str, value: Value) -> Value {
    config[key] = value;
    config
}

fn numbers(problem: &Problem) -> Vec<u64> {
    serde_json::from_value(problem.facts["numbers"].clone()).unwrap()
}

fn ids(kit: &TaskKit, split: Split, count: u64, seed: u64) -> Vec<String> {
    (0..count)
        .map(|index| kit.problem(split, index, seed).unwrap().id)
        .collect()
}

#[test]
fn the_kit_finds_nothing_wrong() {
    for config in [
        json!({}),
        tiny(),
        json!({ "numbers": { "from": 2, "to": 4 } }),
    ] {
        let kit = task(config);
        kit.check(Split::Train, 250).unwrap();
        kit.check(Split::Test, 250).unwrap();
    }
}

#[test]
fn problems_keep_to_the_ranges() {
    let kit = task(json!({
        "numbers": [3, 5], "min_number": 4, "max_number": 40, "min_target": 50, "max_target": 60,
    }));
    let mut counts = BTreeSet::new();
    for index in 0..300 {
        let problem = kit.problem(Split::Train, index, 3).unwrap();
        let numbers = numbers(&problem);
        counts.insert(numbers.len());
        assert!(
            numbers.iter().all(|number| (4..=40).contains(number)),
            "{}",
            problem.id
        );
        assert!(
            (50..=60).contains(&problem.facts["target"].as_u64().unwrap()),
            "{}",
            problem.id
        );
        assert_eq!(problem.tags[0], format!("{}-numbers", numbers.len()));
        let mut sorted = numbers;
        sorted.sort_unstable();
        let sorted: Vec<String> = sorted.iter().map(u64::to_string).collect();
        assert_eq!(
            problem.id,
            format!("{}->{}", sorted.join(","), problem.facts["target"])
        );
    }
    assert_eq!(counts, BTreeSet::from([3, 5]));
}

/// Whatever the seed and the other settings: which split a problem is in depends on its
/// numbers and target alone.
#[test]
fn no_problem_is_in_both_splits() {
    let configs = [
        json!({ "numbers": 2, "max_number": 30 }),
        json!({ "numbers": 3, "max_number": 12, "max_target": 40 }),
        json!({ "numbers": [2, 3, 4], "max_number": 15 }),
    ];
    let mut split_of: BTreeMap<String, Split> = BTreeMap::new();
    let mut seen = [0, 0];
    for config in configs {
        let kit = task(config);
        for split in [Split::Train, Split::Test] {
            for seed in [1, 2, 3] {
                for id in ids(&kit, split, 1500, seed) {
                    let known = *split_of.entry(id.clone()).or_insert(split);
                    assert_eq!(known, split, "{id}");
                    seen[usize::from(split == Split::Test)] += 1;
                }
            }
        }
    }
    assert_eq!(seen, [3 * 3 * 1500; 2]);
}

#[test]
fn about_the_configured_share_is_held_out() {
    for share in [0.05, 0.2, 0.5] {
        let kit = task(with(tiny(), "test_share", json!(share)));
        let size = |split| kit.size(split).unwrap().unwrap() as f64;
        let found = size(Split::Test) / (size(Split::Test) + size(Split::Train));
        assert!((found - share).abs() < 0.03, "{found} instead of {share}");
    }
}

/// A larger share holds out what a smaller one did, and more.
#[test]
fn held_out_problems_stay_held_out_when_the_share_grows() {
    let held_out = |share: f64| -> BTreeSet<String> {
        let kit = task(with(tiny(), "test_share", json!(share)));
        let size = kit.size(Split::Test).unwrap().unwrap();
        ids(&kit, Split::Test, size, 1).into_iter().collect()
    };
    let (small, large) = (held_out(0.1), held_out(0.2));
    assert!(small.is_subset(&large));
    assert!(small.len() < large.len());
}

#[test]
fn a_listed_space_comes_whole_and_without_repeats() {
    let kit = task(tiny());
    for split in [Split::Train, Split::Test] {
        let size = kit.size(split).unwrap().unwrap();
        let first = ids(&kit, split, 2 * size, 7);
        let distinct: BTreeSet<&String> = first.iter().collect();
        assert_eq!(distinct.len() as u64, size);
        let (epoch, next) = first.split_at(size as usize);
        assert_eq!(epoch.iter().collect::<BTreeSet<_>>().len() as u64, size);
        assert_eq!(next.iter().collect::<BTreeSet<_>>().len() as u64, size);
        assert_ne!(epoch, next, "the second epoch has an order of its own");
    }
}

/// 2025 solvable problems in all, counted by a search that shares nothing with the solver.
#[test]
fn a_listed_space_has_every_solvable_problem() {
    let kit = task(tiny());
    let mut listed = BTreeSet::new();
    for split in [Split::Train, Split::Test] {
        let size = kit.size(split).unwrap().unwrap();
        listed.extend(ids(&kit, split, size, 1));
    }
    let mut expected = BTreeSet::new();
    for a in 1..=10_i64 {
        for b in a..=10 {
            for c in b..=10 {
                for target in targets([a, b, c]) {
                    expected.insert(format!("{a},{b},{c}->{target}"));
                }
            }
        }
    }
    assert_eq!(listed, expected);
}

/// What three numbers can make with whole steps not below zero, from 1 to 30.
fn targets(numbers: [i64; 3]) -> BTreeSet<i64> {
    let both = |a: i64, b: i64| -> Vec<i64> {
        let mut values = vec![a + b, (a - b).abs(), a * b];
        values.extend((b != 0 && a % b == 0).then(|| a / b));
        values.extend((a != 0 && b % a == 0).then(|| b / a));
        values
    };
    let [a, b, c] = numbers;
    [(a, b, c), (a, c, b), (b, c, a)]
        .into_iter()
        .flat_map(|(first, second, last)| {
            both(first, second)
                .into_iter()
                .flat_map(move |value| both(value, last))
        })
        .filter(|target| (1..=30).contains(target))
        .collect()
}

/// Three numbers succeed in fewer draws than four, and still come as often.
#[test]
fn counts_come_equally_often() {
    let kit = task(json!({ "numbers": [3, 4] }));
    let problems = (0..400).map(|index| kit.problem(Split::Train, index, 1).unwrap());
    let threes = problems
        .filter(|problem| numbers(problem).len() == 3)
        .count();
    assert!((160..240).contains(&threes), "{threes} of 400");
}

#[test]
fn the_seed_orders_training_but_not_the_test() {
    for config in [tiny(), json!({})] {
        let kit = task(config);
        assert_ne!(
            ids(&kit, Split::Train, 50, 1),
            ids(&kit, Split::Train, 50, 2)
        );
        assert_eq!(ids(&kit, Split::Test, 50, 1), ids(&kit, Split::Test, 50, 2));
    }
}

/// So that a change which moves problems between splits, or renumbers them, is seen: users
/// compare evaluations across versions.
#[test]
fn the_first_problems_never_change() {
    assert_eq!(ids(&task(tiny()), Split::Test, 4, 0), FIRST_TINY);
    assert_eq!(ids(&task(json!({})), Split::Test, 4, 0), FIRST_DEFAULT);
}

const FIRST_TINY: [&str; 4] = ["6,9,10->5", "1,3,7->14", "3,3,10->11", "1,7,8->15"];
const FIRST_DEFAULT: [&str; 4] = [
    "14,41,74->19",
    "4,17,61,70->19",
    "54,60,66->48",
    "14,45,47->12",
];

#[test]
fn targets_that_are_hard_to_hit_are_worked_out() {
    let kit = task(
        json!({ "numbers": 2, "min_number": 900, "max_number": 1_000_000, "min_target": 1_000, "max_target": 1_000_000 }),
    );
    kit.check(Split::Train, 100).unwrap();
    let kit = task(json!({ "numbers": 4, "operations": ["*"], "max_target": 1_000_000 }));
    kit.check(Split::Test, 100).unwrap();
}

#[test]
fn prompts_are_tinyzeros_to_the_letter() {
    let base = task(json!({ "numbers": 3 }))
        .problem(Split::Train, 0, 1)
        .unwrap();
    let (numbers, target) = (numbers(&base), &base.facts["target"]);
    let Prompt::Text(text) = &base.prompt else {
        panic!("the base prompt is raw text");
    };
    let request = format!(
        " Using the numbers {numbers:?}, create an equation that equals {target}. You can use \
         basic arithmetic operations (+, -, *, /) and each number can only be used once. Show \
         your work in <think> </think> tags. And return the final answer in <answer> </answer> \
         tags, for example <answer> (1 + 2) / 3 </answer>."
    );
    assert_eq!(
        *text,
        format!(
            "A conversation between User and Assistant. The user asks a question, and the Assistant \
         solves it. The assistant first thinks about the reasoning process in the mind and then \
         provides the user with the answer.\nUser:{request}\nAssistant: Let me solve this step \
         by step.\n<think>"
        )
    );
    let chat = task(json!({ "numbers": 3, "template": "chat" }));
    let Prompt::Messages(messages) = chat.problem(Split::Train, 0, 1).unwrap().prompt else {
        panic!("the chat prompt is messages");
    };
    let roles: Vec<&str> = messages
        .iter()
        .map(|message| message.role.as_str())
        .collect();
    assert_eq!(roles, ["system", "user"]);
    assert_eq!(messages[1].content, request);
}

#[test]
fn a_prompt_may_be_ones_own() {
    let template = "Make {target} of {numbers}. Really {target}!";
    let problem = task(json!({ "numbers": 3, "template": template }))
        .problem(Split::Test, 5, 1)
        .unwrap();
    let (numbers, target) = (numbers(&problem), &problem.facts["target"]);
    let expected = format!("Make {target} of {numbers:?}. Really {target}!");
    assert_eq!(problem.prompt, Prompt::Text(expected));
}

#[test]
fn tiny_prompts_are_short() {
    let kit = task(with(tiny(), "order", json!("sorted")));
    for index in 0..200 {
        let problem = kit.problem(Split::Train, index, 1).unwrap();
        let numbers = numbers(&problem);
        let spaced: Vec<String> = numbers.iter().map(u64::to_string).collect();
        let expected = format!("{}>{}:", spaced.join(" "), problem.facts["target"]);
        assert_eq!(problem.prompt, Prompt::Text(expected));
        assert!(numbers.is_sorted());
    }
}

/// Listed or drawn, a training puzzle comes in each of its orders, a held-out one in one.
#[test]
fn every_order_is_a_problem_of_its_own() {
    let orders_seen = |config: Value, split, problems| {
        let kit = task(config);
        let mut seen: BTreeMap<String, BTreeSet<Vec<u64>>> = BTreeMap::new();
        for index in 0..problems {
            let problem = kit.problem(split, index, 1).unwrap();
            seen.entry(problem.id.clone())
                .or_default()
                .insert(numbers(&problem));
        }
        seen
    };
    let expected = |id: &str| {
        let distinct: BTreeSet<&str> = id.split("->").next().unwrap().split(',').collect();
        [0, 1, 3, 6][distinct.len()]
    };

    let every = with(tiny(), "order", json!("every"));
    let size = |config, split| task(config).size(split).unwrap().unwrap();
    let problems = size(every.clone(), Split::Train);
    let seen = orders_seen(every.clone(), Split::Train, problems);
    assert_eq!(seen.len() as u64, size(tiny(), Split::Train));
    for (id, orders) in &seen {
        assert_eq!(orders.len(), expected(id), "{id}");
    }
    let held_out = size(every.clone(), Split::Test);
    let seen = orders_seen(every, Split::Test, held_out);
    assert_eq!(seen.len() as u64, size(tiny(), Split::Test));
    assert!(seen.values().all(|orders| orders.len() == 1));

    // Six numbers are too many to be listed; their problems are drawn.
    let drawn = json!({ "numbers": 6, "min_number": 5, "max_number": 9, "order": "every" });
    assert_eq!(task(drawn.clone()).size(Split::Train).unwrap(), None);
    let seen = orders_seen(drawn, Split::Train, 300);
    assert!(
        seen.values()
            .any(|orders| !orders.iter().next().unwrap().is_sorted())
    );
}

#[test]
fn configurations_that_cannot_be_are_refused() {
    assert!(refusal(json!({ "numbers": 7 })).contains("from 2 to 6, found 7"));
    assert!(refusal(json!({ "numbers": "three" })).contains("expected a count such as 3"));
    assert!(refusal(json!({ "numbers": [] })).contains("`numbers` allows no count"));
    assert!(
        refusal(json!({ "numbers": { "from": 4, "to": 3 } })).contains("`numbers` allows no count")
    );
    assert!(refusal(json!({ "min_number": 5, "max_number": 4 })).contains("`min_number` is 5"));
    assert!(refusal(json!({ "min_target": 200 })).contains("above `max_target` (100)"));
    assert!(refusal(json!({ "max_target": 2_000_000 })).contains("from 1 to 1000000"));
    assert!(refusal(json!({ "operations": [] })).contains("`operations` is empty"));
    assert!(refusal(json!({ "test_share": 1.5 })).contains("`test_share`"));
    assert!(refusal(json!({ "template": "tny" })).contains("unknown template \"tny\""));
    assert!(refusal(json!({ "max_numbers": 4 })).contains("max_numbers"));
    // Nothing above 20 can be made of two numbers up to 10 by adding.
    let impossible = json!({
        "numbers": 2, "max_number": 10, "min_target": 21, "operations": ["+"],
    });
    assert!(refusal(impossible).contains("no problem to pose"));
}

#[test]
fn a_split_without_problems_says_so() {
    let kit = task(with(tiny(), "test_share", json!(0.0)));
    assert_eq!(kit.size(Split::Test).unwrap(), Some(0));
    let error = kit.problem(Split::Test, 0, 1).err().unwrap();
    assert!(
        error.to_string().contains("the test split is empty"),
        "{error}"
    );
}

/// Each property has a tag of its own, whose values are those of problems one can work out by hand.
#[test]
fn tags_say_how_many_numbers_which_operations_and_how_long_a_search() {
    let tags_of = |config: Value, id: &str| {
        let kit = task(config);
        let size = kit.size(Split::Train).unwrap().unwrap();
        let problems = (0..size).map(|index| kit.problem(Split::Train, index, 0).unwrap());
        let found = problems.into_iter().find(|problem| problem.id == id);
        found.unwrap_or_else(|| panic!("no problem {id}")).tags
    };
    let small = |numbers: usize| json!({ "numbers": numbers, "max_number": 9, "test_share": 0.0 });
    // 3+4; of 3+4, 4-3, 3*4 (no quotient is whole) one makes 7.
    assert_eq!(
        tags_of(small(2), "3,4->7"),
        ["2-numbers", "plus-minus", "depth-1"]
    );
    assert_eq!(
        tags_of(small(2), "3,4->12"),
        ["2-numbers", "times", "depth-1"]
    );
    assert_eq!(
        tags_of(small(2), "2,8->4"),
        ["2-numbers", "division", "depth-1"]
    );
    // 3*8/4 and 3*(8/4).
    assert_eq!(
        tags_of(small(3), "3,4,8->6")[1..],
        ["times-and-division", "depth-2"]
    );
    // 8/(3-8/3) alone.
    let fractions = json!({
        "numbers": 4, "min_number": 3, "max_number": 8, "min_target": 24, "max_target": 24,
        "fractions": true, "test_share": 0.0,
    });
    assert_eq!(
        tags_of(fractions, "3,3,8,8->24")[..2],
        ["4-numbers", "fractions"]
    );
}
