//! Numbers with colons between them: ratios and times of day.

use crate::{
    answer::{Form, Time},
    grammar::{self, Parsed},
    reading::Reader,
    slicing::{outermost, parts, trimmed},
    token::{Kind, Literal, Token},
};

impl Reader<'_> {
    pub(crate) fn ratio_or_time(&self, tokens: &[Token]) -> Parsed<Option<Form>> {
        let is_to = |kind: &Kind| match kind {
            Kind::Colon => true,
            Kind::Letters(word) | Kind::Text(word) => &**word == "to",
            _ => false,
        };
        if outermost(tokens, is_to).is_none() {
            return Ok(self.hour(tokens).map(Form::Time));
        }
        if let Some(time) = self.time(tokens) {
            return Ok(Some(Form::Time(time)));
        }
        let terms = parts(tokens, is_to)
            .into_iter()
            .map(|part| grammar::formula(trimmed(part), true))
            .collect::<Parsed<Vec<_>>>()?;
        Ok(Some(Form::Ratio(terms)))
    }

    /// `3:45`, `12:00 p.m.`
    pub(crate) fn time(&self, tokens: &[Token]) -> Option<Time> {
        let end = tokens
            .iter()
            .position(|token| !matches!(token.kind, Kind::Number(..) | Kind::Colon))
            .unwrap_or(tokens.len());
        let (clock, behind) = tokens.split_at(end);
        let mut numbers = Vec::new();
        let mut sure = false;
        for (place, token) in clock.iter().enumerate() {
            match &token.kind {
                Kind::Number(value, Literal::Whole) if place % 2 == 0 => {
                    let digits = token.end - token.at;
                    if place > 0 && digits != 2 {
                        return None;
                    }
                    sure |= place > 0 && self.text[token.at..].starts_with('0');
                    numbers.push(u32::try_from(value.numerator()).ok()?);
                }
                Kind::Colon if place % 2 == 1 => {}
                _ => return None,
            }
        }
        let (hours, minutes, seconds) = match numbers.as_slice() {
            [hours, minutes] => (*hours, *minutes, 0),
            [hours, minutes, seconds] => (*hours, *minutes, *seconds),
            _ => return None,
        };
        if hours > 24 || minutes > 59 || seconds > 59 {
            return None;
        }
        let afternoon = match behind {
            [] => None,
            _ => Some(afternoon(behind)?),
        };
        Some(Time {
            hours,
            minutes,
            seconds,
            afternoon,
            sure: sure || afternoon.is_some(),
            hour_alone: false,
        })
    }

    /// `9 AM`, which is `9:00 AM`.
    fn hour(&self, tokens: &[Token]) -> Option<Time> {
        let (hour, behind) = tokens.split_first()?;
        let Kind::Number(value, Literal::Whole) = &hour.kind else {
            return None;
        };
        let hours = u32::try_from(value.numerator()).ok()?;
        let afternoon = afternoon(behind)?;
        (1..=12).contains(&hours).then_some(Time {
            hours,
            minutes: 0,
            seconds: 0,
            afternoon: Some(afternoon),
            sure: true,
            hour_alone: true,
        })
    }
}

/// Which half of the day `a.m.` and its like name.
fn afternoon(tokens: &[Token]) -> Option<bool> {
    let mut half = String::new();
    for token in tokens {
        match &token.kind {
            Kind::Letters(word) | Kind::Text(word) => half.push_str(&word.to_lowercase()),
            Kind::Period => half.push('.'),
            _ => return None,
        }
    }
    // In one word, or with a point between: `5 p m` is a product.
    let words = tokens.iter().filter(|token| token.kind != Kind::Period);
    let one_word = words.count() == 1;
    match half.trim_end_matches('.') {
        "am" if one_word => Some(false),
        "pm" if one_word => Some(true),
        "a.m" => Some(false),
        "p.m" => Some(true),
        _ => None,
    }
}
