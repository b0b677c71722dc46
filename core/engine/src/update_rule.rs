//! AdamW (Loshchilov and Hutter 2019), as PyTorch defines it.
//!
//! With gradient g (after clipping), step t counted from 1, and learning rate lr:
//! m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2,
//! w = w (1 - lr decay) - lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + eps).
//!
//! Decay applies to matrices and embeddings and not to norms and biases, whose size means no complexity (the usual
//! rule of transformer training). Clipping scales all gradients by `max_grad_norm / (norm + 1e-6)` where that is below
//! 1, PyTorch's `clip_grad_norm_`. Everything happens in one pass over each tensor; the moments can be saved and
//! restored bit by bit.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::Tensor;
use rayon::prelude::*;

use crate::error::{EngineError, Result};
use crate::gradients::Gradients;
use crate::model::Model;
use crate::ops::lanes::vectorised;
use crate::ops::slices::{on_cpu, read, write};
use crate::parameters::Declared;
use crate::weights;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWConfig {
    /// Decay of the first and second moment.
    pub betas: (f64, f64),
    pub eps: f64,
    pub weight_decay: f64,
    /// Largest global norm of the gradients; none for no clipping.
    pub max_grad_norm: Option<f64>,
}

impl Default for AdamWConfig {
    /// PyTorch's betas and eps. No decay and a norm of 1, the defaults of transformers' and TRL's trainers.
    fn default() -> Self {
        Self {
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            max_grad_norm: Some(1.0),
        }
    }
}

/// The state of the update rule: two moments for each parameter, and how many steps were taken.
#[derive(Debug)]
pub struct AdamW {
    config: AdamWConfig,
    step: u64,
    /// (exp_avg, exp_avg_sq), in the model's order.
    moments: Vec<(Tensor, Tensor)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// The global norm before clipping.
    pub grad_norm: f64,
    /// The factor by which clipping scaled the gradients: 1 where it did not.
    pub clip_factor: f64,
}

impl AdamW {
    pub fn new(config: AdamWConfig, model: &Model) -> Result<Self> {
        let moments = model
            .trainable()
            .map(|(_, tensor)| Ok((tensor.zeros_like()?, tensor.zeros_like()?)))
            .collect::<Result<_>>()?;
        Ok(Self {
            config,
            step: 0,
            moments,
        })
    }

    pub fn config(&self) -> &AdamWConfig {
        &self.config
    }

    /// How many updates were made.
    pub fn steps_taken(&self) -> u64 {
        self.step
    }

    /// Updates the model. Refuses non-finite gradients before it touches a weight or a moment.
    pub fn step(
        &mut self,
        model: &mut Model,
        gradients: &Gradients,
        lr: f64,
    ) -> Result<StepReport> {
        if !(lr.is_finite() && lr >= 0.0) {
            return Err(EngineError::Argument(format!(
                "the learning rate is {lr}; expected a finite number from 0 up"
            )));
        }
        let grad_norm = gradients.global_norm()?;
        if !grad_norm.is_finite() {
            return Err(EngineError::NonFiniteGradient {
                tensors: gradients.non_finite()?,
            });
        }
        let clip_factor = match self.config.max_grad_norm {
            Some(largest) => (largest / (grad_norm + 1e-6)).min(1.0),
            None => 1.0,
        };
        self.step += 1;
        let decays: Vec<Option<bool>> = model
            .declared()
            .iter()
            .map(|declared| declared.trainable.then_some(declared.kind.decays()))
            .collect();
        let mut moments = self.moments.iter_mut();
        for (index, decays) in decays.into_iter().enumerate() {
            let (Some(decays), Some(gradient)) = (decays, gradients.tensor(index)) else {
                continue;
            };
            let change = Change::new(&self.config, self.step, lr, clip_factor, decays);
            let moments = moments
                .next()
                .expect("moments for each trainable parameter");
            model.change(index, |weight| change.apply(weight, gradient, moments))?;
        }
        Ok(StepReport {
            grad_norm,
            clip_factor,
        })
    }

