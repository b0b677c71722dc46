//! A round of independent jobs, several at a time.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result};

/// Jobs of which none needs another's result.
pub struct Round<'a, T> {
    items: &'a [T],
    workers: usize,
    /// For each job, so that together they have the machine's cores.
    threads: usize,
}

impl<'a, T: Sync> Round<'a, T> {
    /// At most `jobs` at a time.
    pub fn of(items: &'a [T], jobs: usize) -> Self {
        let workers = jobs.min(items.len()).max(1);
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            items,
            workers,
            threads: (cores / workers).max(1),
        }
    }

    /// What `job` makes of each item and a number of threads, in the order of the items. After a failure no further job
    /// begins.
    pub fn run<R: Send>(&self, job: impl Fn(&T, usize) -> Result<R> + Sync) -> Result<Vec<R>> {
        let next = AtomicUsize::new(0);
        let results: Vec<Mutex<Option<Result<R>>>> =
            self.items.iter().map(|_| Mutex::new(None)).collect();
        let put = |index: usize, result| {
            *results[index].lock().expect("no job panics with the lock") = Some(result);
        };
        thread::scope(|scope| {
            for _ in 0..self.workers {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(item) = self.items.get(index) else {
                            return;
                        };
                        let result = job(item, self.threads);
                        if result.is_err() {
                            next.store(self.items.len(), Ordering::Relaxed);
                        }
                        put(index, result);
                    }
                });
            }
        });
        let results = results.into_iter().map(|slot| {
            let result = slot.into_inner().ok().flatten();
            result
                .context("not begun, because another job failed")
                .flatten()
        });
        // The failure itself stands before what it kept from beginning only by chance.
        let (done, failed): (Vec<_>, Vec<_>) = results.partition(Result::is_ok);
        let reason = failed.into_iter().filter_map(Result::err);
        match reason.min_by_key(|error| error.to_string().starts_with("not begun")) {
            Some(error) => Err(error),
            None => done.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..20).collect();
        let doubled = Round::of(&items, 7).run(|item, threads| {
            assert!(threads >= 1);
            Ok(2 * item)
        });
        let expected: Vec<u64> = items.iter().map(|item| 2 * item).collect();
        assert_eq!(doubled.expect("no job fails"), expected);
    }

    #[test]
    fn the_failure_is_told_and_not_what_it_kept_from_beginning() {
        let items: Vec<u64> = (0..9).collect();
        let error = Round::of(&items, 1)
            .run(|item, _| match item {
                3 => anyhow::bail!("the third fails"),
                _ => Ok(()),
            })
            .expect_err("a job fails");
        assert_eq!(error.to_string(), "the third fails");
    }
}
