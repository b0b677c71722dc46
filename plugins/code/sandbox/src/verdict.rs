//! Says how a run ended, and only what there is evidence for.
//!
//! What ends a program leaves a trace: our own kill, the count of its cgroup, the kernel's account of its time, or the
//! status that its parent is given. What contradicts itself, or shows that the machine ran out of something, is a lost
//! run and no verdict on the program.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::cgroup::Verdict;
use crate::supervise::{Observed, Reason};
use crate::{End, Finished, Limits, SandboxError};

/// Judges a run. `memory` is what its cgroup saw, if it had one; `kills` tells whether the machine killed for memory.
pub(crate) fn judge(
    limits: &Limits,
    observed: Observed,
    memory: Option<Verdict>,
    kills: &MachineKills,
) -> Result<Finished, SandboxError> {
    let end = match (observed.ended_by_us, memory, observed.status) {
        (_, Some(Verdict::MachineFull), _) => {
            return lost("the machine, or the cgroup that this process is in, ran out of memory");
        }
        (Some(Reason::Output), ..) => End::Output,
        (Some(Reason::Deadline), ..) => at_deadline(&observed)?,
        (None, Some(Verdict::Full), _) => End::Memory,
        (None, _, Some(status)) => by_status(status, observed.cpu, limits.cpu),
        (None, _, None) => {
            let status = observed.first_process;
            return lost(&format!(
                "its first process ended with status {status:#x} before the program did"
            ));
        }
    };
    // A kill of its own, or what a program makes of the kill of its child.
    let as_if_killed = match end {
        End::Exited(code) => code != 0,
        End::Signalled(signal) => signal == libc::SIGKILL,
        _ => false,
    };
    if memory.is_none() && as_if_killed && kills.any_more() {
        return lost(
            "the machine killed a process for memory meanwhile, and without the layer cgroup nobody knows which",
        );
    }
    let [stdout, stderr, channel] = observed.outputs;
    Ok(Finished {
        end,
        stdout,
        stderr,
        channel,
        cpu: observed.cpu,
        wall: observed.wall,
        waited: observed.waited.unwrap_or_default(),
        peak_memory: observed.peak_memory,
    })
}

/// Whether so much of a time was lost to waiting that nothing that ran out in it is a program's fault: more than a
/// quarter, and more than the twenty milliseconds that any start may take.
pub fn starved(time: Duration, waited: Duration) -> bool {
    waited > time / 4 && waited > Duration::from_millis(20)
}

/// A program that has waited for a processor too long has not had the time that it was given.
fn at_deadline(observed: &Observed) -> Result<End, SandboxError> {
    let wall = observed.wall;
    match observed.waited {
        Some(waited) if starved(wall, waited) => Err(SandboxError::Starved { wall, waited }),
        _ => Ok(End::Wall),
    }
}

fn lost(why: &str) -> Result<Finished, SandboxError> {
    Err(SandboxError::Lost {
        why: why.to_owned(),
    })
}

/// A run that used more processor time than it may has met that limit, whatever ended it. So has one that was sent the
/// limit's signal when it had used so much that nobody but the kernel can be thought to have sent it: the kernel's
/// limit counts clock ticks, its account counts nanoseconds, and the first may run ahead of the second.
fn by_status(status: i32, used: Duration, limit: Duration) -> End {
    let signal = libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status));
    if used >= limit || (signal == Some(libc::SIGXCPU) && used >= limit / 2) {
        return End::Cpu;
    }
    match signal {
        Some(signal) => End::Signalled(signal),
        None => End::Exited(libc::WEXITSTATUS(status)),
    }
}

/// How often this machine has killed for memory, by its own count.
#[derive(Debug, Default)]
pub(crate) struct MachineKills(AtomicU64);

impl MachineKills {
    pub fn so_far() -> Self {
        let kills = Self::default();
        kills.any_more();
        kills
    }

