//! Learning rates at the points that define each schedule.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_engine::{Decay, Schedule};

fn rates(decay: Decay, steps: impl IntoIterator<Item = u64>) -> Vec<f64> {
    let schedule = Schedule {
        decay,
        peak: 2.0,
        warmup_steps: 4,
        total_steps: 12,
    };
    steps.into_iter().map(|step| schedule.lr_at(step)).collect()
}

#[test]
fn warm_up_rises_in_equal_steps_and_ends_at_the_peak() {
    for decay in [
        Decay::Constant,
        Decay::Cosine { floor: 0.1 },
        Decay::Linear { floor: 0.0 },
    ] {
        assert_eq!(rates(decay, 0..5), [0.5, 1.0, 1.5, 2.0, 2.0]);
    }
}

#[test]
fn constant_stays() {
    assert_eq!(rates(Decay::Constant, [5, 11, 100]), [2.0, 2.0, 2.0]);
}

#[test]
fn linear_halves_in_the_middle_and_stays_at_zero() {
    assert_eq!(
        rates(Decay::Linear { floor: 0.0 }, [8, 12, 13]),
        [1.0, 0.0, 0.0]
    );
}

#[test]
fn cosine_ends_at_its_floor() {
    let found = rates(Decay::Cosine { floor: 0.1 }, [6, 8, 12, 50]);
    // 0.1 + 0.9 (1 + cos(pi / 4)) / 2, 0.1 + 0.9 / 2, and the floor, each times the peak.
    let expected = [2.0 * (0.1 + 0.45 * (1.0 + 0.5_f64.sqrt())), 1.1, 0.2, 0.2];
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < 1e-12,
            "{found} against {expected}"
        );
    }
}

#[test]
fn no_warm_up_and_no_length_are_allowed() {
    let schedule = Schedule {
        decay: Decay::Linear { floor: 0.0 },
        peak: 1.0,
        warmup_steps: 0,
        total_steps: 0,
    };
    assert_eq!(schedule.lr_at(0), 1.0);
    assert_eq!(schedule.lr_at(1), 0.0);
}
