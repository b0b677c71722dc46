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
            return Ok(None);
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
        let half: String = behind
            .iter()
            .filter_map(|token| match &token.kind {
                Kind::Letters(word) | Kind::Text(word) => Some(word.to_lowercase()),
                _ => None,
            })
            .collect();
        let afternoon = match half.as_str() {
            "" if behind.is_empty() => None,
            "am" => Some(false),
            "pm" => Some(true),
            _ => return None,
        };
        Some(Time {
            hours,
            minutes,
            seconds,
            afternoon,
            sure: sure || afternoon.is_some(),
        })
    }
}
