//! Processes: how many, how long, and whom they reach.

use std::time::Duration;

use farthing_sandbox::End;

use crate::support::{ample, lines, prints, python, python_with, run_in, sandbox};

#[test]
fn a_fork_bomb_stays_small_and_hurts_no_other_run() {
    let sandbox = sandbox();
    let bomb = "
children = 0
while True:
    try:
        if os.fork() == 0: time.sleep(1000)
        children += 1
    except OSError as error:
        print(errno.errorcode[error.errno], children)
        break";
    let mut limits = ample();
    limits.processes = 10;
    std::thread::scope(|scope| {
        let bombs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| run_in(&sandbox, bomb, limits)))
            .collect();
        let calm = run_in(
            &sandbox,
            "pid = os.fork() or os._exit(0)\nprint(os.wait()[1])",
            limits,
        );
        assert_eq!(lines(&calm), ["0"]);
        for bomb in bombs {
            let finished = bomb.join().unwrap();
            // The program itself and nine more.
            assert_eq!(
                (lines(&finished), finished.end),
                (vec!["EAGAIN 9"], End::Exited(0))
            );
        }
    });
}

#[test]
fn an_exponential_fork_bomb_ends_with_its_program() {
    let finished = python_with(
        "
print('bomb', flush=True)
while True:
    try: os.fork()
    except OSError: pass",
        |limits| limits.wall = Duration::from_secs(2),
    );
    assert_eq!((lines(&finished)[0], finished.end), ("bomb", End::Wall));
}

#[test]
fn threads_count_as_processes() {
    let finished = python_with(
        "
import _thread
started = 0
try:
    while True: _thread.start_new_thread(time.sleep, (1000,)); started += 1
except RuntimeError as error: print(started, flush=True)
os._exit(0)",
        |limits| limits.processes = 6,
    );
    assert_eq!(lines(&finished), ["5"]);
}

#[test]
fn a_daemon_ends_with_its_program_though_it_holds_the_pipes() {
    let finished = python(
        "
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGHUP, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print('daemon', flush=True)
        while True: time.sleep(0.01); os.write(1, b'.')
    os._exit(0)
os.wait()
time.sleep(0.3)
print('program', flush=True)",
    );
    let text = String::from_utf8_lossy(&finished.stdout);
    assert!(
        text.starts_with("daemon\n") && text.contains("program\n"),
        "{text}"
    );
    assert_eq!(finished.end, End::Exited(0));
}

#[test]
fn an_orphan_is_collected_and_the_exit_is_the_programs() {
    let finished = python(
        "
if os.fork() == 0:
    if os.fork() == 0: os._exit(55)
    os._exit(44)
os.wait(); time.sleep(0.1)
sys.exit(33)",
    );
    assert_eq!(finished.end, End::Exited(33));
}

#[test]
fn signals_reach_nobody_outside() {
    let program = format!(
        "
print(os.getpid(), os.getppid())
print(said(os.kill, {}, signal.SIGKILL))
print(said(os.kill, -1, signal.SIGKILL) in ('ESRCH', 'EPERM', 'None'))
print(said(os.kill, 1, signal.SIGKILL) in ('EPERM', 'None'), said(os.kill, 1, signal.SIGSTOP) in ('EPERM', 'None'))
print(said(os.killpg, os.getpgid(1), signal.SIGKILL) in ('EPERM', 'ESRCH', 'None') if os.getpgid(1) else True)
time.sleep(0.1)
print('alive')",
        std::process::id()
    );
    prints(
        &program,
        &["2 1", "ESRCH", "True", "True True", "True", "alive"],
    );
}

#[test]
fn no_host_process_has_a_number_inside() {
    // The first process and the program itself; a number of the host's is somebody else's or nobody's.
    prints(
        "print([pid for pid in range(1, 70000) if said(os.kill, pid, 0) != 'ESRCH'])",
        &["[1, 2]"],
    );
}

#[test]
fn priorities_and_limits_cannot_be_changed() {
    prints(
        "
print(said(os.nice, -5), said(os.nice, 5), said(os.setpriority, os.PRIO_PROCESS, 0, 19))
print(said(os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(50)))
import resource
for limit in (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE):
    hard = resource.getrlimit(limit)[1]
    try: resource.setrlimit(limit, (hard + 1, hard + 1)); print('raised')
    except ValueError as error: print('refused')",
        &["EPERM EPERM EPERM", "EPERM", "refused", "refused", "refused", "refused", "refused"],
    );
}
