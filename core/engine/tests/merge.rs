//! Merges against sums done by hand, and refusals of models that do not fit each other.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod support;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use farthing_engine::{
    Architecture, MergeInput, MergeMethod, Merged, Model, ModelConfig, Tokenizer, merge,
};
use proptest::prelude::*;
use support::{flat, small_config};
use tempfile::TempDir;

/// Models with one tokenizer and their own weights, in directories beside each other.
struct Models {
    directory: TempDir,
    inputs: Vec<MergeInput>,
}

impl Models {
    fn new(config: &ModelConfig, weights: &[f64]) -> Self {
        let models = Self {
            directory: tempfile::tempdir().unwrap(),
            inputs: Vec::new(),
        };
        weights
            .iter()
            .zip(1..)
            .fold(models, |mut models, (&weight, seed)| {
                let path = models.add(&format!("model-{seed}"), config, seed);
                models.inputs.push(MergeInput { path, weight });
                models
            })
    }

    /// Writes one more model, which is no input yet.
    fn add(&self, name: &str, config: &ModelConfig, seed: u64) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::create_dir(&path).unwrap();
        let model = Model::init(config.clone(), seed, &Device::Cpu).unwrap();
        model.save(&path).unwrap();
        tokenizer("0123456789").save(&path).unwrap();
        path
    }

    fn merge(&self, method: &MergeMethod) -> farthing_engine::Result<(Merged, PathBuf)> {
        let out = tempfile::tempdir_in(self.directory.path()).unwrap().keep();
        Ok((merge(&self.inputs, method, &out)?, out))
    }

    #[track_caller]
    fn refusal(&self, method: &MergeMethod) -> String {
        self.merge(method).unwrap_err().to_string()
    }

    fn tensors(&self) -> Vec<HashMap<String, Vec<f32>>> {
        self.inputs
            .iter()
            .map(|input| tensors(&input.path))
            .collect()
    }
}

fn tokenizer(alphabet: &str) -> Tokenizer {
    Tokenizer::characters::<&str>(alphabet, &[]).unwrap()
}

fn config() -> ModelConfig {
    small_config(Architecture::Qwen2, true)
}

fn tensors(directory: &Path) -> HashMap<String, Vec<f32>> {
    let model = Model::load(directory, &Device::Cpu).unwrap();
    let named = model.parameters();
    named
        .map(|(name, tensor)| (name.to_owned(), flat(tensor)))
        .collect()
}

#[track_caller]
fn assert_sum(found: &[f32], coefficients: &[f64], of: &[&[f32]], what: &str) {
    for (i, &found) in found.iter().enumerate() {
        let sum: f64 = coefficients
            .iter()
            .zip(of)
            .map(|(c, x)| c * f64::from(x[i]))
            .sum();
        let error = (f64::from(found) - sum).abs();
        assert!(
            error <= 1e-7 * sum.abs().max(1e-3),
            "{what}[{i}]: found {found}, expected {sum}"
        );
    }
}

#[test]
fn a_linear_merge_is_the_weighted_mean() {
    let models = Models::new(&config(), &[2.0, 1.0, 5.0]);
    let inputs = models.tensors();
    let (merged, out) = models.merge(&MergeMethod::Linear).unwrap();
    for (name, found) in tensors(&out) {
        let of: Vec<&[f32]> = inputs
            .iter()
            .map(|tensors| tensors[&name].as_slice())
            .collect();
        assert_sum(&found, &[0.25, 0.125, 0.625], &of, &name);
    }
    let model = Model::load(&out, &Device::Cpu).unwrap();
    assert_eq!(merged.parameters, model.parameter_count());
    // Closest to what counts most.
    assert!(merged.distances[2] < merged.distances[0] && merged.distances[0] < merged.distances[1]);
}

#[test]
fn a_merge_of_one_model_or_of_equal_ones_is_that_model() {
    for copies in 1..=3 {
        let mut models = Models::new(&config(), &[1.0]);
        models.inputs = vec![models.inputs[0].clone(); copies];
        let (merged, out) = models.merge(&MergeMethod::Linear).unwrap();
        let file = |path: &Path| std::fs::read(path.join("model.safetensors")).unwrap();
        assert_eq!(tensors(&out), tensors(&models.inputs[0].path));
        assert!(merged.distances.iter().all(|&distance| distance < 1e-7));
        // The header too: a reader that took the one takes the other.
        assert_eq!(file(&out).len(), file(&models.inputs[0].path).len());
    }
}

#[test]
fn task_arithmetic_adds_scaled_differences_to_the_base() {
    let models = Models::new(&config(), &[1.0, 3.0]);
    let base = models.add("base", &config(), 99);
    let (of_base, inputs) = (tensors(&base), models.tensors());
    for scale in [0.0, 0.5, 1.0, 2.0] {
        let method = MergeMethod::TaskArithmetic {
            base: base.clone(),
            scale,
        };
        let (_, out) = models.merge(&method).unwrap();
        for (name, found) in tensors(&out) {
            let of = [&inputs[0][&name], &inputs[1][&name], &of_base[&name]].map(Vec::as_slice);
            assert_sum(
                &found,
                &[0.25 * scale, 0.75 * scale, 1.0 - scale],
                &of,
                &name,
            );
        }
    }
}

