//! All problems that a configuration allows, cut in two, and how they are drawn.
//!
//! Which split a problem belongs to is a hash of its sorted numbers and target, so no
//! order of drawing, no seed and no other configuration moves a problem from one split to
//! the other (TinyZero's split by row number lets permuted duplicates through).
//!
//! A small space is listed once, and both splits are finite: every problem comes once
//! before any comes again. A large one is sampled.

use std::ops::RangeInclusive;

use farthing_sdk::{prelude::*, rng::shuffled};

use crate::{
    config::Config,
    order::{self, Order},
    solver::Solver,
};

/// Numbers, ascending, and the target to reach with them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Puzzle {
    pub numbers: Vec<u64>,
    pub target: u64,
}

impl Puzzle {
    pub fn new(mut numbers: Vec<u64>, target: u64) -> Self {
        numbers.sort_unstable();
        Self { numbers, target }
    }

    /// Such as `3,7,16->21`: the same for every order of the numbers.
    pub fn id(&self) -> String {
        let numbers: Vec<String> = self.numbers.iter().map(u64::to_string).collect();
        format!("{}->{}", numbers.join(","), self.target)
    }

    fn split(&self, test_share: f64) -> Split {
        // 53 bits, the most that a float holds exactly.
        let uniform =
            (stream(0, &self.id(), 0).random::<u64>() >> 11) as f64 / (1_u64 << 53) as f64;
        if uniform < test_share {
            Split::Test
        } else {
            Split::Train
        }
    }
}

/// A puzzle, and its numbers in the order in which the problem names them.
pub struct Posed {
    pub puzzle: Puzzle,
    pub numbers: Vec<u64>,
}

/// The problems of a configuration.
pub struct Space {
    counts: Vec<usize>,
    config: Config,
    solver: Solver,
    listed: Option<Listed>,
}

struct Listed {
    train: Problems,
    test: Problems,
}

/// Puzzles with the orders in which they are posed.
#[derive(Default)]
struct Problems {
    puzzles: Vec<Puzzle>,
    /// For each puzzle, how many problems it and those before it make.
    ends: Vec<u64>,
}

impl Space {
    /// # Errors
    /// When the ranges contradict each other, or no solvable problem was found.
    pub fn new(config: &Config, solver: Solver) -> Result<Self> {
        config.check_ranges()?;
        let mut space = Self {
            counts: config.counts()?,
            config: config.clone(),
            solver,
            listed: None,
        };
        if space.listing_cost() <= LISTING_LIMIT {
            space.listed = Some(space.list());
        }
        space.check_not_empty()?;
        Ok(space)
    }

    /// How many problems a split has, where they are listed.
    pub fn size(&self, split: Split) -> Option<u64> {
        self.listed.as_ref().map(|listed| listed.of(split).count())
    }

    /// The problem number `index`. The test split is the same under every seed, so that
    /// runs can be compared.
    pub fn problem(&self, split: Split, index: u64, seed: u64) -> Result<Posed> {
        let seed = match split {
            Split::Train => seed,
            Split::Test => 0,
        };
        let Some(listed) = &self.listed else {
            let mut rng = stream(seed, split.name(), index);
            let puzzle = self.drawn(split, &mut rng)?;
            let rank = rng.random_range(0..self.orders(split, &puzzle));
            return Ok(self.posed(split, puzzle, rank));
        };
        let problems = listed.of(split);
        let size = problems.count();
        if size == 0 {
            return Err(Error::new(format!("the {} split is empty", split.name()))
                .help("widen the range of targets or numbers, or change test_share"));
        }
        let (puzzle, rank) = problems.nth(shuffled(seed, split.name(), index, size));
        Ok(self.posed(split, puzzle.clone(), rank))
    }

    /// In how many orders a puzzle is posed.
    fn orders(&self, split: Split, puzzle: &Puzzle) -> u64 {
        match (self.config.order, split) {
            (Order::Every, Split::Train) => order::orders(&puzzle.numbers),
            _ => 1,
        }
    }

    fn posed(&self, split: Split, puzzle: Puzzle, rank: u64) -> Posed {
        let numbers = match (self.config.order, split) {
            (Order::Sorted, _) => puzzle.numbers.clone(),
            (Order::Every, Split::Train) => order::order(&puzzle.numbers, rank),
            (Order::Mixed, _) | (Order::Every, Split::Test) => {
                order::mixed(&puzzle.numbers, &puzzle.id())
            }
        };
        Posed { puzzle, numbers }
    }

    /// A puzzle of the split; its count of numbers is drawn once, so that counts whose
    /// draws fail more often come as often.
    fn drawn(&self, split: Split, rng: &mut impl RngExt) -> Result<Puzzle> {
        let count = self.counts[rng.random_range(0..self.counts.len())];
        self.drawn_of(count, split, rng)
    }

