//! All problems of a configuration, and which one an index means.
//!
//! A chain is a number in base [`Step::COUNT`], so a split is a list of numbers. The seed
//! chooses in which order training walks through them; the test split has one order.

use farthing_sdk::prelude::*;

use super::chain::{Chain, Step};

/// Longer chains are too many to be listed: four steps make more than a million.
pub const MOST_STEPS: u32 = 4;

/// The chains of both splits, as (steps, number).
pub struct Space {
    train: Vec<(u32, u64)>,
    test: Vec<(u32, u64)>,
}

impl Space {
    pub fn new(min_steps: u32, max_steps: u32, test_share: f64) -> Result<Self> {
        if min_steps == 0 || min_steps > max_steps || max_steps > MOST_STEPS {
            bail!(
                "`min_steps` and `max_steps` must be in order and from 1 to {MOST_STEPS}, found {min_steps} and {max_steps}"
            );
        }
        if !(0.0..=1.0).contains(&test_share) {
            bail!("`test_share` must be from 0 to 1, found {test_share}");
        }
        let (mut train, mut test) = (Vec::new(), Vec::new());
        for steps in min_steps..=max_steps {
            for number in 0..Step::COUNT.pow(steps) {
                let Some(chain) = numbered(steps, number) else {
                    continue;
                };
                let held_out = stream(0, &chain.expression(0), 0).random_bool(test_share);
                let split = if held_out { &mut test } else { &mut train };
                split.push((steps, number));
            }
        }
        // Listed shortest first, a split would begin with all that is easy.
        test.shuffle(&mut stream(0, "one-liners", 0));
        Ok(Self { train, test })
    }

    pub fn size(&self, split: Split) -> u64 {
        self.split(split).len() as u64
    }

    pub fn chain(&self, split: Split, index: u64, seed: u64) -> Result<Chain> {
        let chains = self.split(split);
        let size = chains.len() as u64;
        if index >= size {
            bail!(
                "the {} split has {size} problems, and no number {index}",
                split.name()
            );
        }
        let place = match split {
            Split::Train => walked(index, size, seed),
            Split::Test => index,
        };
        let (steps, number) = chains[usize::try_from(place)?];
        Ok(numbered(steps, number).expect("only chains that exist are listed"))
    }

    fn split(&self, split: Split) -> &[(u32, u64)] {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }
}

fn numbered(steps: u32, mut number: u64) -> Option<Chain> {
    let mut chain = Vec::new();
    for _ in 0..steps {
        chain.push(Step::numbered(number % Step::COUNT));
        number /= Step::COUNT;
    }
    Chain::new(chain)
}

/// Position `index` of a walk through `0..size` with a stride that has no factor in common
/// with the size, so that each is visited once. Stride and start are the seed's.
fn walked(index: u64, size: u64, seed: u64) -> u64 {
    let mut rng = stream(seed, "one-liners", 1);
    let start = rng.random_range(0..size);
    let stride = loop {
        let stride = rng.random_range(1..=size);
        if common_factor(stride, size) == 1 {
            break stride;
        }
    };
    let place = (u128::from(index) * u128::from(stride) + u128::from(start)) % u128::from(size);
    place as u64
}

fn common_factor(a: u64, b: u64) -> u64 {
    match b {
        0 => a,
        b => common_factor(b, a % b),
    }
}
