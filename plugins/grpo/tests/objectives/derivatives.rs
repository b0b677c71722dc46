//! Derivatives against finite differences, and micro-batches against the whole, for every
//! configuration of the reference.

use farthing_sdk::testing::SampleBatch;

use crate::{kit, reference::Reference};

#[test]
fn derivatives_are_those_of_the_loss_and_splitting_changes_nothing() {
    let cases = Reference::read().cases;
    for case in cases.iter().filter(|case| case.component != "cispo") {
        kit(&case.component, case.config.clone())
            .check()
            .unwrap_or_else(|error| panic!("{} {}: {error}", case.component, case.config));
    }
}

#[test]
fn cispo_stops_the_gradient_at_its_weights() {
    let cases = Reference::read().cases;
    for case in cases.iter().filter(|case| case.component == "cispo") {
        let mut kit = kit("cispo", case.config.clone());
        for seed in 0..4 {
            for spread in [0.02, 0.5] {
                let step = SampleBatch::random(seed, 3, spread);
                kit.check_split(&step).unwrap();
                kit.check_derivatives_at_fixed_ratio(&step)
                    .unwrap_or_else(|error| panic!("{}: {error}", case.config));
            }
        }
        // With weights that move, the derivative would be another one.
        let step = SampleBatch::random(0, 3, 0.5);
        kit.check_derivatives(&step).unwrap_err();
    }
}
