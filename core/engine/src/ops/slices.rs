//! Access to the numbers of CPU tensors as slices.

use std::ops::Deref;

use candle_core::{CpuStorage, DType, InplaceOp1, Layout, Storage, StorageRef, Tensor};

use crate::error::Result;

/// Whether all these tensors are contiguous f32 on the CPU, the condition of every kernel in [`ops`](super).
pub fn on_cpu(tensors: &[&Tensor]) -> bool {
    tensors.iter().all(|tensor| {
        tensor.device().is_cpu() && tensor.dtype() == DType::F32 && tensor.is_contiguous()
    })
}

/// The numbers of a tensor for which [`on_cpu`] holds.
pub struct Slice<'a> {
    storage: StorageRef<'a>,
    start: usize,
    length: usize,
}

impl Deref for Slice<'_> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &*self.storage {
            Storage::Cpu(CpuStorage::F32(values)) => &values[self.start..][..self.length],
            _ => unreachable!("`read` is called for f32 tensors of the CPU"),
        }
    }
}

pub fn read(tensor: &Tensor) -> Slice<'_> {
    debug_assert!(on_cpu(&[tensor]));
    let (storage, layout) = tensor.storage_and_layout();
    Slice {
        storage,
        start: layout.start_offset(),
        length: layout.shape().elem_count(),
    }
}

/// Lets `change` write the numbers of a tensor for which [`on_cpu`] holds. The tensor is locked meanwhile, so `change`
/// must not read it by another handle.
pub fn write<R>(tensor: &Tensor, change: impl FnOnce(&mut [f32]) -> R) -> Result<R> {
    struct Write<F, R>(std::cell::RefCell<(Option<F>, Option<R>)>);
    impl<F: FnOnce(&mut [f32]) -> R, R> InplaceOp1 for Write<F, R> {
        fn name(&self) -> &'static str {
            "write"
        }
        fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
            let CpuStorage::F32(values) = storage else {
                candle_core::bail!("expected f32, found {:?}", layout);
            };
            let values = &mut values[layout.start_offset()..][..layout.shape().elem_count()];
            let mut state = self.0.borrow_mut();
            let change = state
                .0
                .take()
                .expect("candle calls an in-place operation once");
            state.1 = Some(change(values));
            Ok(())
        }
    }
    let operation = Write(std::cell::RefCell::new((Some(change), None)));
    tensor.inplace_op1(&operation)?;
    Ok(operation.0.into_inner().1.expect("the operation ran"))
}
