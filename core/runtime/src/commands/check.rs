//! `farthing check`: says what a manifest means on this machine, and trains nothing.

use std::fmt::Write as _;
use std::path::Path;

use farthing_engine::DeviceLocation;
use serde::Serialize;

use crate::error::{Result, RuntimeError};
use crate::forecast::{Forecast, hours_text};
use crate::host::Lock;
use crate::manifest::Stage;
use crate::memory::{Machine, MemoryEstimate};
use crate::model_access::{Download, ModelAccess};
use crate::plan::{Plan, refuse_hub_model};
use crate::plugin_access::{PluginAccess, lock_beside};

/// The plan as data.
#[derive(Debug, Serialize)]
pub struct PlanReport {
    pub name: String,
    pub device: String,
    /// What passes and decoding compute in.
    pub dtype: String,
    pub parameters: usize,
    /// What `train` fetches first; none if the model is no model of the hub.
    pub download: Option<Download>,
    pub plugins: Vec<String>,
    pub stages: Vec<String>,
    /// On the machine that it is planned for: this one, or the GPU that the manifest describes.
    pub memory: MemoryEstimate,
    pub fits: bool,
    pub forecast: Forecast,
    /// Whether memory and forecast are those of a GPU that the manifest describes.
    pub rented: bool,
    /// Hours of wall-clock time after which the budget ends the run.
    pub budget_hours: Option<f64>,
}

/// Checks the manifest. Of a model of the hub it fetches what describes it, and says how large the rest is.
///
/// With `update_lock`, pins the plugins that were found in the lock file beside the manifest.
pub fn check(
    manifest: &Path,
    overrides: &[String],
    access: &PluginAccess,
    models: &ModelAccess,
    update_lock: bool,
) -> Result<PlanReport> {
    let plan = Plan::make(manifest, overrides, access, models)?;
    let download = download(&plan)?;
    let lengths = plan.rehearse()?;
    let memory = MemoryEstimate::on(&Machine::planned(&plan), &plan, &lengths)?;
    let forecast = Forecast::of(&plan, &lengths, &memory)?;
    if update_lock {
        Lock::of(plan.host.plugins()).write(&lock_beside(manifest))?;
    }
    let resolved = plan.manifest();
    Ok(PlanReport {
        name: resolved.run.name.clone(),
        dtype: plan.dtype.as_str().to_owned(),
        device: match plan.device.location() {
            DeviceLocation::Cpu => "cpu".to_owned(),
            DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
            DeviceLocation::Metal { gpu_id } => format!("metal:{gpu_id}"),
        },
        parameters: memory.parameters,
        download,
        plugins: plan
            .host
            .plugins()
            .map(|plugin| format!("{} {}", plugin.name, plugin.version))
            .collect(),
        stages: resolved.stages.iter().map(describe).collect(),
        fits: !memory.exceeds_machine(),
        memory,
        forecast,
        rented: plan.rented_gpu().is_some(),
        budget_hours: resolved.run.cost.as_ref().and_then(|cost| cost.hours()),
    })
}

/// What `train` has to fetch. A repository without weights is found here, before anybody waits for one.
fn download(plan: &Plan) -> Result<Option<Download>> {
    let Some(model) = &plan.hub_model else {
        return Ok(None);
    };
    match model.download() {
        Ok(download) => Ok(Some(download)),
        Err(error) => {
            let mut diagnostics = plan.file.diagnostics();
            refuse_hub_model(&plan.file, &error, &mut diagnostics);
            Err(RuntimeError::Manifest(diagnostics))
        }
    }
}

