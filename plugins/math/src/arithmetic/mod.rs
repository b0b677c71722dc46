//! Exercises in arithmetic and simple algebra, made up here, so that everything runs without
//! a data set and a model of a million weights has something to learn.
//!
//! A problem is a function of (split, index, seed). Its kind and its level are tags; its worked
//! steps travel in its facts, from which solutions for `sft` are written. Which split an
//! exercise belongs to depends on its text alone.

mod algebra;
mod equations;
mod exercise;
mod fractions;
mod integers;
mod percentages;
mod template;

use farthing_sdk::prelude::*;

use exercise::Exercise;
use template::Template;

#[config]
#[derive(Clone, Debug)]
#[serde(default)]
pub struct Config {
    /// Which kinds of exercises, all equally often.
    #[schemars(length(min = 1))]
    pub kinds: Vec<Kind>,
    /// Which levels, all equally often: 1 takes one step with small numbers, 2 two steps, 3
    /// more steps and larger numbers.
    #[schemars(length(min = 1), inner(range(min = 1, max = 3)))]
    pub levels: Vec<u8>,
    /// How an exercise is put: `tiny` (`12+35*2=`, for a character-level model trained from
    /// scratch), `chat` (in words, as a message, asking for a box), or a text of your own with
    /// `{question}` in it.
    pub template: String,
    /// Share of all exercises that are held out. Which ones depends on their text alone.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub test_share: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            kinds: Kind::ALL.to_vec(),
            levels: vec![1, 2, 3],
            template: "chat".into(),
            test_share: 0.1,
        }
    }
}

/// What an exercise asks for.
#[config]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `12+35*2`.
    Integers,
    /// `1/2+1/3`, in lowest terms.
    Fractions,
    /// `25%*60`, and a number that rises or falls by so many per cent.
    Percentages,
    /// `2x+3=9`, for x.
    Equations,
    /// The value of a polynomial, the roots of a quadratic one, two equations with two
    /// unknowns.
    Algebra,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Integers,
        Self::Fractions,
        Self::Percentages,
        Self::Equations,
        Self::Algebra,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Integers => "integers",
            Self::Fractions => "fractions",
            Self::Percentages => "percentages",
            Self::Equations => "equations",
            Self::Algebra => "algebra",
        }
    }

    fn draw(self, level: u8, rng: &mut impl RngExt) -> Exercise {
        match self {
            Self::Integers => integers::draw(level, rng),
            Self::Fractions => fractions::draw(level, rng),
            Self::Percentages => percentages::draw(level, rng),
            Self::Equations => equations::draw(level, rng),
            Self::Algebra => algebra::draw(level, rng),
        }
    }
}

/// What this task's problems carry: the gold, as `math/equal` reads it, and how one gets there.
#[data]
struct Facts {
    answer: String,
    steps: Vec<String>,
}

pub struct Arithmetic {
    kinds: Vec<Kind>,
    levels: Vec<u8>,
    template: Template,
    test_share: f64,
}

/// Arithmetic and simple algebra, procedural, with worked solutions.
#[component("arithmetic")]
impl Task for Arithmetic {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        if config.kinds.is_empty() || config.levels.is_empty() {
            bail!("`kinds` and `levels` must each have one element or more");
        }
        if let Some(level) = config.levels.iter().find(|level| !(1..=3).contains(*level)) {
            bail!("`levels` must be from 1 to 3, found {level}");
        }
        if !(0.0..=1.0).contains(&config.test_share) {
            bail!(
                "`test_share` must be from 0 to 1, found {}",
                config.test_share
            );
        }
        let task = Self {
            kinds: config.kinds,
            levels: config.levels,
            template: Template::parse(&config.template)?,
            test_share: config.test_share,
        };
        task.check_not_empty()?;
        Ok(task)
    }

    /// The test split is the same under every seed, so that runs can be compared.
    fn problem(&self, split: Split, index: u64, seed: u64) -> Result<Problem> {
        let seed = match split {
            Split::Train => seed,
            Split::Test => 0,
        };
        let mut rng = stream(seed, split.name(), index);
        let kind = self.kinds[rng.random_range(0..self.kinds.len())];
        let level = self.levels[rng.random_range(0..self.levels.len())];
        let exercise = self.drawn(kind, level, split, &mut rng)?;
        Ok(Problem {
            id: exercise.terse.clone(),
            prompt: self.template.pose(&exercise),
            facts: json!({ "answer": exercise.answer, "steps": exercise.steps }),
            tags: vec![kind.name().to_owned(), format!("level-{level}")],
        })
    }

    fn solution(&self, problem: &Problem, _variant: u64) -> Result<Option<String>> {
        let facts: Facts = serde_json::from_value(problem.facts.clone())?;
        Ok(Some(self.template.work_out(&facts.steps, &facts.answer)))
    }
}

impl Arithmetic {
    /// Draws until an exercise is of the right split; kind and level are drawn once, so that
    /// those whose draws fail more often come as often.
    fn drawn(
        &self,
        kind: Kind,
        level: u8,
        split: Split,
        rng: &mut impl RngExt,
    ) -> Result<Exercise> {
        // At a share of 1 % all of them fail once in 10^43.
        const DRAWS: usize = 10_000;
        for _ in 0..DRAWS {
            let exercise = kind.draw(level, rng);
            if self.split_of(&exercise) == split {
                return Ok(exercise);
            }
        }
        Err(Error::new(format!(
            "no {} exercise of level {level} in the {} split was found in {DRAWS} draws",
            kind.name(),
            split.name()
        ))
        .help("change `test_share`, or allow more kinds or levels"))
    }

    fn split_of(&self, exercise: &Exercise) -> Split {
        // 53 bits, the most that a float holds exactly.
        let uniform =
            (stream(0, &exercise.terse, 0).random::<u64>() >> 11) as f64 / (1_u64 << 53) as f64;
        match uniform < self.test_share {
            true => Split::Test,
            false => Split::Train,
        }
    }

    /// Draws once of everything that may be drawn later, so that a configuration which cannot
    /// be met is refused before any work.
    fn check_not_empty(&self) -> Result<()> {
        let wanted = [
            (Split::Train, self.test_share < 1.0),
            (Split::Test, self.test_share > 0.0),
        ];
        for (split, _) in wanted.into_iter().filter(|(_, wanted)| *wanted) {
            for &kind in &self.kinds {
                for &level in &self.levels {
                    self.drawn(kind, level, split, &mut stream(0, "check", 0))?;
                }
            }
        }
        Ok(())
    }
}
