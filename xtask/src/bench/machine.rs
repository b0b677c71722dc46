//! The machine and the versions that a table belongs to. A number without them compares with nothing.

use std::fs;

use anyhow::Result;
use serde::Serialize;

use crate::versions::{commit, line_of, locked_version};

#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    pub processor: String,
    /// The widest vectors: `AVX-512`, `AVX2`, or nothing.
    pub vectors: String,
    pub cores: usize,
    pub memory_bytes: u64,
    pub is_virtual: bool,
    pub system: String,
    /// Of the last minute, when the benchmark began.
    pub load_average: String,
    pub date: String,
    pub commit: String,
    pub rustc: String,
    pub candle: String,
}

impl Machine {
    pub fn look() -> Result<Self> {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let flags = field(&cpuinfo, "flags").unwrap_or_default();
        let has = |flag: &str| flags.split_whitespace().any(|found| found == flag);
        let vectors = match (has("avx512f"), has("avx2")) {
            (true, _) => "AVX-512",
            (_, true) => "AVX2",
            _ => "",
        };
        let kib = field(&meminfo, "MemTotal").and_then(|text| {
            let number = text.strip_suffix("kB")?.trim();
            number.parse::<u64>().ok()
        });
        Ok(Self {
            processor: field(&cpuinfo, "model name").unwrap_or_else(|| "unknown".into()),
            vectors: vectors.into(),
            cores: std::thread::available_parallelism()?.get(),
            memory_bytes: kib.unwrap_or(0) * 1024,
            is_virtual: has("hypervisor"),
            system: line_of("uname", &["-sr"])?,
            load_average: load_average(),
            date: line_of("date", &["-u", "+%Y-%m-%d %H:%M UTC"])?,
            commit: commit(),
            rustc: line_of("rustc", &["--version"])?,
            candle: locked_version("candle-core").unwrap_or_else(|| "unknown".into()),
        })
    }

    /// The machine in one sentence.
    pub fn sentence(&self) -> String {
        let virtual_machine = match self.is_virtual {
            true => ", a virtual machine",
            false => "",
        };
        let vectors = match self.vectors.as_str() {
            "" => String::new(),
            vectors => format!(", {vectors}"),
        };
        format!(
            "{}{vectors}, {} cores, {:.0} GiB of memory{virtual_machine}, {}",
            self.processor,
            self.cores,
            self.memory_bytes as f64 / (1_u64 << 30) as f64,
            self.system
        )
    }
}

/// The three figures of the kernel.
pub fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace()
        .take(3)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The value of the first `name : value` line.
fn field(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_kernels_files() {
        let text = "processor\t: 0\nmodel name\t: A CPU @ 2.5GHz\nflags\t\t: fpu avx2\n";
        assert_eq!(field(text, "model name").as_deref(), Some("A CPU @ 2.5GHz"));
        assert_eq!(field(text, "bogomips"), None);
    }
}
