//! What is particular about a puzzle: reports and curricula tell problems apart by it.
//!
//! Three properties that a model has to learn differently, each with a few values: how many
//! numbers there are, which operations are needed at the least, and how long one would have
//! to search.

use crate::{
    arithmetic::Operation::{self, Add, Divide, Multiply, Subtract},
    reach::Ways,
    solver::Solver,
    space::Puzzle,
};

/// Such as `["4-numbers", "times", "depth-2"]`.
pub fn tags(solver: &Solver, puzzle: &Puzzle) -> Vec<String> {
    vec![
        format!("{}-numbers", puzzle.numbers.len()),
        needed(solver, puzzle).to_owned(),
        format!("depth-{}", depth(solver, puzzle)),
    ]
}

/// The operations without which there is no solution.
fn needed(solver: &Solver, puzzle: &Puzzle) -> &'static str {
    const SUMS: &[Operation] = &[Add, Subtract];
    let solved_by = |solver: &Solver| solver.solvable(&puzzle.numbers, puzzle.target);
    let whole = solver.whole();
    let fewest: [(&str, &[Operation]); 3] = [
        ("plus-minus", SUMS),
        ("times", &[Add, Subtract, Multiply]),
        ("division", &[Add, Subtract, Divide]),
    ];
    for (name, operations) in fewest {
        if solved_by(&whole.only(operations)) {
            return name;
        }
    }
    match solver.allows_fractions() && !solved_by(&whole) {
        true => "fractions",
        false => "times-and-division",
    }
}

/// The number of digits of how many ways there are to combine the numbers for each one that
/// makes the target: 1 where fewer than ten must be tried, 2 below a hundred.
fn depth(solver: &Solver, puzzle: &Puzzle) -> u32 {
    let Ways { all, to_target } = solver.ways(&puzzle.numbers, puzzle.target);
    (all / to_target).max(1.0).log10() as u32 + 1
}
