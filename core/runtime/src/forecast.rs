//! How long a plan takes and what it costs: the work of each stage, counted from the model's shape and the lengths of real
//! texts, over what the machine can do.
//!
//! It is an upper bound in one respect: every attempt is taken to be as long as its limit, because nobody knows how long
//! answers become. What rewards take is not in it; a reward that runs programs says so in its own documentation.

use farthing_engine::{MachineSpeed, Sequences};
use serde::Serialize;

use crate::error::Result;
use crate::manifest::{RlStage, SftStage, Stage};
use crate::memory::{DecodingNeeds, Machine, MemoryEstimate, StageNeeds};
use crate::plan::{Plan, StageLengths};

/// How near the machine's limits passes and decoding come.
#[derive(Clone, Copy, Debug)]
struct Reached {
    /// Shares of the limits.
    passes: f64,
    decoding: f64,
    /// Seconds that decoding a position takes for each layer at least, however little there is to do: the time in which a
    /// processor tells a device what to do.
    layer: f64,
}

/// Of the large product that is measured here: docs/performance.md has 0.86 to 0.98 for passes and 0.5 to 0.8 for
/// decoding, over models from 1 to 135 million parameters.
const ON_CPU: Reached = Reached {
    passes: 0.85,
    decoding: 0.6,
    layer: 0.0,
};

/// Of a data sheet's figures, as an H100 reached them (docs/benchmarks/gpu): passes of 1.5 billion parameters 5.6 % (of half
/// a billion 2.8 %), and decoding 0.8 to 1.0 ms for each layer of a position, far from any limit of the device.
const ON_GPU: Reached = Reached {
    passes: 0.056,
    decoding: 0.5,
    layer: 0.9e-3,
};

/// What a plan takes at most.
#[derive(Clone, Debug, Serialize)]
pub struct Forecast {
    pub stages: Vec<StageForecast>,
    pub hours: f64,
    /// What those hours cost; absent where the manifest names no price.
    pub usd: Option<f64>,
    /// The limits that it is reckoned with: floating-point operations and bytes a second.
    pub operations_per_second: f64,
    pub bytes_per_second: f64,
}

/// What a stage takes at most.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StageForecast {
    pub stage: String,
    /// Tokens that go through training passes, those of a shared prompt once.
    pub trained_tokens: f64,
    pub drawn_tokens: f64,
    /// Floating-point operations of all that.
    pub operations: f64,
    pub seconds: f64,
}

impl Forecast {
    /// Of a plan whose stages work on texts of these lengths, on the machine that `memory` was reckoned for.
    pub fn of(plan: &Plan, lengths: &[StageLengths], memory: &MemoryEstimate) -> Result<Self> {
        let manifest = plan.manifest();
        let cost = manifest.run.cost.as_ref();
        let machine = Machine::planned(plan);
        let limits = Limits::of(plan)?;
        let mut stages = Vec::new();
        for (index, (stage, lengths)) in manifest.stages.iter().zip(lengths).enumerate() {
            let reckoner = Reckoner {
                machine: &machine,
                limits,
                needs: StageNeeds::of(stage, lengths, &machine, &plan.host)?,
                lengths,
                budget: memory.decode_tokens[index],
                recomputed: memory.recomputed_layers as f64
                    / machine.model.num_hidden_layers as f64,
                trainable: memory.trainable as f64,
            };
            let forecast = match stage {
                Stage::Sft(stage) => reckoner.sft(stage),
                Stage::Rl(stage) => reckoner.rl(stage),
                Stage::Eval(_) => reckoner.eval(),
                Stage::Merge(_) => StageForecast::default(),
            };
            stages.push(StageForecast {
                stage: stage.name().to_owned(),
                ..forecast
            });
        }
        let hours = stages.iter().map(|stage| stage.seconds).sum::<f64>() / 3600.0;
        Ok(Self {
            stages,
            hours,
            usd: cost.map(|cost| cost.usd_per_hour * hours),
            operations_per_second: limits.speed.operations,
            bytes_per_second: limits.speed.bytes,
        })
    }
}

impl Forecast {
    /// For a person: how long, where it goes, and what that rests on. `rented` says that the manifest describes the machine.
    pub fn text(&self, rented: bool) -> Vec<String> {
        let longest = self.stages.iter().filter(|stage| stage.seconds > 0.0);
        let parts: Vec<String> = longest
            .map(|stage| format!("{} {}", stage.stage, hours_text(stage.seconds / 3600.0)))
            .collect();
        let machine = match rented {
            true => "on the GPU that `run.cost.gpu` describes",
            false => "here",
        };
        vec![
            format!(
                "at most {} {machine}: {}",
                hours_text(self.hours),
                parts.join(", ")
            ),
            format!(
                "with {} and {:.0} GB/s, if every attempt is as long as it may be; rewards not counted",
                rate_text(self.operations_per_second),
                self.bytes_per_second / 1e9
            ),
        ]
    }
}

/// A span of time in the unit that a person would take.
pub(crate) fn hours_text(hours: f64) -> String {
    let seconds = hours * 3600.0;
    match seconds {
        ..1.0 => format!("{seconds:.3} seconds"),
        ..60.0 => format!("{seconds:.1} seconds"),
        ..3600.0 => format!("{:.1} minutes", seconds / 60.0),
        _ => format!("{hours:.1} hours"),
    }
}

fn rate_text(operations_per_second: f64) -> String {
    match operations_per_second {
        ..1e12 => format!("{:.0} GFLOP/s", operations_per_second / 1e9),
        _ => format!("{:.0} TFLOP/s", operations_per_second / 1e12),
    }
}

