//! The task: poses puzzles and writes worked solutions.

use std::collections::BTreeMap;

use farthing_sdk::prelude::*;

use crate::{
    config::{Config, MOST_NUMBERS, Style},
    expression::Expression,
    solver::Solver,
    space::{Posed, Puzzle, Space},
    tags::tags,
    template::Template,
    trace::Trace,
};

/// What `countdown/exact` reads of a problem.
#[data]
struct Facts {
    numbers: Vec<u64>,
    target: u64,
}

pub struct Countdown {
    space: Space,
    solver: Solver,
    template: Template,
    style: Style,
    solutions: usize,
    tries: u64,
}

/// Reach a target with given numbers, each used once; procedural, always solvable.
#[component("countdown")]
impl Task for Countdown {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        let solver = Solver::new(&config.operations, config.fractions);
        Ok(Self {
            space: Space::new(&config, solver.clone())?,
            solver,
            template: Template::parse(&config.template)?,
            style: config.style,
            solutions: config.solutions,
            tries: config.tries,
        })
    }

    fn size(&self, split: Split) -> Result<Option<u64>> {
        Ok(self.space.size(split))
    }

    fn problem(&self, split: Split, index: u64, seed: u64) -> Result<Problem> {
        let Posed { puzzle, numbers } = self.space.problem(split, index, seed)?;
        Ok(Problem {
            id: puzzle.id(),
            prompt: self.template.pose(&numbers, puzzle.target),
            tags: tags(&self.solver, &puzzle),
            facts: json!({ "numbers": numbers, "target": puzzle.target }),
        })
    }

    fn solution(&self, problem: &Problem, variant: u64) -> Result<Option<String>> {
        let facts: Facts = serde_json::from_value(problem.facts.clone())?;
        if facts.numbers.is_empty() || facts.numbers.len() > MOST_NUMBERS {
            bail!(
                "problem {:?} has {} numbers: worked solutions are written for 1 to {MOST_NUMBERS}",
                problem.id,
                facts.numbers.len()
            );
        }
        let puzzle = Puzzle::new(facts.numbers, facts.target);
        let mut solutions = self.distinct_solutions(&puzzle);
        solutions.truncate(self.solutions);
        if solutions.is_empty() {
            return Ok(None);
        }
        let chosen = variant % solutions.len() as u64;
        let trace = Trace {
            missed: self.misses(&puzzle, variant),
            solution: solutions.swap_remove(chosen as usize),
            puzzle: &puzzle,
        };
        Ok(Some(trace.written_for(&self.template)))
    }
}

impl Countdown {
    /// Solutions that differ in more than order and grouping, easiest first.
    fn distinct_solutions(&self, puzzle: &Puzzle) -> Vec<Expression> {
        // Six numbers have thousands; a hundred are variety enough.
        const ENOUGH: usize = 100;
        let mut found = self
            .solver
            .solutions(&puzzle.numbers, puzzle.target, ENOUGH);
        found.sort_by_cached_key(|solution| (solution.difficulty(), solution.to_string()));
        let mut distinct = BTreeMap::new();
        for (rank, solution) in found.into_iter().enumerate() {
            distinct
                .entry(solution.essence())
                .or_insert((rank, solution));
        }
        let mut distinct: Vec<(usize, Expression)> = distinct.into_values().collect();
        distinct.sort_by_key(|(rank, _)| *rank);
        distinct.into_iter().map(|(_, solution)| solution).collect()
    }

    /// Attempts that end beside the target; between none and `tries`, all equally likely.
    fn misses(&self, puzzle: &Puzzle, variant: u64) -> Vec<Expression> {
        if self.style == Style::Steps {
            return Vec::new();
        }
        let mut rng = stream(variant, &puzzle.id(), 2);
        let wanted = rng.random_range(0..=self.tries) as usize;
        let mut missed: Vec<Expression> = Vec::new();
        // Some puzzles have few ways to go wrong, so the draws are bounded.
        for _ in 0..10 * wanted {
            if missed.len() == wanted {
                break;
            }
            let Some(attempt) = self.solver.random_attempt(&puzzle.numbers, &mut rng) else {
                continue;
            };
            let hit = attempt.value().is_integer()
                && *attempt.value().numer() == i128::from(puzzle.target);
            if !hit && !missed.contains(&attempt) {
                missed.push(attempt);
            }
        }
        missed
    }
}
