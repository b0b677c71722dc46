//! What every metric means: the one place that names, explains and files the numbers of a run.
//!
//! Names are TRL's where TRL has one, so that existing dashboards and habits carry over; where it has none
//! they follow verl (`timing_s/*`, `perf/*`). A name with braces is a pattern: `rewards/{reward}/mean` stands
//! for every reward, and `{reward}` may contain slashes, as component names do. A metric of an evaluation has
//! the prefix `eval_` before the same name, and one of a probe `probe_`.
//!
//! The table feeds three readers: the warning about undeclared names, the choice of file, and the page
//! `docs/metrics.md`, which is [`MetricRegistry::markdown`].

use std::borrow::Cow;
use std::fmt::Write;

/// What stands before the names of measurements: of evaluations, and of probes in the course of a stage.
const MEASUREMENT_PREFIXES: [&str; 2] = ["eval_", "probe_"];

/// The mean reward of a step.
pub const REWARD: &str = "reward";
/// The loss that was differentiated.
pub const LOSS: &str = "loss";
/// The mean entropy of the policy.
pub const ENTROPY: &str = "entropy";
/// The norm of the gradient.
pub const GRADIENT_NORM: &str = "grad_norm";
/// The mean number of tokens of a completion.
pub const COMPLETION_LENGTH: &str = "completions/mean_length";
/// The share of held-out problems solved by one attempt.
pub const HELD_OUT_PASS_AT_1: &str = "eval_pass@1";
/// Tokens processed in a second.
pub const THROUGHPUT: &str = "perf/throughput";

/// The description of one metric, or of a family of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricDoc {
    /// Name, or a pattern with parts in braces.
    pub name: Cow<'static, str>,
    /// What is counted or measured: "tokens", "seconds", "nats", "share 0..1".
    pub unit: Cow<'static, str>,
    /// One sentence that lets a reader act on the number.
    pub meaning: Cow<'static, str>,
    /// Who computes it.
    pub source: Cow<'static, str>,
    /// Which file it goes to.
    pub file: MetricFile,
}

/// The two files that metrics go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricFile {
    /// `metrics.jsonl`: the same bytes from run to run on CPU.
    Metrics,
    /// `timing.jsonl`: wall-clock time and memory, which differ from run to run.
    Timing,
}

impl MetricFile {
    /// The file's name in the run directory.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Metrics => "metrics.jsonl",
            Self::Timing => "timing.jsonl",
        }
    }
}

/// The metrics that a run may write.
#[derive(Debug, Clone)]
pub struct MetricRegistry {
    docs: Vec<MetricDoc>,
}

impl MetricRegistry {
    /// The metrics that the runtime itself writes.
    pub fn runtime() -> Self {
        Self {
            docs: RUNTIME_METRICS.to_vec(),
        }
    }

    /// Adds a metric, for a component that reports numbers of its own.
    pub fn declare(&mut self, doc: MetricDoc) {
        self.docs.push(doc);
    }

    /// The name under which a number of the optimizer component `component` is logged. A documented name is that of
    /// what it documents; a name in a namespace of the component's own (`ours/weight`) stays, and the namespace is
    /// declared; any other is put under `optimizer/`.
    pub fn name_of_optimizer_metric(&mut self, name: &str, component: &str) -> String {
        if self.find(name).is_some() {
            return name.to_owned();
        }
        let namespace = |name: &str| Some(name.split_once('/')?.0.to_owned());
        let mut taken = self.docs.iter().filter_map(|doc| namespace(&doc.name));
        let Some(own) = namespace(name).filter(|own| taken.all(|taken| taken != *own)) else {
            return format!("optimizer/{name}");
        };
        self.declare(MetricDoc {
            name: Cow::Owned(format!("{own}/{{metric}}")),
            unit: Cow::Borrowed("its own"),
            meaning: Cow::Owned(format!("A number that `{component}` reports.")),
            source: Cow::Borrowed("optimizer"),
            file: MetricFile::Metrics,
        });
        name.to_owned()
    }

    /// All descriptions, in the order of the table.
    pub fn docs(&self) -> &[MetricDoc] {
        &self.docs
    }

    /// The description of a metric, by its own name or the one that it has in training.
    pub fn find(&self, name: &str) -> Option<&MetricDoc> {
        let exact = |name: &str| {
            let literal = self.docs.iter().find(|doc| doc.name == name);
            literal.or_else(|| {
                self.docs
                    .iter()
                    .find(|doc| matches_pattern(&doc.name, name))
            })
        };
        exact(name).or_else(|| {
            let prefixes = MEASUREMENT_PREFIXES.into_iter();
            let mut plain = prefixes.filter_map(|prefix| name.strip_prefix(prefix));
            exact(plain.next()?)
        })
    }

    /// The file of a metric; an unknown one is not taken for a timing.
    pub fn file_of(&self, name: &str) -> MetricFile {
        self.find(name).map_or(MetricFile::Metrics, |doc| doc.file)
    }

