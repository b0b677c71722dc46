//! Finding out what a machine offers, by trying.
//!
//! A layer is on when a process went through it and then tried what the layer forbids, and the kernel answered as it
//! must: the steps of an order say what each call has to return, so a probe is an order of calls that must fail. A
//! layer that does not hold is left out and the rest is tried again, as long as the rest can do without it.

use crate::image::{self, Image};
use crate::machine::{Last, Machine};
use crate::outside::NOBODY;
use crate::protocol::{ORDER_DESCRIPTOR, PROGRAM};
use crate::{Job, Layer, LayerState, LayerStatus, Limits, SandboxError};

/// The layers that all others stand on: without one of them nothing runs, whatever the policy says.
pub(crate) const FLOOR: [Layer; 7] = [
    Layer::UserNamespace,
    Layer::PidNamespace,
    Layer::MountNamespace,
    Layer::PrivateRoot,
    Layer::DroppedIds,
    Layer::NoNewPrivileges,
    Layer::Limits,
];

/// Tries until what is left holds; every layer's state.
pub(crate) fn probe(machine: &mut Machine) -> Result<Vec<LayerStatus>, SandboxError> {
    let job = Job {
        program: "/".as_ref(),
        arguments: &[],
        environment: &[],
        files: &[("file", b"content")],
        stdin: b"",
        limits: Limits::default(),
        channel: true,
    };
    if machine.off.contains_key(&Layer::Limits) {
        return Ok(states(machine, Some(Layer::Limits)));
    }
    loop {
        let run = machine.start(&job, Last::Probe)?;
        let Some((stage, step, result)) = run.observed.failed else {
            return match run.observed.status {
                Some(0) => Ok(states(machine, None)),
                status => Err(SandboxError::Lost {
                    why: format!("the probe ended with status {status:?} and failed at no step"),
                }),
            };
        };
        let fault = image::fault(&run.purposes, stage, step, result);
        let layer = run
            .purposes
            .get(stage)
            .and_then(|steps| steps.get(step))
            .and_then(|purpose| purpose.layer);
        let (Some(layer), SandboxError::System { what, source }) = (layer, &fault) else {
            return Err(fault);
        };
        let why = format!("{what}: {source}{}", remedy(layer, machine.identity.drops));
        machine.off.insert(layer, why);
        if FLOOR.contains(&layer) {
            return Ok(states(machine, Some(layer)));
        }
    }
}

/// Every layer's state. Without one of the floor nothing else could be tried.
fn states(machine: &Machine, missing: Option<Layer>) -> Vec<LayerStatus> {
    let state = |layer: Layer| match (machine.off.get(&layer), missing) {
        (Some(why), _) => LayerState::Off(why.clone()),
        (None, Some(missing)) => LayerState::Off(format!("could not be tried without {missing}")),
        (None, None) => LayerState::On(detail(machine, layer)),
    };
    Layer::ALL
        .map(|layer| LayerStatus {
            layer,
            state: state(layer),
        })
        .to_vec()
}

fn detail(machine: &Machine, layer: Layer) -> String {
    match layer {
        Layer::DroppedIds if machine.identity.drops => format!("user {NOBODY}, inside and outside"),
        Layer::DroppedIds => format!("user {NOBODY} inside, {} outside", machine.identity.user),
        Layer::Landlock => machine
            .landlock
            .map(|version| format!("ABI {version}"))
            .unwrap_or_default(),
        Layer::Cgroup => machine
            .cgroups
            .as_ref()
            .map(|cgroups| cgroups.describe())
            .unwrap_or_default(),
        _ => String::new(),
    }
}

/// What to do about a layer that is missing, as far as the machine's settings tell.
fn remedy(layer: Layer, drops: bool) -> &'static str {
    let is = |path: &str, value: &str| {
        std::fs::read_to_string(path).is_ok_and(|text| text.trim() == value)
    };
    if !FLOOR.contains(&layer) {
        ""
    } else if is(
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
    ) {
        "; AppArmor restricts user namespaces here: \
         `sysctl kernel.apparmor_restrict_unprivileged_userns=0`, or a profile that allows `userns`"
    } else if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        "; user namespaces are root's here: `sysctl kernel.unprivileged_userns_clone=1`"
    } else if is("/proc/sys/user/max_user_namespaces", "0") {
        "; user namespaces are off: `sysctl user.max_user_namespaces=10000`"
    } else if layer == Layer::PrivateRoot && drops {
        "; as this process is root, programs run as user 65534, who must be able to reach every \
         path that is shown: keep interpreters where others can read them, not below /root"
    } else {
        "; in a container, allow user namespaces and mounts in them (Docker: `--security-opt \
         seccomp=unconfined --security-opt apparmor=unconfined`)"
    }
}

