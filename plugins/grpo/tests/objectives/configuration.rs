//! Configurations: what is asked for, what is refused, and by whom.

use farthing_grpo::{Cispo, Dapo, DrGrpo, DynamicSampling, Grpo, Gspo, ReinforcePp, Rloo};
use farthing_sdk::{Totals, prelude::*};
use schemars::schema_for;

use crate::{OBJECTIVES, kit, reference::Reference, try_kit};

fn schema(component: &str) -> Value {
    type Config<T> = <T as Optimizer>::Config;
    let schema = match component {
        "grpo" => schema_for!(Config<Grpo>),
        "dr-grpo" => schema_for!(Config<DrGrpo>),
        "dapo" => schema_for!(Config<Dapo>),
        "gspo" => schema_for!(Config<Gspo>),
        "cispo" => schema_for!(Config<Cispo>),
        "rloo" => schema_for!(Config<Rloo>),
        "reinforce-pp" => schema_for!(Config<ReinforcePp>),
        "dynamic-sampling" => schema_for!(<DynamicSampling as Curriculum>::Config),
        _ => panic!("no component {component:?}"),
    };
    schema.to_value()
}

fn accepts(component: &str, config: &Value) -> bool {
    jsonschema::is_valid(&schema(component), config)
}

#[test]
fn the_schema_accepts_what_the_reference_uses() {
    for case in Reference::read().cases {
        assert!(
            accepts(&case.component, &case.config),
            "{} {}",
            case.component,
            case.config
        );
    }
}

#[test]
fn unknown_keys_are_refused_by_schema_and_type() {
    for component in OBJECTIVES {
        let config = json!({ "epsilom": 0.2 });
        assert!(!accepts(component, &config), "{component}");
        let error = try_kit(component, config)
            .err()
            .expect("an error")
            .to_string();
        assert!(
            error.contains("unknown field `epsilom`"),
            "{component}: {error}"
        );
    }
}

#[test]
fn numbers_out_of_range_are_refused_by_the_schema() {
    for component in OBJECTIVES {
        assert!(!accepts(component, &json!({ "beta": -0.1 })), "{component}");
        assert!(
            !accepts(component, &json!({ "entropy_coef": -0.1 })),
            "{component}"
        );
    }
    for (component, key) in [
        ("grpo", "epsilon"),
        ("dr-grpo", "epsilon"),
        ("reinforce-pp", "epsilon"),
        ("dapo", "epsilon_low"),
        ("gspo", "epsilon_low"),
        ("cispo", "epsilon_low"),
    ] {
        for value in [-0.1, 1.5] {
            assert!(
                !accepts(component, &json!({ key: value })),
                "{component} {key}"
            );
        }
        assert!(
            accepts(component, &json!({ key: 0.1 })),
            "{component} {key}"
        );
    }
    assert!(!accepts("grpo", &json!({ "scale": "groups" })));
    assert!(!accepts("grpo", &json!({ "kl_estimator": "k4" })));
    assert!(!accepts("dynamic-sampling", &json!({ "min_spread": -1.0 })));
}

#[test]
fn a_delta_within_the_clip_range_is_refused() {
    let error = try_kit("grpo", json!({ "epsilon": 0.5, "delta": 1.5 })).err();
    let error = error.expect("an error").to_string();
    assert!(
        error.contains("delta is 1.5; expected more than 1 + epsilon_high = 1.5"),
        "{error}"
    );
}

/// The optional arrays cost a forward pass, so nobody asks for them without a use.
#[test]
fn nothing_is_asked_for_by_default() {
    let step = farthing_sdk::testing::SampleBatch::random(1, 2, 0.3);
    for component in OBJECTIVES {
        let mut other = step.clone();
        other.ref_logp.fill(f32::NAN);
        other.entropy.fill(f32::NAN);
        let mut kit = kit(component, json!({}));
        let [a, b] = [&step, &other].map(|step| kit.loss(step).unwrap());
        assert_eq!(a, b, "{component}");
        assert!(a.dentropy.is_empty() && a.dvalues.is_empty(), "{component}");
    }
}

#[test]
fn an_array_that_was_asked_for_and_not_passed_is_an_error() {
    let config = serde_json::from_value(json!({ "beta": 0.1 })).unwrap();
    let mut objective = Grpo::new(config).unwrap();
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
            max_new_tokens: 8.0,
        },
    };
    let mut dlogp = [0.0];
    let mut ignore = |_: &str, _: f64, _: f64, _| {};
    let mut out = LossOutput {
        dlogp: &mut dlogp,
        dentropy: &mut [],
        dvalues: &mut [],
        metrics: Metrics::new(&mut ignore),
    };
    let error = objective.loss(&batch, &mut out).unwrap_err().to_string();
    assert!(error.contains("no array \"ref_logp\""), "{error}");
}
