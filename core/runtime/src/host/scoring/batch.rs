//! The jobs of one call of the pool, cut into pieces, and their verdicts.
//!
//! A piece is what one call of a reward gets: a whole group where the reward compares attempts or where there are many
//! groups, fewer attempts where a few slow groups would leave threads idle.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{Job, Verdict, locked, worker::Call};

/// Shared by the watcher and the threads, including those given up.
pub(super) struct Batch {
    jobs: Vec<Job>,
    queue: Mutex<Queue>,
    /// Signalled when the last piece is done.
    done: Condvar,
    /// For each job a place for each attempt.
    verdicts: Vec<Mutex<Vec<Option<Verdict>>>>,
}

struct Queue {
    waiting: VecDeque<Piece>,
    /// Pieces that wait or are in progress.
    open: usize,
}

/// Some attempts of one job, by their places.
pub(super) struct Piece {
    pub job: usize,
    pub places: Vec<usize>,
}

/// Pieces for each thread: enough that a slow one does not leave the others idle for long.
const PIECES_PER_WORKER: usize = 8;
/// Beyond this, a longer piece saves nothing.
const LONGEST_PIECE: usize = 64;

impl Batch {
    pub fn new(jobs: Vec<Job>, workers: usize) -> Self {
        let attempts: usize = jobs.iter().map(|job| job.attempts.len()).sum();
        let length = (attempts / (workers * PIECES_PER_WORKER)).clamp(1, LONGEST_PIECE);
        let mut waiting = VecDeque::new();
        for (index, job) in jobs.iter().enumerate() {
            let places: Vec<usize> = (0..job.attempts.len()).collect();
            let length = if job.reward.whole_groups() {
                places.len().max(1)
            } else {
                length
            };
            waiting.extend(places.chunks(length).map(|places| Piece {
                job: index,
                places: places.into(),
            }));
        }
        let verdicts = jobs
            .iter()
            .map(|job| Mutex::new(vec![None; job.attempts.len()]))
            .collect();
        let open = waiting.len();
        Self {
            jobs,
            queue: Mutex::new(Queue { waiting, open }),
            done: Condvar::new(),
            verdicts,
        }
    }

    pub fn pieces(&self) -> usize {
        locked(&self.queue).open
    }

    pub fn shortest_deadline(&self) -> Duration {
        self.jobs
            .iter()
            .map(|job| job.deadline)
            .min()
            .unwrap_or(Duration::MAX)
    }

    pub fn job(&self, call: &Call) -> &Job {
        &self.jobs[call.piece.job]
    }

    /// The next piece and its job.
    pub fn next(&self) -> Option<(Piece, &Job)> {
        let piece = locked(&self.queue).waiting.pop_front()?;
        let job = &self.jobs[piece.job];
        Some((piece, job))
    }

    /// Stores the verdicts of a call that ended.
    pub fn finish(&self, call: Call, ended: farthing_sdk::Result<()>) {
        let missing = match ended {
            Ok(()) => Verdict::Failed {
                why: "the reward reported no outcome for this attempt".into(),
                panicked: false,
            },
            Err(error) => Verdict::Failed {
                why: error.to_string(),
                panicked: error.is_panic(),
            },
        };
        let mut verdicts = locked(&self.verdicts[call.piece.job]);
        for (place, verdict) in call.piece.places.into_iter().zip(call.verdicts) {
            verdicts[place] = Some(match (&call.fault, verdict) {
                // Outcomes under wrong numbers may be those of other attempts.
                (Some(why), _) => Verdict::Failed {
                    why: why.clone(),
                    panicked: false,
                },
                (None, Some(verdict)) => verdict,
                (None, None) => missing.clone(),
            });
        }
        drop(verdicts);
        self.close_piece();
    }

    /// Stores the verdicts of a call that was given up. Returns whether a piece waits for a thread now.
    pub fn time_out(&self, call: Call) -> bool {
        let job = &self.jobs[call.piece.job];
        let mut verdicts = locked(&self.verdicts[call.piece.job]);
        let mut rest = Vec::new();
        let mut stuck_on_found = false;
        for (place, verdict) in call.piece.places.into_iter().zip(call.verdicts) {
            match verdict {
                Some(verdict) => verdicts[place] = Some(verdict),
                None if job.reward.whole_groups() || !stuck_on_found => {
                    stuck_on_found = true;
                    verdicts[place] = Some(Verdict::TimedOut);
                }
                None => rest.push(place),
            }
        }
        drop(verdicts);
        if rest.is_empty() {
            self.close_piece();
        } else {
            let piece = Piece {
                job: call.piece.job,
                places: rest,
            };
            locked(&self.queue).waiting.push_front(piece);
        }
        !locked(&self.queue).waiting.is_empty()
    }

    /// Waits until `wake` (without end if `None`) or until every piece is done; says whether they are.
    pub fn wait(&self, wake: Option<Instant>) -> bool {
        let mut queue = locked(&self.queue);
        while queue.open > 0 {
            match wake {
                None => {
                    queue = self
                        .done
                        .wait(queue)
                        .unwrap_or_else(PoisonError::into_inner)
                }
                Some(wake) => {
                    let left = wake.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    let waited = self.done.wait_timeout(queue, left);
                    queue = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
        true
    }

    /// Lets the threads end after the calls they are in.
    pub fn stop(&self) {
        locked(&self.queue).waiting.clear();
    }

    pub fn take_verdicts(&self) -> Vec<Vec<Verdict>> {
        let whole = |verdicts: &Mutex<Vec<Option<Verdict>>>| {
            let verdicts = std::mem::take(&mut *locked(verdicts));
            verdicts
                .into_iter()
                .map(|verdict| {
                    verdict.expect("every piece is done, and a done piece has all its verdicts")
                })
                .collect()
        };
        self.verdicts.iter().map(whole).collect()
    }

    fn close_piece(&self) {
        let mut queue = locked(&self.queue);
        queue.open -= 1;
        if queue.open == 0 {
            self.done.notify_all();
        }
    }
}
