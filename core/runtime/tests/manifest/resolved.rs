//! The resolved manifest: written back, read again, the same; and the reference page made from the same types.

use std::path::Path;

use farthing_runtime::manifest::{ManifestFile, reference};
use proptest::prelude::*;

use super::{DIRECTORY, MINIMAL, parse};

fn read_again(toml: &str) -> ManifestFile {
    // A run's copy lies elsewhere, so nothing may depend on the directory.
    ManifestFile::parse("run.toml", toml, Path::new("/somewhere/else"), &[])
        .unwrap_or_else(|found| panic!("{found}\n{toml}"))
}

#[test]
fn every_default_is_written_down() {
    insta::assert_snapshot!(parse(MINIMAL).unwrap().to_toml(), @r#"
    [run]
    name = "small"
    seed = 0
    device = "auto"
    dtype = "auto"
    checkpoint_every = 100
    keep_checkpoints = 2
    activation_checkpointing = "auto"

    [plugins]
    search = []

    [model]
    path = "/nowhere/recipes/model"

    [[task]]
    use = "sums/add"
    name = "add"
    weight = 1.0

    [[task.rewards]]
    use = "sums/exact"
    name = "sums/exact"
    weight = 1.0
    on_failure = "drop"

    [[stage]]
    kind = "sft"
    name = "sft"
    examples = 1000
    epochs = 5
    batch = 16
    micro_batch_tokens = 4096

    [stage.update]
    rule = "adamw"
    lr = 0.00001
    betas = [0.9, 0.95]
    eps = 0.00000001
    weight_decay = 0.0001
    max_grad_norm = 1.0
    schedule = "cosine"
    warmup_steps = 16
    floor = 0.0

    [[stage]]
    kind = "rl"
    name = "rl"
    steps = 3
    problems_per_step = 16
    max_new_tokens = 1024
    micro_batch_tokens = 4096
    num_iterations = 1
    minibatches = 1
    reward_deadline = "10s"
    max_failure_share = 0.1

    [stage.sampler]
    use = "sampling/standard"

    [stage.optimizer]
    use = "policy/plain"

    [stage.update]
    rule = "adamw"
    lr = 0.000001
    betas = [0.9, 0.999]
    eps = 0.00000001
    weight_decay = 0.0
    max_grad_norm = 1.0
    schedule = "constant"
    warmup_steps = 0
    floor = 0.0

    [[stage]]
    kind = "eval"
    name = "eval"
    problems = 256
    skip = 0
    attempts = 1
    pass_at = [1]
    max_new_tokens = 1024
    split = "test"
    reward_deadline = "10s"
    max_failure_share = 0.1

    [stage.sampler]
    use = "sampling/standard"
    "#);
}

#[test]
fn the_reference_has_every_key_with_a_meaning() {
    let page = reference();
    for key in [
        "seed",
        "usd_per_hour",
        "search",
        "isolation",
        "rope_theta",
        "characters",
        "on_failure",
        "epochs",
    ] {
        assert!(
            page.contains(&format!("- **`{key}`**: ")),
            "{key} is not in the reference"
        );
    }
    for line in page.lines().filter(|line| line.starts_with("- **")) {
        let (_, meaning) = line.split_once(". ").unwrap_or((line, ""));
        assert!(meaning.len() > 10, "no meaning: {line}");
        assert!(!line.contains("another value"), "no type: {line}");
    }
    // Both stage kinds show their own defaults of the same table.
    assert!(page.contains("default `1e-5`") && page.contains("default `1e-6`"));
}

/// A written value: TOML for one key, or nothing.
fn maybe(key: &'static str, value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    proptest::option::of(value)
        .prop_map(move |value| value.map_or(String::new(), |value| format!("{key} = {value}\n")))
}

fn number(least: f64, most: f64) -> impl Strategy<Value = String> {
    (least..=most).prop_map(|number| format!("{number:?}"))
}

fn count(least: u32, most: u32) -> impl Strategy<Value = String> {
    (least..=most).prop_map(|number| number.to_string())
}

fn alphabet() -> impl Strategy<Value = String> {
    proptest::collection::btree_set(any::<char>(), 1..20).prop_map(|characters| {
        let characters = toml::Value::String(characters.into_iter().collect());
        format!("{{ characters = {characters} }}")
    })
}

fn config() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(toml::Value::Integer),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(toml::Value::Float),
        any::<bool>().prop_map(toml::Value::Boolean),
        any::<String>().prop_map(toml::Value::String),
    ];
    let value = leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(toml::Value::Array),
            proptest::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| toml::Value::Table(map.into_iter().collect())),
        ]
    });
    proptest::collection::btree_map(any::<String>(), value, 0..4)
        .prop_map(|map| toml::Value::Table(map.into_iter().collect()).to_string())
}

