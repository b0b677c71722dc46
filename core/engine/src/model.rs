//! A decoder's parameters: named as in the checkpoint, found by use, changed in place by the update rule.

use std::collections::HashSet;
use std::path::Path;

use candle_core::{DType, Device, Tensor};

use crate::config::ModelConfig;
use crate::error::{EngineError, Result};
use crate::gradients::sums_of_squares;
use crate::lora::LoraConfig;
use crate::parameters::{
    Declared, LayerParameters, Layout, LowRank, Projection, declare, declare_adapters,
};
use crate::{gguf, init, weights};

/// A decoder, with low-rank adapters where it has them.
#[derive(Debug)]
pub struct Model {
    config: ModelConfig,
    device: Device,
    declared: Vec<Declared>,
    layout: Layout,
    /// What is saved and what updates change: f32, whatever passes compute in, so that no update is too small to
    /// count. Frozen ones are in the type of the passes.
    tensors: Vec<Tensor>,
    /// What passes and decoding read, where they compute in another type than f32: the tensors rounded to it.
    rounded: Option<Vec<Tensor>>,
    lora: Option<LoraConfig>,
}

impl Model {
    /// A new model with weights drawn as transformers draws them: matrices and embeddings from
    /// `normal(0, initializer_range)`, norms 1, biases 0. Each tensor's stream depends on `seed` and its name alone.
    pub fn init(config: ModelConfig, seed: u64, device: &Device) -> Result<Self> {
        config.validate().map_err(EngineError::Argument)?;
        let tensors = declare(&config)
            .0
            .iter()
            .map(|declared| {
                let values = init::values(declared, config.initializer_range, seed);
                Ok(Tensor::from_vec(values, declared.shape.as_slice(), device)?)
            })
            .collect::<Result<_>>()?;
        Ok(Self::of(config, device.clone(), tensors))
    }

