//! Log-probabilities and entropies, which never hold the whole matrix.

use candle_core::{DType, Device, Tensor};

use super::{Operation, assert_close, finite_differences, flat, numbers};
use crate::error::Result;
use crate::ops::head;

struct Head {
    targets: Vec<u32>,
    temperature: f32,
}

impl Operation for Head {
    // Outputs: logp and entropy, one row each.
    fn forward(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        let predicted = head::forward(&inputs[0], &inputs[1], &self.targets, self.temperature)?;
        [predicted.logp, predicted.entropy]
            .into_iter()
            .map(|row| {
                Ok(Tensor::new(row, &Device::Cpu)?
                    .unsqueeze(0)?
                    .to_dtype(inputs[0].dtype())?)
            })
            .collect()
    }

    fn backward(&self, inputs: &[Tensor], doutputs: &[Tensor]) -> Result<Vec<Tensor>> {
        let predicted = head::forward(&inputs[0], &inputs[1], &self.targets, self.temperature)?;
        let row = |index: usize| {
            doutputs[index]
                .squeeze(0)?
                .to_dtype(DType::F32)?
                .to_vec1::<f32>()
        };
        let mut dweight = inputs[1].zeros_like()?;
        let dx = head::backward(
            &inputs[0],
            &inputs[1],
            &self.targets,
            self.temperature,
            &predicted,
            &row(0)?,
            Some(&row(1)?),
            Some(&mut dweight),
        )?;
        Ok(vec![dx, dweight])
    }
}

#[test]
fn head_with_entropy() {
    // The head hands over f32 scores, which finite differences in f64 cannot resolve; the whole-model tests against
    // transformers hold it to 1e-4, and this compares kernel and composition, and the kernel with coarse differences.
    for temperature in [1.0, 0.7] {
        let operation = Head {
            targets: vec![3, 0, 20],
            temperature,
        };
        let shapes = [(3, 11), (21, 11)];
        let run = |dtype| {
            let inputs: Vec<Tensor> = shapes
                .iter()
                .zip(0..)
                .map(|(&shape, seed)| numbers(shape, seed, dtype))
                .collect();
            let outputs = operation.forward(&inputs).unwrap();
            let doutputs = [numbers((1, 3), 5, dtype), numbers((1, 3), 6, dtype)];
            let dinputs = operation.backward(&inputs, &doutputs).unwrap();
            finite_differences(&operation, &inputs, &doutputs, &dinputs, 1e-2, 1e-3);
            outputs.into_iter().chain(dinputs).collect::<Vec<_>>()
        };
        for (found, expected) in run(DType::F32).iter().zip(run(DType::F64)) {
            assert_close(&flat(found), &flat(&expected), 2e-6);
        }
    }
}