prop_compose! {
    fn run_section()(
        seed in maybe("seed", (0..=i64::MAX).prop_map(|seed| seed.to_string())),
        device in maybe("device", prop_oneof!["\"auto\"", "\"cpu\"", "\"cuda:[0-9]\""]),
        dtype in maybe("dtype", prop_oneof!["\"auto\"", "\"f32\"", "\"bf16\""]),
        threads in maybe("threads", count(1, 64)),
        cost in maybe("cost", number(0.0, 100.0).prop_map(|price| format!("{{ usd_per_hour = {price} }}"))),
        keep in maybe("keep_checkpoints", count(1, 9)),
    ) -> String {
        format!("[run]\nname = \"generated\"\n{seed}{device}{dtype}{threads}{cost}{keep}")
    }
}

prop_compose! {
    fn task_section()(
        weight in maybe("weight", number(0.1, 10.0)),
        task_config in maybe("config", config()),
        reward_weight in number(0.1, 10.0),
        reward_config in config(),
        deadline in prop_oneof!["[1-9][0-9]{0,3}(ms|s|m|h)"],
        on_failure in prop_oneof![Just("\"drop\"".to_owned()), Just("\"stop\"".to_owned()), number(-5.0, 5.0)],
    ) -> String {
        format!(
            "[[task]]\nuse = \"sums/add\"\n{weight}{task_config}rewards = [\n  {{ use = \"sums/exact\", weight = {reward_weight}, \
             config = {reward_config}, deadline = \"{deadline}\", on_failure = {on_failure} }},\n  {{ python = \"r.py:f\" }},\n]\n"
        )
    }
}

prop_compose! {
    fn stage_sections()(
        epochs in prop_oneof![Just(String::new()), count(1, 9).prop_map(|n| format!("epochs = {n}\n")), count(1, 9).prop_map(|n| format!("steps = {n}\n"))],
        lr in number(1e-9, 1.0),
        eps in number(1e-12, 1e-3),
        schedule in prop_oneof!["constant", "cosine", "linear"],
        warmup in maybe("update.warmup_steps", count(0, 100)),
        problems in maybe("problems_per_step", count(4, 99)),
        minibatches in maybe("minibatches", count(1, 4)),
        share in maybe("max_failure_share", number(0.0, 1.0)),
        sampler in config(),
        attempts in count(4, 16),
        pass_at in maybe("pass_at", Just("[1, 2, 4]".to_owned())),
        name in maybe("name", Just("\"final\"".to_owned())),
    ) -> String {
        format!(
            "[[stage]]\nkind = \"sft\"\n{epochs}update = {{ lr = {lr}, schedule = \"{schedule}\" }}\n\
             [[stage]]\nkind = \"rl\"\nsteps = 5\n{warmup}{problems}{minibatches}{share}update.eps = {eps}\n\
             sampler = {{ use = \"a/b\", config = {sampler} }}\noptimizer = {{ use = \"c/d\" }}\n\
             eval = {{ every = 2, sampler = {{ use = \"e/f\" }} }}\n\
             [[stage]]\nkind = \"eval\"\n{name}attempts = {attempts}\n{pass_at}sampler = {{ use = \"a/b\" }}\n"
        )
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn a_resolved_manifest_is_read_back_unchanged(
        run in run_section(),
        model in prop_oneof!["\\./model", "/abs/model", "[a-z]{1,8}/[a-z]{1,8}"],
        tokenizer in maybe("tokenizer", alphabet()),
        task in task_section(),
        stages in stage_sections(),
    ) {
        let text = format!("{run}\n[model]\npath = \"{model}\"\n{tokenizer}\n{task}\n{stages}");
        let file = ManifestFile::parse("run.toml", &text, Path::new(DIRECTORY), &[])
            .map_err(|found| TestCaseError::fail(format!("{found}\n{text}")))?;
        let written = file.to_toml();
        let again = read_again(&written);
        prop_assert_eq!(&again.manifest, &file.manifest);
        prop_assert_eq!(again.to_toml(), written);
    }
}
