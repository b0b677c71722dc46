//! Each command: a request for the runtime, and its answer as text.

use std::io::{BufWriter, IsTerminal, Read, Write, stdin, stdout};
use std::path::PathBuf;

use anyhow::{Context, Result};
use farthing_runtime::commands::export::WeightType;
use farthing_runtime::commands::{
    check, component_config, evaluate, export, merge, objective, plugins, sample, score, train,
};
use farthing_runtime::error::RuntimeError;
use farthing_runtime::host::{self, ComponentKind};
use farthing_runtime::model_access::ModelAccess;
use farthing_runtime::plugin_access::PluginAccess;
use farthing_runtime::run::logging::Logging;
use farthing_runtime::run::{Interrupt, MetricRow, Terminal};
use serde_json::{Value, json};

use crate::arguments::{
    Arguments, Check, Command, Component, Eval, Export, ExportFormat, ExportWeights, Merge,
    MergeMethod, Plugins, PluginsInspect, PluginsList, Sample, Score, Train,
};
use crate::table::aligned;

/// Carries a command out.
pub fn run(arguments: Arguments) -> Result<()> {
    let terminal = Terminal::standard_error();
    let verbosity = match arguments.quiet {
        true => -1,
        false => i8::try_from(arguments.verbose).unwrap_or(i8::MAX),
    };
    let logging = Logging::start(&terminal, verbosity)?;
    match arguments.command {
        Command::Train(arguments) => run_train(&arguments, &terminal, &logging),
        Command::Check(arguments) => run_check(&arguments, &terminal),
        Command::Eval(arguments) => run_eval(&arguments, &terminal),
        Command::Sample(arguments) => run_sample(arguments, &terminal),
        Command::Export(arguments) => run_export(&arguments, &terminal),
        Command::Merge(arguments) => run_merge(&arguments, &terminal),
        Command::Score(arguments) => run_score(&arguments),
        Command::Objective(arguments) => run_objective(&arguments),
        Command::Plugins(Plugins::List(arguments)) => run_plugins_list(&arguments),
        Command::Plugins(Plugins::Inspect(arguments)) => run_plugins_inspect(&arguments),
        Command::Probe { files } => {
            host::run_probe(&files);
            Ok(())
        }
    }
}

fn run_train(arguments: &Train, terminal: &Terminal, logging: &Logging) -> Result<()> {
    let interrupt = Interrupt::install().context("cannot listen for signals")?;
    let trained = train::train(train::TrainRequest {
        manifest: &arguments.manifest,
        overrides: &arguments.overrides.set,
        out: arguments.out.as_deref(),
        resume: arguments.resume,
        access: &access(&[])?.for_manifest(&arguments.manifest),
        models: &ModelAccess::new(terminal, &interrupt),
        terminal,
        logging,
        interrupt: interrupt.clone(),
    })?;
    if arguments.json {
        let rows: Vec<Value> = trained.evaluations.iter().map(evaluation_json).collect();
        print_json(&json!({
            "run": trained.directory,
            "checkpoint": trained.checkpoint,
            "evaluations": rows,
            "budget_spent": trained.budget_spent,
        }))?;
        return Ok(());
    }
    if !trained.evaluations.is_empty() {
        print(&aligned(&evaluation_table(&trained.evaluations)))?;
    }
    if trained.budget_spent {
        eprintln!("the budget is spent; go on with a larger `run.cost.budget_usd` and --resume");
    }
    if let Some(checkpoint) = &trained.checkpoint {
        print(&format!("\n{}\n", checkpoint.display()))?;
    }
    Ok(())
}

/// The figures that a table of evaluations shows, where any row has them.
fn evaluation_table(rows: &[MetricRow]) -> Vec<Vec<String>> {
    let shown = |name: &str| {
        let figure = |prefix: &str| {
            name.strip_prefix(prefix)
                .is_some_and(|rest| !rest.contains('/'))
        };
        figure("eval_pass@") || figure("eval_maj@") || name == "eval_completions/mean_length"
    };
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in rows.iter().flat_map(MetricRow::iter) {
        if shown(name) && !names.contains(&name) {
            names.push(name);
        }
    }
    names.sort_by_key(|name| {
        let (figure, k) = name.split_once('@').unwrap_or((name, ""));
        (figure, k.parse().unwrap_or(0_u64))
    });
    let heading = ["step", "stage", "problems"].map(String::from).to_vec();
    let names_shown = names
        .iter()
        .map(|name| match name.trim_start_matches("eval_") {
            "completions/mean_length" => "tokens".to_owned(),
            name => name.to_owned(),
        });
    let mut table = vec![heading.into_iter().chain(names_shown).collect::<Vec<_>>()];
    for row in rows {
        let cell = |name: &&str| match row.get(name) {
            None => "-".to_owned(),
            Some(length) if name.ends_with("length") => format!("{length:.1}"),
            Some(share) => format!("{:.1} %", share * 100.0),
        };
        let problems = row.get("eval_num_problems").unwrap_or_default();
        let start = [
            row.step.to_string(),
            row.stage.clone(),
            format!("{problems:.0}"),
        ];
        table.push(start.into_iter().chain(names.iter().map(cell)).collect());
    }
    table
}

