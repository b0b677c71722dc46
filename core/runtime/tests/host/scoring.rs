//! Scoring in parallel: verdicts in order, deadlines that hold, rewards that report nonsense.

use std::{
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use farthing_abi::{
    RawAttempt, RawError, RawOutcome, RawOutcomeKind, RawOutcomeSink_TO, RawProblem, RawReward,
    RawReward_TO,
    abi_stable::{
        sabi_trait::TD_Opaque,
        sabi_types::RRef,
        std_types::{RResult, RSlice, RStr, RString},
    },
};
use farthing_runtime::host::{AttemptText, HostError, Job, ScoringPool, Verdict};
use farthing_sdk::{
    Attempt, Parts, Problem, Prompt,
    client::{ProblemText, Reported, RewardClient},
};
use serde_json::{Value, json};

use crate::libraries::{library, load};

/// Long enough that no machine is too slow for an innocent attempt, and not waited for by any of these tests.
const PATIENT: Duration = Duration::from_secs(600);
/// What tests wait for that are about its passing.
const IMPATIENT: Duration = Duration::from_secs(2);

/// A job for these completions of the problem whose next number is 8.
pub fn job(reward: RewardClient, completions: &[&str]) -> Job {
    job_of(&Arc::new(reward), completions, PATIENT)
}

/// The verdicts of a small pool.
pub fn verdicts(jobs: Vec<Job>) -> Vec<Vec<Verdict>> {
    ScoringPool::with(2, 4).score(jobs).unwrap()
}

fn job_of(reward: &Arc<RewardClient>, completions: &[&str], deadline: Duration) -> Job {
    let problem = Problem {
        id: "7".into(),
        prompt: Prompt::Text("7, ".into()),
        facts: json!({ "next": 8 }),
        tags: vec!["small".into()],
    };
    let attempt = |completion: &&str| AttemptText {
        completion: (*completion).into(),
        tokens: 1,
        finished: true,
    };
    Job {
        name: "the-reward".into(),
        reward: Arc::clone(reward),
        problem: Arc::new(ProblemText::new(&problem).unwrap()),
        attempts: completions.iter().map(attempt).collect(),
        deadline,
    }
}

fn misscoring(component: &str) -> Arc<RewardClient> {
    let host = load(&[library("misscores")]).unwrap();
    Arc::new(
        host.reward(&format!("misscores/{component}"), &json!({}), &Value::Null)
            .unwrap(),
    )
}

fn scored(value: f64) -> Verdict {
    Verdict::Scored {
        value,
        parts: Parts::default(),
        answer: None,
        solution: None,
    }
}

fn failed(why: &str) -> Verdict {
    Verdict::Failed {
        why: why.into(),
        panicked: false,
    }
}

#[test]
fn every_outcome_keeps_its_kind() {
    let job = job_of(
        &misscoring("mixed"),
        &["score", "abstain", "panic", "other", "score"],
        PATIENT,
    );
    let verdicts = verdicts(vec![job]).remove(0);
    let quarter = Verdict::Scored {
        value: 0.25,
        parts: Parts::default(),
        answer: Some("42".into()),
        solution: Some("6*7".into()),
    };
    assert_eq!(verdicts[0], quarter);
    assert_eq!(verdicts[1], Verdict::Abstain);
    assert!(
        matches!(&verdicts[2], Verdict::Failed { why, panicked: true } if why.ends_with(": as asked"))
    );
    assert_eq!(verdicts[3], failed("asked for \"other\""));
    assert_eq!(verdicts[4], quarter);
}

/// A panic costs its own attempt, and the call goes on after it: one report for each attempt, in order.
#[test]
fn a_call_goes_on_after_a_panic() {
    let reward = misscoring("mixed");
    let problem = job_of(&reward, &[], PATIENT).problem;
    let completions = [
        "panic", "score", "panic", "panic", "other", "score", "panic",
    ];
    let attempts = completions.map(|completion| Attempt {
        completion,
        tokens: 1,
        finished: true,
    });
    let reports = Mutex::new(Vec::new());
    let report = |index, outcome: farthing_sdk::Result<Reported<'_>>| {
        let kind = match outcome {
            Ok(Reported::Scored { value, answer, .. }) => format!("{value} {answer:?}"),
            Ok(Reported::Abstain) => "abstained".to_owned(),
            Err(error) if error.is_panic() => "panic".to_owned(),
            Err(error) => error.to_string(),
        };
        reports.lock().unwrap().push((index, kind));
    };
    reward.score(&problem, &attempts, &report).unwrap();
    let scored = "0.25 Some(\"42\")";
    let kinds = [
        "panic",
        scored,
        "panic",
        "panic",
        "asked for \"other\"",
        scored,
        "panic",
    ];
    let expected: Vec<_> = kinds.map(str::to_owned).into_iter().enumerate().collect();
    assert_eq!(reports.into_inner().unwrap(), expected);
}

