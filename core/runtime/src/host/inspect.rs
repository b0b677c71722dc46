//! Everything about one library, layer by layer, even if it cannot be loaded.
//!
//! Loading stops at the first layer that refuses a file. Somebody who asks why wants to see how far it came, who built
//! it with what, and what it would offer.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use farthing_abi::Descriptor;
use farthing_sdk::{Surrounding, client};
use serde::{Serialize, Serializer};

use super::{
    component::{Component, PluginIdentity},
    file_snapshot::FileSnapshot,
    load,
    load_error::LoadFault,
    lock::Lock,
    preflight::{self, Preflight},
    probe::{ProbeReport, Prober},
};

/// What is known of one file.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    pub file: PathBuf,
    /// Size in bytes, if the file could be read.
    pub bytes: Option<u64>,
    /// From the descriptor, if there is one, whether or not its rules hold.
    pub plugin: Option<PluginIdentity>,
    /// The panic strategy that the descriptor states.
    pub panic: Option<String>,
    /// The checks in their order. Those behind a refusal that makes them meaningless are missing.
    pub findings: Vec<Finding>,
    /// What the library offers, if it could be loaded.
    pub components: Vec<Component>,
    /// What the library found of this machine, if it could be loaded and looks for anything.
    pub surroundings: Vec<Surrounding>,
}

/// One check of one layer.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// `file`, `descriptor`, `lock`, `probe` or `load`.
    pub layer: &'static str,
    /// What held, or what did not.
    pub message: String,
    /// Why the library is refused here; as data, its three texts.
    #[serde(serialize_with = "texts")]
    pub fault: Option<LoadFault>,
}

impl Inspection {
    /// Whether every layer let the library pass.
    pub fn is_loadable(&self) -> bool {
        self.findings.iter().all(|finding| finding.fault.is_none())
    }

    fn passed(&mut self, layer: &'static str, message: impl Into<String>) {
        self.findings.push(Finding {
            layer,
            message: message.into(),
            fault: None,
        });
    }

    fn refused(&mut self, layer: &'static str, fault: LoadFault) {
        let message = fault.to_string();
        self.findings.push(Finding {
            layer,
            message,
            fault: Some(fault),
        });
    }
}

/// Examines one file. Its code runs only if every check before lets it; with a prober, in a child process first.
pub fn inspect(file: &Path, lock: Option<&Lock>, prober: Option<&dyn Prober>) -> Inspection {
    let mut inspection = Inspection {
        file: file.into(),
        bytes: None,
        plugin: None,
        panic: None,
        findings: Vec::new(),
        components: Vec::new(),
        surroundings: Vec::new(),
    };
    let Some(checked) = examine(file, &mut inspection) else {
        return inspection;
    };
    if let Some(lock) = lock {
        match lock.check(&checked.identity) {
            Ok(()) => inspection.passed("lock", "the bytes are those of the lock file"),
            Err(fault) => inspection.refused("lock", fault),
        }
    }
    if let Some(prober) = prober {
        try_out(&checked, prober, &mut inspection);
    }
    if inspection.is_loadable() {
        open(&checked, &mut inspection);
    }
    inspection
}

fn examine(file: &Path, inspection: &mut Inspection) -> Option<Preflight> {
    let (snapshot, bytes) = match FileSnapshot::read(file) {
        Ok(read) => read,
        Err(fault) => {
            inspection.refused("file", fault);
            return None;
        }
    };
    inspection.bytes = Some(bytes.len() as u64);
    if let Err(fault) = preflight::check_image(&bytes) {
        inspection.refused("file", fault);
        return None;
    }
    inspection.passed(
        "file",
        format!("a whole dynamic library, {}", preflight::native_format()),
    );
    let descriptor = match preflight::read_descriptor(&bytes) {
        Ok(descriptor) => descriptor,
        Err(fault) => {
            inspection.refused("descriptor", fault);
            return None;
        }
    };
    let identity = preflight::identity(&descriptor, &snapshot, &bytes);
    inspection.panic = Some(descriptor.panic().into());
    inspection.plugin = Some(identity.clone());
    rules(&descriptor, inspection);
    Some(Preflight { identity, snapshot })
}

fn rules(descriptor: &Descriptor, inspection: &mut Inspection) {
    let faults = preflight::check_descriptor(descriptor);
    if faults.is_empty() {
        inspection.passed(
            "descriptor",
            "sdk, target and panic strategy suit this host",
        );
    }
    for fault in faults {
        inspection.refused("descriptor", fault);
    }
}

fn try_out(checked: &Preflight, prober: &dyn Prober, inspection: &mut Inspection) {
    if !inspection.is_loadable() {
        return;
    }
    let reports = prober.probe(std::slice::from_ref(&checked.identity.file));
    match reports.into_iter().next() {
        Some(ProbeReport::Died { how, printed }) => {
            inspection.refused("probe", LoadFault::Crashes { how, printed })
        }
        Some(ProbeReport::NotProbed { why }) => {
            inspection.refused("probe", LoadFault::NotProbed { why })
        }
        Some(ProbeReport::Survived) | None => {
            inspection.passed("probe", "a child process opened it and lived")
        }
    }
}

fn open(checked: &Preflight, inspection: &mut Inspection) {
    match load::load(checked) {
        Ok(plugin) => {
            inspection.passed("load", "the layout of the boundary is this host's");
            inspection.components = plugin.components;
            // A library that cannot look around works all the same, or says itself why not.
            inspection.surroundings = client::surroundings(plugin.root)
                .unwrap_or_else(|error| vec![Surrounding::off("surroundings", error)]);
        }
        Err(fault) => inspection.refused("load", fault),
    }
}

fn texts<S: Serializer>(fault: &Option<LoadFault>, serializer: S) -> Result<S::Ok, S::Error> {
    let texts = fault.as_ref().map(|fault| {
        BTreeMap::from([
            ("expected", fault.expected()),
            ("found", fault.found()),
            ("remedy", fault.remedy()),
        ])
    });
    texts.serialize(serializer)
}
