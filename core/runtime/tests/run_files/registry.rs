//! Every metric has one description, found under every name that it can have.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use farthing_runtime::run::metric_registry as names;
use farthing_runtime::run::{MetricDoc, MetricFile, MetricRegistry};

#[test]
fn names_are_unique_and_described() {
    let registry = MetricRegistry::runtime();
    let mut seen = BTreeSet::new();
    for doc in registry.docs() {
        assert!(
            seen.insert(doc.name.clone()),
            "`{}` is described twice",
            doc.name
        );
        assert!(
            doc.meaning.ends_with('.') && doc.meaning.len() > 20,
            "`{}`: {}",
            doc.name,
            doc.meaning
        );
        assert!(
            !doc.unit.is_empty() && !doc.source.is_empty(),
            "`{}`",
            doc.name
        );
        assert_eq!(doc.name.matches('{').count(), doc.name.matches('}').count());
    }
}

#[test]
fn the_constants_are_in_the_table() {
    let registry = MetricRegistry::runtime();
    for name in [
        names::REWARD,
        names::LOSS,
        names::ENTROPY,
        names::GRADIENT_NORM,
        names::COMPLETION_LENGTH,
        names::HELD_OUT_PASS_AT_1,
        names::THROUGHPUT,
    ] {
        assert!(registry.find(name).is_some(), "{name}");
    }
}

#[test]
fn patterns_and_evaluation_names_find_their_description() {
    let registry = MetricRegistry::runtime();
    let found = |name: &str| registry.find(name).map(|doc| doc.name.to_string());
    let cases = [
        ("rewards/sums/exact/mean", Some("rewards/{reward}/mean")),
        (
            "rewards/rewards.py:brevity/timed_out",
            Some("rewards/{reward}/timed_out"),
        ),
        (
            "rewards/sums/exact/part/format/tags",
            Some("rewards/{reward}/part/{part}"),
        ),
        (
            "eval_rewards/sums/exact/mean",
            Some("rewards/{reward}/mean"),
        ),
        ("eval_pass@1", Some("pass@{k}")),
        ("pass@64", Some("pass@{k}")),
        ("eval_pass@1/two/steps", Some("{figure}@{k}/{tag}")),
        ("timing_s/gen", Some("timing_s/{phase}")),
        ("rewards//mean", None),
        ("rewards/mean", None),
        ("pass@", None),
        ("Reward", None),
        ("evalreward", None),
        ("eval_nothing", None),
    ];
    for (name, expected) in cases {
        assert_eq!(found(name).as_deref(), expected, "{name}");
    }
}

#[test]
fn only_declared_timings_leave_the_reproducible_file() {
    let registry = MetricRegistry::runtime();
    for name in [
        "step_time",
        "timing_s/reward",
        "perf/throughput",
        "eval_step_time",
    ] {
        assert_eq!(registry.file_of(name), MetricFile::Timing, "{name}");
    }
    for name in ["loss", "rewards/a/b/mean", "unknown", "seconds"] {
        assert_eq!(registry.file_of(name), MetricFile::Metrics, "{name}");
    }
}

#[test]
fn a_component_can_declare_its_own() {
    let mut registry = MetricRegistry::runtime();
    assert!(registry.find("weights/spread").is_none());
    registry.declare(MetricDoc {
        name: "weights/spread".into(),
        unit: "share 0..1".into(),
        meaning: "How far apart the weights of the groups are.".into(),
        source: "some/optimizer".into(),
        file: MetricFile::Metrics,
    });
    assert_eq!(
        registry.find("weights/spread").unwrap().source,
        "some/optimizer"
    );
}

#[test]
fn the_page_has_every_metric_once_under_its_file() {
    let registry = MetricRegistry::runtime();
    let page = registry.markdown();
    let (metrics, timing) = page.split_once("## timing.jsonl").unwrap();
    for doc in registry.docs() {
        let row = format!(
            "| `{}` | {} | {} | {} |\n",
            doc.name, doc.unit, doc.meaning, doc.source
        );
        let home = if doc.file == MetricFile::Metrics {
            metrics
        } else {
            timing
        };
        assert_eq!(home.matches(&row).count(), 1, "{}", doc.name);
        assert_eq!(page.matches(&row).count(), 1, "{}", doc.name);
    }
}

/// `FARTHING_UPDATE=1 cargo test -p farthing-runtime --test run_files` writes the page anew.
#[test]
fn the_page_in_the_book_is_the_current_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    let page = MetricRegistry::runtime().markdown();
    if std::env::var_os("FARTHING_UPDATE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let current = fs::read_to_string(&path).unwrap();
    assert_eq!(
        current,
        page,
        "{} is not current; set FARTHING_UPDATE=1",
        path.display()
    );
}