    /// Loads a Hugging Face directory: `config.json` and `model.safetensors`, or shards with their index. A path that
    /// is a file ending in `.gguf` is loaded with [`load_gguf`](Self::load_gguf).
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        if gguf::is_gguf(path) {
            return Self::load_gguf(path, device);
        }
        let config = ModelConfig::read(path)?;
        let (declared, _) = declare(&config);
        let tensors = weights::load(path, &declared, config.tie_word_embeddings, device)?;
        Ok(Self::of(config, device.clone(), tensors))
    }

    /// Loads a GGUF file as f32, whatever its tensors are packed as.
    pub fn load_gguf(path: &Path, device: &Device) -> Result<Self> {
        let (config, tensors) = gguf::load(path, device)?;
        Ok(Self::of(config, device.clone(), tensors))
    }

    /// A model without adapters from its parameters in the order of `declare`.
    fn of(config: ModelConfig, device: Device, tensors: Vec<Tensor>) -> Self {
        let (declared, layout) = declare(&config);
        Self {
            config,
            device,
            declared,
            layout,
            tensors,
            rounded: None,
            lora: None,
        }
    }

    /// The same weights for other lengths: see [`ModelConfig::with_context`]. Its checkpoints say so.
    pub fn with_context(mut self, max_position_embeddings: usize, rope_theta: Option<f64>) -> Self {
        self.config = self
            .config
            .with_context(max_position_embeddings, rope_theta);
        self
    }

    /// The same model, whose passes and decoding compute in `dtype`. What is trained stays f32 beside it, the master
    /// weights of mixed precision (Micikevicius et al. 2018), so this comes after [`with_adapters`](Self::with_adapters).
    pub fn computing_in(mut self, dtype: DType) -> Result<Self> {
        self.rounded = None;
        for (declared, tensor) in self.declared.iter().zip(&mut self.tensors) {
            let kept = if declared.trainable {
                DType::F32
            } else {
                dtype
            };
            *tensor = tensor.to_dtype(kept)?;
        }
        if dtype != DType::F32 {
            let rounded = self.tensors.iter().map(|tensor| tensor.to_dtype(dtype));
            self.rounded = Some(rounded.collect::<candle_core::Result<_>>()?);
        }
        Ok(self)
    }

    /// Writes `config.json` and `model.safetensors` (f32), or shards where that would be larger than 5 GB. Making them
    /// durable is the caller's business.
    pub fn save(&self, directory: &Path) -> Result<()> {
        self.save_in_shards(directory, weights::LARGEST_SHARD)
    }

    /// The same with shards of at most `largest` bytes; a larger tensor has one to itself.
    pub fn save_in_shards(&self, directory: &Path, largest: u64) -> Result<()> {
        self.config.write(directory)?;
        weights::save(directory, self.parameters(), largest)
    }

    /// The same model with new adapters, which change nothing until they are trained; everything else is frozen.
    pub fn with_adapters(mut self, lora: LoraConfig, seed: u64) -> Result<Self> {
        lora.validate()?;
        if self.lora.is_some() {
            return Err(EngineError::Argument(
                "the model has adapters already; merge them first".to_owned(),
            ));
        }
        let dtype = self.dtype();
        let base = self.declared.len();
        declare_adapters(&lora, &mut self.declared, &mut self.layout);
        for declared in &self.declared[base..] {
            let values = init::values(declared, 0.0, seed);
            let tensor = Tensor::from_vec(values, declared.shape.as_slice(), &self.device)?;
            self.tensors.push(tensor);
        }
        self.lora = Some(lora);
        self.computing_in(dtype)
    }

    /// The model that the adapters were added to; its weights are shared, not copied.
    pub fn without_adapters(&self) -> Self {
        let base = declare(&self.config).0.len();
        let tensors = self.tensors[..base].to_vec();
        let rounded = self.rounded.as_ref();
        Self {
            rounded: rounded.map(|rounded| rounded[..base].to_vec()),
            ..Self::of(self.config.clone(), self.device.clone(), tensors)
        }
    }

    /// The same function without adapters, in f32: each is added to its weight.
    pub fn merged(&self) -> Result<Self> {
        let mut merged = self.without_adapters().computing_in(DType::F32)?;
        for layer in &self.layout.layers {
            for projection in layer.projections() {
                merged.tensors[projection.weight] =
                    self.effective_weight(&projection.map(&|&at| &self.tensors[at]))?;
            }
        }
        Ok(merged)
    }

    /// A projection's weight with its adapter added to it.
    pub(crate) fn effective_weight(&self, projection: &Projection<&Tensor>) -> Result<Tensor> {
        let (Some(LowRank { a, b }), Some(lora)) = (&projection.lora, &self.lora) else {
            return Ok(projection.weight.clone());
        };
        let change = (b.matmul(a)? * f64::from(lora.scale()))?;
        Ok((projection.weight.to_dtype(change.dtype())? + change)?)
    }

    /// The settings of the adapters, if there are any.
    pub fn lora(&self) -> Option<&LoraConfig> {
        self.lora.as_ref()
    }

    /// The same model without master weights, to be computed with and not trained.
    #[must_use]
    pub fn for_inference(mut self) -> Self {
        if let Some(rounded) = &self.rounded {
            self.tensors.clone_from(rounded);
        }
        self
    }

    /// A copy that later updates of this model do not reach, such as a reference policy: it is there to be computed
    /// with, so it has no master weights. Frozen parameters are shared.
    pub fn snapshot(&self) -> Result<Self> {
        let tensors: Vec<Tensor> = self
            .declared
            .iter()
            .zip(self.computed())
            .map(|(declared, tensor)| match declared.trainable {
                true => tensor.copy(),
                false => Ok(tensor.clone()),
            })
            .collect::<candle_core::Result<_>>()?;
        Ok(Self {
            config: self.config.clone(),
            device: self.device.clone(),
            declared: self.declared.clone(),
            layout: self.layout.clone(),
            rounded: self.rounded.as_ref().map(|_| tensors.clone()),
            tensors,
            lora: self.lora.clone(),
        })
    }

    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What passes and decoding compute in.
    pub fn dtype(&self) -> DType {
        self.computed()[0].dtype()
    }

    fn computed(&self) -> &[Tensor] {
        self.rounded.as_ref().unwrap_or(&self.tensors)
    }

    /// Names and values as they are saved, in the order of the forward pass.
    pub fn parameters(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> {
        self.declared
            .iter()
            .zip(&self.tensors)
            .map(|(declared, tensor)| (declared.name.as_str(), tensor))
    }

    /// Those that an update changes.
    pub fn trainable(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.declared
            .iter()
            .zip(&self.tensors)
            .filter(|(declared, _)| declared.trainable)
            .map(|(declared, tensor)| (declared.name.as_str(), tensor))
    }

    /// The first factors of adapters whose second factor is zero.
    pub(crate) fn adapters_at_zero(&self) -> Result<HashSet<&str>> {
        let adapters: Vec<LowRank<usize>> = self
            .layout
            .layers
            .iter()
            .flat_map(LayerParameters::projections)
            .filter_map(|projection| projection.lora)
            .collect();
        let sums = sums_of_squares(adapters.iter().map(|lora| &self.tensors[lora.b]))?;
        Ok(adapters
            .iter()
            .zip(sums)
            .filter(|(_, sum)| *sum == 0.0)
            .map(|(lora, _)| self.declared[lora.a].name.as_str())
            .collect())
    }

    /// The first parameter with a value that is not finite.
    pub fn first_not_finite(&self) -> Result<Option<&str>> {
        let sums = sums_of_squares(self.tensors.iter())?;
        let mut named = self.declared.iter().zip(sums);
        Ok(named
            .find(|(_, sum)| !sum.is_finite())
            .map(|(declared, _)| declared.name.as_str()))
    }

    pub fn parameter_count(&self) -> usize {
        self.tensors.iter().map(Tensor::elem_count).sum()
    }

    /// `(vocab_size, hidden_size)`.
    pub fn embed_tokens(&self) -> &Tensor {
        &self.computed()[self.layout.embed_tokens]
    }

    pub fn layer(&self, index: usize) -> LayerParameters<&Tensor> {
        self.layout.layers[index].map(|&at| &self.computed()[at])
    }

    /// The gain of the last norm, `(hidden_size)`.
    pub fn norm(&self) -> &Tensor {
        &self.computed()[self.layout.norm]
    }

    /// `(vocab_size, hidden_size)`; the embedding itself in a tied model.
    pub fn lm_head(&self) -> &Tensor {
        &self.computed()[self.layout.lm_head]
    }

    pub(crate) fn declared(&self) -> &[Declared] {
        &self.declared
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Lets `change` write or replace the values of the parameter at `index`.
    pub(crate) fn change(
        &mut self,
        index: usize,
        change: impl FnOnce(&mut Tensor) -> Result<()>,
    ) -> Result<()> {
        let tensor = &mut self.tensors[index];
        change(tensor)?;
        if let Some(rounded) = &mut self.rounded {
            rounded[index] = tensor.to_dtype(rounded[index].dtype())?;
        }
        Ok(())
    }
}
