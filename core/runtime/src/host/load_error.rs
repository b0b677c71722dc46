//! Why a plugin is refused.
//!
//! A refusal is a file and a fault. Each fault knows three texts beside its own: what was expected, what was found,
//! and what to do. [`LoadErrors`] holds every refusal of one attempt to load, so that nobody repairs one plugin a run.

use std::{error::Error, fmt, path::PathBuf};

use super::{
    component::SdkVersion,
    lock::{LockedPlugin, UPDATE_LOCK},
};

/// Every plugin that was refused in one attempt to load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadErrors(pub Vec<LoadError>);

/// One plugin that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// The library, or the directory that was to be searched.
    pub file: PathBuf,
    pub fault: LoadFault,
}

/// What is wrong with a library. `Display` says it in a few words, without the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadFault {
    #[error("the directory cannot be searched")]
    Directory { why: String },
    #[error("there is no such file")]
    Missing,
    #[error("the file cannot be read")]
    Unreadable { why: String },
    #[error("not a regular file")]
    NotRegular { found: &'static str },
    #[error("the file is empty")]
    Empty,
    #[error("not a dynamic library")]
    NotALibrary { found: String },
    #[error("built for another machine")]
    WrongMachine { expected: String, found: String },
    #[error("the file is not whole")]
    Truncated {
        missing: String,
        needed: u64,
        found: u64,
    },
    #[error("the file is damaged")]
    Damaged { why: String },
    #[error("not a farthing plugin")]
    NoDescriptor,
    #[error("the plugin descriptor cannot be read")]
    BadDescriptor { why: String },
    #[error("the plugin's name cannot be used in a manifest")]
    BadName { name: String },
    #[error("built with an sdk that this host does not support")]
    Sdk {
        host: SdkVersion,
        plugin: SdkVersion,
    },
    #[error("built for another target")]
    OtherTarget { expected: String, found: String },
    #[error("built so that a panic ends the process")]
    PanicStrategy { found: String },
    #[error("another plugin has the same name")]
    DuplicateName { name: String, other: PathBuf },
    #[error("the plugin is not in the lock file")]
    NotLocked { plugin: String, locked: Vec<String> },
    #[error("the plugin differs from the lock file")]
    LockMismatch {
        expected: Box<LockedPlugin>,
        found: Box<LockedPlugin>,
    },
    #[error("the lock file asks for a plugin that was not found")]
    LockedPluginMissing { plugin: String, version: String },
    #[error("the plugin ends the process that loads it")]
    Crashes { how: String, printed: String },
    #[error("the library could not be tried out")]
    NotProbed { why: String },
    #[error("the system's loader refuses the library")]
    Open { why: String },
    #[error("the file changed while it was being loaded")]
    Changed { field: &'static str },
    #[error("no root module")]
    NoRootModule,
    #[error("built with another version of the boundary's foundation")]
    OtherFoundation { why: String },
    #[error("the layout check is switched off")]
    LayoutUnchecked,
    #[error("the layout of the boundary differs")]
    OtherLayout {
        /// abi_stable's, with both layouts in full.
        report: String,
    },
    #[error("the root module cannot be made")]
    RootModule { why: String },
    #[error("the plugin cannot list its components")]
    Listing { error: Box<farthing_sdk::Error> },
    #[error("the plugin registers nothing")]
    RegistersNothing,
    #[error("a component cannot be used")]
    BadComponent {
        component: String,
        expected: String,
        found: String,
    },
}

impl LoadFault {
    /// What a loadable library has in this place.
    pub fn expected(&self) -> String {
        match self {
            Self::Directory { .. } => "a directory that this user may read".into(),
            Self::Missing | Self::Unreadable { .. } => {
                "a dynamic library that this user may read".into()
            }
            Self::NotRegular { .. } => "a regular file, or a link to one".into(),
            Self::Empty | Self::NotALibrary { .. } => {
                format!(
                    "a dynamic library in {} format",
                    super::preflight::native_format()
                )
            }
            Self::WrongMachine { expected, .. } | Self::OtherTarget { expected, .. } => {
                expected.clone()
            }
            Self::Truncated {
                missing, needed, ..
            } => format!("at least {needed} bytes, for {missing}"),
            Self::Damaged { .. } => "consistent headers".into(),
            Self::NoDescriptor => format!("a section {}", farthing_abi::DESCRIPTOR_SECTION),
            Self::BadDescriptor { .. } => "the record that `plugin!` writes".into(),
            Self::BadName { .. } => "lower-case letters, digits and `-`".into(),
            Self::Sdk { host, .. } => {
                let [major, minor, _] = host.0;
                format!("sdk {major}.{minor} or an older {major}.x")
            }
            Self::PanicStrategy { .. } => "panic = \"unwind\"".into(),
            Self::DuplicateName { name, .. } => format!("one plugin named `{name}`"),
            Self::NotLocked { locked, .. } if locked.is_empty() => {
                "no plugin at all: the lock is empty".into()
            }
            Self::NotLocked { locked, .. } => format!("one of {}", locked.join(", ")),
            Self::LockMismatch { expected, found } => expected.difference(found),
            Self::LockedPluginMissing { plugin, version } => format!("`{plugin}` {version}"),
            Self::Crashes { .. } => "a library whose start-up code returns".into(),
            Self::NotProbed { .. } => "a child process that loads it".into(),
            Self::Open { .. } => "a library with all its symbols and dependencies".into(),
            Self::Changed { .. } => "the file that was checked".into(),
            Self::NoRootModule => "the symbol that `plugin!` exports".into(),
            Self::OtherFoundation { .. } => "abi_stable 0.11, as farthing-sdk brings it".into(),
            Self::LayoutUnchecked => "a root module that carries its layout".into(),
            Self::OtherLayout { .. } => "the layout of farthing-abi 1.x".into(),
            Self::RootModule { .. } => "a root module".into(),
            Self::Listing { .. } => "a list of components".into(),
            Self::RegistersNothing => "at least one component".into(),
            Self::BadComponent { expected, .. } => expected.clone(),
        }
    }

    /// What this library has instead.
    pub fn found(&self) -> String {
        match self {
            Self::Missing => "nothing at this path".into(),
            Self::Empty => "0 bytes".into(),
            Self::NotRegular { found } => (*found).into(),
            Self::NotALibrary { found }
            | Self::WrongMachine { found, .. }
            | Self::OtherTarget { found, .. }
            | Self::BadComponent { found, .. } => found.clone(),
            Self::Directory { why }
            | Self::Unreadable { why }
            | Self::Damaged { why }
            | Self::BadDescriptor { why }
            | Self::NotProbed { why }
            | Self::Open { why }
            | Self::OtherFoundation { why }
            | Self::RootModule { why } => why.clone(),
            Self::Truncated { found, .. } => format!("{found} bytes"),
            Self::NoDescriptor => "a library without it".into(),
            Self::BadName { name } => format!("{name:?}"),
            Self::Sdk { plugin, .. } => format!("sdk {plugin}"),
            Self::PanicStrategy { found } => format!("panic = {found:?}"),
            Self::DuplicateName { other, .. } => format!("another in `{}`", other.display()),
            Self::NotLocked { plugin, .. } => format!("`{plugin}`"),
            Self::LockMismatch { expected, found } => found.difference(expected),
            Self::LockedPluginMissing { .. } => "no plugin of that name".into(),
            Self::Crashes { how, printed } if printed.is_empty() => how.clone(),
            Self::Crashes { how, printed } => format!("{how}, after printing: {printed}"),
            Self::Changed { field } => format!("another {field}"),
            Self::NoRootModule => "a library without it".into(),
            Self::LayoutUnchecked => "a plugin whose author opted out".into(),
            Self::OtherLayout { report } => differences(report),
            Self::Listing { error } => without_remedy(error),
            Self::RegistersNothing => "none".into(),
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Directory { .. } => "correct `search` in the manifest's [plugins], or create the directory".into(),
            Self::Missing => "correct the path, or build the plugin with `cargo build`".into(),
            Self::Unreadable { .. } => "make the file readable for this user".into(),
            Self::NotRegular { .. } => "name the library itself; a directory goes into `search`".into(),
            Self::Empty | Self::Truncated { .. } | Self::Damaged { .. } => {
                "copy or build the library again; its last copy was perhaps cut off".into()
            }
            Self::NotALibrary { .. } => "build the plugin as crate-type = [\"cdylib\"] and name that file".into(),
            Self::WrongMachine { .. } | Self::OtherTarget { .. } => {
                format!("build the plugin with `--target {}`", farthing_sdk::private::TARGET)
            }
            Self::NoDescriptor => "write `farthing_sdk::plugin!(\"name\")` in the crate's lib.rs".into(),
            Self::BadDescriptor { .. } => "rebuild the plugin with the farthing-sdk of this host".into(),
            Self::BadName { .. } => "rename the plugin in its `plugin!(..)`".into(),
            Self::Sdk { host, plugin } if plugin.0[0] == host.0[0] => {
                let [host_major, host_minor, _] = host.0;
                let [major, minor, _] = plugin.0;
                format!(
                    "update farthing to {major}.{minor} or later, or build the plugin with farthing-sdk \
                     {host_major}.{host_minor}"
                )
            }
            Self::Sdk { host, .. } => {
                format!("build the plugin with farthing-sdk {}.{}", host.0[0], host.0[1])
            }
            Self::PanicStrategy { .. } => {
                "remove panic = \"abort\" from the profile the plugin is built with: the sdk catches panics inside the \
                 plugin, and an aborting one would end the run"
                    .into()
            }
            Self::DuplicateName { .. } => "remove one of the two files, or rename a plugin in its `plugin!(..)`".into(),
            Self::NotLocked { .. } | Self::LockMismatch { .. } => {
                format!("put back the locked file, or accept this one with `{UPDATE_LOCK}`")
            }
            Self::LockedPluginMissing { .. } => {
                format!("put the plugin's library into a searched directory, or drop it with `{UPDATE_LOCK}`")
            }
            Self::Crashes { .. } => {
                "repair the code that runs when the library is opened (static constructors), or remove the file".into()
            }
            Self::NotProbed { .. } => "see that a process can be started here".into(),
            Self::Open { .. } => "install what the library links to, or rebuild it on this machine".into(),
            Self::Changed { .. } => "try again once nothing writes to the file".into(),
            Self::NoRootModule | Self::OtherFoundation { .. } | Self::OtherLayout { .. } => {
                "build the plugin with farthing-sdk and its `plugin!(..)`, unchanged".into()
            }
            Self::LayoutUnchecked => "build the plugin with `plugin!(..)`, which keeps the check on".into(),
            Self::RootModule { .. } => "tell the plugin's author".into(),
            Self::Listing { error } if !error.remedy().is_empty() => error.remedy().into(),
            Self::Listing { .. } => "tell the plugin's author".into(),
            Self::RegistersNothing => {
                "mark an `impl` with #[component(\"name\")]; if there is one, the linker dropped it: say `plugin!` in \
                 the same crate"
                    .into()
            }
            Self::BadComponent { .. } => "repair the component, or use another version of the plugin".into(),
        }
    }
}

/// What a layout report says after each `Error:`, on one line. The two layouts around it fill pages.
fn differences(report: &str) -> String {
    let mut found = Vec::new();
    for section in report.split("\nError:").skip(1) {
        let lines = section.lines().take_while(|line| !line.is_empty());
        let text = lines
            .flat_map(str::split_whitespace)
            .collect::<Vec<_>>()
            .join(" ");
        found.push(
            text.replacen(" Expected:", ": expected", 1)
                .replacen(" Found:", ", found", 1),
        );
    }
    match found.is_empty() {
        true => report.to_owned(),
        false => found.join("; "),
    }
}

/// A plugin's error as one line; its remedy has a line of its own.
pub(super) fn without_remedy(error: &farthing_sdk::Error) -> String {
    let texts = std::iter::once(error.message());
    let texts = texts.chain(error.causes().iter().map(String::as_str));
    texts.collect::<Vec<_>>().join(": ")
}

impl fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = &self.fault;
        writeln!(formatter, "cannot load `{}`: {fault}", self.file.display())?;
        writeln!(formatter, "  expected: {}", fault.expected())?;
        writeln!(formatter, "  found: {}", fault.found())?;
        write!(formatter, "  remedy: {}", fault.remedy())
    }
}

impl Error for LoadError {}

impl fmt::Display for LoadErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.0.iter().enumerate() {
            if number > 0 {
                formatter.write_str("\n")?;
            }
            write!(formatter, "{error}")?;
        }
        Ok(())
    }
}

impl Error for LoadErrors {}
