//! Writes orders: a picture of the launcher's memory, with the system calls of each stage and all that they point to.
//!
//! It is written anew for each job, in some ten microseconds. Each step carries a word on what it does and the layer
//! that it belongs to, which stay in the host: the launcher answers with the number of a step, and this is how the
//! number becomes a message.

use std::borrow::Cow;
use std::io;

use crate::protocol::{NO_ERROR, ORDER_ADDRESS, Order, Stage, Step};
use crate::{Layer, SandboxError};

/// What a step is for, where it fails.
#[derive(Clone, Debug)]
pub(crate) struct Purpose {
    /// The layer that does not hold then; none where the fault is the job's or ours.
    pub layer: Option<Layer>,
    /// What is being done, to what.
    pub what: Cow<'static, str>,
    /// What it must return.
    expected: i64,
}

/// An order that is being written.
pub(crate) struct Image {
    bytes: Vec<u8>,
    stages: [Vec<Step>; 3],
    purposes: Purposes,
    stage: usize,
    layer: Option<Layer>,
}

/// An order that is ready: what the launcher maps, and what its steps are for.
pub(crate) struct Written {
    pub bytes: Vec<u8>,
    pub purposes: Purposes,
}

/// Of each step of each stage.
pub(crate) type Purposes = [Vec<Purpose>; 3];

/// A step that did not return what it must, as an error. The launcher's own calls are not in the lists.
pub(crate) fn fault(purposes: &Purposes, stage: usize, step: usize, result: i32) -> SandboxError {
    let purpose = purposes.get(stage).and_then(|steps| steps.get(step));
    let what = match purpose {
        Some(purpose) => purpose.what.to_string(),
        None => format!("the launcher's own work in stage {stage}"),
    };
    let answer = |result: i64| match i32::try_from(-result) {
        Ok(number @ 1..) => io::Error::from_raw_os_error(number).to_string(),
        _ => result.to_string(),
    };
    let source = match purpose.map_or(NO_ERROR, |purpose| purpose.expected) {
        NO_ERROR => io::Error::from_raw_os_error(-result),
        expected => {
            let (expected, found) = (answer(expected), answer(result.into()));
            io::Error::other(format!("expected {expected}, found {found}"))
        }
    };
    SandboxError::System { what, source }
}

impl Image {
    pub fn new() -> Self {
        Self {
            bytes: vec![0; size_of::<Order>()],
            stages: [const { Vec::new() }; 3],
            purposes: [const { Vec::new() }; 3],
            stage: 0,
            layer: None,
        }
    }

    /// The next steps belong to this stage.
    pub fn stage(&mut self, stage: usize) -> &mut Self {
        self.stage = stage;
        self
    }

    /// The next steps belong to this layer.
    pub fn layer(&mut self, layer: impl Into<Option<Layer>>) -> &mut Self {
        self.layer = layer.into();
        self
    }

    /// A step that must not fail.
    pub fn step(&mut self, what: impl Into<Cow<'static, str>>, call: i64, arguments: &[u64]) {
        self.expect(NO_ERROR, what, call, arguments);
    }

    /// A step that must return exactly this.
    pub fn expect(
        &mut self,
        expected: i64,
        what: impl Into<Cow<'static, str>>,
        call: i64,
        arguments: &[u64],
    ) {
        let mut registers = [0; 6];
        registers[..arguments.len()].copy_from_slice(arguments);
        self.stages[self.stage].push(Step {
            call,
            arguments: registers,
            expected,
        });
        self.purposes[self.stage].push(Purpose {
            layer: self.layer,
            what: what.into(),
            expected,
        });
    }

    /// Bytes, at any address.
    pub fn bytes(&mut self, bytes: &[u8]) -> u64 {
        let address = ORDER_ADDRESS + self.bytes.len() as u64;
        self.bytes.extend_from_slice(bytes);
        address
    }

    /// A text as C has it. Texts come from us or were checked to hold no NUL.
    pub fn text(&mut self, text: impl AsRef<[u8]>) -> u64 {
        let address = self.bytes(text.as_ref());
        self.bytes.push(0);
        address
    }

    /// Values that a call reads as a C structure or array of them: 64-bit words, aligned.
    pub fn words(&mut self, words: &[u64]) -> u64 {
        self.align();
        let address = ORDER_ADDRESS + self.bytes.len() as u64;
        self.bytes
            .extend(words.iter().flat_map(|word| word.to_ne_bytes()));
        address
    }