    /// Draws until a puzzle is solvable and of the right split: uniformly over numbers and
    /// targets first, then, where few targets can be reached, by working out a random
    /// expression.
    fn drawn_of(&self, count: usize, split: Split, rng: &mut impl RngExt) -> Result<Puzzle> {
        let range = self.config.min_number..=self.config.max_number;
        for draw in 0..UNIFORM_DRAWS + WORKED_DRAWS {
            let uniform = draw < UNIFORM_DRAWS;
            let numbers: Vec<u64> = (0..count)
                .map(|_| rng.random_range(range.clone()))
                .collect();
            let target = if uniform {
                Some(rng.random_range(self.targets()))
            } else {
                self.worked_target(&numbers, rng)
            };
            let Some(target) = target else { continue };
            let puzzle = Puzzle::new(numbers, target);
            if puzzle.split(self.config.test_share) == split
                && (!uniform || self.solver.solvable(&puzzle.numbers, target))
            {
                return Ok(puzzle);
            }
        }
        Err(Error::new(format!(
            "no solvable problem of the {} split with {count} numbers was found in {} draws",
            split.name(),
            UNIFORM_DRAWS + WORKED_DRAWS
        ))
        .help("widen the range of targets or numbers, allow more operations, or change test_share"))
    }

    fn targets(&self) -> RangeInclusive<u64> {
        self.config.min_target..=self.config.max_target
    }

    /// The value of a random expression, if it is a target.
    fn worked_target(&self, numbers: &[u64], rng: &mut impl RngExt) -> Option<u64> {
        let value = self.solver.random_attempt(numbers, rng)?.value();
        let target = u64::try_from(value.is_integer().then(|| *value.numer())?).ok()?;
        self.targets().contains(&target).then_some(target)
    }

    fn list(&self) -> Listed {
        let mut listed = Listed {
            train: Problems::default(),
            test: Problems::default(),
        };
        for &count in &self.counts {
            let mut numbers = vec![self.config.min_number; count];
            loop {
                for target in self.solver.targets(&numbers, self.targets()) {
                    let puzzle = Puzzle::new(numbers.clone(), target);
                    let split = puzzle.split(self.config.test_share);
                    let orders = self.orders(split, &puzzle);
                    listed.of_mut(split).push(puzzle, orders);
                }
                if !advance(&mut numbers, self.config.max_number) {
                    break;
                }
            }
        }
        listed
    }

    /// About how many microseconds listing would take.
    fn listing_cost(&self) -> f64 {
        let range = (self.config.max_number - self.config.min_number + 1) as f64;
        let targets = (self.config.max_target - self.config.min_target + 1) as f64;
        let cost = |&count: &usize| {
            // Multisets of `count` numbers: (range + count - 1) over count.
            let multisets: f64 = (0..count)
                .map(|i| (range + i as f64) / (i + 1) as f64)
                .product();
            let (search, values) = LISTING_COST[count];
            multisets * (search + targets.min(values) * PUZZLE_COST)
        };
        self.counts.iter().map(cost).sum()
    }

    /// Draws once of everything that may be drawn later, so that a configuration which
    /// cannot be met is refused before any work.
    fn check_not_empty(&self) -> Result<()> {
        let wanted = [
            (Split::Train, self.config.test_share < 1.0),
            (Split::Test, self.config.test_share > 0.0),
        ];
        for (split, _) in wanted.into_iter().filter(|(_, wanted)| *wanted) {
            let drawn = match &self.listed {
                Some(_) => self.problem(split, 0, 0).map(drop),
                None => self.counts.iter().try_for_each(|&count| {
                    self.drawn_of(count, split, &mut stream(0, "check", 0))
                        .map(drop)
                }),
            };
            drawn.map_err(|error| error.context("this configuration has no problem to pose"))?;
        }
        Ok(())
    }
}

impl Listed {
    fn of(&self, split: Split) -> &Problems {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }

    fn of_mut(&mut self, split: Split) -> &mut Problems {
        match split {
            Split::Train => &mut self.train,
            Split::Test => &mut self.test,
        }
    }
}

impl Problems {
    fn push(&mut self, puzzle: Puzzle, orders: u64) {
        self.ends.push(self.count() + orders);
        self.puzzles.push(puzzle);
    }

    fn count(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// The puzzle of a problem, and which of its orders that is; `index < count`.
    fn nth(&self, index: u64) -> (&Puzzle, u64) {
        let place = self.ends.partition_point(|&end| end <= index);
        let before = place
            .checked_sub(1)
            .map_or(0, |previous| self.ends[previous]);
        (&self.puzzles[place], index - before)
    }
}

/// The next ascending list of numbers, in the order of an odometer; false after the last.
fn advance(numbers: &mut [u64], max: u64) -> bool {
    match numbers.iter().rposition(|&number| number < max) {
        Some(place) => {
            let next = numbers[place] + 1;
            numbers[place..].fill(next);
            true
        }
        None => false,
    }
}

/// Uniform draws before targets are worked out; beyond this they cost too much.
const UNIFORM_DRAWS: u32 = 200;
/// Random expressions that are cheap to work out, and many where the ranges are narrow.
const WORKED_DRAWS: u32 = 50_000;
/// By count of numbers: microseconds that `Solver::targets` takes, and about how many whole
/// values it finds (see `examples/throughput.rs`).
const LISTING_COST: [(f64, f64); 7] = [
    (0.0, 0.0),
    (0.0, 1.0),
    (1.5, 5.0),
    (6.0, 40.0),
    (32.0, 400.0),
    (400.0, 6e3),
    (18e3, 9e4),
];
/// Microseconds to decide one puzzle's split.
const PUZZLE_COST: f64 = 0.5;
/// A listing may take this many microseconds, because plans are made within a second.
const LISTING_LIMIT: f64 = 150e3;
