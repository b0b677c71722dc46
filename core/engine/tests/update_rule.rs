//! The update rule: PyTorch's numbers, clipping, refusal, and a state that comes back byte for byte.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod support;

use candle_core::{Device, Tensor};
use farthing_engine::{
    AdamW, AdamWConfig, Architecture, EngineError, Gradients, Model, ModelConfig, RopeScaling,
};

use support::{assert_close, batch, flat, small_model};

const CONFIG: AdamWConfig = AdamWConfig {
    betas: (0.9, 0.95),
    eps: 1e-6,
    weight_decay: 0.1,
    max_grad_norm: Some(1.5),
};

/// Sets part of a model or of its gradients; in place, as everything that shares the tensor sees.
fn set(tensor: &Tensor, values: &[f32]) {
    let source = Tensor::from_vec(values.to_vec(), tensor.shape(), &Device::Cpu).unwrap();
    tensor.slice_set(&source, 0, 0).unwrap();
}

fn parameter<'m>(model: &'m Model, name: &str) -> &'m Tensor {
    model
        .parameters()
        .find(|(candidate, _)| *candidate == name)
        .unwrap()
        .1
}

/// The constants come from this program (torch 2.15.0), where `w` is a matrix and `b` a bias:
///
/// ```python
/// w = torch.nn.Parameter(torch.tensor([0.5, -1.0, 2.0, 0.25]))
/// b = torch.nn.Parameter(torch.tensor([0.1, -0.2]))
/// opt = torch.optim.AdamW([{"params": [w], "weight_decay": 0.1}, {"params": [b], "weight_decay": 0.0}],
///                         lr=0.01, betas=(0.9, 0.95), eps=1e-6)
/// for step in range(3):
///     w.grad = torch.tensor([0.3, -0.1, 0.0, 2.0]) * (step + 1)
///     b.grad = torch.tensor([-0.5, 1e-4]) * (step + 1)
///     norm = torch.nn.utils.clip_grad_norm_([w, b], 1.5)
///     opt.step()
///     print(norm.item(), w.tolist(), b.tolist())
/// ```
#[test]
fn three_steps_equal_pytorch() {
    let expected = [
        (
            2.085665225982666,
            [
                0.4895000457763672,
                -0.989000141620636,
                1.9980000257492065,
                0.23975001275539398,
            ],
            [0.10999996960163116, -0.2098628729581833],
        ),
        (
            4.171330451965332,
            [
                0.47901058197021484,
                -0.9780113101005554,
                1.9960020780563354,
                0.22951027750968933,
            ],
            [0.1199999451637268, -0.21972572803497314],
        ),
        (
            6.256996154785156,
            [
                0.46853160858154297,
                -0.9670334458351135,
                1.9940061569213867,
                0.21928077936172485,
            ],
            [0.12999992072582245, -0.2295885980129242],
        ),
    ];
    let config = ModelConfig {
        architecture: Architecture::Qwen2,
        vocab_size: 2,
        hidden_size: 2,
        intermediate_size: 1,
        num_hidden_layers: 1,
        num_attention_heads: 1,
        num_key_value_heads: 1,
        head_dim: 2,
        rms_norm_eps: 1e-6,
        rope_theta: 1e4,
        rope_scaling: RopeScaling::None,
        max_position_embeddings: 8,
        tie_word_embeddings: true,
        attention_bias: false,
        mlp_bias: false,
        sliding_window: None,
        initializer_range: 0.0,
        bos_token_id: None,
        eos_token_id: Vec::new(),
        pad_token_id: None,
    };
    let (matrix, bias) = (
        "model.embed_tokens.weight",
        "model.layers.0.self_attn.k_proj.bias",
    );
    let mut model = Model::init(config, 0, &Device::Cpu).unwrap();
    set(parameter(&model, matrix), &[0.5, -1.0, 2.0, 0.25]);
    set(parameter(&model, bias), &[0.1, -0.2]);
    let gradients = Gradients::zeros(&model).unwrap();
    let mut rule = AdamW::new(CONFIG, &model).unwrap();
    for (step, (norm, w, b)) in expected.into_iter().enumerate() {
        let factor = (step + 1) as f32;
        set(
            gradients.get(matrix).unwrap(),
            &[0.3, -0.1, 0.0, 2.0].map(|g: f32| g * factor),
        );
        set(
            gradients.get(bias).unwrap(),
            &[-0.5, 1e-4].map(|g: f32| g * factor),
        );
        let report = rule.step(&mut model, &gradients, 0.01).unwrap();
        assert!(
            (report.grad_norm - norm).abs() < 1e-6 * norm,
            "{} against {norm}",
            report.grad_norm
        );
        assert!((report.clip_factor - 1.5 / (norm + 1e-6)).abs() < 1e-6);
        assert_close("w", &flat(parameter(&model, matrix)), &w, 1e-6);
        assert_close("b", &flat(parameter(&model, bias)), &b, 1e-6);
    }
    assert_eq!(rule.steps_taken(), 3);
}

