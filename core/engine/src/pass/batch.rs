//! A batch in the form in which the layers use it: the rows to compute, and what each predicts.

use std::ops::Range;

use crate::model::Model;
use crate::ops::attention::{Heads, Segment, Segments};
use crate::ops::dropout::row_keys;
use crate::ops::rotary::Turns;
use crate::packed::Packed;
use crate::rotary::RotaryTable;

#[derive(Debug)]
pub(super) struct Batch {
    /// The rows of every matrix in the pass.
    pub tokens: Vec<u32>,
    pub segments: Segments,
    pub turns: Turns,
    /// The rows that predict another token, and the tokens they predict. The last row of a shared prompt predicts the
    /// first token of each completion, so it may be named more than once.
    pub predicting: Vec<u32>,
    pub targets: Vec<u32>,
    /// What dropout's masks are made from, of all rows and of the predicting ones; empty without dropout.
    pub keys: Vec<u64>,
    pub predicting_keys: Vec<u64>,
}

impl Batch {
    pub fn new(model: &Model, packed: &Packed, with_keys: bool) -> Self {
        let config = model.config();
        let mut rows = Rows::default();
        let mut index = 0;
        while index < packed.sequence_count() {
            let family = family(packed, index);
            match family.len() {
                1 => rows.add_alone(packed, index),
                _ => rows.add_family(packed, family.clone()),
            }
            index = family.end;
        }
        if rows.tokens.is_empty() {
            // Nothing is predicted. One row keeps every matrix from being empty.
            rows.extend(&packed.tokens[..packed.tokens.len().min(1)], 0, 0..0);
        }
        let keys = match with_keys {
            true => rows.keys(),
            false => Vec::new(),
        };
        let predicting_keys = match with_keys {
            true => rows
                .predicting
                .iter()
                .map(|&row| keys[row as usize])
                .collect(),
            false => Vec::new(),
        };
        let heads = Heads {
            query: config.num_attention_heads,
            key_value: config.num_key_value_heads,
            dim: config.head_dim,
        };
        Self {
            keys,
            predicting_keys,
            tokens: rows.tokens,
            segments: Segments::new(rows.segments, heads),
            turns: Turns::new(RotaryTable::new(config), rows.positions),
            predicting: rows.predicting,
            targets: rows.targets,
        }
    }
}

/// The sequences from `first` on that have its prompt, as the attempts of a group have.
fn family(packed: &Packed, first: usize) -> Range<usize> {
    let prompt = prompt(packed, first);
    let mut end = first + 1;
    while end < packed.sequence_count() && self::prompt(packed, end) == prompt {
        end += 1;
    }
    first..end
}

fn prompt(packed: &Packed, index: usize) -> &[u32] {
    &packed.sequence(index)[..packed.prompt_lengths[index]]
}

#[derive(Default)]
struct Rows {
    tokens: Vec<u32>,
    positions: Vec<u32>,
    segments: Vec<Segment>,
    predicting: Vec<u32>,
    targets: Vec<u32>,
}

impl Rows {
    /// Adds a segment whose first token stands at `position`; returns where it lies.
    fn extend(&mut self, tokens: &[u32], position: usize, prefix: Range<usize>) -> Range<usize> {
        let start = self.tokens.len();
        self.tokens.extend_from_slice(tokens);
        self.positions
            .extend((position..position + tokens.len()).map(|position| position as u32));
        let rows = start..self.tokens.len();
        self.segments.push(Segment {
            rows: rows.clone(),
            prefix,
        });
        rows
    }

    /// A key for each row, made from its token and those before it.
    fn keys(&self) -> Vec<u64> {
        let mut keys: Vec<u64> = Vec::with_capacity(self.tokens.len());
        for segment in &self.segments {
            let before = segment.prefix.clone().last().map_or(0, |last| keys[last]);
            keys.extend(row_keys(before, &self.tokens[segment.rows.clone()]));
        }
        keys
    }

    fn predict(&mut self, row: usize, target: u32) {
        self.predicting.push(row as u32);
        self.targets.push(target);
    }

    /// A sequence by itself, without its last token: nothing follows that could read it.
    fn add_alone(&mut self, packed: &Packed, index: usize) {
        if packed.predicted_in(index) == 0 {
            return;
        }
        let sequence = packed.sequence(index);
        let rows = self.extend(&sequence[..sequence.len() - 1], 0, 0..0);
        for target in packed.prompt_lengths[index]..sequence.len() {
            self.predict(rows.start + target - 1, sequence[target]);
        }
    }

    /// Sequences with one prompt: the prompt, then what each adds to it.
    fn add_family(&mut self, packed: &Packed, family: Range<usize>) {
        if family.clone().all(|index| packed.predicted_in(index) == 0) {
            return;
        }
        let shared = prompt(packed, family.start);
        let prefix = self.extend(shared, 0, 0..0);
        for index in family {
            let completion = &packed.sequence(index)[shared.len()..];
            let [read @ .., _] = completion else {
                continue;
            };
            let rows = self.extend(read, shared.len(), prefix.clone());
            self.predict(prefix.end - 1, completion[0]);
            for (row, &target) in rows.zip(&completion[1..]) {
                self.predict(row, target);
            }
        }
    }
}