/// What must fail before the filter is in place, as it would hide why.
pub(crate) fn write_before(image: &mut Image, uses: &dyn Fn(Layer) -> bool) {
    image.stage(PROGRAM);
    let denied = |errno: i32| -i64::from(errno);
    let descriptor = ORDER_DESCRIPTOR as u64;
    let (here, slash) = (libc::AT_FDCWD as u64, image.text("/"));

    image.layer(Layer::PidNamespace);
    image.expect(2, "be the second process", libc::SYS_getpid, &[]);
    image.layer(Layer::UserNamespace);
    image.expect(i64::from(NOBODY), "be nobody", libc::SYS_getuid, &[]);
    image.expect(
        denied(libc::EINVAL),
        "become root",
        libc::SYS_setresuid,
        &[0, 0, 0],
    );
    image.layer(Layer::DroppedIds);
    let detach = libc::MNT_DETACH as u64;
    image.expect(
        denied(libc::EPERM),
        "unmount the root",
        libc::SYS_umount2,
        &[slash, detach],
    );
    image.expect(denied(libc::EPERM), "chroot", libc::SYS_chroot, &[slash]);
    image.layer(Layer::NoNewPrivileges);
    let get = libc::PR_GET_NO_NEW_PRIVS as u64;
    image.expect(1, "read no_new_privs", libc::SYS_prctl, &[get]);

    image.layer(Layer::PrivateRoot);
    let (proc, new) = (image.text("/proc/self"), image.text("/new"));
    image.expect(
        denied(libc::ENOENT),
        "open /proc/self",
        libc::SYS_openat,
        &[here, proc, 0],
    );
    image.expect(
        denied(libc::EROFS),
        "make /new",
        libc::SYS_mkdirat,
        &[here, new, 0o755],
    );

    if uses(Layer::NetworkNamespace) {
        image.layer(Layer::NetworkNamespace);
        let kind = (libc::SOCK_DGRAM | libc::SOCK_CLOEXEC) as u64;
        image.expect(
            descriptor as i64,
            "make a socket",
            libc::SYS_socket,
            &[libc::AF_INET as u64, kind, 0],
        );
        // 192.0.2.1, which is for documentation, port 9. A datagram socket's `connect` looks for a route only.
        let mut address = [0; 16];
        address[..2].copy_from_slice(&(libc::AF_INET as u16).to_ne_bytes());
        address[2..8].copy_from_slice(&[0, 9, 192, 0, 2, 1]);
        let to = image.bytes(&address);
        let unreachable = denied(libc::ENETUNREACH);
        image.expect(
            unreachable,
            "reach the network",
            libc::SYS_connect,
            &[descriptor, to, 16],
        );
        image.step("close the socket", libc::SYS_close, &[descriptor]);
    }
}

/// What must fail because of Landlock and the filter, and the end.
pub(crate) fn write_after(image: &mut Image, uses: &dyn Fn(Layer) -> bool) {
    image.stage(PROGRAM);
    let denied = |errno: i32| -i64::from(errno);
    let slash = image.text("/");
    if uses(Layer::Landlock) {
        image.layer(Layer::Landlock);
        let arguments = [libc::AT_FDCWD as u64, slash, libc::O_DIRECTORY as u64];
        image.expect(
            denied(libc::EACCES),
            "list the root",
            libc::SYS_openat,
            &arguments,
        );
    }
    if uses(Layer::Seccomp) {
        image.layer(Layer::Seccomp);
        image.expect(
            denied(libc::EPERM),
            "make a socket",
            libc::SYS_socket,
            &[libc::AF_INET as u64, libc::SOCK_DGRAM as u64, 0],
        );
        image.expect(
            denied(libc::EPERM),
            "make a user namespace",
            libc::SYS_unshare,
            &[libc::CLONE_NEWUSER as u64],
        );
        image.expect(
            denied(libc::ENOSYS),
            "call clone3",
            libc::SYS_clone3,
            &[0, 0],
        );
        image.expect(denied(libc::ENOSYS), "call what no kernel has", 4000, &[]);
    }
    image.layer(Layer::Limits);
    let files = Limits::default().open_files;
    image.expect(
        denied(libc::EBADF),
        "have more descriptors than allowed",
        libc::SYS_dup3,
        &[0, u64::from(files), 0],
    );
}
