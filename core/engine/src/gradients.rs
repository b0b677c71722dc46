//! Derivatives of a loss with respect to every parameter, summed over the passes of a step.

use candle_core::{DType, Tensor};
use rayon::prelude::*;

use crate::error::Result;
use crate::model::Model;
use crate::ops::slices::{on_cpu, read, write};

/// One tensor for each trainable parameter of a model, in the model's order.
#[derive(Debug)]
pub struct Gradients {
    /// One for each parameter; frozen ones have no tensor.
    slots: Vec<Slot>,
}

#[derive(Debug)]
struct Slot {
    name: String,
    tensor: Option<Tensor>,
}

/// A parameter that a loss cannot train, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncovered {
    pub name: String,
    pub reason: UncoveredReason,
}

/// Which parameters a gradient reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Those that it leaves untrained or would ruin. Empty when all is well.
    pub uncovered: Vec<Uncovered>,
    /// First factors of adapters, which get a derivative when the second factor has left zero, where it starts: they
    /// are to be looked at again.
    pub waiting: usize,
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
        let slots = model
            .declared()
            .iter()
            .zip(model.parameters())
            .map(|(declared, (name, tensor))| {
                let tensor = declared
                    .trainable
                    .then(|| tensor.zeros_like())
                    .transpose()?;
                Ok(Slot {
                    name: name.to_owned(),
                    tensor,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self { slots })
    }

    /// Names and derivatives, in the model's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.slots
            .iter()
            .filter_map(|slot| Some((slot.name.as_str(), slot.tensor.as_ref()?)))
    }

    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.iter()
            .find(|(candidate, _)| *candidate == name)
            .map(|(_, tensor)| tensor)
    }

    /// The Euclidean norm of all derivatives together; not finite if one of them is not.
    pub fn global_norm(&self) -> Result<f64> {
        Ok(self.sums_of_squares()?.iter().sum::<f64>().sqrt())
    }

    pub fn scale(&mut self, factor: f32) -> Result<()> {
        for tensor in self
            .slots
            .iter_mut()
            .filter_map(|slot| slot.tensor.as_mut())
        {
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
        for tensor in self
            .slots
            .iter_mut()
            .filter_map(|slot| slot.tensor.as_mut())
        {
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

    /// One for each trainable parameter, in the model's order.
    fn sums_of_squares(&self) -> Result<Vec<f64>> {
        sums_of_squares(self.iter().map(|(_, tensor)| tensor))
    }

    /// Looks at the derivatives of every trainable parameter of `model`.
    pub fn coverage(&self, model: &Model) -> Result<Coverage> {
        let at_zero = model.adapters_at_zero()?;
        let mut coverage = Coverage::default();
        for ((name, _), sum) in self.iter().zip(self.sums_of_squares()?) {
            let reason = match sum {
                0.0 if at_zero.contains(name) => {
                    coverage.waiting += 1;
                    continue;
                }
                0.0 => UncoveredReason::Zero,
                sum if sum.is_finite() => continue,
                _ => UncoveredReason::NonFinite,
            };
            coverage.uncovered.push(Uncovered {
                name: name.to_owned(),
                reason,
            });
        }
        Ok(coverage)
    }

    pub(crate) fn non_finite(&self) -> Result<Vec<String>> {
        let sums = self.iter().zip(self.sums_of_squares()?);
        Ok(sums
            .filter(|(_, sum)| !sum.is_finite())
            .map(|((name, _), _)| name.to_owned())
            .collect())
    }

    /// The derivative of the parameter at `index`; none if it is frozen.
    pub(crate) fn tensor(&self, index: usize) -> Option<&Tensor> {
        self.slots[index].tensor.as_ref()
    }

    pub(crate) fn tensor_mut(&mut self, index: usize) -> Option<&mut Tensor> {
        self.slots[index].tensor.as_mut()
    }

    pub(crate) fn tensors_mut(&mut self, indices: [usize; 2]) -> [Option<&mut Tensor>; 2] {
        self.slots
            .get_disjoint_mut(indices)
            .expect("a weight and its bias are two parameters of the model")
            .map(|slot| slot.tensor.as_mut())
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

/// The sum of squares of each tensor, in double precision, where no square of a finite f32 overflows. From a device they
/// come in one copy.
pub(crate) fn sums_of_squares<'t>(tensors: impl Iterator<Item = &'t Tensor>) -> Result<Vec<f64>> {
    let mut sums = Vec::new();
    let mut on_device = Vec::new();
    for (index, tensor) in tensors.enumerate() {
        sums.push(0.0);
        match on_cpu(&[tensor]) {
            true => sums[index] = sum_of_squares(&read(tensor)),
            false => on_device.push((index, composed_sum_of_squares(tensor)?)),
        }
    }
    if !on_device.is_empty() {
        let (at, scalars): (Vec<usize>, Vec<Tensor>) = on_device.into_iter().unzip();
        let values: Vec<f64> = Tensor::stack(&scalars, 0)?.to_vec1()?;
        for (index, value) in at.into_iter().zip(values) {
            sums[index] = value;
        }
    }
    Ok(sums)
}

fn composed_sum_of_squares(tensor: &Tensor) -> Result<Tensor> {
    /// Values that are widened at one time, so that a large embedding is not there a second time in f64.
    const LARGEST: usize = 1 << 24;
    const ROW: usize = 1 << 12;
    let values = tensor.flatten_all()?;
    let count = values.elem_count();
    let mut sum = Tensor::zeros((), DType::F64, tensor.device())?;
    for start in (0..count).step_by(LARGEST) {
        let squares = values
            .narrow(0, start, LARGEST.min(count - start))?
            .to_dtype(DType::F64)?
            .sqr()?;
        // Row by row first: a device sums each row on processors of its own.
        let rows = squares.elem_count() / ROW;
        let (whole, rest) = (rows * ROW, squares.elem_count() - rows * ROW);
        if rows > 0 {
            let by_row = squares.narrow(0, 0, whole)?.reshape((rows, ROW))?.sum(1)?;
            sum = (sum + by_row.sum_all()?)?;
        }
        if rest > 0 {
            sum = (sum + squares.narrow(0, whole, rest)?.sum_all()?)?;
        }
    }
    Ok(sum)
}

fn sum_of_squares(values: &[f32]) -> f64 {
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
    sums.iter().sum()
}
