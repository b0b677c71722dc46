//! A decoder's parameters: named as in the checkpoint, found by use, changed in place by the update rule.

use std::path::Path;

use candle_core::{DType, Device, Tensor};

use crate::config::ModelConfig;
use crate::error::{EngineError, Result};
use crate::gradients::sum_of_squares;
use crate::parameters::{Declared, LayerParameters, Layout, declare};
use crate::{gguf, init, weights};

/// A Llama- or Qwen2-style decoder.
#[derive(Debug)]
pub struct Model {
    config: ModelConfig,
    device: Device,
    declared: Vec<Declared>,
    layout: Layout,
    tensors: Vec<Tensor>,
}

impl Model {
    /// A new model with weights drawn as transformers draws them: matrices and embeddings from
    /// `normal(0, initializer_range)`, norms 1, biases 0. Each tensor's stream depends on `seed` and its name alone.
    pub fn init(config: ModelConfig, seed: u64, device: &Device) -> Result<Self> {
        config.validate().map_err(EngineError::Argument)?;
        let (declared, layout) = declare(&config);
        let tensors = declared
            .iter()
            .map(|declared| {
                let values = init::values(declared, config.initializer_range, seed);
                Ok(Tensor::from_vec(values, declared.shape.as_slice(), device)?)
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            config,
            device: device.clone(),
            declared,
            layout,
            tensors,
        })
    }

    /// Loads a Hugging Face directory: `config.json` and `model.safetensors`, or shards with their index. A path that
    /// is a file ending in `.gguf` is loaded with [`load_gguf`](Self::load_gguf).
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        if gguf::is_gguf(path) {
            return Self::load_gguf(path, device);
        }
        let config = ModelConfig::read(path)?;
        let (declared, layout) = declare(&config);
        let tensors = weights::load(path, &declared, config.tie_word_embeddings, device)?;
        Ok(Self {
            config,
            device: device.clone(),
            declared,
            layout,
            tensors,
        })
    }

    /// Loads a GGUF file as f32, whatever its tensors are packed as.
    pub fn load_gguf(path: &Path, device: &Device) -> Result<Self> {
        let (config, tensors) = gguf::load(path, device)?;
        let (declared, layout) = declare(&config);
        Ok(Self {
            config,
            device: device.clone(),
            declared,
            layout,
            tensors,
        })
    }

    /// Writes `config.json` and `model.safetensors` (f32). Making them durable is the caller's business.
    pub fn save(&self, directory: &Path) -> Result<()> {
        self.config.write(directory)?;
        weights::save(&directory.join("model.safetensors"), self.parameters())
    }

    /// A copy that later updates of this model do not reach, such as a reference policy.
    pub fn snapshot(&self) -> Result<Self> {
        let tensors = self
            .tensors
            .iter()
            .map(Tensor::copy)
            .collect::<candle_core::Result<_>>()?;
        Ok(Self {
            config: self.config.clone(),
            device: self.device.clone(),
            declared: self.declared.clone(),
            layout: self.layout.clone(),
            tensors,
        })
    }

    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    pub fn dtype(&self) -> DType {
        self.tensors[0].dtype()
    }

    /// Names and values, in the order of the forward pass.
    pub fn parameters(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> {
        self.declared
            .iter()
            .zip(&self.tensors)
            .map(|(declared, tensor)| (declared.name.as_str(), tensor))
    }

    /// The first parameter with a value that is not finite.
    pub fn first_not_finite(&self) -> Result<Option<&str>> {
        for (name, tensor) in self.parameters() {
            if !sum_of_squares(tensor)?.is_finite() {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    pub fn parameter_count(&self) -> usize {
        self.tensors.iter().map(Tensor::elem_count).sum()
    }

    /// `(vocab_size, hidden_size)`.
    pub fn embed_tokens(&self) -> &Tensor {
        &self.tensors[self.layout.embed_tokens]
    }

    pub fn layer(&self, index: usize) -> LayerParameters<&Tensor> {
        self.layout.layers[index].map(|&at| &self.tensors[at])
    }

    /// The gain of the last norm, `(hidden_size)`.
    pub fn norm(&self) -> &Tensor {
        &self.tensors[self.layout.norm]
    }

    /// `(vocab_size, hidden_size)`; the embedding itself in a tied model.
    pub fn lm_head(&self) -> &Tensor {
        &self.tensors[self.layout.lm_head]
    }

    pub(crate) fn declared(&self) -> &[Declared] {
        &self.declared
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(crate) fn tensors_mut(&mut self) -> &mut [Tensor] {
        &mut self.tensors
    }
}
