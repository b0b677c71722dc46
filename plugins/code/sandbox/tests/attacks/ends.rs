//! How programs end, and that each limit is named only where it was met.

use std::time::{Duration, Instant};

use farthing_sandbox::{End, Layer};

use crate::other_user::alone_with_memory;
use crate::support::{ample, has, lines, python, python_with, run_in, sandbox};

#[test]
fn an_exit_code_and_a_signal_are_told_apart() {
    assert_eq!(python("").end, End::Exited(0));
    assert_eq!(python("sys.exit(7)").end, End::Exited(7));
    assert_eq!(python("raise ValueError").end, End::Exited(1));
    assert_eq!(python("os._exit(137)").end, End::Exited(137));
    assert_eq!(python("os.abort()").end, End::Signalled(libc::SIGABRT));
    assert_eq!(
        python("ctypes.string_at(0)").end,
        End::Signalled(libc::SIGSEGV)
    );
    assert_eq!(
        python("os.kill(os.getpid(), signal.SIGKILL)").end,
        End::Signalled(libc::SIGKILL)
    );
}

#[test]
fn a_program_that_sends_itself_a_limits_signal_has_met_no_limit() {
    let finished = python("os.kill(os.getpid(), signal.SIGXCPU)");
    assert_eq!(finished.end, End::Signalled(libc::SIGXCPU));
    assert!(finished.cpu < Duration::from_secs(5), "{finished:?}");
}

#[test]
fn a_busy_loop_ends_at_the_limit_on_processor_time() {
    let finished = python_with("print('running', flush=True)\nwhile True: pass", |limits| {
        limits.cpu = Duration::from_secs(1);
    });
    assert_eq!(lines(&finished), ["running"]);
    assert_eq!(finished.end, End::Cpu);
    assert!(finished.cpu >= Duration::from_millis(500), "{finished:?}");
}

#[test]
fn ignoring_the_warning_helps_no_busy_loop() {
    let program = "
signal.signal(signal.SIGXCPU, lambda *_: print('warned', flush=True))
while True: pass";
    let finished = python_with(program, |limits| limits.cpu = Duration::from_secs(1));
    assert_eq!(lines(&finished)[0], "warned");
    assert_eq!(finished.end, End::Cpu);
}

#[test]
fn more_than_a_part_of_a_second_is_too_much_even_if_the_program_ends_by_itself() {
    let program = "
while time.process_time() < 0.5: pass
print('done')";
    let finished = python_with(program, |limits| limits.cpu = Duration::from_millis(400));
    assert_eq!((lines(&finished), finished.end), (vec!["done"], End::Cpu));
}

#[test]
fn the_processor_time_of_children_counts() {
    let program = "
if os.fork() == 0:
    while time.process_time() < 0.7: pass
    os._exit(0)
os.wait()
print('waited')";
    let finished = python_with(program, |limits| limits.cpu = Duration::from_millis(600));
    assert_eq!((lines(&finished), finished.end), (vec!["waited"], End::Cpu));
}

#[test]
fn sleeping_past_the_deadline_is_ended() {
    let begun = Instant::now();
    let finished = python_with("print('asleep', flush=True)\ntime.sleep(1000)", |limits| {
        limits.wall = Duration::from_secs(2);
    });
    assert_eq!(
        (lines(&finished), finished.end),
        (vec!["asleep"], End::Wall)
    );
    assert!(finished.wall >= Duration::from_secs(2));
    assert!(
        begun.elapsed() < Duration::from_secs(1000),
        "the host waited for the program"
    );
}

/// Runs a program that keeps every processor busy for a while, and is alone when its deadline comes.
fn starves_itself(program: &str) {
    let finished = python_with(program, |limits| limits.wall = Duration::from_secs(8));
    assert_eq!(lines(&finished), ["alone again"]);
    assert_eq!(finished.end, End::Wall);
    assert_eq!(finished.waited, Duration::ZERO, "it waited for itself");
}

#[test]
fn a_program_that_starves_itself_by_processes_has_met_its_deadline() {
    starves_itself(
        "
begun = time.time()
children = []
for _ in range(14):
    child = os.fork()
    if child == 0:
        while time.time() < begun + 30: pass
    children.append(child)
while time.time() < begun + 3: pass
for child in children: os.kill(child, signal.SIGKILL); os.waitpid(child, 0)
print('alone again', flush=True)
time.sleep(1000)",
    );
}

#[test]
fn a_program_that_starves_itself_by_orphans_has_met_its_deadline() {
    // Nobody but the first process of the namespace waits for them.
    starves_itself(
        "
begun = time.time()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(14):
    if os.fork() == 0:
        while time.time() < begun + 3: pass
        os._exit(0)
while time.time() < begun + 3.5: pass
print('alone again', flush=True)
time.sleep(1000)",
    );
}

#[test]
fn a_program_that_starves_itself_by_threads_has_met_its_deadline() {
    // Checksums are taken without the interpreter's lock.
    starves_itself(
        "
import _thread, zlib
begun = time.time()
block = bytes(1 << 22)
done = []
def busy():
    while time.time() < begun + 3: zlib.crc32(block)
    done.append(1)
_thread.stack_size(1 << 18)
for _ in range(14): _thread.start_new_thread(busy, ())
while len(done) < 14: zlib.crc32(block)
print('alone again', flush=True)
time.sleep(1000)",
    );
}