fn evaluation_json(row: &MetricRow) -> Value {
    serde_json::from_str(&row.to_json_line()).unwrap_or(Value::Null)
}

fn run_check(arguments: &Check, terminal: &Terminal) -> Result<()> {
    let access = access(&[])?;
    // The plugins that a new lock pins need not be those of the old one.
    let access = match arguments.update_lock {
        true => access,
        false => access.for_manifest(&arguments.manifest),
    };
    let overrides = &arguments.overrides.set;
    let report = check::check(
        &arguments.manifest,
        overrides,
        &access,
        &models(terminal),
        arguments.update_lock,
    )?;
    if arguments.json {
        print_json(&serde_json::to_value(&report)?)?;
    } else {
        print(&report.text())?;
    }
    Ok(report.memory.refuse_excess()?)
}

fn run_eval(arguments: &Eval, terminal: &Terminal) -> Result<()> {
    let overrides = &arguments.overrides.set;
    let access = access(&[])?.for_manifest(&arguments.manifest);
    let comparison = evaluate::evaluate(
        &arguments.models,
        &arguments.manifest,
        overrides,
        &access,
        &models(terminal),
    )?;
    if arguments.json {
        print_json(&serde_json::to_value(&comparison)?)?;
    } else if arguments.markdown {
        print(&comparison.markdown())?;
    } else {
        print(&format!("{}\n", comparison.heading()))?;
        print(&aligned(&comparison.table()))?;
    }
    Ok(())
}

fn run_sample(arguments: Sample, terminal: &Terminal) -> Result<()> {
    let prompt = match arguments.prompt {
        Some(prompt) => prompt,
        None => {
            if stdin().is_terminal() {
                eprintln!("type a prompt and end it with Ctrl-D:");
            }
            let mut text = String::new();
            stdin()
                .read_to_string(&mut text)
                .context("cannot read the prompt")?;
            // The line's end is the terminal's, not the prompt's.
            let end = text.trim_end_matches(['\r', '\n']).len();
            text.truncate(end);
            text
        }
    };
    let request = sample::SampleRequest {
        prompt,
        chat: arguments.chat,
        temperature: arguments.temperature,
        top_p: arguments.top_p,
        max_new_tokens: arguments.max_new_tokens,
        seed: arguments.seed,
        device: arguments.device,
    };
    sample::sample(&arguments.model, &request, &models(terminal), &mut stdout())?;
    print("\n")
}

fn run_export(arguments: &Export, terminal: &Terminal) -> Result<()> {
    let named_gguf = arguments
        .out
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
    let format = match (arguments.format, arguments.weights) {
        (Some(ExportFormat::Gguf), weights) => export::Format::Gguf(weight_type(weights)),
        (None, weights) if named_gguf => export::Format::Gguf(weight_type(weights)),
        (Some(ExportFormat::Peft), None) => export::Format::Peft,
        (_, None) => export::Format::HuggingFace,
        (_, Some(_)) => {
            let problem = "--type is for GGUF files; directories hold f32";
            return Err(RuntimeError::Usage(problem.to_owned()).into());
        }
    };
    export::export(
        &arguments.checkpoint,
        &arguments.out,
        format,
        &models(terminal),
    )?;
    print(&format!("{}\n", arguments.out.display()))
}

