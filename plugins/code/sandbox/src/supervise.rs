//! Watching a run from outside: reading what it writes, keeping its deadline, and ending it.
//!
//! Everything is done by one thread, the caller's, with one `poll`. The end of a run is the end of the first process of
//! its namespaces, which is a child of ours: when the kernel gives us that one, all others are dead, so what is in the
//! pipes then is all there will be, and no descriptor that a daemon kept open can make us wait.

mod starvation;

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};

use crate::SandboxError;
use crate::protocol::{ENDED, FAILED, NEXT, NEXT_IF_ALONE, OVER, READY, Report, STARTED};

/// How long the launcher may take before the program can start. It takes milliseconds; on a machine that is starved a
/// hundred times as much, and then the run is lost, not wrong.
const PREPARATION: Duration = Duration::from_secs(20);

/// How long the launcher may take to end everything when it is told to. Then it is killed, which ends everything too,
/// but what was used is not accounted for.
const END: Duration = Duration::from_secs(30);

/// What a run did, before it is judged.
#[derive(Debug)]
pub(crate) struct Observed {
    /// The standard output, the standard error and the channel.
    pub outputs: [Vec<u8>; 3],
    /// Why we ended it, if we did.
    pub ended_by_us: Option<Reason>,
    /// The status that the program's parent was given.
    pub status: Option<i32>,
    /// The step that failed: its stage, its number, and what it returned.
    pub failed: Option<(usize, usize, i32)>,
    /// How the first process of the namespaces ended.
    pub first_process: i32,
    /// How long the program had waited for a processor at its end, where that can be told: if there never was another
    /// process or thread that it could have waited for.
    pub waited: Option<Duration>,
    /// Processor time of all processes, by the kernel's account.
    pub cpu: Duration,
    /// From when the program could start to its end, and to the end of all that it started.
    pub wall: Duration,
    /// Bytes that the largest process held.
    pub peak_memory: u64,
}

/// Why we ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Deadline,
    Output,
}

/// The host's ends of the pipes to a run.
pub(crate) struct Pipes {
    pub outputs: [Option<OwnedFd>; 3],
    pub report: OwnedFd,
}

/// Watches a run from its start to the end of its last process.
pub(crate) fn watch(
    launcher: libc::pid_t,
    pipes: Pipes,
    wall: Duration,
    most_output: u64,
) -> Result<Observed, SandboxError> {
    let mut run = Run {
        outputs: [const { Vec::new() }; 3],
        pipes,
        most_output,
        first: None,
        ready: None,
        end: None,
        ended_by_us: None,
        waited: None,
        next: None,
        status: None,
        failed: None,
    };
    let begun = Instant::now();
    let watched = run.until_report_closes(begun, wall);

    // Whatever happened above, nothing may be left.
    if watched.is_err() {
        signal(Some(launcher), Signal::KILL);
        signal(run.first, Signal::KILL);
    }
    let launcher = wait(launcher);
    // From here on its number may be another process's.
    let first = run.first.take().map(wait).transpose();
    watched?;
    let ((launcher_status, _), first) = (launcher?, first?);
    let Some((status, usage)) = first else {
        if run.failed.is_none() {
            let why =
                format!("its launcher ended with status {launcher_status:#x} before it was ready");
            return Err(SandboxError::Lost { why });
        }
        return Ok(run.observed(launcher_status, Duration::ZERO, Duration::ZERO, 0));
    };
    // What a lone program leaves to collect is nothing; what others leave is the program's own doing.
    let over = run
        .end
        .filter(|_| run.was_alone())
        .unwrap_or_else(Instant::now);
    run.drain()
        .map_err(|error| system("read what the program wrote", error))?;

    let time = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec.unsigned_abs())
            + Duration::from_micros(time.tv_usec.unsigned_abs())
    };
    let cpu = time(usage.ru_utime) + time(usage.ru_stime);
    let wall = over - run.ready.unwrap_or(over);
    Ok(run.observed(status, cpu, wall, usage.ru_maxrss.unsigned_abs() * 1024))
}

struct Run {
    outputs: [Vec<u8>; 3],
    pipes: Pipes,
    most_output: u64,
    /// The first process of the namespaces.
    first: Option<libc::pid_t>,
    ready: Option<Instant>,
    end: Option<Instant>,
    ended_by_us: Option<Reason>,
    waited: Option<Duration>,
    /// The number that the next process would have had.
    next: Option<i32>,
    status: Option<i32>,
    failed: Option<(usize, usize, i32)>,
}

