//! Domain-aware diversity probing: the best checkpoint of each domain. VibeThinker-1.5B,
//! arXiv 2511.06221, section 3.3.
//!
//! ```text
//! P_i(t) = Pass@K of checkpoint M_t on the probing set D_i of domain i
//! M*_i   = argmax_t P_i(t)
//! M      = sum_i w_i M*_i,     w_i = 1/N
//! ```
//!
//! A model that finds many different solutions passes in K tries more often than one that
//! finds the same one again and again, so Pass@K is how broad its spectrum is; and different
//! domains are at their broadest at different times of one training. The stage's `probe`
//! measures P_i(t), with the problems' tags as domains; the `merge` stage makes the sum.
//!
//! What differs from the paper:
//! - K and how often to probe were never published: both are the stage's `probe`.
//! - Two checkpoints with equal Pass@K are told apart by their Pass@1, then the later is
//!   taken: small probing sets saturate, and the paper does not say what it did.
//! - A checkpoint that is best in two domains has both their weights.

use std::collections::{BTreeMap, BTreeSet};

use farthing_sdk::prelude::*;

#[config]
#[derive(Default)]
#[serde(default)]
pub struct Config {
    /// The K of Pass@K. Left out, the largest that the probes measured.
    #[schemars(range(min = 1))]
    k: Option<u32>,
    /// The tags that are domains, each with weight 1/N. Left out, every tag that was probed.
    tags: Vec<String>,
    /// The domains with a weight of their own, in place of `tags`: `{ algebra = 2, geometry = 1 }`.
    weights: BTreeMap<String, f64>,
}

pub struct Spectrum {
    k: Option<u32>,
    /// Empty for every tag that was probed.
    weights: BTreeMap<String, f64>,
}

/// Keeps the checkpoint with the best Pass@K of each tag, for a merge (VibeThinker).
#[component("spectrum")]
impl Curriculum for Spectrum {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        if !config.tags.is_empty() && !config.weights.is_empty() {
            return Err(Error::new("`tags` and `weights` both name the domains")
                .help("keep `tags` for equal weights, or `weights` for others"));
        }
        if let Some((tag, weight)) = config
            .weights
            .iter()
            .find(|(_, weight)| !(weight.is_finite() && **weight > 0.0))
        {
            bail!("the weight of {tag:?} is {weight}; expected a number above 0");
        }
        let equal = config.tags.into_iter().map(|tag| (tag, 1.0));
        Ok(Self {
            k: config.k,
            weights: equal.chain(config.weights).collect(),
        })
    }

    fn select(&mut self, checkpoints: &[CheckpointReport]) -> Result<Vec<Selected>> {
        let k = self.k.map_or_else(|| largest_k(checkpoints), Ok)?;
        let domains = match self.weights.is_empty() {
            true => probed_tags(checkpoints, k)
                .into_iter()
                .map(|tag| (tag, 1.0))
                .collect(),
            false => self.weights.clone(),
        };
        if domains.is_empty() {
            return Err(not_probed(checkpoints, &format!("pass@{k}/<tag>")));
        }
        let total: f64 = domains.values().sum();
        let mut shares: BTreeMap<usize, f64> = BTreeMap::new();
        for (tag, weight) in &domains {
            let best = best(checkpoints, k, tag)?;
            tracing::info!(
                "the best checkpoint for {tag} is {}, with pass@{k} of {:.3}",
                checkpoints[best].name,
                checkpoints[best].metrics[&metric(k, tag)]
            );
            *shares.entry(best).or_default() += weight / total;
        }
        let selected = shares.into_iter().map(|(index, weight)| Selected {
            name: checkpoints[index].name.clone(),
            weight,
        });
        Ok(selected.collect())
    }
}

fn metric(k: u32, tag: &str) -> String {
    format!("pass@{k}/{tag}")
}

/// M*_i of one tag.
fn best(checkpoints: &[CheckpointReport], k: u32, tag: &str) -> Result<usize> {
    let name = metric(k, tag);
    let probed = checkpoints
        .iter()
        .enumerate()
        .filter_map(|(index, report)| {
            let at_1 = report.metrics.get(&metric(1, tag)).copied();
            let at_k = *report.metrics.get(&name)?;
            Some((index, [at_k, at_1.unwrap_or(0.0)]))
        });
    // Of equals the last, which is the latest.
    let best = probed.max_by(|(_, a), (_, b)| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    best.map(|(index, _)| index)
        .ok_or_else(|| not_probed(checkpoints, &name))
}

/// The `k` of every metric `pass@k/<tag>`, with the tag.
fn passes(checkpoints: &[CheckpointReport]) -> impl Iterator<Item = (u32, &str)> {
    let names = checkpoints.iter().flat_map(|report| report.metrics.keys());
    names.filter_map(|name| {
        let (k, tag) = name.strip_prefix("pass@")?.split_once('/')?;
        Some((k.parse().ok()?, tag))
    })
}

fn largest_k(checkpoints: &[CheckpointReport]) -> Result<u32> {
    passes(checkpoints)
        .map(|(k, _)| k)
        .max()
        .ok_or_else(|| not_probed(checkpoints, "pass@k/<tag>"))
}

fn probed_tags(checkpoints: &[CheckpointReport], k: u32) -> BTreeSet<String> {
    passes(checkpoints)
        .filter(|(other, _)| *other == k)
        .map(|(_, tag)| tag.to_owned())
        .collect()
}

fn not_probed(checkpoints: &[CheckpointReport], wanted: &str) -> Error {
    let names: BTreeSet<&str> = checkpoints
        .iter()
        .flat_map(|report| report.metrics.keys().map(String::as_str))
        .collect();
    let found = match names.is_empty() {
        true => "nothing".to_owned(),
        false => names.into_iter().collect::<Vec<_>>().join(", "),
    };
    Error::new(format!(
        "no checkpoint was probed for {wanted}; what was measured: {found}"
    ))
    .help("let the stage's `probe` measure that k, on tasks whose problems have these tags")
}