fn run_merge(arguments: &Merge, terminal: &Terminal) -> Result<()> {
    let method = match (arguments.method, &arguments.base, arguments.scale) {
        (MergeMethod::TaskArithmetic, Some(base), scale) => merge::MergeMethod::TaskArithmetic {
            base: base.clone(),
            scale: scale.unwrap_or(1.0),
        },
        (MergeMethod::Linear, None, None) => merge::MergeMethod::Linear,
        (MergeMethod::Slerp, None, None) => merge::MergeMethod::Slerp,
        (method, _, _) => {
            let problem = match method {
                MergeMethod::TaskArithmetic => "task arithmetic adds to a model: give --base",
                _ => "--base and --scale are for --method task-arithmetic",
            };
            return Err(RuntimeError::Usage(problem.to_owned()).into());
        }
    };
    let report = merge::merge(&merge::MergeRequest {
        out: &arguments.out,
        models: &arguments.models,
        weights: &arguments.weights,
        method,
        access: &models(terminal),
    })?;
    if arguments.json {
        return print_json(&serde_json::to_value(&report)?);
    }
    let heading = ["model", "weight", "distance"].map(String::from).to_vec();
    let rows = report.models.iter().map(|model| {
        vec![
            model.path.display().to_string(),
            format!("{:.4}", model.weight),
            format!("{:.4}", model.distance),
        ]
    });
    let table: Vec<Vec<String>> = std::iter::once(heading).chain(rows).collect();
    print(&format!(
        "{}\n{}\n",
        aligned(&table),
        arguments.out.display()
    ))
}

fn weight_type(weights: Option<ExportWeights>) -> WeightType {
    match weights {
        None | Some(ExportWeights::F16) => WeightType::F16,
        Some(ExportWeights::Q8_0) => WeightType::Q8_0,
    }
}

fn run_score(arguments: &Score) -> Result<()> {
    let component = &arguments.component;
    let host = plugins::load(&access(&component.search.paths)?)?;
    let config = component_config(
        &host,
        ComponentKind::Reward,
        &component.name,
        &component.config,
    )?;
    score::score(
        &host,
        &component.name,
        &config,
        arguments.deadline.0,
        stdin(),
        &mut BufWriter::new(stdout().lock()),
    )?;
    Ok(())
}

fn run_objective(arguments: &Component) -> Result<()> {
    let host = plugins::load(&access(&arguments.search.paths)?)?;
    let config = component_config(
        &host,
        ComponentKind::Optimizer,
        &arguments.name,
        &arguments.config,
    )?;
    let input: objective::Input = serde_json::from_reader(stdin().lock()).map_err(|error| {
        RuntimeError::Usage(format!(
            "standard input: {error}; expected {{\"groups\":[{{\"rewards\":[..],\"sequences\":[{{\"logp\":[..]}}]}}]}}"
        ))
    })?;
    let output = objective::objective(&host, &arguments.name, &config, &input)?;
    print_json(&serde_json::to_value(&output)?)
}

fn run_plugins_list(arguments: &PluginsList) -> Result<()> {
    let host = plugins::load(&access(&arguments.search.paths)?)?;
    if arguments.json {
        return print_json(&plugins::list_json(&host));
    }
    let rows = plugins::list(&host);
    if rows.is_empty() {
        eprintln!("no plugins were found");
    }
    print(&aligned(&rows))
}

fn run_plugins_inspect(arguments: &PluginsInspect) -> Result<()> {
    let prober = access(&[])?.prober;
    let inspection = plugins::inspect(&arguments.file, prober.as_deref());
    if arguments.json {
        print_json(&serde_json::to_value(&inspection)?)?;
    } else {
        print(&plugins::inspection_text(&inspection))?;
    }
    match inspection.is_loadable() {
        true => Ok(()),
        false => Err(
            RuntimeError::Usage(format!("{} cannot be loaded", arguments.file.display())).into(),
        ),
    }
}

/// The plugins of the command line; libraries that no lock vouches for are tried out by this very program first.
fn access(paths: &[PathBuf]) -> Result<PluginAccess> {
    let prober =
        host::ProcessProber::this_program("__probe").context("cannot find this program")?;
    Ok(PluginAccess {
        paths: paths.to_vec(),
        prober: Some(Box::new(prober)),
        lock: None,
    })
}

/// Models of the hub for a command that a signal simply ends.
fn models(terminal: &Terminal) -> ModelAccess {
    ModelAccess::new(terminal, &Interrupt::default())
}

/// Prints text. Unlike `print!`, it takes a closed pipe for an answer.
fn print(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())
        .map_err(RuntimeError::Output)?;
    out.flush().map_err(RuntimeError::Output)?;
    Ok(())
}

fn print_json(value: &Value) -> Result<()> {
    print(&format!("{value:#}\n"))
}