/// On the arc between the two, at its share of the angle from either; norms, which all are 1, merge linearly.
#[test]
fn slerp_divides_the_angle() {
    let models = Models::new(&config(), &[1.0, 3.0]);
    let inputs = models.tensors();
    let (_, out) = models.merge(&MergeMethod::Slerp).unwrap();
    let angle = |x: &[f32], y: &[f32]| {
        let dot = |x: &[f32], y: &[f32]| -> f64 {
            x.iter()
                .zip(y)
                .map(|(&x, &y)| f64::from(x) * f64::from(y))
                .sum()
        };
        (dot(x, y) / (dot(x, x) * dot(y, y)).sqrt()).acos()
    };
    let mut turned = 0;
    for (name, found) in tensors(&out) {
        let (x, y) = (&inputs[0][&name], &inputs[1][&name]);
        if x == y {
            assert_eq!(&found, x, "{name}");
            continue;
        }
        let whole = angle(x, y);
        turned += 1;
        // Coefficients sin(w a) / sin a of w = 1/4 and 3/4.
        let c = [0.25, 0.75].map(|share: f64| (share * whole).sin() / whole.sin());
        assert_sum(&found, &c, &[x, y], &name);
        let norm = |x: &[f32]| x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        let (least, most) = (norm(x).min(norm(y)), norm(x).max(norm(y)));
        assert!(
            (0.9 * least..1.1 * most).contains(&norm(&found)),
            "{name} lost its length"
        );
    }
    assert!(turned > 10);
}

/// In the type that the inputs have: each element is the correctly rounded sum.
#[test]
fn half_precision_stays_half_precision() {
    for dtype in [DType::BF16, DType::F16] {
        let models = Models::new(&config(), &[1.0, 1.0]);
        for input in &models.inputs {
            rewrite(&input.path, |tensor| tensor.to_dtype(dtype).unwrap());
        }
        let inputs = models.tensors();
        let (_, out) = models.merge(&MergeMethod::Linear).unwrap();
        let file = out.join("model.safetensors");
        for (name, tensor) in candle_core::safetensors::load(file, &Device::Cpu).unwrap() {
            assert_eq!(tensor.dtype(), dtype, "{name}");
            let pairs = inputs[0][&name].iter().zip(&inputs[1][&name]);
            let sums: Vec<f64> = pairs
                .map(|(&x, &y)| (f64::from(x) + f64::from(y)) / 2.0)
                .collect();
            let expected = Tensor::new(sums, &Device::Cpu)
                .unwrap()
                .to_dtype(dtype)
                .unwrap();
            let expected = expected.to_dtype(DType::F32).unwrap();
            let found = tensor.to_dtype(DType::F32).unwrap();
            assert_eq!(flat(&found), flat(&expected), "{name}");
        }
    }
}

/// Writes a model's tensors again, changed.
fn rewrite(directory: &Path, change: impl Fn(&Tensor) -> Tensor) {
    let file = directory.join("model.safetensors");
    let tensors = candle_core::safetensors::load(&file, &Device::Cpu).unwrap();
    let changed = tensors
        .into_iter()
        .map(|(name, tensor)| (name, change(&tensor)));
    candle_core::safetensors::save(&changed.collect::<HashMap<_, _>>(), file).unwrap();
}

#[test]
fn the_first_model_gives_its_configuration_and_tokenizer() {
    let models = Models::new(&config(), &[1.0, 1.0]);
    let (_, out) = models.merge(&MergeMethod::Linear).unwrap();
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json"] {
        let read = |path: &Path| std::fs::read(path.join(name)).unwrap();
        assert_eq!(read(&out), read(&models.inputs[0].path), "{name}");
    }
    Tokenizer::load(&out).unwrap();
}

/// Whatever differs is listed, all at once.
#[test]
fn models_that_do_not_fit_are_refused_with_all_that_differs() {
    let wider = ModelConfig {
        intermediate_size: 44,
        ..config()
    };
    let deeper = ModelConfig {
        num_hidden_layers: 3,
        ..config()
    };
    let turned = ModelConfig {
        rope_theta: 5e5,
        ..config()
    };
    for (other, expected) in [
        (
            &wider,
            vec![
                "mlp.up_proj.weight: expected shape [40, 24], found [44, 24]",
                "`intermediate_size` differs",
            ],
        ),
        (
            &deeper,
            vec![
                "model.layers.2.input_layernorm.weight: the first model has no such tensor",
                " more\n",
            ],
        ),
        (&turned, vec!["`rope_theta` differs"]),
    ] {
        let mut models = Models::new(&config(), &[1.0]);
        let path = models.add("other", other, 9);
        models.inputs.push(MergeInput { path, weight: 1.0 });
        let error = models.refusal(&MergeMethod::Linear);
        for expected in expected {
            assert!(error.contains(expected), "{error}");
        }
        assert!(error.contains("other: cannot be merged"), "{error}");
    }
}

