//! Derivatives of a loss with respect to every parameter, summed over the passes of a step.

use candle_core::{DType, Tensor};
use rayon::prelude::*;

use crate::error::Result;
use crate::model::Model;
use crate::ops::slices::{on_cpu, read, write};

/// One tensor for each parameter of a model, in the model's order.
#[derive(Debug)]
pub struct Gradients {
    names: Vec<String>,
    tensors: Vec<Tensor>,
}

/// A parameter that a loss cannot train, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncovered {
    pub name: String,
    pub reason: UncoveredReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UncoveredReason {
    /// Every derivative is zero: the parameter is cut off from the loss.
    Zero,
    NonFinite,
}

/// Values whose sum of squares one task makes; the sums are added in order.
const BLOCK: usize = 1 << 14;

impl Gradients {
    pub fn zeros(model: &Model) -> Result<Self> {
        let names = model
            .parameters()
            .map(|(name, _)| name.to_owned())
            .collect();
        let tensors = model
            .parameters()
            .map(|(_, tensor)| tensor.zeros_like())
            .collect::<candle_core::Result<_>>()?;
        Ok(Self { names, tensors })
    }

    /// Names and derivatives, in the model's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> {
        self.names.iter().map(String::as_str).zip(&self.tensors)
    }

    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.iter()
            .find(|(candidate, _)| *candidate == name)
            .map(|(_, tensor)| tensor)
    }

    /// The Euclidean norm of all derivatives together; not finite if one of them is not.
    pub fn global_norm(&self) -> Result<f64> {
        let mut sum = 0.0;
        for tensor in &self.tensors {
            sum += sum_of_squares(tensor)?;
        }
        Ok(sum.sqrt())
    }

    pub fn is_finite(&self) -> Result<bool> {
        Ok(self.global_norm()?.is_finite())
    }

    pub fn scale(&mut self, factor: f32) -> Result<()> {
        for tensor in &mut self.tensors {
            if on_cpu(&[tensor]) {
                write(tensor, |values| {
                    values.par_iter_mut().for_each(|value| *value *= factor)
                })?;
            } else {
                *tensor = (&*tensor * f64::from(factor))?;
            }
        }
        Ok(())
    }

    pub fn zero(&mut self) -> Result<()> {
        for tensor in &mut self.tensors {
            if on_cpu(&[tensor]) {
                write(tensor, |values| {
                    values
                        .par_chunks_mut(BLOCK)
                        .for_each(|values| values.fill(0.0))
                })?;
            } else {
                *tensor = tensor.zeros_like()?;
            }
        }
        Ok(())
    }

    /// Every parameter that these derivatives would leave untrained or ruin. Empty when all is well.
    pub fn coverage(&self) -> Result<Vec<Uncovered>> {
        let mut uncovered = Vec::new();
        for (name, tensor) in self.iter() {
            let sum = sum_of_squares(tensor)?;
            let reason = match sum {
                0.0 => UncoveredReason::Zero,
                sum if sum.is_finite() => continue,
                _ => UncoveredReason::NonFinite,
            };
            uncovered.push(Uncovered {
                name: name.to_owned(),
                reason,
            });
        }
        Ok(uncovered)
    }

    pub(crate) fn non_finite(&self) -> Result<Vec<String>> {
        let coverage = self.coverage()?.into_iter();
        Ok(coverage
            .filter(|one| one.reason == UncoveredReason::NonFinite)
            .map(|one| one.name)
            .collect())
    }

    pub(crate) fn tensor(&self, index: usize) -> &Tensor {
        &self.tensors[index]
    }

    pub(crate) fn tensor_mut(&mut self, index: usize) -> &mut Tensor {
        &mut self.tensors[index]
    }

    pub(crate) fn tensors_mut(&mut self, indices: [usize; 2]) -> [&mut Tensor; 2] {
        self.tensors
            .get_disjoint_mut(indices)
            .expect("a weight and its bias are two parameters of the model")
    }
}

impl std::fmt::Display for UncoveredReason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Zero => "zero",
            Self::NonFinite => "non-finite",
        })
    }
}

/// In double precision, where no square of a finite f32 overflows.
pub(crate) fn sum_of_squares(tensor: &Tensor) -> Result<f64> {
    if !on_cpu(&[tensor]) {
        return Ok(tensor.to_dtype(DType::F64)?.sqr()?.sum_all()?.to_scalar()?);
    }
    let values = read(tensor);
    let sums: Vec<f64> = values
        .par_chunks(BLOCK)
        .map(|values| {
            crate::ops::lanes::vectorised(
                #[inline(always)]
                || {
                    let mut sums = [0.0_f64; 16];
                    let (blocks, rest) = values.as_chunks::<16>();
                    for block in blocks {
                        for lane in 0..16 {
                            let value = f64::from(block[lane]);
                            sums[lane] = value.mul_add(value, sums[lane]);
                        }
                    }
                    sums.iter().sum::<f64>()
                        + rest
                            .iter()
                            .map(|&value| f64::from(value).powi(2))
                            .sum::<f64>()
                },
            )
        })
        .collect();
    Ok(sums.iter().sum())
}
