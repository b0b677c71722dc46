//! `countdown/countdown`: what it poses is solvable, held out properly, and explained
//! correctly.

use farthing_countdown::{Countdown, Exact};
use farthing_sdk::{prelude::*, testing};

fn tiny() -> Value {
    json!({ "numbers": 3, "max_number": 10, "max_target": 30, "template": "tiny" })
}

#[test]
fn print_some() {
    for config in [tiny(), json!({"numbers": 3, "max_number": 10, "max_target": 30, "template": "tiny", "style":"search"}), json!({}), json!({"template":"chat","style":"search","numbers":{"from":5,"to":6}})] {
        let start = std::time::Instant::now();
        let kit = testing::task::<Countdown>(config.clone()).unwrap();
        println!("new {:?}; sizes {:?} {:?}", start.elapsed(), kit.size(Split::Train), kit.size(Split::Test));
        let exact = testing::reward::<Exact>(json!({})).unwrap();
        for index in 0..6 {
            let start = std::time::Instant::now();
            let p = kit.problem(Split::Train, index, 7).unwrap();
            let t1 = start.elapsed();
            let start = std::time::Instant::now();
            let s = kit.solution(&p, index).unwrap().unwrap();
            println!("{:?} {t1:?} {:?} {}", p.prompt, start.elapsed(), s);
            println!("{:?}", exact.score(&p.facts, &s));
        }
    }
}