    /// Writes moments and step as safetensors. Making the file durable is the caller's business.
    pub fn save(&self, path: &Path, model: &Model) -> Result<()> {
        let names: Vec<[String; 2]> = model
            .trainable()
            .map(|(name, _)| moment_names(name))
            .collect();
        let tensors = names
            .iter()
            .zip(&self.moments)
            .flat_map(|(names, moments)| {
                [
                    (names[0].as_str(), &moments.0),
                    (names[1].as_str(), &moments.1),
                ]
            });
        weights::write(
            path,
            tensors,
            HashMap::from([(STEP_ENTRY.to_owned(), self.step.to_string())]),
        )
    }

    /// Reads what [`save`](Self::save) wrote for a model of the same configuration.
    pub fn load(path: &Path, config: AdamWConfig, model: &Model) -> Result<Self> {
        let mut problems = Vec::new();
        let mut found = BTreeMap::new();
        let entries = weights::read_entries(path, &mut found, &mut problems)?;
        let declared: Vec<Declared> = model
            .declared()
            .iter()
            .filter(|declared| declared.trainable)
            .flat_map(|declared| {
                moment_names(&declared.name).map(|name| Declared {
                    name,
                    ..declared.clone()
                })
            })
            .collect();
        let step = entries.get(STEP_ENTRY).and_then(|step| step.parse().ok());
        if problems.is_empty() {
            weights::check(&declared, false, &found, &mut problems);
            if step.is_none() {
                problems.push(format!("the header has no number under {STEP_ENTRY:?}"));
            }
        }
        let (Some(step), true) = (step, problems.is_empty()) else {
            return Err(EngineError::Weights {
                path: path.to_owned(),
                problems,
            });
        };
        let mut tensors = declared.iter().map(|declared| -> Result<Tensor> {
            let values = found[&declared.name].read()?;
            Ok(Tensor::from_vec(
                values,
                declared.shape.as_slice(),
                model.device(),
            )?)
        });
        let mut moments = Vec::new();
        while let (Some(first), Some(second)) = (tensors.next(), tensors.next()) {
            moments.push((first?, second?));
        }
        Ok(Self {
            config,
            step,
            moments,
        })
    }
}

const STEP_ENTRY: &str = "step";

fn moment_names(parameter: &str) -> [String; 2] {
    [
        format!("{parameter}.exp_avg"),
        format!("{parameter}.exp_avg_sq"),
    ]
}

/// The numbers of one update of one tensor.
#[derive(Clone, Copy)]
struct Change {
    clip_factor: f64,
    beta1: f64,
    beta2: f64,
    eps: f64,
    shrink: f64,
    step_size: f64,
    root_correction: f64,
}

impl Change {
    fn new(config: &AdamWConfig, step: u64, lr: f64, clip_factor: f64, decays: bool) -> Self {
        let (beta1, beta2) = config.betas;
        let steps = step as f64;
        Self {
            clip_factor,
            beta1,
            beta2,
            eps: config.eps,
            shrink: if decays {
                1.0 - lr * config.weight_decay
            } else {
                1.0
            },
            step_size: lr / (1.0 - beta1.powf(steps)),
            root_correction: (1.0 - beta2.powf(steps)).sqrt(),
        }
    }

    fn apply(
        &self,
        weight: &mut Tensor,
        gradient: &Tensor,
        moments: &mut (Tensor, Tensor),
    ) -> Result<()> {
        let (first, second) = moments;
        if !on_cpu(&[weight, gradient, first, second]) {
            return self.apply_composed(weight, gradient, first, second);
        }
        const BLOCK: usize = 1 << 14;
        let gradient = read(gradient);
        write(weight, |weight| {
            write(first, |first| {
                write(second, |second| {
                    weight
                        .par_chunks_mut(BLOCK)
                        .zip(gradient.par_chunks(BLOCK))
                        .zip(first.par_chunks_mut(BLOCK))
                        .zip(second.par_chunks_mut(BLOCK))
                        .for_each(|(((weight, gradient), first), second)| {
                            self.apply_values(weight, gradient, first, second);
                        });
                })
            })
        })??
    }