    /// The page `docs/metrics.md`.
    pub fn markdown(&self) -> String {
        let mut page = String::from(
            "# Metrics\n\n\
             <!-- Generated from the registry in core/runtime/src/run/metric_registry.rs. -->\n\n\
             Each step appends one row to `metrics.jsonl`, and one to `timing.jsonl` with what depends on the \
             clock or the machine. A row begins with `step`, counted over the whole run, and `stage`. Parts in \
             braces stand for a name or a number. An evaluation appends a row of its own to `metrics.jsonl`, in \
             which the same names begin with `eval_`, and a probe one in which they begin with `probe_`. An optimizer component may add numbers in a namespace of its own, such as `ours/weight`. A number that was not finite is written as `null` and named in the row's `nonfinite` list.\n",
        );
        for file in [MetricFile::Metrics, MetricFile::Timing] {
            let _ = write!(page, "\n## {}\n\n", file.file_name());
            page.push_str("| Metric | Unit | Meaning | Computed by |\n| --- | --- | --- | --- |\n");
            for doc in self.docs.iter().filter(|doc| doc.file == file) {
                let MetricDoc {
                    name,
                    unit,
                    meaning,
                    source,
                    ..
                } = doc;
                let _ = writeln!(page, "| `{name}` | {unit} | {meaning} | {source} |");
            }
        }
        page
    }
}

/// Whether `name` fits `pattern`, each brace standing for one character or more.
fn matches_pattern(pattern: &str, name: &str) -> bool {
    let Some((literal, rest)) = pattern.split_once('{') else {
        return pattern == name;
    };
    let Some((_, after)) = rest.split_once('}') else {
        return pattern == name;
    };
    let Some(name) = name.strip_prefix(literal) else {
        return false;
    };
    let ends = name.char_indices().map(|(start, c)| start + c.len_utf8());
    ends.into_iter()
        .any(|end| matches_pattern(after, &name[end..]))
}

const fn metric(
    name: &'static str,
    unit: &'static str,
    source: &'static str,
    meaning: &'static str,
) -> MetricDoc {
    described(name, unit, source, meaning, MetricFile::Metrics)
}

const fn timing(
    name: &'static str,
    unit: &'static str,
    source: &'static str,
    meaning: &'static str,
) -> MetricDoc {
    described(name, unit, source, meaning, MetricFile::Timing)
}

const fn described(
    name: &'static str,
    unit: &'static str,
    source: &'static str,
    meaning: &'static str,
    file: MetricFile,
) -> MetricDoc {
    MetricDoc {
        name: Cow::Borrowed(name),
        unit: Cow::Borrowed(unit),
        meaning: Cow::Borrowed(meaning),
        source: Cow::Borrowed(source),
        file,
    }
}

