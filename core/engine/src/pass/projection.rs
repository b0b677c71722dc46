//! One projection of a layer, with its low-rank adapter where it has one: `y = x W^T + b + scale * d(x) A^T B^T`,
//! where d drops a share of its input.

use candle_core::Tensor;

use crate::buffers::give_tensor;
use crate::error::Result;
use crate::gradients::Gradients;
use crate::ops::dropout::{self, Mask};
use crate::ops::linear;
use crate::parameters::{LowRank, Projection};

/// What the adapter of one projection needs to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    pub scale: f32,
    /// The mask on the adapter's input, in a pass with dropout.
    pub mask: Option<Mask<'a>>,
}

pub(crate) fn forward(
    x: &Tensor,
    projection: &Projection<&Tensor>,
    site: Site<'_>,
) -> Result<Tensor> {
    let y = linear::forward(x, projection.weight, projection.bias)?;
    let Some(LowRank { a, b }) = projection.lora else {
        return Ok(y);
    };
    let low = site.seen(x, |x| linear::forward(x, a, None))?;
    let y = linear::forward_onto(&low, b, site.scale, y)?;
    give_tensor(low);
    Ok(y)
}

/// The derivative of the projection's input, added to `onto` where given.
pub(super) fn backward_input(
    dy: &Tensor,
    projection: &Projection<&Tensor>,
    site: Site<'_>,
    onto: Option<Tensor>,
) -> Result<Tensor> {
    let dx = linear::backward_input(dy, projection.weight, 1.0, onto)?;
    let Some(LowRank { a, b }) = projection.lora else {
        return Ok(dx);
    };
    let dlow = linear::backward_input(dy, b, site.scale, None)?;
    let dx = match site.mask {
        None => linear::backward_input(&dlow, a, 1.0, Some(dx))?,
        Some(mask) => {
            let dropped = linear::backward_input(&dlow, a, 1.0, None)?;
            let masked = dropout::apply(&dropped, mask)?;
            let sum = (&dx + &masked)?;
            [dropped, masked, dx].into_iter().for_each(give_tensor);
            sum
        }
    };
    give_tensor(dlow);
    Ok(dx)
}

/// Adds the derivatives of those of the projection's parameters that are trained.
pub(super) fn backward_parameters(
    x: &Tensor,
    dy: &Tensor,
    projection: &Projection<&Tensor>,
    site: Site<'_>,
    positions: &Projection<usize>,
    gradients: &mut Gradients,
) -> Result<()> {
    match positions.bias {
        None => {
            if let Some(dweight) = gradients.tensor_mut(positions.weight) {
                linear::backward_parameters(x, dy, 1.0, dweight, None)?;
            }
        }
        Some(bias) => {
            if let [Some(dweight), dbias] = gradients.tensors_mut([positions.weight, bias]) {
                linear::backward_parameters(x, dy, 1.0, dweight, dbias)?;
            }
        }
    }
    let (Some(LowRank { a, b }), Some(at)) = (projection.lora, positions.lora) else {
        return Ok(());
    };
    site.seen(x, |x| {
        let low = linear::forward(x, a, None)?;
        if let Some(db) = gradients.tensor_mut(at.b) {
            linear::backward_parameters(&low, dy, site.scale, db, None)?;
        }
        let dlow = linear::backward_input(dy, b, site.scale, None)?;
        if let Some(da) = gradients.tensor_mut(at.a) {
            linear::backward_parameters(x, &dlow, 1.0, da, None)?;
        }
        [low, dlow].into_iter().for_each(give_tensor);
        Ok(())
    })
}

impl Site<'_> {
    /// What the adapter sees of `x`.
    fn seen<R>(&self, x: &Tensor, f: impl FnOnce(&Tensor) -> Result<R>) -> Result<R> {
        let Some(mask) = self.mask else {
            return f(x);
        };
        let dropped = dropout::apply(x, mask)?;
        let result = f(&dropped);
        give_tensor(dropped);
        result
    }
}
