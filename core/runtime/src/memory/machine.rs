//! What this machine has.

/// Physical memory, or the limit of this process's control group if that is less.
pub(super) fn available() -> Option<f64> {
    #[cfg(target_os = "linux")]
    {
        let info = rustix::system::sysinfo();
        let physical = info.totalram as f64 * f64::from(info.mem_unit);
        let limits = [
            "/sys/fs/cgroup/memory.max",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        ];
        let read = |path: &&str| {
            std::fs::read_to_string(path)
                .ok()?
                .trim()
                .parse::<f64>()
                .ok()
        };
        Some(limits.iter().filter_map(read).fold(physical, f64::min))
    }
    #[cfg(not(target_os = "linux"))]
    None
}