#[rustfmt::skip] // One metric, two lines: the table is read more often than it is edited.
const RUNTIME_METRICS: &[MetricDoc] = &[
    metric("loss", "objective's own", "optimizer",
        "The loss that was differentiated, over the whole step. In reinforcement it says little, and for some objectives it hovers around zero by construction; watch `reward`."),
    metric("grad_norm", "norm", "engine",
        "Global norm of the gradient before clipping. A spike announces trouble earlier than the loss does."),
    metric("learning_rate", "per step", "engine",
        "Learning rate of the update rule at this step."),
    metric("epoch", "passes", "stage",
        "Passes over the stage's problems so far."),
    metric("num_tokens", "tokens", "stage",
        "Tokens that went through training since the run began, prompts included."),
    metric("reward", "reward", "rewards",
        "Mean weighted reward of the step's attempts that have one."),
    metric("reward_std", "reward", "rewards",
        "Mean over groups of the standard deviation of the reward within the group. Zero means nothing to learn from."),
    metric("frac_reward_zero_std", "share 0..1", "rewards",
        "Share of groups whose attempts all got the same reward and so give no gradient."),
    metric("rewards/{reward}/mean", "reward", "rewards",
        "Mean of one reward before weighting, over its scored attempts."),
    metric("rewards/{reward}/std", "reward", "rewards",
        "Standard deviation of one reward over its scored attempts."),
    metric("rewards/{reward}/part/{part}", "reward", "rewards",
        "Mean of a named part of one reward."),
    metric("rewards/{reward}/abstained", "attempts", "rewards",
        "Attempts on which the reward had no opinion. They are left out of its mean."),
    metric("rewards/{reward}/failed", "attempts", "rewards",
        "Attempts on which the reward failed or gave a number that was not finite. Never counted as zero."),
    metric("rewards/{reward}/timed_out", "attempts", "rewards",
        "Attempts on which the reward missed its deadline. Never counted as zero."),
    metric("completions/mean_length", "tokens", "sampler",
        "Mean length of the completions. Watch it with `reward`: length that grows alone is a warning."),
    metric("completions/min_length", "tokens", "sampler",
        "Length of the shortest completion."),
    metric("completions/max_length", "tokens", "sampler",
        "Length of the longest completion."),
    metric("completions/mean_terminated_length", "tokens", "sampler",
        "Mean length of the completions that ended by themselves."),
    metric("completions/min_terminated_length", "tokens", "sampler",
        "Shortest completion that ended by itself."),
    metric("completions/max_terminated_length", "tokens", "sampler",
        "Longest completion that ended by itself."),
    metric("completions/clipped_ratio", "share 0..1", "sampler",
        "Share of completions cut by the token limit. A high share means that the limit, not the model, ends them."),
    metric("groups/sampled", "groups", "curriculum",
        "Groups that were decoded for this step."),
    metric("groups/dropped", "groups", "curriculum",
        "Groups that were decoded and then left out of the update."),
    metric("by_group/frac_mixed", "share 0..1", "rewards",
        "Share of groups with both solved and unsolved attempts: the problems at the edge of what the model can do."),
    metric("by_group/frac_all_good", "share 0..1", "rewards",
        "Share of groups in which every attempt solved the problem."),
    metric("by_group/frac_all_bad", "share 0..1", "rewards",
        "Share of groups in which no attempt solved the problem."),
    metric("policy_loss", "objective's own", "optimizer",
        "The part of the loss that comes from the advantages."),
    metric("entropy", "nats per token", "engine",
        "Mean entropy of the policy's next-token distribution. A fall to zero means that exploration has ended."),
    metric("kl", "nats per token", "optimizer",
        "Estimated divergence from the reference model."),
    metric("clip_ratio/region_mean", "share 0..1", "optimizer",
        "Share of tokens whose ratio was clipped on either side."),
    metric("clip_ratio/low_mean", "share 0..1", "optimizer",
        "Share of tokens clipped on the lower side."),
    metric("clip_ratio/low_min", "share 0..1", "optimizer",
        "Smallest share clipped on the lower side within one sequence."),
    metric("clip_ratio/high_mean", "share 0..1", "optimizer",
        "Share of tokens clipped on the upper side."),
    metric("clip_ratio/high_max", "share 0..1", "optimizer",
        "Largest share clipped on the upper side within one sequence."),
    metric("sampling/sampling_logp_difference/mean", "nats", "engine",
        "Mean absolute difference between the log-probability at decoding and the one computed for training. Above 1e-4 in f32 the two passes disagree."),
    metric("sampling/sampling_logp_difference/max", "nats", "engine",
        "Largest such difference of a single token in the step."),
    metric("sampling/importance_sampling_ratio/min", "ratio", "engine",
        "Smallest ratio of the training probability to the decoding probability."),
    metric("sampling/importance_sampling_ratio/mean", "ratio", "engine",
        "Mean of that ratio over the step's tokens; 1 when both passes agree."),
    metric("sampling/importance_sampling_ratio/max", "ratio", "engine",
        "Largest such ratio; far above 1 means that a few tokens steer the update."),
    metric("optimizer/{metric}", "its own", "optimizer",
        "A number that the optimizer component reports under a name of its own."),
    metric("{figure}@{k}/{tag}", "share 0..1", "stage",
        "`pass@k`, `avg@k` or `maj@k` over the problems with one tag."),
    metric("pass@{k}", "share 0..1", "stage",
        "Unbiased estimate of the share of problems that at least one of k attempts solves. `eval_pass@1` is the held-out one."),
    metric("avg@{k}", "share 0..1", "stage",
        "Share of solved attempts over k attempts a problem."),
    metric("maj@{k}", "share 0..1", "stage",
        "Share of problems whose most frequent answer among k is right."),
    metric("diversity/distinct_answers", "answers", "rewards",
        "Mean number of different answers among a group's attempts, over groups in which the reward read any."),
    metric("diversity/distinct_solutions", "solutions", "rewards",
        "Mean number of different solutions among a group's right attempts, over groups with a right attempt: as the reward tells solutions apart, and by their text, white space aside, where it does not. Falls to 1 where the policy knows one way only."),
    metric("diversity/surprisal", "nats per token", "engine",
        "Mean of -log p of the drawn tokens, which estimates the entropy of what attempts are drawn from. Falls towards zero as attempts become alike."),
    metric("merge/models", "models", "stage",
        "Models that were merged."),
    metric("merge/weight/{model}", "share 0..1", "stage",
        "What a model counted in the merge."),
    metric("merge/distance/{model}", "share of the norm", "stage",
        "Distance of a model's weights from the merged ones, over the norm of these."),
    metric("num_problems", "problems", "stage",
        "Problems that were evaluated."),
    timing("step_time", "seconds", "stage",
        "Wall-clock time of the whole step."),
    timing("timing_s/{phase}", "seconds", "stage",
        "Wall-clock time of one phase of the step: `data`, `gen`, `reward`, `old_log_prob`, `ref`, `update_actor`."),
    timing("perf/throughput", "tokens per second", "stage",
        "Tokens decoded and trained on in this step, by its wall-clock time."),
    timing("perf/generated_tokens_per_second", "tokens per second", "engine",
        "Completion tokens by the time spent on decoding alone."),
];
