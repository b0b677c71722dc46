//! What of this machine a sandbox is made of, and one run on it.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use crate::cgroup::{Cgroups, Group, Verdict};
use crate::filter::Filter;
use crate::image::{self, Image};
use crate::outside::Identity;
use crate::protocol::ORDER_DESCRIPTOR;
use crate::root::Windows;
use crate::spawn::{self, Launcher};
use crate::supervise::{self, Observed, Pipes};
use crate::verdict::MachineKills;
use crate::{
    Job, Layer, SandboxError, SandboxPolicy, confine, landlock_rules, outside, probe, root,
};

/// What of this machine a sandbox is made of.
pub(crate) struct Machine {
    pub launcher: Launcher,
    pub identity: Identity,
    pub windows: Windows,
    pub filter: Filter,
    pub last_capability: u64,
    pub landlock: Option<i32>,
    pub cgroups: Option<Cgroups>,
    /// The layers that this machine turned out not to have, and why.
    pub off: BTreeMap<Layer, String>,
    pub kills: MachineKills,
}

/// Before this version the limit on processes counted those of a user everywhere, so that the forks of one run would
/// fail because of another's.
const COUNTS_PROCESSES_BY_NAMESPACE: (u32, u32) = (5, 14);

/// The release of this kernel, if it is older than that.
fn kernel_before(wanted: (u32, u32)) -> Option<String> {
    let release = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|number| number.parse().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    (version < wanted).then_some(release)
}

/// What the process that becomes the program does last.
pub(crate) enum Last<'a> {
    /// It becomes the program.
    Program(&'a Job<'a>),
    /// It tries what the layers forbid; see `probe`.
    Probe,
}

/// A run that is over, and what is needed to judge it.
pub(crate) struct Run {
    pub observed: Observed,
    pub purposes: image::Purposes,
    pub memory: Option<Verdict>,
}

impl Machine {
    pub fn new(policy: &SandboxPolicy) -> Result<Self, SandboxError> {
        let system = |what: &str| {
            let what = what.to_owned();
            move |source: io::Error| SandboxError::System { what, source }
        };
        let mut off = BTreeMap::new();
        let landlock = landlock_rules::version()
            .map_err(|error| {
                let why = format!(
                    "the kernel says {error}; Linux 5.13 or later has it, if it was built with it and `landlock` is \
                     among the modules that it starts (the boot parameter `lsm=`)"
                );
                off.insert(Layer::Landlock, why);
            })
            .ok();
        if let Some(release) = kernel_before(COUNTS_PROCESSES_BY_NAMESPACE) {
            let (major, minor) = COUNTS_PROCESSES_BY_NAMESPACE;
            let why = format!(
                "Linux {release} counts the processes of all runs together; expected {major}.{minor} or later"
            );
            off.insert(Layer::Limits, why);
        }
        let cgroups = Cgroups::new()
            .map_err(|why| {
                off.insert(Layer::Cgroup, why);
            })
            .ok();
        let last_capability = std::fs::read_to_string("/proc/sys/kernel/cap_last_cap")
            .and_then(|text| text.trim().parse().map_err(io::Error::other))
            .map_err(system("read /proc/sys/kernel/cap_last_cap"))?;
        Ok(Self {
            launcher: Launcher::new()?,
            identity: Identity::of_this_process()
                .map_err(system("read this process's identity"))?,
            windows: Windows::new(&policy.read_only)?,
            filter: Filter::new()?,
            last_capability,
            landlock,
            cgroups,
            off,
            kills: MachineKills::so_far(),
        })
    }

    pub fn uses(&self, layer: Layer) -> bool {
        !self.off.contains_key(&layer)
    }

