//! What the boundary costs a reward, and how fast attempts are scored: `cargo xtask bench`.
//!
//! The same reward, `countdown/exact`, is called as an ordinary Rust function and as a component of the dynamic library,
//! on one thread; then the scoring pool works through a million attempts on all cores.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use farthing_countdown::Exact;
use farthing_runtime::host::{AttemptText, Job, ScoringPool, Verdict};
use farthing_runtime::plugin_access::PluginAccess;
use farthing_sdk::client::{ProblemText, Reported, RewardClient};
use farthing_sdk::{Attempt, Outcome, Problem, ProblemView, Prompt, Reward};
use serde_json::{Value, json};

/// Attempts of one group.
const GROUP: usize = 64;
/// Short rounds and many of them: what else the machine does falls on one of them, not on one way of calling.
const CALLS: usize = 1 << 14;
const ROUNDS: usize = 301;

fn main() {
    let completion = "7*3=21;21-5=16;<answer>7*3-5</answer>";
    let problem = problem();
    let attempts = vec![
        Attempt {
            completion,
            tokens: 24,
            finished: true,
        };
        GROUP
    ];

    let exact = Exact::new(serde_json::from_value(json!({})).expect("the default configuration"))
        .expect("the default configuration is valid");
    let client = client();
    println!(
        "one call of countdown/exact, medians of {ROUNDS} rounds of {CALLS} calls of each kind"
    );
    for group in [GROUP, 1] {
        let (mut direct, mut beyond, mut kept) = (vec![], vec![], vec![]);
        for _ in 0..ROUNDS {
            let one = directly(&exact, &problem, &attempts, group);
            let over = |keep| over_the_boundary(&client, &problem, &attempts, group, keep);
            direct.push(one);
            beyond.push(over(false) - one);
            kept.push(over(true) - one);
        }
        println!(
            "  {group:2} attempts at a problem: directly {:6.1} ns, over the boundary {:+6.1} ns, and kept by the host \
             {:+6.1} ns",
            median(direct),
            median(beyond),
            median(kept),
        );
    }

    let reward = Arc::new(client);
    let text = AttemptText {
        completion: completion.to_owned(),
        tokens: 24,
        finished: true,
    };
    let attempts: Arc<[AttemptText]> = vec![text; 8].into();
    let jobs: Vec<Job> = (0..125_000)
        .map(|_| Job {
            name: "countdown/exact".into(),
            reward: Arc::clone(&reward),
            problem: Arc::clone(&problem),
            attempts: Arc::clone(&attempts),
            deadline: Duration::from_secs(10),
        })
        .collect();
    let pool = ScoringPool::new().expect("threads can be started");
    let started = Instant::now();
    let verdicts = pool.score(jobs).expect("no reward hangs");
    let seconds = started.elapsed().as_secs_f64();
    let right = verdicts
        .iter()
        .flatten()
        .filter(|verdict| matches!(verdict, Verdict::Scored { value, .. } if *value == 1.0))
        .count();
    println!("the scoring pool: {right} attempts in groups of 8 in {seconds:.2} s");
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn problem() -> Arc<ProblemText> {
    let problem = Problem {
        id: "3,5,7->16".into(),
        prompt: Prompt::Text("3 5 7>16:".into()),
        facts: json!({ "numbers": [3, 5, 7], "target": 16 }),
        tags: vec!["3-numbers".into()],
    };
    Arc::new(ProblemText::new(&problem).expect("a problem is JSON"))
}

fn client() -> RewardClient {
    let host = PluginAccess::default()
        .load(None)
        .expect("the built-in plugins lie beside the examples: run `cargo xtask build`");
    host.reward("countdown/exact", &json!({}), &Value::Null)
        .expect("countdown/exact is a built-in")
}

/// Nanoseconds an attempt, `group` of them at each problem, whose facts are parsed anew.
fn directly(exact: &Exact, problem: &ProblemText, attempts: &[Attempt<'_>], group: usize) -> f64 {
    let started = Instant::now();
    for _ in 0..CALLS / group {
        let view = ProblemView::new(
            &problem.id,
            problem.tags.iter().map(String::as_str).collect(),
            &problem.prompt_json,
            &problem.facts_json,
        );
        for attempt in &attempts[..group] {
            let outcome = exact.score(black_box(&view), black_box(attempt));
            assert!(
                matches!(black_box(outcome), Ok(Outcome::Scored { value, .. }) if value == 1.0)
            );
        }
    }
    started.elapsed().as_secs_f64() * 1e9 / CALLS as f64
}

/// Nanoseconds an attempt, `group` of them in each call. What arrives is borrowed; with `keep` it is copied, parts,
/// answer and all, as the scoring pool does.
fn over_the_boundary(
    client: &RewardClient,
    problem: &ProblemText,
    attempts: &[Attempt<'_>],
    group: usize,
    keep: bool,
) -> f64 {
    let right = AtomicU64::new(0);
    let started = Instant::now();
    for _ in 0..CALLS / group {
        client
            .score(problem, black_box(&attempts[..group]), &|_, outcome| {
                let value = match outcome {
                    Ok(reported) if keep => match black_box(Outcome::from(reported)) {
                        Outcome::Scored { value, .. } => value,
                        Outcome::Abstain => f64::NAN,
                    },
                    reported => match black_box(reported) {
                        Ok(Reported::Scored { value, .. }) => value,
                        _ => f64::NAN,
                    },
                };
                if value == 1.0 {
                    // One thread: a lock on the bus would be measured with the call.
                    right.store(right.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                }
            })
            .expect("the call succeeds");
    }
    let time = started.elapsed().as_secs_f64() * 1e9 / CALLS as f64;
    assert_eq!(right.into_inner(), CALLS as u64);
    time
}
