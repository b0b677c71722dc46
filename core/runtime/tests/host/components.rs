//! Finding components and making them.

use farthing_runtime::host::{ComponentKind, HostError, PluginHost};
use farthing_sdk::{PlanRequest, Split};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::libraries::{library, load, log};
use crate::scoring::verdicts;

fn host() -> PluginHost {
    load(&[library("good"), library("errs")]).unwrap()
}

#[test]
fn the_listing_says_where_each_component_comes_from() {
    let host = host();
    let reward = host.find(ComponentKind::Reward, "good/next").unwrap();
    assert_eq!(reward.full_name(), "good/next");
    assert_eq!(reward.description, "1 for the number that comes next.");
    assert_eq!(reward.schema["properties"]["group"]["minimum"], json!(1));
    assert_eq!(reward.schema["additionalProperties"], json!(false));
    let plugin = &reward.plugin;
    assert_eq!(plugin.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(plugin.file, library("good").canonicalize().unwrap());
    assert_eq!(plugin.sha256.len(), 64);
    assert!(plugin.rustc.starts_with("rustc "), "{}", plugin.rustc);
    assert_eq!(plugin.sdk, farthing_runtime::host::SdkVersion::HOST);
    let as_data = serde_json::to_value(reward).unwrap();
    assert_eq!(as_data["kind"], "reward");
    assert_eq!(as_data["plugin"]["name"], "good");
    assert_eq!(as_data["plugin"]["sdk"], plugin.sdk.to_string());
}

#[test]
fn every_kind_can_be_made_and_used() {
    let host = host();
    let (config, fresh) = (json!({ "group": 3 }), Value::Null);
    let task = host.task("good/counting", &config, &fresh).unwrap();
    assert_eq!(
        task.problem(Split::Train, 6, 0).unwrap().facts,
        json!({ "next": 7 })
    );
    assert_eq!(task.size(Split::Test).unwrap(), None);
    let sampler = host.sampler("good/plain", &config, &fresh).unwrap();
    assert_eq!(sampler.plan(&PlanRequest::default()).unwrap().group, 3);
    assert!(
        host.optimizer("good/nothing", &config, &fresh)
            .unwrap()
            .save_state()
            .unwrap()
            .is_null()
    );
    assert!(
        host.curriculum("good/ordinary", &config, &fresh)
            .unwrap()
            .save_state()
            .unwrap()
            .is_null()
    );
}

#[test]
fn state_goes_out_and_comes_back() {
    let host = host();
    let reward = host.reward("good/next", &json!({}), &json!(40)).unwrap();
    let job = crate::scoring::job(reward, &["8", "9"]);
    let reward = job.reward.clone();
    assert_eq!(verdicts(vec![job])[0].len(), 2);
    assert_eq!(reward.save_state().unwrap(), json!(42));
}

#[test]
fn a_plugin_logs_into_the_host_s_log() {
    host()
        .reward("good/next", &json!({}), &Value::Null)
        .unwrap();
    let log = log();
    let line = log
        .lines()
        .find(|line| line.contains("a reward was made"))
        .unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains("INFO plugin: a reward was made"), "{line}");
    assert!(line.contains("plugin=\"good\""), "{line}");
    assert!(line.contains("module=\"good\""), "{line}");
    assert!(
        line.contains(r#"fields="{\"answer\":42,\"kind\":\"reward\"}""#),
        "{line}"
    );
}

#[test]
fn names_that_nothing_has() {
    let host = host();
    let miss = |kind, name: &str| host.find(kind, name).unwrap_err();
    let text = |kind, name: &str| miss(kind, name).to_string();
    assert_snapshot!(text(ComponentKind::Reward, "next"), @r#""next" is no component's name; expected `plugin/component`; did you mean `good/next`?"#);
    assert_snapshot!(text(ComponentKind::Reward, "goood/next"), @"there is no plugin `goood` for the reward `goood/next`; the loaded plugins are errs, good; did you mean `good/next`?");
    assert_snapshot!(text(ComponentKind::Reward, "good/nxet"), @"plugin `good` has no reward `nxet`; it has the task `counting`, the reward `next`, the sampler `plain`, the optimizer `nothing`, the curriculum `ordinary`; did you mean `good/next`?");
    assert_snapshot!(text(ComponentKind::Task, "good/next"), @"plugin `good` has no task `next`; `good/next` is a reward");
    assert_snapshot!(text(ComponentKind::Sampler, "elsewhere/standard"), @"there is no plugin `elsewhere` for the sampler `elsewhere/standard`; the loaded plugins are errs, good");
    let error = miss(ComponentKind::Reward, "good/nxet");
    assert_eq!(error.help().as_deref(), Some("did you mean `good/next`?"));
    assert!(!error.message().contains("did you mean"));
    let nothing = load(&[])
        .unwrap()
        .find(ComponentKind::Task, "good/counting")
        .unwrap_err();
    assert_snapshot!(nothing, @"there is no plugin `good` for the task `good/counting`; no plugin is loaded: give `search` or a path in the manifest's [plugins]");
    assert!(text(ComponentKind::Task, &"x/".repeat(1 << 16)).len() > 1 << 16);
}

#[test]
fn a_configuration_that_the_plugin_refuses() {
    let error = host()
        .reward("good/next", &json!({ "groups": 3 }), &Value::Null)
        .err()
        .unwrap();
    assert_snapshot!(error, @r#"the reward `good/next` cannot be made: the configuration of "next" is wrong: unknown field `groups`, expected `group` at line 1 column 9"#);
}

#[test]
fn a_plugin_s_own_words_arrive_whole() {
    let error = host()
        .reward("errs/errs", &json!({ "number": 3 }), &Value::Null)
        .err()
        .unwrap();
    assert_snapshot!(error, @"the reward `errs/errs` cannot be made: cannot make the reward: the file has 3 columns; export the file with 4 columns");
    assert_eq!(
        error.help().as_deref(),
        Some("export the file with 4 columns")
    );
    let HostError::Refused { error, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(error.causes(), ["the file has 3 columns"]);
    assert!(!error.is_panic());
}