#[test]
fn a_score_that_is_no_number_is_a_failure() {
    let job = job_of(&misscoring("nan"), &["finite", "nan", "infinite"], PATIENT);
    let expected = [
        scored(0.5),
        failed("the score is NaN, which is not finite"),
        failed("the score is inf, which is not finite"),
    ];
    assert_eq!(verdicts(vec![job]), [expected]);
}

#[test]
fn verdicts_do_not_depend_on_threads() {
    let reward = load(&[library("good")])
        .unwrap()
        .reward("good/next", &json!({}), &Value::Null)
        .unwrap();
    let reward = Arc::new(reward);
    // Every job has another length, and its right answers in other places.
    let texts = |number: usize| -> Vec<&str> {
        (0..number % 23)
            .map(|place| {
                if (place + number).is_multiple_of(3) {
                    "8"
                } else {
                    "no"
                }
            })
            .collect()
    };
    let jobs = || -> Vec<Job> {
        (0..300)
            .map(|number| job_of(&reward, &texts(number), PATIENT))
            .collect()
    };
    let expected: Vec<Vec<f64>> = (0..300)
        .map(|number| {
            texts(number)
                .iter()
                .map(|&text| f64::from(u8::from(text == "8")))
                .collect()
        })
        .collect();
    for workers in [1, 2, 7] {
        let verdicts = ScoringPool::with(workers, 0).score(jobs()).unwrap();
        let values: Vec<Vec<f64>> = verdicts
            .into_iter()
            .map(|verdicts| {
                let value = |verdict| match verdict {
                    Verdict::Scored { value, .. } => value,
                    other => panic!("{other:?}"),
                };
                verdicts.into_iter().map(value).collect()
            })
            .collect();
        assert_eq!(values, expected, "{workers} workers");
    }
}

#[test]
fn nothing_to_score() {
    assert!(verdicts(vec![]).is_empty());
    assert_eq!(
        verdicts(vec![job_of(&misscoring("mixed"), &[], PATIENT)]),
        [Vec::<Verdict>::new()]
    );
}

#[test]
fn a_deadline_costs_the_attempt_that_passes_it_and_no_other() {
    let slow = misscoring("slow");
    // One worker: what comes after a stuck attempt is scored by the thread that takes its place.
    let pool = ScoringPool::with(1, 4);
    let jobs = vec![
        job_of(&slow, &["a", "hang", "b", "hang", "c"], IMPATIENT),
        job_of(&slow, &["d"], Duration::MAX),
    ];
    let one = scored(1.0);
    let expected = vec![
        vec![
            one.clone(),
            Verdict::TimedOut,
            one.clone(),
            Verdict::TimedOut,
            one.clone(),
        ],
        vec![one],
    ];
    assert_eq!(pool.score(jobs).unwrap(), expected);
    assert_eq!(pool.stuck(), 2);
}

#[test]
fn a_deadline_of_whole_groups_holds_for_the_call() {
    let slow = misscoring("slow-group");
    let jobs = vec![
        job_of(&slow, &["a", "hang", "b"], IMPATIENT),
        job_of(&slow, &["long", "short", "tiny"], PATIENT),
    ];
    let verdicts = verdicts(jobs);
    assert_eq!(verdicts[0], vec![Verdict::TimedOut; 3]);
    assert_eq!(verdicts[1], [scored(0.0), scored(1.0), scored(0.0)]);
}

#[test]
fn too_many_stuck_threads_are_an_error() {
    let job = job_of(&misscoring("slow"), &["hang", "hang", "fine"], IMPATIENT);
    let error = ScoringPool::with(2, 1).score(vec![job]).unwrap_err();
    assert_eq!(
        error,
        HostError::Stuck {
            reward: "the-reward".into(),
            stuck: 1,
            deadline: IMPATIENT
        }
    );
    assert_eq!(
        error.to_string(),
        "the reward `the-reward` passed its deadline of 2s again while 1 threads are still stuck in earlier calls, and \
         a thread cannot be stopped from outside; mend the reward, or give it a longer deadline"
    );
}

