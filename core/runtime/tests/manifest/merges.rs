//! Probes and merges: stages that follow each other, and problems that must not be used twice.

use farthing_runtime::manifest::{Problem, Stage};

use super::{MINIMAL, parse, problems};

/// A manifest whose first stage probes, after which comes this stage.
fn with(probe: &str, stage: &str) -> String {
    let probing = format!(
        "kind = \"sft\"\nname = \"first\"\nprobe = {{ every = 5, sampler = {{ use = \"sampling/standard\" }}, {probe} }}\n\n{stage}"
    );
    MINIMAL.replacen("kind = \"sft\"\n", &probing, 1)
}

const MERGE: &str = "[[stage]]\nkind = \"merge\"\nfrom = \"first\"\n";

/// The default evaluation takes the first 256 problems.
const APART: &str = "skip = 256";

#[track_caller]
fn assert_one(text: &str, problem: Problem, message: &str, help: &str) {
    let found = problems(text);
    let all = found.to_string();
    assert_eq!(found.len(), 1, "{all}");
    let only = found.iter().next().expect("one was counted");
    assert_eq!(only.problem, problem, "{all}");
    assert!(only.message.contains(message), "{all}");
    assert!(
        only.help.as_deref().unwrap_or_default().contains(help),
        "{all}"
    );
}

#[test]
fn a_merge_takes_what_an_earlier_stage_selected() {
    let file = parse(&with(APART, MERGE)).unwrap();
    let [Stage::Sft(sft), Stage::Merge(merge), ..] = file.manifest.stages.as_slice() else {
        panic!("not the stages that were written");
    };
    let probe = sft.probe.as_ref().unwrap();
    assert_eq!((probe.problems, probe.attempts), (128, 8));
    assert_eq!(probe.pass_at, [1, 8]);
    assert_eq!(merge.from.as_deref(), Some("first"));
    // What was read is what a run's own copy says.
    let again = parse(&file.manifest.to_toml()).unwrap();
    assert_eq!(again.manifest, file.manifest);
}

#[test]
fn a_merge_names_a_stage_that_probes_or_models() {
    let merge = |keys: &str| with(APART, &format!("[[stage]]\nkind = \"merge\"\n{keys}\n"));
    let reference = Problem::Reference;
    assert_one(
        &merge("from = \"frist\""),
        reference,
        "no stage `frist`",
        "did you mean `first`?",
    );
    assert_one(
        &merge("from = \"rl\""),
        reference,
        "no stage `rl` before this one",
        "that probe are `first`",
    );
    let silent = MINIMAL.replace(
        "kind = \"eval\"",
        "kind = \"merge\"\nfrom = \"sft\"\n[[stage]]\nkind = \"eval\"",
    );
    assert_one(
        &silent,
        reference,
        "`sft` probes nothing",
        "give it a `probe`",
    );
    assert_one(
        &merge(""),
        Problem::Conflict,
        "needs `from` or `models`",
        "give one of the two",
    );
    let both = "from = \"first\"\nmodels = [{ path = \"a\" }]";
    assert_one(
        &merge(both),
        Problem::Conflict,
        "exclude each other",
        "take one of the two out",
    );
}

#[test]
fn methods_have_what_they_need() {
    let merge = |keys: &str| with(APART, &format!("[[stage]]\nkind = \"merge\"\n{keys}\n"));
    let invalid = Problem::InvalidValue;
    let two = "models = [{ path = \"a\" }, { path = \"b\", weight = 2.0 }]";
    parse(&merge(&format!("{two}\nmethod = \"slerp\""))).unwrap();
    parse(&merge(
        "from = \"first\"\nmethod = \"task-arithmetic\"\nscale = 0.5\nbase = \"c\"",
    ))
    .unwrap();
    let three =
        "models = [{ path = \"a\" }, { path = \"b\" }, { path = \"c\" }]\nmethod = \"slerp\"";
    assert_one(&merge(three), invalid, "there are 3", "give two");
    assert_one(
        &merge("from = \"first\"\nscale = 0.5"),
        invalid,
        "`scale` belongs to",
        "change the method",
    );
    let weightless = "models = [{ path = \"a\", weight = 0.0 }]";
    assert_one(&merge(weightless), invalid, "above 0", "");
}

#[test]
fn adapters_are_not_merged() {
    let text = with(APART, MERGE).replace(
        "path = \"./model\"",
        "path = \"./model\"\nlora = { rank = 4, alpha = 8 }",
    );
    assert_one(
        &text,
        Problem::Conflict,
        "are adapters",
        "leave `model.lora` out",
    );
}

/// Selecting by the problems that are reported on would flatter the report.
#[test]
fn probes_and_evaluations_share_no_problems() {
    let conflict = Problem::Conflict;
    assert_one(
        &with("skip = 255", MERGE),
        conflict,
        "selects checkpoints by problems of `add` that `eval` reports on",
        "`skip = 256`",
    );
    let periodic = "optimizer = { use = \"policy/plain\" }\neval = { every = 1, problems = 300 }";
    let text = with(APART, MERGE).replace("optimizer = { use = \"policy/plain\" }", periodic);
    assert_one(&text, conflict, "that `rl` reports on", "`skip = 300`");
    parse(&with("split = \"train\"", MERGE)).unwrap();
    let other = "[[task]]\nname = \"probed\"\nuse = \"sums/add\"\nweight = 0\nrewards = [{ use = \"sums/exact\" }]\n\n[[stage]]\nkind = \"sft\"";
    let apart = with("tasks = [\"probed\"]", MERGE).replacen("[[stage]]\nkind = \"sft\"", other, 1);
    // Without a list of tasks the evaluation takes all of them, the probed one too.
    assert_one(&apart, conflict, "problems of `probed`", "`skip = 256`");
    let listed = apart.replace("kind = \"eval\"", "kind = \"eval\"\ntasks = [\"add\"]");
    parse(&listed).unwrap();
}

#[test]
fn a_probe_is_checked_as_an_evaluation_is() {
    let with = |keys: &str| with(&format!("{APART}, {keys}"), MERGE);
    assert_one(
        &with("pass_at = [1, 16]"),
        Problem::InvalidValue,
        "pass@16 needs at least 16",
        "raise `attempts`",
    );
    assert_one(
        &with("tasks = [\"ad\"]"),
        Problem::Reference,
        "there is no task `ad`",
        "did you mean `add`?",
    );
    assert_one(
        &with("evry = 3"),
        Problem::UnknownKey,
        "unknown key `evry`",
        "did you mean `every`?",
    );
}