    /// Slice by slice, so that what an expression makes on its way is small beside the tensors.
    fn apply_composed(
        &self,
        weight: &Tensor,
        gradient: &Tensor,
        first: &Tensor,
        second: &Tensor,
    ) -> Result<()> {
        const SLICE: usize = 1 << 24;
        // The slices below are written through views of them.
        debug_assert!(
            [weight, first, second]
                .iter()
                .all(|tensor| tensor.is_contiguous())
        );
        let flat = |tensor: &Tensor| tensor.flatten_all();
        let (weight, first, second) = (flat(weight)?, flat(first)?, flat(second)?);
        let gradient = flat(gradient)?;
        let count = weight.elem_count();
        for start in (0..count).step_by(SLICE) {
            let slice = |tensor: &Tensor| tensor.narrow(0, start, SLICE.min(count - start));
            let g = (slice(&gradient)? * self.clip_factor)?;
            let m = ((slice(&first)? * self.beta1)? + (&g * (1.0 - self.beta1))?)?;
            let v = ((slice(&second)? * self.beta2)? + (g.sqr()? * (1.0 - self.beta2))?)?;
            let denominator = ((v.sqrt()? / self.root_correction)? + self.eps)?;
            let w = ((slice(&weight)? * self.shrink)? - ((&m * self.step_size)? / denominator)?)?;
            for (tensor, values) in [(&weight, w), (&first, m), (&second, v)] {
                tensor.slice_set(&values, 0, start)?;
            }
        }
        Ok(())
    }

    fn apply_values(
        &self,
        weight: &mut [f32],
        gradient: &[f32],
        first: &mut [f32],
        second: &mut [f32],
    ) {
        let clip_factor = self.clip_factor as f32;
        let (beta1, rest1) = (self.beta1 as f32, (1.0 - self.beta1) as f32);
        let (beta2, rest2) = (self.beta2 as f32, (1.0 - self.beta2) as f32);
        let (shrink, step_size, eps) = (self.shrink as f32, self.step_size as f32, self.eps as f32);
        let root_scale = (1.0 / self.root_correction) as f32;
        vectorised(
            #[inline(always)]
            || {
                for (((w, &g), m), v) in weight.iter_mut().zip(gradient).zip(first).zip(second) {
                    let g = g * clip_factor;
                    *m = *m * beta1 + g * rest1;
                    *v = *v * beta2 + g * g * rest2;
                    *w = *w * shrink - step_size * *m / (v.sqrt() * root_scale + eps);
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

    use candle_core::Device;

    use super::*;

    /// The composition is what devices run; the kernel is held to PyTorch.
    #[test]
    fn the_composition_updates_as_the_kernel_does() {
        let config = AdamWConfig {
            weight_decay: 0.1,
            ..AdamWConfig::default()
        };
        let numbers = |seed: f32| {
            let values: Vec<f32> = (0..1000).map(|at| (at as f32 * seed).sin()).collect();
            Tensor::from_vec(values, (20, 50), &Device::Cpu).unwrap()
        };
        let run = |composed: bool| {
            let zeros = || Tensor::zeros((20, 50), candle_core::DType::F32, &Device::Cpu).unwrap();
            let (mut weight, mut moments) = (numbers(0.7), (zeros(), zeros()));
            for step in 1..=3 {
                let gradient = numbers(0.1 * step as f32);
                let change = Change::new(&config, step, 1e-2, 0.5, true);
                match composed {
                    true => change.apply_composed(&weight, &gradient, &moments.0, &moments.1),
                    false => change.apply(&mut weight, &gradient, &mut moments),
                }
                .unwrap();
            }
            [weight, moments.0, moments.1].map(|tensor| {
                let flat = tensor.flatten_all().unwrap();
                flat.to_vec1::<f32>().unwrap()
            })
        };
        for (composed, kernel) in run(true)
            .into_iter()
            .flatten()
            .zip(run(false).into_iter().flatten())
        {
            assert!((composed - kernel).abs() < 1e-6, "{composed} {kernel}");
        }
    }
}
