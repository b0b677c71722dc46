//! The architecture's invariants that can be read off the source tree. Those that need a run are tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cargo::root;

/// Checks all of them.
pub fn check() -> Result<()> {
    core_names_no_algorithm()?;
    dependencies_point_one_way()?;
    sdk_does_no_input_or_output()?;
    docs_link_to_what_exists()
}

/// Core contains no algorithm, task or reward: these words do not occur in it outside tests.
const ALGORITHMS_AND_TASKS: [&str; 9] = [
    "grpo",
    "countdown",
    "mgpo",
    "dapo",
    "gspo",
    "cispo",
    "rloo",
    "reinforce-pp",
    "dr-grpo",
];

fn core_names_no_algorithm() -> Result<()> {
    for path in sources(&root().join("core"))? {
        let relative = path.strip_prefix(root()).unwrap_or(&path);
        if relative
            .components()
            .any(|part| part.as_os_str() == "tests")
        {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        let text = text
            .split("#[cfg(test)]")
            .next()
            .unwrap_or_default()
            .to_lowercase();
        for word in ALGORITHMS_AND_TASKS {
            if let Some(at) = find_word(&text, word) {
                let line = text[..at].lines().count();
                bail!(
                    "{}:{line}: core names {word:?}; it belongs into a plugin, a test or the docs",
                    relative.display()
                );
            }
        }
    }
    Ok(())
}

/// What reads or writes, or starts something that does. A log goes to the host; paths and errors are plain data.
const INPUT_AND_OUTPUT: [&str; 9] = [
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "io::stdin",
    "io::stdout",
    "io::stderr",
    "println!",
    "print!",
];

/// The sdk leaves files, network and terminal alone, outside its tests and examples.
fn sdk_does_no_input_or_output() -> Result<()> {
    for folder in ["sdk/src", "sdk/abi/src", "sdk/macros/src"] {
        for path in sources(&root().join(folder))? {
            let text = fs::read_to_string(&path)?;
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for (number, line) in code.lines().enumerate() {
                let line = line.trim_start();
                if line.starts_with("//") {
                    continue;
                }
                if let Some(word) = INPUT_AND_OUTPUT.iter().find(|word| line.contains(**word)) {
                    let path = path.strip_prefix(root()).unwrap_or(&path);
                    bail!("{}:{}: the sdk uses `{word}`", path.display(), number + 1);
                }
            }
        }
    }
    Ok(())
}

/// The position of `word` where it is not part of a longer word.
fn find_word(text: &str, word: &str) -> Option<usize> {
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.match_indices(word).map(|(at, _)| at).find(|&at| {
        !is_letter(text[..at].chars().next_back())
            && !is_letter(text[at + word.len()..].chars().next())
    })
}

/// cli -> runtime -> engine, runtime -> sdk, plugins -> sdk; the engine does not know the sdk, the sdk knows neither
/// candle nor tokenizers, nothing depends on a built-in plugin.
fn dependencies_point_one_way() -> Result<()> {
    let forbidden: [(&str, &[&str]); 4] = [
        (
            "farthing-engine",
            &["farthing-sdk", "farthing-abi", "farthing-runtime"],
        ),
        (
            "farthing-sdk",
            &[
                "candle-core",
                "candle-nn",
                "tokenizers",
                "farthing-engine",
                "farthing-runtime",
            ],
        ),
        (
            "farthing-runtime",
            &[
                "farthing-countdown",
                "farthing-grpo",
                "farthing-text",
                "farthing-sampling",
            ],
        ),
        (
            "farthing-cli",
            &[
                "farthing-countdown",
                "farthing-grpo",
                "farthing-text",
                "farthing-sampling",
            ],
        ),
    ];
    for (package, never) in forbidden {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(program)
            .current_dir(root())
            .args([
                "tree",
                "--package",
                package,
                "--edges",
                "normal",
                "--prefix",
                "none",
                "--offline",
            ])
            .output()
            .context("cannot run `cargo tree`")?;
        if !output.status.success() {
            bail!(
                "`cargo tree` failed: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        let tree = String::from_utf8_lossy(&output.stdout);
        for dependency in never {
            if tree
                .lines()
                .any(|line| line.split(' ').next() == Some(dependency))
            {
                bail!("{package} depends on {dependency}, which the architecture forbids");
            }
        }
    }
    Ok(())
}

/// Links between the docs' pages, and from the README, lead to files.
fn docs_link_to_what_exists() -> Result<()> {
    let mut pages = vec![root().join("README.md")];
    pages.extend(files(&root().join("docs"), "md")?);
    for page in pages {
        let text =
            fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.contains(' ') {
                continue;
            }
            let path = page.parent().unwrap_or(Path::new(".")).join(target);
            if !path.exists() {
                bail!("{} links to {target}, which is not there", page.display());
            }
        }
    }
    Ok(())
}

fn sources(directory: &Path) -> Result<Vec<PathBuf>> {
    files(directory, "rs")
}

fn files(directory: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in
        fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))?
    {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path, extension)?);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::find_word;

    #[test]
    fn words_inside_words_do_not_count() {
        assert_eq!(find_word("a countdown of seconds", "countdown"), Some(2));
        assert_eq!(find_word("the countdowns", "countdown"), None);
        assert_eq!(find_word("use `grpo/dapo`", "dapo"), Some(10));
    }

    #[test]
    fn the_source_tree_keeps_the_invariants() {
        super::check().expect("the sources keep to the architecture");
    }
}
