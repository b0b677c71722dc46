//! Where a mathematician would ask what was meant, the policy answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What counts as the same where the notation alone does not say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// How far, relative to the gold value, a value may be off when either is written as a
    /// decimal: 0.01 takes 0.33 for a third. Zero, because data sets that round say so in the
    /// question, and a tolerance pays for wrong answers that are near.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub decimal_tolerance: f64,
    /// What `50%` is.
    pub percent: Percent,
    /// `3,14` is a decimal and not a list of two. Off: data sets in English separate with
    /// commas.
    pub decimal_comma: bool,
    /// `x = 3` is also `3`, and `f(x) = 2x` is `2x`. On: a question that names its unknown is
    /// answered either way. Different labels (`x = 3`, `y = 3`) stay different.
    pub drop_labels: bool,
    /// `Even` differs from `even`. Off: no question is about the case of a word. Letters of
    /// formulas always keep theirs.
    pub case_of_words: bool,
    /// What a unit in one answer asks of the other.
    pub units: Units,
    /// `2/4` is no answer where the gold one is `1/2`. Off, because few questions ask for
    /// lowest terms.
    pub reduced_fractions: bool,
    /// Whether the order of a list without brackets counts.
    pub list_order: ListOrder,
    /// A column or row of a matrix, and `\langle 1, 2 \rangle`, is also the tuple `(1, 2)`.
    /// On: books differ in how they write a vector.
    pub vectors_are_tuples: bool,
    /// `3:4` is also `3/4`. On: a ratio is asked for in both forms.
    pub ratios_are_quotients: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            decimal_tolerance: 0.0,
            percent: Percent::Either,
            decimal_comma: false,
            drop_labels: true,
            case_of_words: false,
            units: Units::Optional,
            reduced_fractions: false,
            list_order: ListOrder::Kept,
            vectors_are_tuples: true,
            ratios_are_quotients: true,
        }
    }
}

/// What a percent sign means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Percent {
    /// `50%` is `1/2`, and also the bare `50`: a question that asks for a percentage is
    /// answered with and without the sign, and the graders of MATH drop it. The default.
    Either,
    /// `50%` is `1/2` and nothing else.
    Hundredth,
}

/// How units count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Units {
    /// A bare number is taken in the other answer's unit; two units must agree, after
    /// conversion (`100 cm` is `1 m`). The default: most questions name the unit.
    Optional,
    /// Where the gold answer has a unit, the other must have one too.
    Required,
    /// Units are not looked at.
    Ignored,
}

/// How lists without brackets are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListOrder {
    /// `1, 2` is not `2, 1`; `1 or 2` and `x = 1, x = 2` have no order in any case. The
    /// default: "in increasing order" is asked for more often than it shows in an answer.
    Kept,
    /// In any order.
    Free,
}
