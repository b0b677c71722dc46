//! Quantities in several units: `1 hour 30 minutes`, `5 feet and 6 inches`.

use dashu_ratio::RBig;

use crate::{
    answer::Quantity,
    expr::{Expr, Function},
    token::{Kind, Token},
    units::{self, Unit},
};

/// The sum in its first unit, where the tokens are numbers with units of one kind, the larger
/// before the smaller. Nothing for `5 apples and 6 oranges`, which are two things.
pub fn compound(tokens: &[Token]) -> Option<Quantity> {
    let mut rest = tokens;
    let mut first: Option<Unit> = None;
    let mut scale = RBig::ZERO;
    let mut sum = RBig::ZERO;
    let mut parts = 0;
    while let [number, name, behind @ ..] = rest {
        let Kind::Number(value, _) = &number.kind else {
            return None;
        };
        let unit = units::one(match &name.kind {
            Kind::Letters(word) | Kind::Text(word) => word,
            Kind::Function(Function::Min) => "min",
            Kind::Function(Function::Sec) => "sec",
            _ => return None,
        })?;
        let same = first
            .as_ref()
            .is_none_or(|first| first.powers == unit.powers && unit.scale < scale);
        if !same {
            return None;
        }
        scale = unit.scale.clone();
        let first = first.get_or_insert(unit);
        sum += value * &scale / &first.scale;
        parts += 1;
        rest = without_joint(behind);
    }
    (parts > 1 && rest.is_empty()).then(|| Quantity {
        expr: Expr::Number(sum),
        unit: first,
        percent: false,
        unreduced: false,
        decimal: false,
        otherwise: None,
    })
}

/// Without the point of `ft.` and the `and` before the next number.
fn without_joint(tokens: &[Token]) -> &[Token] {
    let tokens = match tokens {
        [point, rest @ ..] if point.kind == Kind::Period => rest,
        _ => tokens,
    };
    match tokens {
        [and, rest @ ..] if !rest.is_empty() => match &and.kind {
            Kind::Letters(word) | Kind::Text(word) if &**word == "and" => rest,
            _ => tokens,
        },
        _ => tokens,
    }
}
