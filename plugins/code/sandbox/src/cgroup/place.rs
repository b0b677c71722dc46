//! Where this process may make groups, read from `/proc`.

use std::fs;
use std::path::{Path, PathBuf};

use super::Version;

/// Directories in which groups may be made: one for each controller with version 1, one with version 2.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub version: Version,
    pub directories: Vec<PathBuf>,
}

/// The place for this process, or what is missing.
pub(super) fn find() -> Result<Place, String> {
    let read = |path: &str| fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    let (groups, mounts) = (read("/proc/self/cgroup")?, read("/proc/self/mountinfo")?);
    let first = version_one(&groups, &mounts);
    let second = || version_two(&groups, &mounts);
    match first {
        Some(place) => Ok(place),
        None => second(),
    }
}

/// Below this process's own groups of memory and of processes, if both controllers are mounted.
fn version_one(groups: &str, mounts: &str) -> Option<Place> {
    let directory = |controller: &str| {
        let path = groups.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            controllers
                .split(',')
                .any(|name| name == controller)
                .then_some(path)
        })?;
        let mount = mounts.lines().filter_map(Mount::parse).find(|mount| {
            mount.kind == "cgroup" && mount.options.split(',').any(|name| name == controller)
        })?;
        Some(mount.directory(path))
    };
    Some(Place {
        version: Version::One,
        directories: vec![directory("memory")?, directory("pids")?],
    })
}

/// Beside this process's own group, or below it where it may hold both: where both controllers are handed down.
fn version_two(groups: &str, mounts: &str) -> Result<Place, String> {
    let path = groups
        .lines()
        .find_map(|line| line.strip_prefix("0::"))
        .ok_or("this process is in no group of version 2, and memory and pids of version 1 are not mounted")?;
    let mount = mounts
        .lines()
        .filter_map(Mount::parse)
        .find(|mount| mount.kind == "cgroup2")
        .ok_or("neither version of cgroups is mounted with memory and pids")?;
    let own = mount.directory(path);
    let beside = own
        .parent()
        .filter(|beside| beside.starts_with(mount.point));
    for directory in [Some(own.as_path()), beside].into_iter().flatten() {
        if hands_down(directory) {
            return Ok(Place {
                version: Version::Two,
                directories: vec![directory.to_owned()],
            });
        }
    }
    Err(format!(
        "memory and pids are handed down neither in {} nor beside it; start this process with \
         `systemd-run --user --scope -p Delegate=yes`, or as root",
        own.display()
    ))
}

fn hands_down(directory: &Path) -> bool {
    let text = fs::read_to_string(directory.join("cgroup.subtree_control")).unwrap_or_default();
    let has = |name| text.split_whitespace().any(|controller| controller == name);
    has("memory") && has("pids")
}

/// One line of `/proc/self/mountinfo`.
struct Mount<'a> {
    /// What of the file system is mounted.
    root: &'a str,
    /// Where.
    point: &'a Path,
    kind: &'a str,
    /// The options of the file system: with version 1, the controllers.
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ').skip(3);
        let mut right = right.split(' ');
        Some(Self {
            root: left.next()?,
            point: Path::new(left.next()?),
            kind: right.next()?,
            options: right.nth(1)?,
        })
    }

    /// Where a group is that `/proc/self/cgroup` names. A container's mount may show a part of the hierarchy only.
    fn directory(&self, group: &str) -> PathBuf {
        let below = Path::new(group)
            .strip_prefix(self.root)
            .unwrap_or(Path::new(group));
        self.point.join(below.strip_prefix("/").unwrap_or(below))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.
mod tests {
    use super::*;

    const MOUNTS: &str = "\
32 24 0:27 / /sys/fs/cgroup/pids rw,relatime shared:9 - cgroup cgroup rw,pids
33 24 0:28 /docker/abc /sys/fs/cgroup/memory rw,relatime shared:10 - cgroup cgroup rw,memory
34 24 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";

    #[test]
    fn version_one_is_found_below_this_process_and_through_a_containers_mount() {
        let groups = "4:memory:/docker/abc/job\n3:pids:/\n0::/\n";
        let place = version_one(groups, MOUNTS).unwrap();
        let expected = ["/sys/fs/cgroup/memory/job", "/sys/fs/cgroup/pids/"].map(PathBuf::from);
        assert_eq!(place.directories, expected);
        assert_eq!(version_one("3:pids:/\n0::/\n", MOUNTS), None);
    }

    #[test]
    fn version_two_says_where_it_looked() {
        let why = version_two("0::/user.slice/there-is-no-such-group\n", MOUNTS).unwrap_err();
        assert!(
            why.contains("/sys/fs/cgroup/unified/user.slice/there-is-no-such-group"),
            "{why}"
        );
        assert!(
            version_two("3:pids:/\n", MOUNTS)
                .unwrap_err()
                .contains("no group of version 2")
        );
    }
}