/// What the machine can do, and how much of it is reached.
#[derive(Clone, Copy, Debug)]
struct Limits {
    speed: MachineSpeed,
    reached: Reached,
}

impl Limits {
    fn of(plan: &Plan) -> Result<Self> {
        Ok(match plan.rented_gpu() {
            Some(gpu) => Self {
                speed: MachineSpeed {
                    operations: gpu.tflops * 1e12,
                    bytes: gpu.gigabytes_per_second * 1e9,
                },
                reached: ON_GPU,
            },
            None => Self {
                speed: MachineSpeed::measure(&plan.device, plan.dtype)?,
                reached: match plan.device.is_cpu() {
                    true => ON_CPU,
                    false => ON_GPU,
                },
            },
        })
    }

    fn seconds(self, operations: f64, bytes: f64, reached: f64) -> f64 {
        (operations / self.speed.operations).max(bytes / self.speed.bytes) / reached
    }
}

/// One stage on one machine.
struct Reckoner<'a> {
    machine: &'a Machine<'a>,
    limits: Limits,
    needs: StageNeeds,
    lengths: &'a StageLengths,
    /// Positions that are drawn at a time.
    budget: usize,
    /// The share of layers that run again for the backward pass.
    recomputed: f64,
    trainable: f64,
}

impl Reckoner<'_> {
    fn sft(&self, stage: &SftStage) -> StageForecast {
        let limit = stage.max_length.map_or(f64::INFINITY, f64::from);
        let lengths = self.lengths.examples.iter().map(|&length| length as f64);
        let kept: Vec<f64> = lengths.filter(|&length| length <= limit).collect();
        let mean = kept.iter().sum::<f64>() / kept.len().max(1) as f64;
        let steps = stage.steps_over(stage.examples as usize) as f64;
        let sequences = Sequences {
            count: steps * f64::from(stage.batch),
            prompt: 0.0,
            new_tokens: mean,
            group: 1.0,
        };
        let mut forecast = StageForecast::default();
        self.train(&mut forecast, &sequences, 0.0, steps);
        if let Some(probe) = &stage.probe {
            let times = (steps / f64::from(probe.every)).ceil();
            self.draw(&mut forecast, &self.needs.decoding, times);
        }
        forecast
    }

    fn rl(&self, stage: &RlStage) -> StageForecast {
        let (steps, mut forecast) = (f64::from(stage.steps), StageForecast::default());
        let (rollout, eval) = self.needs.decoding.split_at(1);
        self.draw(&mut forecast, rollout, steps);
        if let Some(periodic) = &stage.eval {
            // Before the first step, and after every so many.
            let times = 1.0 + (steps / f64::from(periodic.every)).floor();
            self.draw(&mut forecast, eval, times);
        }
        for rollout in rollout {
            let iterations = f64::from(stage.num_iterations);
            let updates = steps * iterations * f64::from(stage.minibatches);
            let passes = rollout.sequences();
            let sequences = Sequences {
                count: steps * iterations * passes.count,
                ..passes
            };
            // Passes that only score: the policy before several updates, and a frozen reference.
            let on_policy = stage.num_iterations == 1 && stage.minibatches == 1;
            let scorings =
                f64::from(u8::from(!on_policy)) + f64::from(u8::from(self.needs.compares));
            self.train(&mut forecast, &sequences, scorings / iterations, updates);
        }
        forecast
    }

    fn eval(&self) -> StageForecast {
        let mut forecast = StageForecast::default();
        self.draw(&mut forecast, &self.needs.decoding, 1.0);
        forecast
    }

    /// Adds forward and backward over sequences, so many scorings of them, and updates.
    fn train(
        &self,
        forecast: &mut StageForecast,
        sequences: &Sequences,
        scorings: f64,
        updates: f64,
    ) {
        let model = self.machine.model;
        let forward = model.forward_operations(sequences);
        let operations = forward * (3.0 + self.recomputed + scorings);
        // A gradient, a weight and two moments are read, and all but the gradient written.
        let bytes = updates * self.trainable * 7.0 * 4.0;
        let reached = self.limits.reached.passes;
        forecast.trained_tokens += sequences.tokens();
        forecast.operations += operations;
        forecast.seconds += self.limits.seconds(operations, 0.0, reached)
            + self.limits.seconds(0.0, bytes, reached);
    }

    /// Adds drawing, so many times.
    fn draw(&self, forecast: &mut StageForecast, needs: &[DecodingNeeds], times: f64) {
        for needs in needs {
            let rows = needs.rows_that(|_, positions| positions <= self.budget) as f64;
            let sequences = needs.sequences();
            let operations = self.machine.model.forward_operations(&sequences);
            // All weights for each position of the rows that go together, and what each row has in the cache by then.
            let positions = (sequences.count / rows).ceil() * sequences.new_tokens;
            let cached = sequences.count
                * sequences.new_tokens
                * (sequences.prompt + sequences.new_tokens / 2.0);
            let bytes = positions
                * self
                    .machine
                    .weights(0, self.machine.model.parameter_count())
                + cached * self.machine.position_bytes();
            forecast.drawn_tokens += times * sequences.count * sequences.new_tokens;
            forecast.operations += times * operations;
            let reached = self.limits.reached;
            let least = positions * self.machine.model.num_hidden_layers as f64 * reached.layer;
            let seconds = self.limits.seconds(operations, bytes, reached.decoding);
            forecast.seconds += times * seconds.max(least);
        }
    }
}
