//! How many short programs a second go through the sandbox, and what that costs beside the programs themselves.
//!
//! ```sh
//! cargo run --release -p farthing-sandbox --example sandbox_speed -- [THREADS] [SECONDS] [PROGRAM ARGUMENT..]
//! ```

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use farthing_sandbox::{End, Job, Limits, Sandbox, SandboxPolicy};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |index: usize, default: u64| given.get(index).map_or(Ok(default), |text| text.parse());
    let (threads, seconds) = (number(0, 2)?, number(1, 5)?);
    let default = [
        "/usr/bin/python3",
        "-I",
        "-S",
        "-c",
        "print(sum(range(100)))",
    ];
    let command: Vec<&str> = match given.get(2..) {
        Some(command) if !command.is_empty() => command.iter().map(String::as_str).collect(),
        _ => default.to_vec(),
    };

    let sandbox = Sandbox::new(&SandboxPolicy::default())?;
    for layer in sandbox.layers() {
        println!("{layer}");
    }
    let job = Job {
        program: Path::new(command[0]),
        arguments: &command[1..],
        environment: &[],
        files: &[],
        stdin: b"",
        limits: Limits::default(),
        channel: false,
    };
    println!("{:?}", sandbox.run(&job)?);

    report("with the sandbox", threads, seconds, || {
        let finished = sandbox.run(&job).expect("the machine offers a sandbox");
        assert_eq!(finished.end, End::Exited(0));
    });
    report("without", threads, seconds, || {
        let output = Command::new(command[0])
            .args(&command[1..])
            .env_clear()
            .output();
        assert!(output.expect("the program exists").status.success());
    });
    Ok(())
}

/// Runs it in so many threads for so long, and prints the rate and the processor time of one run.
fn report(what: &str, threads: u64, seconds: u64, run: impl Fn() + Sync) {
    let (stop, count) = (AtomicBool::new(false), AtomicU64::new(0));
    let (begun, used) = (Instant::now(), processor_time());
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    run();
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        while begun.elapsed() < Duration::from_secs(seconds) {
            run();
            count.fetch_add(1, Ordering::Relaxed);
        }
        stop.store(true, Ordering::Relaxed);
    });
    let (elapsed, count) = (begun.elapsed().as_secs_f64(), count.into_inner() as f64);
    let used = (processor_time() - used).as_secs_f64();
    println!(
        "{what}: {:.0} a second in {} threads, {:.1} ms of processor time each",
        count / elapsed,
        threads,
        1e3 * used / count
    );
}

/// Of this process and all that it has waited for.
fn processor_time() -> Duration {
    let of = |who| {
        let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: the pointer is to a value of the type that the call writes, and all zeros are one too.
        let usage = unsafe {
            libc::getrusage(who, usage.as_mut_ptr());
            usage.assume_init()
        };
        let time = |time: libc::timeval| {
            Duration::from_secs(time.tv_sec.unsigned_abs())
                + Duration::from_micros(time.tv_usec.unsigned_abs())
        };
        time(usage.ru_utime) + time(usage.ru_stime)
    };
    of(libc::RUSAGE_SELF) + of(libc::RUSAGE_CHILDREN)
}
