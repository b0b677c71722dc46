//! The models that are measured, the work that each gets, and what it should come to on two CPU cores.

/// One model with its batch.
#[derive(Debug)]
pub struct Case {
    pub name: &'static str,
    pub title: &'static str,
    /// `None` for a model from files.
    pub shape: Option<Shape>,
    pub attempts: usize,
    pub new_tokens: usize,
    /// Token ids from here up are ordinary ones.
    pub first_token: u32,
    /// How Countdown poses a problem: 30 to 40 tokens.
    pub template: &'static str,
    /// The second reward's regular expression: about half of the completions match.
    pub pattern: &'static str,
    /// What TRL is told to be the end of a sequence and the padding.
    pub eos: &'static str,
    pub pad: &'static str,
    /// Tokens that our side takes through the model at once.
    pub micro_batch_tokens: usize,
    /// Attempts that TRL takes through the model at once.
    pub peer_micro_batch: usize,
    pub targets: Targets,
}

/// A Qwen2 decoder with random weights.
#[derive(Debug)]
pub struct Shape {
    pub hidden: usize,
    pub inner: usize,
}

/// What is aimed at on two CPU cores. Times are ratios to TRL's, transformers' and PyTorch's; shares are of the machine.
#[derive(Debug)]
pub struct Targets {
    pub step: f64,
    pub decode: f64,
    pub pass: f64,
    pub arithmetic: f64,
    pub bandwidth: Option<f64>,
    pub memory: Option<f64>,
}

/// Attempts at one problem.
pub const GROUP: usize = 8;
/// Prompt tokens of the batch that passes alone are measured on.
pub const PROMPT: usize = 32;
/// Learning rate of both sides' steps.
pub const LEARNING_RATE: f64 = 1e-6;

const TINY_TEMPLATE: &str = "Reach {target} from {numbers} by + - *: ";

pub const CASES: [Case; 3] = [
    Case {
        name: "1m",
        title: "1.0 M",
        shape: Some(Shape {
            hidden: 128,
            inner: 512,
        }),
        attempts: 64,
        new_tokens: 64,
        first_token: 2,
        template: TINY_TEMPLATE,
        pattern: "e",
        eos: "<|endoftext|>",
        pad: "<|pad|>",
        micro_batch_tokens: 4096,
        peer_micro_batch: 64,
        targets: Targets {
            step: 3.0,
            decode: 5.0,
            pass: 1.5,
            arithmetic: 0.45,
            bandwidth: None,
            memory: None,
        },
    },
    Case {
        name: "4m",
        title: "4.0 M",
        shape: Some(Shape {
            hidden: 256,
            inner: 1024,
        }),
        attempts: 64,
        new_tokens: 128,
        first_token: 2,
        template: TINY_TEMPLATE,
        pattern: "ee|aa",
        eos: "<|endoftext|>",
        pad: "<|pad|>",
        micro_batch_tokens: 4096,
        peer_micro_batch: 64,
        targets: Targets {
            step: 2.2,
            decode: 2.5,
            pass: 1.3,
            arithmetic: 0.6,
            bandwidth: None,
            memory: None,
        },
    },
    Case {
        name: "smollm2",
        title: "SmolLM2-135M",
        shape: None,
        attempts: 16,
        new_tokens: 64,
        first_token: 17,
        template: "Using the numbers {numbers}, create an equation that equals {target}. Write it down: ",
        pattern: r"\n",
        eos: "<|im_end|>",
        pad: "<|im_end|>",
        micro_batch_tokens: 1024,
        peer_micro_batch: 16,
        targets: Targets {
            step: 1.7,
            decode: 3.0,
            pass: 1.1,
            arithmetic: 0.75,
            bandwidth: Some(0.7),
            memory: Some(0.6),
        },
    },
];

impl Case {
    pub fn named(name: &str) -> Option<&'static Self> {
        CASES.iter().find(|case| case.name == name)
    }

    pub fn groups(&self) -> usize {
        self.attempts / GROUP
    }

    /// The set-up in a table's words.
    pub fn set_up(&self) -> String {
        format!("{} x {}", self.attempts, self.new_tokens)
    }
}