    /// A NULL-terminated array of texts.
    pub fn texts<T: AsRef<[u8]>>(&mut self, texts: impl IntoIterator<Item = T>) -> u64 {
        let mut addresses: Vec<u64> = texts.into_iter().map(|text| self.text(text)).collect();
        addresses.push(0);
        self.words(&addresses)
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
    }

    /// Puts the steps behind what they point to, and the addresses of the stages in front.
    pub fn write(mut self) -> Written {
        let mut header = Vec::with_capacity(size_of::<Order>());
        for stage in std::mem::take(&mut self.stages) {
            self.align();
            let address = ORDER_ADDRESS + self.bytes.len() as u64;
            header.extend_from_slice(&address.to_ne_bytes());
            header.extend_from_slice(&stage.len().to_ne_bytes());
            for step in stage {
                self.bytes.extend_from_slice(&step.call.to_ne_bytes());
                for argument in step.arguments {
                    self.bytes.extend_from_slice(&argument.to_ne_bytes());
                }
                self.bytes.extend_from_slice(&step.expected.to_ne_bytes());
            }
        }
        self.bytes[..header.len()].copy_from_slice(&header);
        Written {
            bytes: self.bytes,
            purposes: self.purposes,
        }
    }
}

// `write` writes the structures field by field: they have no holes, in the order that `protocol` gives.
const _: () = assert!(size_of::<Order>() == 3 * size_of::<Stage>() && size_of::<Stage>() == 16);
const _: () = assert!(size_of::<Step>() == 64 && align_of::<Step>() == 8);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{INSIDE, OUTSIDE, PROGRAM};

    /// The 64-bit word that the launcher finds at an address.
    fn word(bytes: &[u8], address: u64) -> u64 {
        let at = (address - ORDER_ADDRESS) as usize;
        let word = bytes[at..at + 8].try_into();
        u64::from_ne_bytes(word.expect("eight bytes are a word"))
    }

    #[test]
    fn the_launcher_finds_the_steps_of_each_stage_and_what_they_point_to() {
        let mut image = Image::new();
        image.stage(INSIDE).layer(Layer::PrivateRoot);
        let text = image.text("hello");
        image.expect(-7, "greet", 42, &[text, 5]);
        image.stage(PROGRAM).layer(None);
        let list = image.texts(["a", "bc"]);
        image.step("list", 43, &[list]);
        let Written { bytes, purposes } = image.write();

        let stage = |stage: usize| {
            let at = ORDER_ADDRESS + 16 * stage as u64;
            (word(&bytes, at), word(&bytes, at + 8))
        };
        assert_eq!(stage(OUTSIDE).1, 0);
        let (steps, count) = stage(INSIDE);
        assert_eq!((count, steps % 8), (1, 0));
        let step: Vec<u64> = (0..8)
            .map(|index| word(&bytes, steps + 8 * index))
            .collect();
        assert_eq!(step, [42, text, 5, 0, 0, 0, 0, -7i64 as u64]);
        let at = (text - ORDER_ADDRESS) as usize;
        assert_eq!(&bytes[at..at + 6], b"hello\0");

        let (steps, _) = stage(PROGRAM);
        assert_eq!(
            (word(&bytes, steps), word(&bytes, steps + 56)),
            (43, NO_ERROR as u64)
        );
        let second = (word(&bytes, list + 8) - ORDER_ADDRESS) as usize;
        assert_eq!(
            (&bytes[second..second + 3], word(&bytes, list + 16)),
            (b"bc\0".as_slice(), 0)
        );

        assert_eq!(purposes[INSIDE][0].layer, Some(Layer::PrivateRoot));
        let fault = |stage, step, result| {
            let fault = fault(&purposes, stage, step, result);
            let cause =
                std::error::Error::source(&fault).expect("the kernel's answer is the cause");
            format!("{fault}: {cause}")
        };
        let other = fault(INSIDE, 0, -libc::ENOENT);
        assert!(
            other.contains("greet: expected Argument list too long"),
            "{other}"
        );
        assert!(other.contains("found No such file"), "{other}");
        assert!(
            fault(INSIDE, 0, 3).contains("found 3"),
            "{}",
            fault(INSIDE, 0, 3)
        );
        assert!(fault(PROGRAM, 0, -libc::EIO).contains("list: Input/output error"));
        assert!(fault(OUTSIDE, 9, -libc::EIO).contains("launcher's own work"));
    }
}