fn describe(stage: &Stage) -> String {
    let probed = stage.probe().map_or(String::new(), |probe| {
        format!(
            ", probed every {} with {} attempts at {} problems",
            probe.every, probe.attempts, probe.problems
        )
    });
    let length = match stage {
        Stage::Sft(stage) => match (stage.steps, stage.epochs) {
            (Some(steps), _) => format!("{steps} steps of {} examples", stage.batch),
            (None, epochs) => format!(
                "{} epochs over {} examples, {} at a time",
                epochs.unwrap_or(crate::manifest::SftStage::DEFAULT_EPOCHS),
                stage.examples,
                stage.batch
            ),
        },
        Stage::Rl(stage) => format!(
            "{} steps of {} problems, {} with {}, up to {} tokens",
            stage.steps,
            stage.problems_per_step,
            stage.optimizer.name,
            stage.sampler.name,
            stage.max_new_tokens
        ),
        Stage::Merge(stage) => match &stage.from {
            Some(from) => format!("the checkpoints that `{from}` selects"),
            None => format!("{} models", stage.models.len()),
        },
        Stage::Eval(stage) => format!(
            "{} problems, {} attempts each with {}",
            stage.problems, stage.attempts, stage.sampler.name
        ),
    };
    format!("{} ({}): {length}{probed}", stage.name(), stage.kind())
}

impl PlanReport {
    /// The plan for a person.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "{name:<10} {value}");
        };
        line("run", &self.name);
        line("device", &format!("{}, in {}", self.device, self.dtype));
        let trained = match self.memory.trainable == self.parameters {
            true => String::new(),
            false => format!(", {} trained", grouped(self.memory.trainable)),
        };
        line(
            "model",
            &format!("{} parameters{trained}", grouped(self.parameters)),
        );
        if let Some(download) = &self.download {
            line("download", &download.text());
        }
        line("plugins", &self.plugins.join(", "));
        for (index, stage) in self.stages.iter().enumerate() {
            line(
                if index == 0 { "stages" } else { "" },
                &format!("{}. {stage}", index + 1),
            );
        }
        let memory = &self.memory;
        let parts = [
            ("process", memory.process),
            ("weights", memory.weights),
            ("gradients and moments", memory.training_state),
            ("reference", memory.reference),
            ("activations", memory.activations),
            ("decoding", memory.decoding),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(_, bytes)| *bytes > 0.0)
            .map(|(name, bytes)| format!("{name} {}", bytes_text(*bytes)))
            .collect();
        let of = memory.available.map_or(String::new(), |available| {
            format!(" of {}", bytes_text(available))
        });
        line(
            "memory",
            &format!(
                "about {}{of}: {}",
                bytes_text(memory.peak),
                parts.join(", ")
            ),
        );
        for detail in memory_details(memory) {
            line("", &detail);
        }
        for (index, detail) in self.forecast.text(self.rented).iter().enumerate() {
            line(if index == 0 { "time" } else { "" }, detail);
        }
        if let Some(usd) = self.forecast.usd.filter(|usd| *usd > 0.0) {
            line("cost", &format!("at most ${usd:.2}"));
        }
        if let Some(hours) = self.budget_hours {
            line(
                "budget",
                &format!("saves and ends after {} of the machine", hours_text(hours)),
            );
        }
        text
    }
}

/// What the memory is reckoned for.
fn memory_details(memory: &MemoryEstimate) -> Vec<String> {
    let mut details = Vec::new();
    let sizes = [
        ("tokens in a micro-batch", memory.activation_tokens),
        ("positions decoded at a time", memory.decoding_tokens),
        ("tokens in the longest prompt", memory.prompt_tokens),
    ];
    let sizes: Vec<String> = sizes
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{} {name}", grouped(*count)))
        .collect();
    if !sizes.is_empty() {
        details.push(format!(
            "at most in `{}`: {}",
            memory.stage,
            sizes.join(", ")
        ));
    }
    if memory.recomputed_layers > 0 {
        details.push(format!(
            "{} layers keep their input alone and run again for the backward pass",
            memory.recomputed_layers
        ));
    }
    details
}

fn bytes_text(bytes: f64) -> String {
    const MIB: f64 = (1_u64 << 20) as f64;
    if bytes < 1024.0 * MIB {
        format!("{:.1} MiB", bytes / MIB)
    } else {
        format!("{:.2} GiB", bytes / MIB / 1024.0)
    }
}

/// 1234567 as `1,234,567`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
