//! `--set`: one value changed for one run.

use farthing_runtime::manifest::{Problem, Stage};

use super::{MINIMAL, parse_with};

#[test]
fn values_are_read_as_toml_and_otherwise_as_strings() {
    let overrides = [
        "run.seed=3",
        "run.name=second-try",
        "stage.1.steps=10",
        "stage.1.update.lr=1e-5",
        "stage.1.sampler.config={ group = 4 }",
        "stage.1.sampler.config.temperature=0.5",
        "task.0.config.numbers=4",
        "task.0.config.\"a.b\"=[1, 2]",
        "task.0.rewards.0.weight=2",
    ];
    let manifest = parse_with(MINIMAL, &overrides).unwrap().manifest;
    assert_eq!(
        (manifest.run.seed, manifest.run.name.as_str()),
        (3, "second-try")
    );
    let Stage::Rl(rl) = &manifest.stages[1] else {
        panic!("rl second")
    };
    assert_eq!((rl.steps, rl.update.lr), (10, 1e-5));
    assert_eq!(
        (
            &rl.sampler.config["group"],
            &rl.sampler.config["temperature"]
        ),
        (&4.into(), &0.5.into())
    );
    assert_eq!(
        (
            &manifest.tasks[0].config["numbers"],
            &manifest.tasks[0].config["a.b"][1]
        ),
        (&4.into(), &2.into())
    );
    assert_eq!(manifest.tasks[0].rewards[0].weight, 2.0);
}

#[test]
fn the_last_of_two_wins() {
    let manifest = parse_with(MINIMAL, &["run.seed=3", "run.seed=4"])
        .unwrap()
        .manifest;
    assert_eq!(manifest.run.seed, 4);
}

#[test]
fn a_mistake_in_the_file_can_be_mended() {
    let wrong = MINIMAL.replace("steps = 3", "steps = 0");
    assert!(parse_with(&wrong, &[]).is_err());
    assert!(parse_with(&wrong, &["stage.1.steps=1"]).is_ok());
}

#[test]
fn problems_name_the_override() {
    let overrides = [
        "run.seed",
        "run.sedd=3",
        "run.name.first=a",
        "run.name=7",
        "stage.7.steps=10",
        "stage.last.steps=10",
        "stage.1.steps=ten",
        "stage.1.sampler={ use = \"a/b\"",
        "stage.1..steps=1",
        "stage[1].steps=1",
        "=1",
        "run.seed=9223372036854775808",
    ];
    let found = parse_with(MINIMAL, &overrides).unwrap_err();
    let text = found.to_string();
    for (override_text, expected) in overrides.iter().zip([
        "has no `=`",
        "unknown key `sedd` in `run`",
        "`first` is a key inside a string",
        "write quotes that the shell leaves alone: --set 'run.name=\"7\"'",
        "the list has 3 elements, 0 to 2",
        "there is no element `last`",
        "`stage.1.steps` must be an integer of at least 1, not the string \"ten\"",
        "is not TOML",
        "`stage.1..steps` is not a key",
        "`stage[1].steps` is not a key",
        "`` is not a key",
        "fit in 64 bits",
    ]) {
        assert!(
            text.contains(expected),
            "{override_text}: {expected:?} is not in\n{text}"
        );
        assert!(
            text.contains(&format!("| {override_text}\n")),
            "{override_text} is not shown in\n{text}"
        );
    }
    assert!(
        found
            .iter()
            .filter(|found| found.problem == Problem::Override)
            .count()
            >= 8
    );
}