#[test]
fn the_time_that_a_lone_program_waited_for_a_processor_is_known() {
    let sandbox = sandbox();
    let waited = std::thread::scope(|scope| {
        let busy = "
begun = time.time()
while time.time() < begun + 0.5: pass";
        let processors = std::thread::available_parallelism().unwrap().get();
        let runs: Vec<_> = (0..4 * processors)
            .map(|_| scope.spawn(|| run_in(&sandbox, busy, ample())))
            .collect();
        runs.into_iter()
            .map(|run| run.join().unwrap())
            .inspect(|finished| assert!(finished.waited < finished.wall, "{finished:?}"))
            .map(|finished| finished.waited)
            .sum::<Duration>()
    });
    // Each was to be busy for half a second, with four for each processor.
    assert!(waited > Duration::from_millis(100), "{waited:?}");
}

#[test]
fn no_time_at_all_is_a_deadline_too() {
    // An end that the launcher did not hear would be a fault, five seconds later.
    for wall in [Duration::ZERO, Duration::from_micros(1)] {
        assert_eq!(python_with("", |limits| limits.wall = wall).end, End::Wall);
    }
}

#[test]
fn processor_time_and_memory_are_known_of_programs_that_were_ended() {
    let program = "
held = bytearray(b'1' * (40 << 20))
if os.fork() == 0:
    while time.process_time() < 0.3: pass
print('ready', flush=True)
time.sleep(1000)";
    let finished = python_with(program, |limits| limits.wall = Duration::from_secs(5));
    assert_eq!(finished.end, End::Wall);
    assert_eq!(lines(&finished), ["ready", "ready"]);
    assert!(
        finished.cpu >= Duration::from_millis(300),
        "{:?}",
        finished.cpu
    );
    assert!(finished.peak_memory > 40 << 20, "{}", finished.peak_memory);
}

#[test]
fn a_program_without_descriptors_still_has_a_deadline() {
    let finished = python_with(
        "print('closing', flush=True)\nos.closerange(0, 64)\nwhile True: time.sleep(1)",
        |limits| limits.wall = Duration::from_secs(2),
    );
    assert_eq!(
        (lines(&finished), finished.end),
        (vec!["closing"], End::Wall)
    );
}

#[test]
fn stopped_programs_are_ended_too() {
    let finished = python_with(
        "print('stopping', flush=True)\nos.kill(os.getpid(), signal.SIGSTOP)\nprint('going on')",
        |limits| limits.wall = Duration::from_secs(2),
    );
    assert_eq!(
        (lines(&finished), finished.end),
        (vec!["stopping"], End::Wall)
    );
}

#[test]
fn a_flood_of_output_is_ended_and_what_came_before_is_kept() {
    for descriptor in [1, 2] {
        let program = format!("while True: os.write({descriptor}, b'x' * 65536)");
        let finished = python_with(&program, |limits| limits.output = 300_000);
        assert_eq!(finished.end, End::Output);
        assert_eq!(finished.stdout.len() + finished.stderr.len(), 300_000);
    }
}

#[test]
fn output_up_to_the_limit_is_whole() {
    let program = "sys.stdout.write('x' * 200_000); sys.stderr.write('y' * 100_000)";
    let finished = python_with(program, |limits| limits.output = 300_000);
    assert_eq!(finished.end, End::Exited(0));
    assert_eq!(
        (finished.stdout.len(), finished.stderr.len()),
        (200_000, 100_000)
    );
    let finished = python_with(program, |limits| limits.output = 299_999);
    assert_eq!(finished.end, End::Output);
}

#[test]
fn a_memory_bomb_is_ended_or_refused() {
    let _alone = alone_with_memory();
    let program = "
print('growing', flush=True)
held = []
while True: held.append(bytearray(1 << 20))";
    let sandbox = sandbox();
    let mut limits = ample();
    limits.memory = 64 << 20;
    let finished = run_in(&sandbox, program, limits);
    assert_eq!(lines(&finished), ["growing"]);
    if has(&sandbox, Layer::Cgroup) {
        assert_eq!(finished.end, End::Memory);
    } else {
        assert_eq!(finished.end, End::Exited(1));
        assert!(String::from_utf8_lossy(&finished.stderr).contains("MemoryError"));
    }
    // What programs share, such as the interpreter's text, is in their size but not in the group's.
    let most = limits.memory + limits.disk + (16 << 20);
    assert!(
        (20 << 20..=most).contains(&finished.peak_memory),
        "{}",
        finished.peak_memory
    );
}

#[test]
fn a_memory_bomb_in_a_child_counts_where_the_run_is_counted_together() {
    let _alone = alone_with_memory();
    let program = "
if os.fork() == 0:
    held = []
    while True: held.append(bytearray(1 << 20))
print(os.wait()[1] != 0)";
    let sandbox = sandbox();
    let mut limits = ample();
    limits.memory = 64 << 20;
    let finished = run_in(&sandbox, program, limits);
    assert_eq!(lines(&finished), ["True"]);
    let expected = if has(&sandbox, Layer::Cgroup) {
        End::Memory
    } else {
        End::Exited(0)
    };
    assert_eq!(finished.end, expected);
}

#[test]
fn the_peak_of_memory_is_the_programs_own() {
    let held: Vec<u8> = std::hint::black_box(vec![1; 128 << 20]);
    let small = python("");
    let large = python("x = bytearray(b'1' * (40 << 20))");
    assert!(
        small.peak_memory < 32 << 20,
        "{} beside {} of the host's",
        small.peak_memory,
        held.len()
    );
    assert!(large.peak_memory > 40 << 20, "{}", large.peak_memory);
}
