//! The task `code/one-liners`: a description of a few steps, to be written as a function.
//!
//! `double, add 3` is `def f(x):return x*2+3`. It is small enough for a model of a million
//! parameters that starts from nothing, and still all of it is there: the steps must be put
//! in order, brackets must be set where Python's precedence needs them, and a program that is
//! almost right is wrong.
//!
//! Two descriptions can have the same program. The split is by the program, so that no
//! program of the test split is ever shown in training.

mod chain;
mod space;

use farthing_sdk::prelude::*;

use chain::Chain;
use space::Space;

#[config]
#[derive(Clone, Debug)]
#[serde(default)]
pub struct Config {
    /// Fewest steps of a problem.
    #[schemars(range(min = 1, max = 4))]
    pub min_steps: u32,
    /// Most steps. Three make some fifty thousand problems.
    #[schemars(range(min = 1, max = 4))]
    pub max_steps: u32,
    /// Calls that a program is tested with. Three tell almost all programs of this kind apart,
    /// because one of the numbers is large.
    #[schemars(range(min = 1, max = 20))]
    pub tests: usize,
    /// How a problem is put: `tiny` (`double, add 3>`, for a character-level model), or `chat`
    /// (messages, answered with a fenced block).
    pub template: Template,
    /// Share of all programs that are held out. Which ones depends on nothing but the program.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub test_share: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            min_steps: 2,
            max_steps: 3,
            tests: 3,
            template: Template::Chat,
            test_share: 0.1,
        }
    }
}

/// How a problem is put.
#[config]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Template {
    Tiny,
    Chat,
}

/// A problem's tests, as far as worked solutions need them.
pub struct OneLiners {
    space: Space,
    tests: usize,
    template: Template,
}

/// Write a chain of arithmetic steps as a one-line function; procedural, with solutions.
#[component("one-liners")]
impl Task for OneLiners {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        if config.tests == 0 {
            bail!("`tests` is 0: expected 1 or more");
        }
        Ok(Self {
            space: Space::new(config.min_steps, config.max_steps, config.test_share)?,
            tests: config.tests,
            template: config.template,
        })
    }

    fn size(&self, split: Split) -> Result<Option<u64>> {
        Ok(Some(self.space.size(split)))
    }

    fn problem(&self, split: Split, index: u64, seed: u64) -> Result<Problem> {
        let chain = self.space.chain(split, index, seed)?;
        let id = chain.to_string();
        Ok(Problem {
            prompt: self.prompt(&id),
            facts: json!({ "entry_point": "f", "tests": self.tests(&chain, &id) }),
            tags: vec![chain.level()],
            id,
        })
    }

    fn solution(&self, problem: &Problem, variant: u64) -> Result<Option<String>> {
        let Some(chain) = Chain::parse(&problem.id) else {
            bail!("problem {:?} is none of this task's", problem.id);
        };
        let program = format!("def f(x):return {}", chain.expression(variant));
        Ok(Some(match self.template {
            Template::Tiny => program,
            Template::Chat => format!("```python\n{program}\n```"),
        }))
    }
}

impl OneLiners {
    fn prompt(&self, description: &str) -> Prompt {
        match self.template {
            Template::Tiny => Prompt::Text(format!("{description}>")),
            Template::Chat => Prompt::Messages(vec![Message {
                role: "user".to_owned(),
                content: format!(
                    "Write a Python function f(x) that takes a whole number and does this with \
                     it, in this order: {description}. Answer with the program in one fenced \
                     block that begins with ```python."
                ),
            }]),
        }
    }

    /// Numbers near zero, where signs matter, and one that no small coincidence survives.
    fn tests(&self, chain: &Chain, id: &str) -> Vec<Value> {
        let mut rng = stream(0, id, 1);
        let inputs = (0..self.tests).map(|test| match test {
            0 => rng.random_range(100..Chain::LARGEST_INPUT),
            1 => rng.random_range(-20..0),
            _ => rng.random_range(0..20),
        });
        inputs
            .map(|input| json!({ "args": [input], "expected": chain.value(input) }))
            .collect()
    }
}
