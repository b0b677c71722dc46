//! Plugins that fail when they are called: an error each time, and the process lives.

use std::collections::BTreeMap;

use farthing_runtime::host::{HostError, PluginHost, Verdict};
use farthing_sdk::{
    CheckpointReport, GroupReport, MicroBatch, NextRequest, Pause, PlanRequest, Problem, Progress,
    Prompt, Rollout, Split, StepReport, Totals,
};
use serde_json::{Value, json};

use crate::libraries::{library, load};
use crate::scoring::{job, verdicts};

fn panics() -> PluginHost {
    load(&[library("panics")]).unwrap()
}

/// The error of a call that panicked in the method of this name.
#[track_caller]
fn assert_panicked<T>(result: farthing_sdk::Result<T>, method: &str) {
    let error = result.err().unwrap_or_else(|| panic!("{method} returned"));
    assert!(error.is_panic(), "{error}");
    assert!(error.message().contains("panics.rs"), "{error}");
    assert!(
        error.message().ends_with(&format!(": in {method}")),
        "{error}"
    );
}

#[test]
fn a_task_that_panics_everywhere() {
    let task = panics()
        .task("panics/every", &json!({}), &Value::Null)
        .unwrap();
    let problem = Problem {
        id: "p".into(),
        prompt: Prompt::Text(String::new()),
        facts: Value::Null,
        tags: vec![],
    };
    assert_panicked(task.size(Split::Train), "size");
    assert_panicked(task.problem(Split::Train, 0, 0), "problem");
    assert_panicked(task.solution(&problem, 0), "solution");
    assert_panicked(task.save_state(), "save_state");
}

#[test]
fn rewards_that_panic_everywhere() {
    let host = panics();
    let reward = host
        .reward("panics/every", &json!({}), &Value::Null)
        .unwrap();
    assert_panicked(reward.save_state(), "save_state");
    let group = host
        .reward("panics/group", &json!({}), &Value::Null)
        .unwrap();
    let verdicts = verdicts(vec![job(reward, &["a", "b"]), job(group, &["c", "d"])]);
    for (verdicts, method) in verdicts.iter().zip(["score", "score_group"]) {
        assert_eq!(verdicts.len(), 2);
        for verdict in verdicts {
            let Verdict::Failed {
                why,
                panicked: true,
            } = verdict
            else {
                panic!("{verdict:?}")
            };
            assert!(
                why.starts_with("panicked at tests/hostile/panics.rs:"),
                "{why}"
            );
            assert!(why.ends_with(&format!(": in {method}")), "{why}");
        }
    }
}

#[test]
fn a_sampler_that_panics_everywhere() {
    let sampler = panics()
        .sampler("panics/every", &json!({}), &Value::Null)
        .unwrap();
    let pause = Pause {
        text: String::new(),
        tokens: 0,
        reason: "eos".into(),
        steered: 0,
    };
    assert_panicked(sampler.plan(&PlanRequest::default()), "plan");
    assert_panicked(sampler.steer(&pause), "steer");
    assert_panicked(sampler.logits(&[1], &mut [0.0]), "logits");
    assert_panicked(sampler.save_state(), "save_state");
}

#[test]
fn an_optimizer_that_panics_everywhere() {
    let mut optimizer = panics()
        .optimizer("panics/every", &json!({}), &Value::Null)
        .unwrap();
    let rollout = Rollout {
        group_offsets: &[0, 1],
        rewards: &[1.0],
        sequence_offsets: &[0, 1],
        old_logp: &[-1.0],
        ref_logp: None,
        values: None,
    };
    let batch = MicroBatch {
        group_offsets: &[0, 1],
        sequence_offsets: &[0, 1],
        logp: &[-1.0],
        old_logp: &[-1.0],
        advantages: &[1.0],
        token_advantages: None,
        ref_logp: None,
        entropy: None,
        sampler_logp: None,
        values: None,
        totals: Totals {
            tokens: 1.0,
            sequences: 1.0,
            groups: 1.0,
            max_new_tokens: 1.0,
        },
    };
    assert_panicked(optimizer.advantages(&rollout), "advantages");
    assert_panicked(optimizer.loss(&batch), "loss");
    assert_panicked(optimizer.save_state(), "save_state");
}

#[test]
fn a_curriculum_that_panics_everywhere() {
    let mut curriculum = panics()
        .curriculum("panics/every", &json!({}), &Value::Null)
        .unwrap();
    let request = NextRequest {
        step: 0,
        drawn: 0,
        count: 1,
        seed: 0,
        cursor: 0,
        tasks: vec![],
    };
    let group = GroupReport {
        task: "t".into(),
        index: 0,
        tags: vec![],
        rewards: vec![],
        tokens: vec![],
    };
    let checkpoint = CheckpointReport {
        name: "c".into(),
        step: 0,
        metrics: BTreeMap::new(),
    };
    assert_panicked(curriculum.next(&request), "next");
    assert_panicked(curriculum.keep(&group), "keep");
    assert_panicked(
        curriculum.observe(&StepReport {
            step: 0,
            groups: vec![],
        }),
        "observe",
    );
    assert_panicked(
        curriculum.finished(&Progress { step: 0, steps: 1 }),
        "finished",
    );
    assert_panicked(curriculum.select(&[checkpoint]), "select");
    assert_panicked(curriculum.save_state(), "save_state");
}

#[test]
fn panics_while_components_are_made() {
    let host = panics();
    let name = "panics/every";
    let refused = |config: Value, state: Value| {
        [
            host.task(name, &config, &state).err(),
            host.reward(name, &config, &state).err(),
            host.sampler(name, &config, &state).err(),
            host.optimizer(name, &config, &state).err(),
            host.curriculum(name, &config, &state).err(),
        ]
    };
    let cases = [
        (json!({ "early": true }), Value::Null, "new"),
        (json!({}), json!(1), "load_state"),
    ];
    for (config, state, method) in cases {
        for error in refused(config, state) {
            let Some(HostError::Refused { error, .. }) = error else {
                panic!("{method}: {error:?}")
            };
            assert_panicked::<()>(Err(*error), method);
        }
    }
    let Err(HostError::Refused { error, .. }) =
        host.optimizer(name, &json!({ "needy": true }), &Value::Null)
    else {
        panic!("an optimizer whose needs panic was made")
    };
    assert_panicked::<()>(Err(*error), "needs");
}

#[test]
fn errors_keep_message_help_and_causes() {
    let host = load(&[library("errs")]).unwrap();
    let task = host
        .task("errs/errs", &json!({ "number": 2 }), &Value::Null)
        .unwrap();
    let error = task.problem(Split::Train, 0, 0).unwrap_err();
    assert_eq!(error.message(), "cannot pose a problem");
    assert_eq!(error.causes(), ["the file has 3 columns"]);
    assert_eq!(error.remedy(), "export the file with 4 columns");
    let reward = host
        .reward("errs/errs", &json!({ "number": 2 }), &Value::Null)
        .unwrap();
    let why = "cannot score: the file has 3 columns (help: export the file with 4 columns)";
    let failed = Verdict::Failed {
        why: why.into(),
        panicked: false,
    };
    assert_eq!(verdicts(vec![job(reward, &["a"])]), [[failed]]);
}