#[test]
fn a_group_with_an_outcome_missing_fails_whole() {
    let job = job_of(&misscoring("too-few"), &["a", "b", "c"], PATIENT);
    let why = "score_group returned 2 outcomes for 3 attempts (help: return one outcome for each attempt, in their order)";
    assert_eq!(verdicts(vec![job]), [vec![failed(why); 3]]);
}

/// A reward without the sdk's shim, which would not let it report what these do. The closure gets the number of
/// attempts and a way to report a score of 1 for one of them.
struct Raw<F>(F);

impl<F> RawReward for Raw<F>
where
    F: Fn(u64, &dyn Fn(u64)) -> farthing_sdk::Result<()> + Send + Sync + 'static,
{
    fn whole_groups(&self) -> bool {
        true
    }

    fn score(
        &self,
        _: RawProblem<'_>,
        attempts: RSlice<'_, RawAttempt<'_>>,
        sink: RawOutcomeSink_TO<'_, RRef<'_, ()>>,
    ) -> RResult<(), RawError> {
        let report = |index| {
            sink.push(RawOutcome {
                index,
                kind: RawOutcomeKind::Scored,
                value: 1.0,
                parts: RSlice::EMPTY,
                answer: RStr::empty(),
                why: RStr::empty(),
            });
        };
        (self.0)(attempts.len() as u64, &report)
            .map_err(RawError::from)
            .into()
    }

    fn save_state(&self) -> RResult<RString, RawError> {
        RResult::ROk("null".into())
    }
}

fn raw<F>(score: F) -> Arc<RewardClient>
where
    F: Fn(u64, &dyn Fn(u64)) -> farthing_sdk::Result<()> + Send + Sync + 'static,
{
    Arc::new(RewardClient::new(RawReward_TO::from_value(
        Raw(score),
        TD_Opaque,
    )))
}

#[test]
fn outcomes_under_wrong_numbers_fail_the_call() {
    let twice = raw(|attempts, report| {
        (0..attempts).chain([0]).for_each(report);
        Ok(())
    });
    let beyond = raw(|attempts, report| {
        (0..=attempts).for_each(report);
        Ok(())
    });
    let jobs = vec![
        job_of(&twice, &["a", "b"], PATIENT),
        job_of(&beyond, &["a", "b"], PATIENT),
    ];
    let expected = [
        vec![failed("the reward reported two outcomes for attempt 0 of 2"); 2],
        vec![failed("the reward reported an outcome for attempt 2 of 2"); 2],
    ];
    assert_eq!(verdicts(jobs), expected);
}

#[test]
fn outcomes_that_never_came_are_failures() {
    let silent = raw(|_, report| {
        report(1);
        Ok(())
    });
    let missing = failed("the reward reported no outcome for this attempt");
    let expected = [[missing.clone(), scored(1.0), missing]];
    assert_eq!(
        verdicts(vec![job_of(&silent, &["a", "b", "c"], PATIENT)]),
        expected
    );
}

#[test]
fn outcomes_before_an_error_hold() {
    let breaking = raw(|_, report| {
        report(0);
        Err(farthing_sdk::Error::new("the connection is gone"))
    });
    let expected = [[scored(1.0), failed("the connection is gone")]];
    assert_eq!(
        verdicts(vec![job_of(&breaking, &["a", "b"], PATIENT)]),
        expected
    );
}

#[test]
fn a_stuck_thread_that_returns_changes_nothing_and_is_no_longer_counted() {
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let its_gate = Arc::clone(&gate);
    let late = raw(move |attempts, report| {
        let (open, opened) = &*its_gate;
        let open = open.lock().unwrap();
        drop(opened.wait_while(open, |open| !*open).unwrap());
        (0..attempts).for_each(report);
        Ok(())
    });
    let pool = ScoringPool::with(1, 1);
    let stuck = pool
        .score(vec![job_of(&late, &["a", "b"], IMPATIENT)])
        .unwrap();
    assert_eq!(stuck, [vec![Verdict::TimedOut; 2]]);
    assert_eq!(pool.stuck(), 1);
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    while pool.stuck() > 0 {
        std::thread::yield_now();
    }
    assert_eq!(
        pool.score(vec![job_of(&late, &["a"], PATIENT)]).unwrap(),
        [[scored(1.0)]]
    );
}