    /// Runs a job, or a probe in its place, to the end.
    pub fn start(&self, job: &Job<'_>, last: Last<'_>) -> Result<Run, SandboxError> {
        let system = |what: &'static str| {
            move |source: io::Error| SandboxError::System {
                what: what.to_owned(),
                source,
            }
        };
        let cgroups = self.cgroups.as_ref().filter(|_| self.uses(Layer::Cgroup));
        let group = cgroups
            .map(|cgroups| cgroups.take(&job.limits))
            .transpose()
            .map_err(system("make a cgroup"))?;
        let ran = self.order(job, last, group.as_ref()).and_then(|order| {
            let observed = self.launch(job, &order.bytes)?;
            Ok((observed, order.purposes))
        });
        // The group goes back whatever happened: nobody is in it any more.
        let memory = match (cgroups, group) {
            (Some(cgroups), Some(group)) => Some(cgroups.give_back(group)),
            _ => None,
        };
        let (observed, purposes) = ran?;
        let memory = memory
            .transpose()
            .map_err(system("read a cgroup's counts"))?;
        Ok(Run {
            observed,
            purposes,
            memory,
        })
    }

    /// All that the launcher is to do.
    fn order(
        &self,
        job: &Job<'_>,
        last: Last<'_>,
        group: Option<&Group>,
    ) -> Result<image::Written, SandboxError> {
        let mut image = Image::new();
        let entrances = group.map(Group::entrances).unwrap_or_default();
        let entrances: Vec<&Path> = entrances.iter().map(AsRef::as_ref).collect();
        outside::write(&mut image, self.identity, &entrances, &|layer| {
            self.uses(layer)
        });
        root::write(&mut image, &self.windows, &job.limits, job.files)?;
        confine::write_privileges(&mut image, self.last_capability);
        if matches!(last, Last::Probe) {
            probe::write_before(&mut image, &|layer| self.uses(layer));
        }
        confine::write_limits(&mut image, &job.limits, group.is_some())?;
        if let Some(version) = self.landlock.filter(|_| self.uses(Layer::Landlock)) {
            landlock_rules::write(&mut image, version, &self.windows);
        }
        if self.uses(Layer::Seccomp) {
            self.filter.write(&mut image);
        }
        match last {
            Last::Program(job) => write_program(&mut image, job)?,
            Last::Probe => probe::write_after(&mut image, &|layer| self.uses(layer)),
        }
        Ok(image.write())
    }

    /// Starts the launcher and watches it.
    fn launch(&self, job: &Job<'_>, order: &[u8]) -> Result<Observed, SandboxError> {
        let prepare = || -> io::Result<(libc::pid_t, Pipes)> {
            let order = spawn::sealed_file(order)?;
            // A file of this run's own, also where it is empty: flags and locks of what runs share, such as one open
            // /dev/null, would carry word from one to the next.
            let stdin = spawn::sealed_file(job.stdin)?;
            let (stdout, stdout_end) = spawn::pipe()?;
            let (stderr, stderr_end) = spawn::pipe()?;
            let (report, report_end) = spawn::pipe()?;
            let channel = if job.channel {
                Some(spawn::pipe()?)
            } else {
                None
            };
            let (channel, channel_end) = channel.unzip();
            let descriptors: [&OwnedFd; ORDER_DESCRIPTOR as usize + 1] = [
                &stdin,
                &stdout_end,
                &stderr_end,
                channel_end.as_ref().unwrap_or(&stdin),
                &report_end,
                &order,
            ];
            let launcher = self.launcher.start(descriptors)?;
            Ok((
                launcher,
                Pipes {
                    outputs: [Some(stdout), Some(stderr), channel],
                    report,
                },
            ))
        };
        let (launcher, pipes) = prepare().map_err(|source| SandboxError::System {
            what: "start the launcher".to_owned(),
            source,
        })?;
        supervise::watch(launcher, pipes, job.limits.wall, job.limits.output)
    }
}

/// The last step: the program itself.
fn write_program(image: &mut Image, job: &Job<'_>) -> Result<(), SandboxError> {
    let texts = || {
        job.arguments.iter().copied().chain(
            job.environment
                .iter()
                .flat_map(|&(name, value)| [name, value]),
        )
    };
    let program = job.program.as_os_str().as_encoded_bytes();
    if !job.program.is_absolute() || program.contains(&0) || texts().any(|text| text.contains('\0'))
    {
        return Err(SandboxError::Job {
            what: format!(
                "program {}: expected an absolute path, and no NUL in it, its arguments and its environment",
                job.program.display()
            ),
        });
    }
    image.layer(None);
    if !job.channel {
        // Only now: the steps before count on which descriptor is the lowest that is free.
        image.step("close the channel", libc::SYS_close, &[Job::CHANNEL as u64]);
    }
    let path = image.text(program);
    let arguments =
        std::iter::once(program).chain(job.arguments.iter().map(|text| text.as_bytes()));
    let arguments = image.texts(arguments);
    let environment = image.texts(
        job.environment
            .iter()
            .map(|(name, value)| format!("{name}={value}")),
    );
    image.step(
        "start the program",
        libc::SYS_execve,
        &[path, arguments, environment],
    );
    Ok(())
}
