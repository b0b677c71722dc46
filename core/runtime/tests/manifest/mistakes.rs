//! What is wrong with a manifest: every mistake at once, each with its line, its words and its remedy.

use farthing_runtime::manifest::{Problem, Style};

use super::{MINIMAL, problems};

/// A manifest with many mistakes of different sorts.
const WRONG: &str = r#"[run]
name = "my run"
sedd = 7
device = "gpu"

[model]
path = "model"
init = { arch = "gpt2", hidden_size = 128, intermediate_size = 512, num_attention_heads = 4 }

[[task]]
use = "countdown"
weight = -1

[[task]]
use = "sums/add"
rewards = [
  { use = "sums/exact", deadline = 2 },
  { use = "sums/exact" },
  { weight = 1.0 },
]

[[stage]]
kind = "rl"
steps = "ten"
sampler = { use = "sampling/standard" }
update = { lr = 0, schedule = "cosin" }

[[stage]]
kind = "lr"

[[stage]]
kind = "distill"
"#;

#[test]
fn all_mistakes_are_shown_at_once() {
    insta::assert_snapshot!(problems(WRONG).render(Style::Plain), @r#"
    run.toml:2:8: error: `run.name` must be a name of at most 64 letters, digits, `.`, `_` and `-`, starting with a letter or digit, not the string "my run"
      2 | name = "my run"
        |        ^^^^^^^^ not of this form

    run.toml:3:1: error: unknown key `sedd` in `run`
      3 | sedd = 7
        | ^^^^ unknown key
      help: did you mean `seed`?

    run.toml:4:10: error: `run.device` must be a device: `auto`, `cpu` or `cuda:N`, not the string "gpu"
      4 | device = "gpu"
        |          ^^^^^ not of this form

    run.toml:8:1: error: `path` and `init` exclude each other
      8 | init = { arch = "gpt2", hidden_size = 128, intermediate_size = 512, num_attention_heads = 4 }
        | ^^^^ and this
      and at run.toml:7:1:
      7 | path = "model"
        | ^^^^ this
      help: take one of the two out: a directory, or a shape to start from scratch

    run.toml:8:1: error: missing key `tokenizer` in `model`
      8 | init = { arch = "gpt2", hidden_size = 128, intermediate_size = 512, num_attention_heads = 4 }
        | ^^^^ starts from scratch
      help: a model from scratch has none of its own: give { path = .. } or { characters = ".." }

    run.toml:8:8: error: missing keys `num_hidden_layers` and `num_key_value_heads` in `model.init`
      8 | init = { arch = "gpt2", hidden_size = 128, intermediate_size = 512, num_attention_heads = 4 }
        |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `num_hidden_layers` and `num_key_value_heads` are missing here
      help: `num_hidden_layers` is an integer from 1 to 1024: How many layers
            `num_key_value_heads` is an integer from 1 to 1024: How many key and value heads; divides `num_attention_heads`

    run.toml:8:17: error: `model.init.arch` must be one of "llama", "mistral", "qwen2", "qwen3", not the string "gpt2"
      8 | init = { arch = "gpt2", hidden_size = 128, intermediate_size = 512, num_attention_heads = 4 }
        |                 ^^^^^^ not one of the choices

    run.toml:11:7: error: `task.0.use` must be a component, written `plugin/component`, not the string "countdown"
      11 | use = "countdown"
         |       ^^^^^^^^^^^ not of this form

    run.toml:12:10: error: `task.0.weight` must be a number of at least 0, not -1
      12 | weight = -1
         |          ^^ too small

    run.toml:17:36: error: `task.1.rewards.0.deadline` must be a duration such as "500ms", "2s", "5m" or "1h", not the integer 2
      17 |   { use = "sums/exact", deadline = 2 },
         |                                    ^ this is an integer

    run.toml:18:11: error: two rewards of the task `add` are named `sums/exact`
      18 |   { use = "sums/exact" },
         |           ^^^^^^^^^^^^ the second
      and at run.toml:17:11:
      17 |   { use = "sums/exact", deadline = 2 },
         |           ^^^^^^^^^^^^ the first
      help: give one of them another `name`, or take it out

    run.toml:19:3: error: `task.1.rewards.2` needs `use` or `python`
      19 |   { weight = 1.0 },
         |   ^^^^^^^^^^^^^^^^ has neither
      help: give one of the two: a plugin's component, or a Python function

    run.toml:22:1: error: missing key `optimizer` in `stage.0`
      22 | [[stage]]
         | ^^^^^^^^^ `optimizer` is missing here
      help: `optimizer` is a component, written `{ use = "plugin/component", config = { .. } }`: The policy objective

    run.toml:24:9: error: `stage.0.steps` must be an integer of at least 1, not the string "ten"
      24 | steps = "ten"
         |         ^^^^^ this is a string

    run.toml:26:17: error: `stage.0.update.lr` must be a number above 0 and at most 10, not 0
      26 | update = { lr = 0, schedule = "cosin" }
         |                 ^ too small

    run.toml:26:31: error: `stage.0.update.schedule` must be one of "constant", "cosine", "linear", not the string "cosin"
      26 | update = { lr = 0, schedule = "cosin" }
         |                               ^^^^^^^ not one of the choices
      help: did you mean "cosine"?

    run.toml:29:8: error: `stage.1.kind` must be one of "sft", "rl", "merge", "eval", not the string "lr"
      29 | kind = "lr"
         |        ^^^^ not one of the choices
      help: did you mean "rl"?

    run.toml:32:8: error: stages of the kind "distill" are not available in this version
      32 | kind = "distill"
         |        ^^^^^^^^^ not available
      help: the kinds that work are "sft", "rl", "merge", "eval"

    18 errors
    "#);
}

#[test]
fn a_terminal_gets_a_drawing() {
    let text = MINIMAL
        .replace("name = \"small\"", "name = \"small\"\nsedd = 7")
        .replace(
            "use = \"sums/exact\" }",
            "use = \"sums/exact\" }, { use = \"sums/exact\", weight = 0.5 }",
        );
    insta::assert_snapshot!(problems(&text).render(Style::Fancy { colour: false, width: 80 }), @r#"
      × unknown key `sedd` in `run`
       ╭─[run.toml:3:1]
     2 │ name = "small"
     3 │ sedd = 7
       · ──┬─
       ·   ╰── unknown key
     4 │ 
       ╰────
      help: did you mean `seed`?

      × two rewards of the task `add` are named `sums/exact`
        ╭─[run.toml:10:44]
      9 │ use = "sums/add"
     10 │ rewards = [{ use = "sums/exact" }, { use = "sums/exact", weight = 0.5 }]
        ·                    ──────┬─────            ──────┬─────
        ·                          │                       ╰── the second
        ·                          ╰── the first
     11 │ 
        ╰────
      help: give one of them another `name`, or take it out

    2 errors
    "#);
}

#[test]
fn programs_get_file_line_and_column() {
    let text = MINIMAL.replace("name = \"small\"", "nam = \"small\"");
    insta::assert_snapshot!(problems(&text).to_json().to_string(), @r#"[{"column":1,"file":"run.toml","help":"did you mean `name`?","line":2,"message":"unknown key `nam` in `run`","problem":"unknown-key"}]"#);
}

/// What is replaced in the smallest manifest, by what, and the one problem that follows: its sort, its words, its help.
#[rustfmt::skip]
const ROWS: &[(&str, &str, Problem, &str, &str)] = &[
    // Numbers and their ranges.
    ("steps = 3", "steps = 0", Problem::InvalidValue, "`stage.1.steps` must be an integer of at least 1, not 0", ""),
    ("steps = 3", "steps = 3.0", Problem::WrongType, "must be an integer", "write `3`"),
    ("steps = 3", "steps = 5_000_000_000", Problem::InvalidValue, "from 1 to 4294967295", ""),
    ("steps = 3", "steps = 99999999999999999999", Problem::InvalidValue, "fit in 64 bits", ""),
    ("steps = 3", "steps = \"3\"", Problem::WrongType, "not the string \"3\"", "without quotes: 3"),
    ("name = \"small\"", "name = \"small\"\nseed = -1", Problem::InvalidValue, "at least 0, not -1", ""),
    ("name = \"small\"", "name = \"small\"\nthreads = 0", Problem::InvalidValue, "from 1 to 1024", ""),
    ("name = \"small\"", "name = 7", Problem::WrongType, "must be a name", "write it in quotes: \"7\""),
    ("name = \"small\"", "name = \"\"", Problem::InvalidValue, "must be a name", ""),
    ("name = \"small\"", "name = \"../up\"", Problem::InvalidValue, "must be a name", ""),
    ("use = \"sums/exact\"", "use = \"sums/exact\", weight = nan", Problem::InvalidValue, "must be finite", ""),
    ("use = \"sums/exact\"", "use = \"sums/exact\", weight = inf", Problem::InvalidValue, "must be finite", ""),
    ("use = \"sums/exact\"", "use = \"sums/exact\", weight = 1979-05-27", Problem::InvalidValue, "date", ""),
    ("steps = 3", "steps = 3\nupdate.lr = 0.0", Problem::InvalidValue, "above 0", ""),
    ("steps = 3", "steps = 3\nupdate.betas = [0.9]", Problem::InvalidValue, "at least 2 elements", ""),
    ("steps = 3", "steps = 3\nupdate.betas = [0.9, 1.0]", Problem::InvalidValue, "below 1", ""),
    ("steps = 3", "steps = 3\nmax_failure_share = 10", Problem::InvalidValue, "from 0 to 1", ""),
    // Words.
    ("use = \"sums/exact\"", "use = \"sums/exact\", deadline = 2", Problem::WrongType, "a duration such as", ""),
    ("sampler = { use = \"sampling/standard\" }\noptimizer", "sampler = \"sampling/standard\"\noptimizer", Problem::WrongType, "must be a component, written `{ use =", ""),
    ("use = \"sums/exact\"", "use = \"sums/exact\", on_failure = \"drp\"", Problem::InvalidValue, "\"stop\" or a number", ""),
    ("use = \"sums/exact\"", "use = \"sums/exact\", deadline = \"2 s\"", Problem::InvalidValue, "a duration such as", ""),
    ("use = \"sums/exact\"", "python = \"rewards:brevity\"", Problem::InvalidValue, "`FILE.py:FUNCTION`", ""),
    ("use = \"sums/exact\"", "use = \"exact\"", Problem::InvalidValue, "`plugin/component`", ""),
    ("steps = 3", "steps = 3\nupdate.schedule = \"cosin\"", Problem::InvalidValue, "one of \"constant\"", "did you mean \"cosine\"?"),
    ("kind = \"sft\"", "kind = \"stf\"", Problem::InvalidValue, "`stage.0.kind` must be one of", "did you mean \"sft\"?"),
    ("kind = \"sft\"", "kind = \"probe\"", Problem::Unavailable, "not available in this version", "\"sft\", \"rl\", \"merge\", \"eval\""),
    // Keys.
    ("steps = 3", "step = 3\nsteps = 3", Problem::UnknownKey, "unknown key `step` in `stage.1`", "did you mean `steps`?"),
    ("steps = 3", "steps = 3\nwarmup = 3", Problem::UnknownKey, "unknown key `warmup`", "the keys of `stage.1` are"),
    ("steps = 3\n", "", Problem::MissingKey, "missing key `steps` in `stage.1`", "an integer of at least 1: How many steps to make"),
    ("kind = \"sft\"", "name = \"first\"", Problem::MissingKey, "missing key `kind` in `stage.0`", "\"sft\", \"rl\", \"merge\" or \"eval\""),
    ("[run]\nname = \"small\"\n", "", Problem::MissingKey, "missing key `run` in the manifest", "a table"),
    ("steps = 3", "steps = 3\nsteps = 4", Problem::Duplicate, "duplicate key", "keep one"),
    ("[model]", "[plugins]\nserach = [\"plugins\"]\n[model]", Problem::WrongType, "must be a table, not a list of 1", "did you mean `search`?"),
    // Things that exclude or need each other.
    ("path = \"./model\"", "", Problem::Conflict, "`model` needs `path` or `init`", "give one of the two"),
    ("use = \"sums/exact\"", "use = \"sums/exact\", python = \"a.py:f\"", Problem::Conflict, "`use` and `python` exclude each other", "take one of the two out"),
    ("use = \"sums/exact\"", "weight = 1.0", Problem::Conflict, "`task.0.rewards.0` needs `use` or `python`", ""),
    ("kind = \"sft\"", "kind = \"sft\"\nsteps = 3\nepochs = 1", Problem::Conflict, "`epochs` and `steps` exclude", "take one of the two out"),
    ("steps = 3", "steps = 3\nminibatches = 17", Problem::InvalidValue, "16 problems cannot be split into 17", "lower `minibatches`"),
    ("kind = \"eval\"", "kind = \"eval\"\nattempts = 4\npass_at = [1, 8]", Problem::InvalidValue, "pass@8 needs at least 8", "raise `attempts`"),
    ("path = \"./model\"", "path = \"./model\"\ntokenizer = { path = \"t\", characters = \"ab\" }", Problem::Conflict, "`path` and `characters` exclude", ""),
    ("path = \"./model\"", "path = \"./model\"\ntokenizer = {}", Problem::Conflict, "needs `path` or `characters`", ""),
    ("path = \"./model\"", "path = \"./model\"\ntokenizer = { characters = \"aba\" }", Problem::Duplicate, "'a' occurs twice", ""),
    ("path = \"./model\"", "path = \"./model\"\ntokenizer = { characters = \"ab\", tokens = [\"<a>\", \"<a>\"] }", Problem::Duplicate, "\"<a>\" is listed twice", ""),
    // Names.
    ("kind = \"sft\"", "kind = \"sft\"\nname = \"rl\"", Problem::Duplicate, "two stages are named `rl`", "another `name`"),
    ("[[stage]]\nkind = \"sft\"", "[[task]]\nuse = \"other/add\"\nrewards = [{ use = \"a/b\" }]\n[[stage]]\nkind = \"sft\"", Problem::Duplicate, "two tasks are named `add`", "another `name`"),
    ("{ use = \"sums/exact\" }", "{ use = \"sums/exact\" }, { use = \"sums/exact\" }", Problem::Duplicate, "two rewards of the task `add` are named `sums/exact`", "take it out"),
    ("steps = 3", "steps = 3\ntasks = [\"ad\"]", Problem::Reference, "there is no task `ad`", "did you mean `add`?"),
    ("steps = 3", "steps = 3\ntasks = [\"division\"]", Problem::Reference, "there is no task `division`", "the tasks are `add`"),
    // Not TOML.
    ("steps = 3", "steps 3", Problem::Syntax, "", ""),
    ("steps = 3", "steps =", Problem::Syntax, "", ""),
    ("[model]", "[model", Problem::Syntax, "", ""),
    ("name = \"small\"", "name = \"small", Problem::Syntax, "", ""),
    ("name = \"small\"", "name = \"sm\0all\"", Problem::Syntax, "", ""),
];

#[test]
fn each_mistake_is_named_with_its_place_and_remedy() {
    for (old, new, problem, message, help) in ROWS {
        assert!(MINIMAL.contains(old), "{old}");
        let text = MINIMAL.replacen(old, new, 1);
        let found = problems(&text);
        let all = found.to_string();
        let matching = found
            .iter()
            .find(|found| found.problem == *problem && found.message.contains(message));
        let matching = matching.unwrap_or_else(|| {
            panic!("{old} -> {new}: expected {problem:?} {message:?}, found\n{all}")
        });
        assert!(
            matching.help.as_deref().unwrap_or_default().contains(help),
            "{new}: {help:?} is not in\n{all}"
        );
        // One mistake is one problem, however many checks could complain about it.
        assert_eq!(
            found.len(),
            1,
            "{old} -> {new} has one mistake, found\n{all}"
        );
    }
}

#[test]
fn tasks_that_are_sampled_need_rewards() {
    let without = MINIMAL.replace("rewards = [{ use = \"sums/exact\" }]\n", "");
    let found = problems(&without);
    let messages: Vec<&str> = found.iter().map(|found| found.message.as_str()).collect();
    let expected = "the task `add` has no rewards, so its attempts cannot be scored";
    assert_eq!(
        messages,
        [expected, expected],
        "one for `rl`, one for `eval`"
    );

    let silent = MINIMAL.replace("use = \"sums/exact\"", "use = \"sums/exact\", weight = 0");
    let found = problems(&silent);
    assert_eq!(found.len(), 1, "watching is enough for `eval`: {found}");
    assert!(
        found.to_string().contains("nothing can be learned from it"),
        "{found}"
    );
}

#[test]
fn training_needs_a_task_with_a_weight() {
    let resting = MINIMAL.replace("use = \"sums/add\"", "use = \"sums/add\"\nweight = 0");
    let found = problems(&resting);
    let messages: Vec<&str> = found.iter().map(|found| found.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "every task of the stage `sft` has weight 0",
            "every task of the stage `rl` has weight 0"
        ]
    );
}

#[test]
fn the_shape_of_a_model_from_scratch_must_fit() {
    let with = |shape: &str| {
        let init = format!(
            "init = {{ arch = \"llama\", intermediate_size = 8, num_hidden_layers = 1, {shape} }}"
        );
        let text = MINIMAL
            .replace(
                "path = \"./model\"",
                &format!("{init}\ntokenizer = {{ characters = \"ab\" }}"),
            )
            .replace("kind = \"sft\"", "kind = \"sft\"\nupdate.lr = 1e-3")
            .replace("steps = 3", "steps = 3\nupdate.lr = 1e-3");
        match super::parse(&text) {
            Ok(_) => String::new(),
            Err(found) => found.to_string(),
        }
    };
    let fits = "hidden_size = 64, num_attention_heads = 4, num_key_value_heads = 2";
    assert_eq!(with(fits), "");
    assert!(
        with("hidden_size = 66, num_attention_heads = 4, num_key_value_heads = 2")
            .contains("not a multiple of")
    );
    assert_eq!(
        with("hidden_size = 66, num_attention_heads = 4, num_key_value_heads = 2, head_dim = 16"),
        ""
    );
    assert!(
        with("hidden_size = 12, num_attention_heads = 4, num_key_value_heads = 2")
            .contains("3 wide, an odd number")
    );
    assert!(
        with("hidden_size = 64, num_attention_heads = 4, num_key_value_heads = 3")
            .contains("`num_key_value_heads` 3")
    );
    assert!(
        with("hidden_size = 64, num_attention_heads = 0, num_key_value_heads = 1")
            .contains("from 1 to 1024")
    );
    assert!(
        with(&format!("{fits}, max_position_embeddings = 1024"))
            .contains("leaves no room for a prompt")
    );
}

#[test]
fn a_model_from_scratch_without_tokenizer_or_rate_is_told_so() {
    let init = "init = { arch = \"llama\", hidden_size = 8, intermediate_size = 8, num_hidden_layers = 1, \
                num_attention_heads = 1, num_key_value_heads = 1 }";
    let found = problems(&MINIMAL.replace("path = \"./model\"", init));
    let messages: Vec<&str> = found.iter().map(|found| found.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "missing key `tokenizer` in `model`",
            "missing key `lr` in `stage.0.update`",
            "missing key `lr` in `stage.1.update`",
        ]
    );
}

#[test]
fn a_mistake_in_one_section_does_not_hide_another() {
    // The model's form is wrong, the second stage's key unknown, and the task that the third stage names is missing.
    let text = MINIMAL
        .replace("path = \"./model\"", "path = 3")
        .replace("steps = 3", "steps = 3\nfoo = 1")
        .replace("kind = \"eval\"", "kind = \"eval\"\ntasks = [\"nothing\"]");
    let kinds: Vec<Problem> = problems(&text).iter().map(|found| found.problem).collect();
    assert_eq!(
        kinds,
        [Problem::WrongType, Problem::UnknownKey, Problem::Reference]
    );
}

#[test]
fn a_line_of_kilobytes_is_not_shown() {
    let text = MINIMAL.replace(
        "name = \"small\"",
        &format!("name = \"{}\"", "x".repeat(5000)),
    );
    let found = problems(&text);
    for style in [
        Style::Plain,
        Style::Fancy {
            colour: false,
            width: 80,
        },
    ] {
        let shown = found.render(style);
        assert!(shown.contains("run.toml:2:8"), "{shown}");
        assert!(shown.len() < 600, "{shown}");
    }
}
