//! What a reward says of an attempt.
//!
//! It is made for every attempt, so what verifiers usually say, a score and a few parts with
//! fixed names, allocates nothing: it crosses the boundary as borrowed text.

use std::borrow::Cow;

use smallvec::SmallVec;

/// What a reward says of one attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A score. 1 is the convention for a full solution: evaluations count attempts whose
    /// task's first reward gives 1 or more as solved.
    Scored {
        /// What the attempt is worth.
        value: f64,
        /// Named parts, for the log.
        parts: Parts,
        /// The answer that was read from the completion, in a canonical form: attempts with
        /// the same answer vote together in maj@k.
        answer: Option<String>,
        /// How that answer was reached, in a canonical form: attempts with the same text count
        /// as one solution where the diversity of a group is measured. Left out, the
        /// completion itself tells solutions apart.
        solution: Option<String>,
    },
    /// No opinion: this reward does not count for this attempt.
    Abstain,
}

impl Outcome {
    /// A score without parts.
    pub fn scored(value: impl Into<f64>) -> Self {
        Self::Scored {
            value: value.into(),
            parts: Parts::default(),
            answer: None,
            solution: None,
        }
    }

    /// Adds a named part, logged as `rewards/<reward>/part/<name>`. Parts are not summed.
    #[must_use]
    pub fn with_part(mut self, name: impl Into<Cow<'static, str>>, part: impl Into<f64>) -> Self {
        if let Self::Scored { parts, .. } = &mut self {
            parts.push(name, part.into());
        }
        self
    }

    /// Says which answer was read from the completion.
    #[must_use]
    pub fn with_answer(mut self, text: impl Into<String>) -> Self {
        if let Self::Scored { answer, .. } = &mut self {
            *answer = Some(text.into());
        }
        self
    }

    /// Says how the answer was reached, so that two ways of writing one solution count once.
    #[must_use]
    pub fn with_solution(mut self, text: impl Into<String>) -> Self {
        if let Self::Scored { solution, .. } = &mut self {
            *solution = Some(text.into());
        }
        self
    }
}

/// Named parts of a score, in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parts(SmallVec<[(Cow<'static, str>, f64); 2]>);

impl Parts {
    /// Adds a part.
    #[inline]
    pub fn push(&mut self, name: impl Into<Cow<'static, str>>, value: f64) {
        self.0.push((name.into(), value));
    }

    /// Name and value of each part.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), *value))
    }

    /// The value of the first part of this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.iter()
            .find_map(|(other, value)| (other == name).then_some(value))
    }
}

impl<N: Into<Cow<'static, str>>> FromIterator<(N, f64)> for Parts {
    fn from_iter<I: IntoIterator<Item = (N, f64)>>(named: I) -> Self {
        let named = named.into_iter();
        Self(named.map(|(name, value)| (name.into(), value)).collect())
    }
}