impl Run {
    fn until_report_closes(&mut self, begun: Instant, wall: Duration) -> Result<(), SandboxError> {
        let reading = |error| system("read from the program", error);
        loop {
            let deadline = match (self.end, self.ready) {
                (Some(end), _) => Some(end + END),
                (None, Some(ready)) => ready.checked_add(wall),
                (None, None) => Some(begun + PREPARATION),
            };
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                self.expire()?;
                continue;
            }
            let waited = self.poll(left);
            let [outputs @ .., report] =
                waited.map_err(|error| system("wait for the program", error))?;
            for output in (0..outputs.len()).filter(|output| outputs[*output]) {
                if !self.read_output(output).map_err(reading)? {
                    self.pipes.outputs[output] = None;
                }
            }
            if report && !self.read_report().map_err(reading)? {
                return Ok(());
            }
        }
    }

    /// The deadline of what the run is at has come.
    fn expire(&mut self) -> Result<(), SandboxError> {
        match (self.end, self.ready) {
            (Some(_), _) => Err(lost("it did not end when it was told to", END)),
            (None, None) => Err(lost("it was not ready", PREPARATION)),
            (None, Some(_)) => {
                self.finish(Some(Reason::Deadline));
                Ok(())
            }
        }
    }

    /// Which of the three outputs and the report can be read.
    fn poll(&self, timeout: Option<Duration>) -> io::Result<[bool; 4]> {
        let [stdout, stderr, channel] = &self.pipes.outputs;
        let report = Some(&self.pipes.report);
        let open = [stdout.as_ref(), stderr.as_ref(), channel.as_ref(), report];
        let (which, mut waiting): (Vec<usize>, Vec<PollFd<'_>>) = open
            .into_iter()
            .enumerate()
            .filter_map(|(index, pipe)| Some((index, PollFd::new(pipe?, PollFlags::IN))))
            .unzip();
        let timeout = timeout.map(|left| Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        });
        let mut readable = [false; 4];
        match poll(&mut waiting, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for (index, waiting) in which.into_iter().zip(&waiting) {
            readable[index] = !waiting.revents().is_empty();
        }
        Ok(readable)
    }

    /// Reads once from an output; false at its end.
    fn read_output(&mut self, output: usize) -> io::Result<bool> {
        let Some(pipe) = &self.pipes.outputs[output] else {
            return Ok(false);
        };
        let before: usize = self.outputs.iter().map(Vec::len).sum();
        let mut buffer = [0; 1 << 16];
        let count = match rustix::io::read(pipe, &mut buffer) {
            Ok(0) => return Ok(false),
            Ok(count) => count,
            Err(rustix::io::Errno::INTR) => return Ok(true),
            Err(error) => return Err(error.into()),
        };
        let room = usize::try_from(self.most_output).unwrap_or(usize::MAX) - before;
        self.outputs[output].extend_from_slice(&buffer[..count.min(room)]);
        if count > room {
            self.finish(Some(Reason::Output));
        }
        Ok(true)
    }

    /// Reads what the launcher says; false when it has nothing more to say.
    fn read_report(&mut self) -> io::Result<bool> {
        let mut buffer = [0; size_of::<Report>()];
        match rustix::io::read(&self.pipes.report, &mut buffer) {
            Ok(0) => return Ok(false),
            Ok(count) if count == buffer.len() => {}
            Ok(_) => return Err(io::Error::other("a report was cut short")),
            Err(rustix::io::Errno::INTR) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
        let report = Report::from_bytes(buffer);
        match report.kind {
            STARTED => self.first = Some(report.value),
            READY => self.ready = Some(Instant::now()),
            OVER => self.finish(None),
            NEXT => self.next = Some(report.value),
            ENDED => {
                self.status = Some(report.value);
                self.end.get_or_insert_with(Instant::now);
            }
            FAILED => {
                self.failed = Some((report.stage as usize, report.step as usize, report.value));
            }
            other => {
                return Err(io::Error::other(format!(
                    "a report of unknown kind {other}"
                )));
            }
        }
        Ok(true)
    }

    /// Ends the run, of which the program may have ended by itself already.
    fn finish(&mut self, reason: Option<Reason>) {
        self.ended_by_us = self.ended_by_us.or(reason);
        if self.end.is_none() {
            self.end = Some(Instant::now());
            self.waited = self.first.and_then(starvation::of_the_only_child_of);
            signal(self.first, Signal::TERM);
        }
    }

    /// Whether there never was a process or thread beside the program.
    fn was_alone(&self) -> bool {
        self.next == Some(NEXT_IF_ALONE)
    }

    /// Reads what is left in the pipes. Nobody can write any more.
    fn drain(&mut self) -> io::Result<()> {
        for output in 0..self.outputs.len() {
            while self.read_output(output)? {}
        }
        Ok(())
    }

    fn observed(
        self,
        first_process: i32,
        cpu: Duration,
        wall: Duration,
        peak_memory: u64,
    ) -> Observed {
        Observed {
            waited: self.waited.filter(|_| self.was_alone()),
            outputs: self.outputs,
            ended_by_us: self.ended_by_us,
            status: self.status,
            failed: self.failed,
            first_process,
            cpu,
            wall,
            peak_memory,
        }
    }
}

/// Sends a signal to a process that is our child and that we have not waited for, so the number is still its own.
fn signal(process: Option<libc::pid_t>, signal: Signal) {
    if let Some(process) = process.and_then(Pid::from_raw) {
        // It fails only for a process that has ended already.
        let _ = kill_process(process, signal);
    }
}

fn lost(what: &str, within: Duration) -> SandboxError {
    SandboxError::Lost {
        why: format!(
            "{what} within {} s; is the machine starved?",
            within.as_secs()
        ),
    }
}

/// Waits for a child: its status, and what it and all that it waited for used.
fn wait(process: libc::pid_t) -> Result<(i32, libc::rusage), SandboxError> {
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    loop {
        // SAFETY: both pointers are to values of the types that the call writes.
        let result = unsafe { libc::wait4(process, &mut status, 0, usage.as_mut_ptr()) };
        if result == process {
            // SAFETY: it was written, and all zeros would be a value too.
            return Ok((status, unsafe { usage.assume_init() }));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(SandboxError::System {
                what: "wait for a process of the sandbox (does this process ignore SIGCHLD, or wait for any child?)".to_owned(),
                source: error,
            });
        }
    }
}

fn system(what: &str, source: io::Error) -> SandboxError {
    SandboxError::System {
        what: what.to_owned(),
        source,
    }
}
