//! The command line's shape: every command and option with the sentence that `--help` shows.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

/// Trains small language models to reason, with tasks, rewards, samplers, optimizers and curricula as plugins.
#[derive(Debug, Parser)]
#[command(
    name = "farthing",
    version,
    about,
    propagate_version = true,
    disable_help_subcommand = true
)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    /// Say more: -v for details, -vv for a trace.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Say only what went wrong.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a manifest's stages
    Train(Train),
    /// Check a manifest and show its plan; trains nothing
    Check(Check),
    /// Measure models on held-out problems, side by side
    Eval(Eval),
    /// Talk to a model
    Sample(Sample),
    /// Write a model in the form that other programs open
    Export(Export),
    /// Merge models of one shape into one
    Merge(Merge),
    /// Score completions with a reward: JSON lines in, outcomes out
    ///
    /// Each line of input is {"problem":{"facts":..},"completion":".."}, each line of output one of
    /// {"outcome":"scored","value":1.0,"parts":{..}}, {"outcome":"abstain"}, {"outcome":"failed","why":".."},
    /// {"outcome":"timed_out"}.
    Score(Score),
    /// Evaluate a policy objective on numbers: JSON in, advantages, loss and derivatives out
    ///
    /// Reads {"groups":[{"rewards":[..],"sequences":[{"logp":[..],"old_logp":[..]}]}]} from standard input.
    Objective(Component),
    /// Look at plugins
    #[command(subcommand)]
    Plugins(Plugins),
    /// Open libraries and exit: what the host has a child do with a file that no lock vouches for
    #[command(name = "__probe", hide = true)]
    Probe { files: Vec<PathBuf> },
}

#[derive(Debug, Args)]
pub struct Train {
    /// The manifest
    #[arg(value_name = "RUN.toml")]
    pub manifest: PathBuf,
    #[command(flatten)]
    pub overrides: Overrides,
    /// The run directory [default: runs/<the run's name>]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Go on with the run in the run directory, from its newest whole checkpoint
    #[arg(long)]
    pub resume: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Check {
    /// The manifest
    #[arg(value_name = "RUN.toml")]
    pub manifest: PathBuf,
    #[command(flatten)]
    pub overrides: Overrides,
    /// Pin the plugins that are found, in farthing.lock beside the manifest
    #[arg(long)]
    pub update_lock: bool,
    /// Print the plan as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Eval {
    /// A model's directory, a .gguf file, a run directory for its newest checkpoint, or a model of the Hugging Face hub as owner/name; of several, each is compared with the first
    #[arg(value_name = "MODEL", required = true)]
    pub models: Vec<PathBuf>,
    /// The manifest that names tasks, rewards and the evaluation
    #[arg(value_name = "RUN.toml")]
    pub manifest: PathBuf,
    #[command(flatten)]
    pub overrides: Overrides,
    /// Print the figures as JSON
    #[arg(long)]
    pub json: bool,
    /// Print the table in Markdown
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
}

#[derive(Debug, Args)]
pub struct Sample {
    /// A model's directory, a .gguf file, a run directory for its newest checkpoint, or a model of the Hugging Face hub as owner/name
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// The prompt; standard input if left out
    #[arg(long, short)]
    pub prompt: Option<String>,
    /// Render the prompt as a user's message with the model's chat template
    #[arg(long)]
    pub chat: bool,
    /// 0 takes the likeliest token each time
    #[arg(long, short, default_value_t = 1.0)]
    pub temperature: f32,
    /// Draw from the likeliest tokens up to this share of the probability
    #[arg(long, default_value_t = 1.0)]
    pub top_p: f32,
    /// The longest answer in tokens
    #[arg(long, default_value_t = 256)]
    pub max_new_tokens: usize,
    /// The same seed draws the same answer
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// auto, cpu or cuda:N
    #[arg(long, default_value = "auto")]
    pub device: String,
}

#[derive(Debug, Args)]
pub struct Export {
    /// A model's directory, a .gguf file, a run directory for its newest checkpoint, or a model of the Hugging Face hub as owner/name
    #[arg(value_name = "CHECKPOINT")]
    pub checkpoint: PathBuf,
    /// What to write: a directory, or a file ending in .gguf
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// hf: a Hugging Face directory, adapters merged; peft: the adapters alone; gguf: a file for llama.cpp [default: gguf if OUT ends in .gguf, else hf]
    #[arg(long, value_enum)]
    pub format: Option<ExportFormat>,
    /// How the matrices of a GGUF file are stored [default: f16]
    #[arg(long = "type", value_enum)]
    pub weights: Option<ExportWeights>,
}

#[derive(Debug, Args)]
pub struct Merge {
    /// The directory to write
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// Model directories, run directories for their newest checkpoints, or models of the Hugging Face hub as owner/name
    #[arg(value_name = "MODEL", required = true)]
    pub models: Vec<PathBuf>,
    /// What a model counts in proportion to the others, once for each in their order [default: all equal]
    #[arg(long = "weight", value_name = "W", allow_negative_numbers = true)]
    pub weights: Vec<f64>,
    /// linear: the weighted mean; task-arithmetic: BASE + SCALE * mean(MODEL - BASE); slerp: along the arc between two, tensor by tensor
    #[arg(long, value_enum, default_value_t = MergeMethod::Linear)]
    pub method: MergeMethod,
    /// task-arithmetic's base: a model, as above
    #[arg(long, value_name = "MODEL")]
    pub base: Option<PathBuf>,
    /// task-arithmetic's scale [default: 1]
    #[arg(long, value_name = "SCALE", allow_negative_numbers = true)]
    pub scale: Option<f64>,
    /// Print what was merged as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MergeMethod {
    Linear,
    TaskArithmetic,
    Slerp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    Hf,
    Peft,
    Gguf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportWeights {
    F16,
    #[value(name = "q8_0")]
    Q8_0,
}

#[derive(Debug, Args)]
pub struct Score {
    #[command(flatten)]
    pub component: Component,
    /// How long one completion may take, such as 500ms or 2s
    #[arg(long, default_value = "10s")]
    pub deadline: farthing_runtime::manifest::HumanDuration,
}

#[derive(Debug, Args)]
pub struct Component {
    /// The component, as plugin/component
    #[arg(value_name = "COMPONENT")]
    pub name: String,
    /// Its configuration as a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub config: String,
    #[command(flatten)]
    pub search: Search,
}

#[derive(Debug, Subcommand)]
pub enum Plugins {
    /// List the plugins and components that are found
    List(PluginsList),
    /// Show everything about one library, layer by layer, without training anything
    Inspect(PluginsInspect),
}

#[derive(Debug, Args)]
pub struct PluginsList {
    #[command(flatten)]
    pub search: Search,
    /// Print the list as JSON, with the components' configuration schemas
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct PluginsInspect {
    /// The library
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print what is found as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Overrides {
    /// Set a key of the manifest, such as stage.1.steps=10; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Search {
    /// Also look for plugins in this directory, or load this library; may be given several times
    #[arg(long = "plugins", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}
