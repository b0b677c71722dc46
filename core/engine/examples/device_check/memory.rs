//! The most memory that some work had in use at one time.
//!
//! The driver is asked (`cuMemGetInfo`, what nvidia-smi shows as used) and not nvidia-smi: a process for each look would
//! miss what lives for milliseconds. The number is the whole device's, with the context and what the allocator keeps, which
//! is what has to fit. On the CPU it is the process's resident memory. The look itself costs time, so it is taken beside a
//! repetition that is not timed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use farthing_engine::Device;

const LOOK_EVERY: Duration = Duration::from_millis(1);

/// The largest number of bytes in use while `work` ran.
pub fn peak_during<T>(device: &Device, work: impl FnOnce() -> Result<T>) -> Result<(T, u64)> {
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let meter = scope.spawn(|| -> Result<u64> {
            let mut peak = used(device)?;
            while !ended.load(Ordering::Relaxed) {
                std::thread::sleep(LOOK_EVERY);
                peak = peak.max(used(device)?);
            }
            Ok(peak)
        });
        let value = work();
        ended.store(true, Ordering::Relaxed);
        let peak = meter.join().expect("the meter does not panic")?;
        Ok((value?, peak))
    })
}

/// Bytes in use now.
fn used(device: &Device) -> Result<u64> {
    match device {
        #[cfg(feature = "cuda")]
        Device::Cuda(device) => {
            let stream = device.cuda_stream();
            let (free, total) = stream.context().mem_get_info()?;
            Ok((total - free) as u64)
        }
        _ => {
            let status = std::fs::read_to_string("/proc/self/status")?;
            resident(&status).context("/proc/self/status: expected a line with VmRSS")
        }
    }
}

/// `VmRSS`, in bytes.
fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// What the driver calls the device.
pub fn name(device: &Device) -> Result<String> {
    match device {
        #[cfg(feature = "cuda")]
        Device::Cuda(device) => Ok(device.cuda_stream().context().name()?),
        _ => Ok("cpu".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lives_only_while_the_work_runs_is_seen() {
        let (length, peak) = peak_during(&Device::Cpu, || {
            let bytes = vec![1_u8; 64 << 20];
            std::thread::sleep(LOOK_EVERY * 50);
            Ok(std::hint::black_box(bytes).len() as u64)
        })
        .expect("memory can be looked at");
        assert!(peak >= length, "{peak} < {length}");
    }
}