/// A model that has taken some steps, with its update rule and the gradients of one more.
fn trained() -> (Model, AdamW, Gradients) {
    let mut model = small_model(Architecture::Qwen2, true);
    let packed = batch(&[(9, 2), (14, 1)], 37);
    let mut rule = AdamW::new(CONFIG, &model).unwrap();
    let mut gradients = Gradients::zeros(&model).unwrap();
    for _ in 0..3 {
        gradients.zero().unwrap();
        let dlogp = vec![-0.1; packed.predicted_count()];
        model
            .forward(&packed, 1.0)
            .unwrap()
            .backward(&dlogp, None, &mut gradients)
            .unwrap();
        rule.step(&mut model, &gradients, 1e-2).unwrap();
    }
    (model, rule, gradients)
}

fn bits(model: &Model) -> Vec<u32> {
    model
        .parameters()
        .flat_map(|(_, tensor)| flat(tensor))
        .map(f32::to_bits)
        .collect()
}

#[test]
fn steps_raise_the_log_probability_they_are_asked_to_raise() {
    let packed = batch(&[(9, 2), (14, 1)], 37);
    let sum = |model: &Model| model.score(&packed, 1.0).unwrap().logp.iter().sum::<f32>();
    let before = sum(&small_model(Architecture::Qwen2, true));
    let after = sum(&trained().0);
    assert!(after > before + 1.0, "from {before} to {after}");
}

#[test]
fn a_small_gradient_is_not_clipped() {
    let (mut model, mut rule, mut gradients) = trained();
    gradients
        .scale((0.1 / gradients.global_norm().unwrap()) as f32)
        .unwrap();
    let report = rule.step(&mut model, &gradients, 1e-3).unwrap();
    assert!((report.grad_norm - 0.1).abs() < 1e-6);
    assert_eq!(report.clip_factor, 1.0);
}

#[test]
fn a_non_finite_gradient_is_refused_and_changes_nothing() {
    for poison in [f32::NAN, f32::INFINITY] {
        let (mut model, mut rule, gradients) = trained();
        let before = bits(&model);
        let directory = tempfile::tempdir().unwrap();
        let (first, second) = (
            directory.path().join("before"),
            directory.path().join("after"),
        );
        rule.save(&first, &model).unwrap();
        set(gradients.get("model.norm.weight").unwrap(), &[poison; 24]);
        let error = rule.step(&mut model, &gradients, 1e-2).unwrap_err();
        assert!(
            matches!(&error, EngineError::NonFiniteGradient { tensors } if tensors == &["model.norm.weight"])
        );
        assert!(error.to_string().contains("model.norm.weight"), "{error}");
        assert_eq!(bits(&model), before);
        rule.save(&second, &model).unwrap();
        assert_eq!(
            std::fs::read(first).unwrap(),
            std::fs::read(second).unwrap()
        );
    }
}

#[test]
fn an_impossible_learning_rate_is_refused() {
    let (mut model, mut rule, gradients) = trained();
    for lr in [f64::NAN, f64::INFINITY, -1e-3] {
        let error = rule.step(&mut model, &gradients, lr).unwrap_err();
        assert!(error.to_string().contains("learning rate"), "{error}");
    }
}

#[test]
fn a_saved_state_continues_byte_for_byte() {
    let (mut model, mut rule, gradients) = trained();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("update_rule.safetensors");
    model.save(directory.path()).unwrap();
    rule.save(&path, &model).unwrap();

    let mut resumed_model = Model::load(directory.path(), &Device::Cpu).unwrap();
    let mut resumed_rule = AdamW::load(&path, CONFIG, &resumed_model).unwrap();
    assert_eq!(resumed_rule.steps_taken(), 3);
    for _ in 0..2 {
        rule.step(&mut model, &gradients, 1e-2).unwrap();
        resumed_rule
            .step(&mut resumed_model, &gradients, 1e-2)
            .unwrap();
    }
    assert_eq!(bits(&model), bits(&resumed_model));
    let again = directory.path().join("again.safetensors");
    rule.save(&path, &model).unwrap();
    resumed_rule.save(&again, &resumed_model).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), std::fs::read(again).unwrap());
}

#[test]
fn a_state_of_another_model_or_of_no_rule_is_refused_with_all_reasons() {
    let (model, rule, _) = trained();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("update_rule.safetensors");
    rule.save(&path, &model).unwrap();
    let other = small_model(Architecture::Llama, false);
    let message = AdamW::load(&path, CONFIG, &other).unwrap_err().to_string();
    assert!(
        message.contains("lm_head.weight.exp_avg: missing"),
        "{message}"
    );
    assert!(
        message.contains("model.layers.1.self_attn.q_proj.bias.exp_avg_sq: the model has no such"),
        "{message}"
    );

    model.save(directory.path()).unwrap();
    let message = AdamW::load(&directory.path().join("model.safetensors"), CONFIG, &model)
        .unwrap_err()
        .to_string();
    assert!(message.contains("\"step\""), "{message}");
}