    /// Whether it did since this was last asked. A machine that does not count says no.
    fn any_more(&self) -> bool {
        let statistics = std::fs::read_to_string("/proc/vmstat").unwrap_or_default();
        let count = statistics
            .lines()
            .find_map(|line| line.strip_prefix("oom_kill "))
            .and_then(|count| count.trim().parse().ok())
            .unwrap_or(0);
        self.0.swap(count, Ordering::Relaxed) != count
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.
mod tests {
    use super::*;

    const EXITED_3: i32 = 3 << 8;

    fn observed() -> Observed {
        Observed {
            outputs: [const { Vec::new() }; 3],
            ended_by_us: None,
            waited: None,
            status: Some(EXITED_3),
            failed: None,
            first_process: 0,
            cpu: Duration::from_millis(10),
            wall: Duration::from_millis(20),
            peak_memory: 1 << 20,
        }
    }

    fn end(change: impl FnOnce(&mut Observed), memory: Option<Verdict>) -> Result<End, String> {
        let mut observed = observed();
        change(&mut observed);
        let limits = Limits {
            cpu: Duration::from_secs(2),
            ..Limits::default()
        };
        judge(&limits, observed, memory, &MachineKills::so_far())
            .map(|finished| finished.end)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn each_end_needs_its_own_evidence() {
        let enough = Some(Verdict::Enough);
        assert_eq!(end(|_| {}, enough), Ok(End::Exited(3)));
        assert_eq!(
            end(|run| run.status = Some(9), enough),
            Ok(End::Signalled(9))
        );
        assert_eq!(
            end(|run| run.ended_by_us = Some(Reason::Deadline), enough),
            Ok(End::Wall)
        );
        assert_eq!(
            end(|run| run.ended_by_us = Some(Reason::Output), enough),
            Ok(End::Output)
        );
        assert_eq!(
            end(|run| run.status = None, Some(Verdict::Full)),
            Ok(End::Memory)
        );
        assert_eq!(end(|_| {}, Some(Verdict::Full)), Ok(End::Memory));
    }

    #[test]
    fn processor_time_is_judged_by_the_account() {
        let enough = Some(Verdict::Enough);
        let seconds = |status: i32, cpu: f64| {
            end(
                |run| {
                    run.status = Some(status);
                    run.cpu = Duration::from_secs_f64(cpu);
                },
                enough,
            )
        };
        assert_eq!(seconds(libc::SIGKILL, 2.0), Ok(End::Cpu));
        assert_eq!(seconds(0, 2.5), Ok(End::Cpu));
        assert_eq!(seconds(libc::SIGXCPU, 1.9), Ok(End::Cpu));
        assert_eq!(
            seconds(libc::SIGXCPU, 0.1),
            Ok(End::Signalled(libc::SIGXCPU))
        );
        assert_eq!(
            seconds(libc::SIGKILL, 1.9),
            Ok(End::Signalled(libc::SIGKILL))
        );
    }

    #[test]
    fn a_deadline_that_a_busy_machine_caused_is_no_verdict() {
        let deadline = |waited: u64, cpu: u64| {
            end(
                |run| {
                    run.ended_by_us = Some(Reason::Deadline);
                    run.wall = Duration::from_secs(10);
                    run.waited = Some(Duration::from_secs(waited));
                    run.cpu = Duration::from_secs(cpu);
                },
                None,
            )
        };
        assert_eq!(deadline(0, 0), Ok(End::Wall));
        assert_eq!(deadline(2, 1), Ok(End::Wall));
        assert!(deadline(3, 1).unwrap_err().contains("too busy"));
        assert!(deadline(9, 1).unwrap_err().contains("too busy"));
    }

    #[test]
    fn what_the_machine_did_is_no_verdict() {
        let full = end(|run| run.status = Some(9), Some(Verdict::MachineFull));
        assert!(full.unwrap_err().contains("ran out of memory"));
        let vanished = end(|run| run.status = None, Some(Verdict::Enough));
        assert!(vanished.unwrap_err().contains("before the program did"));
        let never_looked = MachineKills(AtomicU64::new(u64::MAX));
        let killed = Observed {
            status: Some(9),
            ..observed()
        };
        let error = judge(&Limits::default(), killed, None, &never_looked).unwrap_err();
        assert!(
            error.to_string().contains("killed a process for memory"),
            "{error}"
        );
        let asked_again = judge(&Limits::default(), observed(), None, &never_looked);
        assert_eq!(asked_again.unwrap().end, End::Exited(3));
    }
}
