//! Files made byte by byte, so that they can be wrong in one place.

use std::path::PathBuf;

/// A typed metadata value.
#[derive(Clone)]
pub enum Value {
    U32(u32),
    F32(f32),
    Bool(bool),
    Text(&'static str),
    Texts(Vec<String>),
    I32s(Vec<i32>),
    F32s(Vec<f32>),
    /// Type and bytes as they are.
    Raw(u32, Vec<u8>),
}

#[derive(Clone)]
pub struct Tensor {
    pub name: String,
    /// Outermost first.
    pub shape: Vec<u64>,
    pub kind: u32,
    pub bytes: Vec<u8>,
    /// Instead of where it belongs.
    pub offset: Option<u64>,
}

#[derive(Clone)]
pub struct File {
    pub version: u32,
    pub entries: Vec<(String, Value)>,
    pub tensors: Vec<Tensor>,
}

impl File {
    /// A Llama of one layer with one head, hidden size and head size `width`, four tokens and no tokenizer.
    pub fn llama(width: u64) -> Self {
        let mut file = Self {
            version: 3,
            entries: vec![("general.architecture".to_owned(), Value::Text("llama"))],
            tensors: Vec::new(),
        };
        for (name, value) in [
            ("block_count", 1),
            ("context_length", 64),
            ("embedding_length", width as u32),
            ("feed_forward_length", 8),
            ("attention.head_count", 1),
        ] {
            file.set(&format!("llama.{name}"), Value::U32(value));
        }
        file.set("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5));
        let tensors = [
            ("token_embd.weight", vec![4, width]),
            ("blk.0.attn_norm.weight", vec![width]),
            ("blk.0.attn_q.weight", vec![width, width]),
            ("blk.0.attn_k.weight", vec![width, width]),
            ("blk.0.attn_v.weight", vec![width, width]),
            ("blk.0.attn_output.weight", vec![width, width]),
            ("blk.0.ffn_norm.weight", vec![width]),
            ("blk.0.ffn_gate.weight", vec![8, width]),
            ("blk.0.ffn_up.weight", vec![8, width]),
            ("blk.0.ffn_down.weight", vec![width, 8]),
            ("output_norm.weight", vec![width]),
        ];
        for (name, shape) in tensors {
            let count: u64 = shape.iter().product();
            let values = (0..count).map(|at| at as f32 * 0.01 - 0.3);
            let bytes = values.flat_map(f32::to_le_bytes).collect();
            file.tensors.push(Tensor {
                name: name.to_owned(),
                shape,
                kind: 0,
                bytes,
                offset: None,
            });
        }
        file
    }

    pub fn set(&mut self, key: &str, value: Value) {
        self.unset(key);
        self.entries.push((key.to_owned(), value));
    }

    pub fn unset(&mut self, key: &str) {
        self.entries.retain(|(name, _)| name != key);
    }

    pub fn tensor(&mut self, name: &str) -> &mut Tensor {
        self.tensors
            .iter_mut()
            .find(|tensor| tensor.name == name)
            .unwrap()
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(self.version.to_le_bytes());
        bytes.extend((self.tensors.len() as u64).to_le_bytes());
        bytes.extend((self.entries.len() as u64).to_le_bytes());
        for (key, value) in &self.entries {
            text(&mut bytes, key);
            value.write(&mut bytes);
        }
        let mut offset = 0;
        for tensor in &self.tensors {
            text(&mut bytes, &tensor.name);
            bytes.extend((tensor.shape.len() as u32).to_le_bytes());
            for size in tensor.shape.iter().rev() {
                bytes.extend(size.to_le_bytes());
            }
            bytes.extend(tensor.kind.to_le_bytes());
            bytes.extend(tensor.offset.unwrap_or(offset).to_le_bytes());
            offset += (tensor.bytes.len() as u64).next_multiple_of(32);
        }
        for tensor in &self.tensors {
            bytes.resize(bytes.len().next_multiple_of(32), 0);
            bytes.extend(&tensor.bytes);
        }
        bytes
    }

    /// The file on the disk; the directory goes with the value.
    pub fn write(&self) -> Written {
        Written::of(&self.bytes())
    }
}

pub struct Written {
    pub path: PathBuf,
    _directory: tempfile::TempDir,
}

impl Written {
    pub fn of(bytes: &[u8]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("model.gguf");
        std::fs::write(&path, bytes).unwrap();
        Self {
            path,
            _directory: directory,
        }
    }
}

pub fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

impl Value {
    fn write(&self, bytes: &mut Vec<u8>) {
        let list = |bytes: &mut Vec<u8>, kind: u32, count: usize| {
            bytes.extend(9_u32.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend((count as u64).to_le_bytes());
        };
        let one = |bytes: &mut Vec<u8>, kind: u32, value: &[u8]| {
            bytes.extend(kind.to_le_bytes());
            bytes.extend(value);
        };
        match self {
            Self::U32(number) => one(bytes, 4, &number.to_le_bytes()),
            Self::F32(number) => one(bytes, 6, &number.to_le_bytes()),
            Self::Bool(flag) => one(bytes, 7, &[u8::from(*flag)]),
            Self::Text(value) => {
                bytes.extend(8_u32.to_le_bytes());
                text(bytes, value);
            }
            Self::Texts(texts) => {
                list(bytes, 8, texts.len());
                texts.iter().for_each(|value| text(bytes, value));
            }
            Self::I32s(numbers) => {
                list(bytes, 5, numbers.len());
                numbers
                    .iter()
                    .for_each(|number| bytes.extend(number.to_le_bytes()));
            }
            Self::F32s(numbers) => {
                list(bytes, 6, numbers.len());
                numbers
                    .iter()
                    .for_each(|number| bytes.extend(number.to_le_bytes()));
            }
            Self::Raw(kind, value) => one(bytes, *kind, value),
        }
    }
}