/// transformers writes a tokenizer again with empty strings where there was nothing, and merges in another form.
#[test]
fn another_way_of_writing_a_tokenizer_is_no_other_tokenizer() {
    let models = Models::new(&config(), &[1.0, 1.0]);
    let rewrite = |index: usize, merges: serde_json::Value, prefix: serde_json::Value| {
        let path = models.inputs[index].path.join("tokenizer.json");
        let text = std::fs::read_to_string(&path).unwrap();
        let mut tokenizer: serde_json::Value = serde_json::from_str(&text).unwrap();
        tokenizer["model"]["merges"] = merges;
        tokenizer["model"]["continuing_subword_prefix"] = prefix;
        std::fs::write(path, tokenizer.to_string()).unwrap();
    };
    use serde_json::json;
    rewrite(0, json!(["1 2", "3 4"]), json!(null));
    rewrite(1, json!([["1", "2"], ["3", "4"]]), json!(""));
    models.merge(&MergeMethod::Linear).unwrap();
    rewrite(1, json!([["3", "4"], ["1", "2"]]), json!(""));
    let error = models.refusal(&MergeMethod::Linear);
    assert!(error.contains("tokenizer.json: `model` differs"), "{error}");
}

#[test]
fn another_tokenizer_or_type_is_refused() {
    let models = Models::new(&config(), &[1.0, 1.0]);
    tokenizer("9876543210")
        .save(&models.inputs[1].path)
        .unwrap();
    let error = models.refusal(&MergeMethod::Linear);
    assert!(error.contains("tokenizer.json: `model` differs"), "{error}");

    let models = Models::new(&config(), &[1.0, 1.0]);
    std::fs::remove_file(models.inputs[1].path.join("tokenizer.json")).unwrap();
    let error = models.refusal(&MergeMethod::Linear);
    assert!(error.contains("tokenizer.json: missing"), "{error}");

    let models = Models::new(&config(), &[1.0, 1.0]);
    rewrite(&models.inputs[1].path, |tensor| {
        tensor.to_dtype(DType::BF16).unwrap()
    });
    let error = models.refusal(&MergeMethod::Linear);
    assert!(
        error.contains("model.embed_tokens.weight: expected F32, found BF16"),
        "{error}"
    );
}

#[test]
fn counts_weights_and_numbers_that_make_no_model_are_refused() {
    let mut models = Models::new(&config(), &[1.0, 1.0, 1.0]);
    assert!(models.refusal(&MergeMethod::Slerp).contains("there are 3"));
    models.inputs[1].weight = 0.0;
    assert!(
        models
            .refusal(&MergeMethod::Linear)
            .contains("is 0; expected a number above 0")
    );
    models.inputs[1].weight = f64::NAN;
    assert!(models.refusal(&MergeMethod::Linear).contains("is NaN"));
    models.inputs.clear();
    assert!(
        models
            .refusal(&MergeMethod::Linear)
            .contains("at least one")
    );

    let models = Models::new(&config(), &[1.0, 1.0]);
    rewrite(&models.inputs[1].path, |tensor| {
        (tensor * f64::INFINITY).unwrap()
    });
    let out = models.directory.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let error = merge(&models.inputs, &MergeMethod::Linear, &out)
        .unwrap_err()
        .to_string();
    assert!(error.contains("is not finite"), "{error}");
    // What was written before the fault was found is no model.
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 0);
    let error = merge(
        &models.inputs,
        &MergeMethod::Linear,
        models.directory.path(),
    )
    .unwrap_err();
    assert!(error.to_string().contains("is not empty"), "{error}");

    let base = models.directory.path().join("nowhere");
    let method = MergeMethod::TaskArithmetic { base, scale: 1.0 };
    assert!(models.refusal(&method).contains("nowhere"));
}

#[test]
fn a_damaged_input_is_refused_whole() {
    let models = Models::new(&config(), &[1.0, 1.0]);
    let file = models.inputs[1].path.join("model.safetensors");
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() - 4]).unwrap();
    let error = models.refusal(&MergeMethod::Linear);
    assert!(error.contains("bytes from the header"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever the weights are: scaling them all, or exchanging inputs with their weights, changes nothing.
    #[test]
    fn only_proportions_count(a in 0.01_f64..10.0, b in 0.01_f64..10.0, factor in 0.1_f64..10.0) {
        let mut models = Models::new(&config(), &[a, b]);
        let merged = |models: &Models| tensors(&models.merge(&MergeMethod::Linear).unwrap().1);
        let first = merged(&models);
        models.inputs.iter_mut().for_each(|input| input.weight *= factor);
        models.inputs.reverse();
        for (name, values) in merged(&models) {
            support::assert_close(&name, &values, &first[&name], 1e-6);
        }
    }
}
