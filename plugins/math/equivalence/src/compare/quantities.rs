//! Formulas with their units, percent signs and angles, and what the policy lets pass.

use dashu_ratio::RBig;

use super::{Comparer, too_large};
use crate::{
    answer::Quantity,
    equality::{self, Decision, equal},
    expr::{Builder, Constant, Expr, Function, fraction},
    policy::{Percent, Units},
    units::Unit,
};

impl Comparer<'_> {
    pub(super) fn quantities(&self, gold: &Quantity, given: &Quantity) -> Decision {
        if self.policy.reduced_fractions && given.unreduced && !gold.unreduced {
            return Ok(false);
        }
        if let (Some((gold, unit)), Some((given, other))) = (&gold.otherwise, &given.otherwise)
            && unit.powers.is_empty()
            && other.powers.is_empty()
        {
            // `3 x 10^8` and `3x10^8`.
            return Ok(gold == given);
        }
        let (gold, given) = (&reread(gold, given), &reread(given, gold));
        let two_signs =
            |a: &Quantity, b: &Quantity| a.percent && !b.percent && named(&b.unit).is_some();
        if two_signs(gold, given) || two_signs(given, gold) {
            return Ok(false);
        }
        if self.policy.units != Units::Ignored {
            if self.policy.units == Units::Required && gold.unit.is_some() && given.unit.is_none() {
                return Ok(false);
            }
            if let (Some(a), Some(b)) = (named(&gold.unit), named(&given.unit)) {
                if !same_kind(a, b) {
                    return match (in_radians(gold)?, in_radians(given)?) {
                        (Some(a), Some(b)) => equal(&a, &b),
                        _ => Ok(false),
                    };
                }
                if a.scale != b.scale {
                    let a = scaled(&gold.expr, &a.scale)?;
                    let b = scaled(&given.expr, &b.scale)?;
                    return self.near(&a, &b, gold, given);
                }
            }
        }
        if self.near(&gold.expr, &given.expr, gold, given)? {
            return Ok(true);
        }
        // A bare multiple of pi is an angle in radians.
        if let (Some(gold), Some(given)) = (in_radians(gold)?, in_radians(given)?) {
            return equal(&gold, &given);
        }
        if self.policy.percent == Percent::Either && gold.percent != given.percent {
            let hundredfold = |of: &Quantity| match of.percent {
                true => scaled(&of.expr, &RBig::from(100)),
                false => Ok(of.expr.clone()),
            };
            return self.near(&hundredfold(gold)?, &hundredfold(given)?, gold, given);
        }
        Ok(false)
    }

    /// Equality, or nearness where the policy allows it.
    fn near(&self, a: &Expr, b: &Expr, gold: &Quantity, given: &Quantity) -> Decision {
        if equal(a, b)? {
            return Ok(true);
        }
        let tolerance = self.policy.decimal_tolerance;
        let decimal = gold.decimal || given.decimal;
        let numbers = a.variables().is_empty() && b.variables().is_empty();
        if tolerance <= 0.0 || !decimal || !numbers {
            return Ok(false);
        }
        let Ok(tolerance) = RBig::try_from(tolerance) else {
            return Ok(false);
        };
        let Some(sign) = equality::sign(a)? else {
            return Ok(false);
        };
        // |a| t - |a - b| >= 0, as two inequalities without absolute values.
        let reach = scaled(a, &(tolerance * RBig::from(i64::from(sign))))?;
        let mut builder = Builder::default();
        for (from, to) in [(a, b), (b, a)] {
            let room = builder
                .difference(to.clone(), from.clone())
                .and_then(|gap| builder.sum(vec![reach.clone(), gap]))
                .map_err(too_large)?;
            if equality::sign(&room)?.is_none_or(|sign| sign < 0) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A quantity whose letters are its unit, where the other one has that unit.
fn reread(quantity: &Quantity, other: &Quantity) -> Quantity {
    let mut read = quantity.clone();
    let is_plain = |expr: &Expr| expr.variables().is_empty();
    if let Some((value, unit)) = &quantity.otherwise
        && other.otherwise.is_none()
    {
        // A number in scientific notation has no unit here.
        let agrees = match &other.unit {
            Some(others) => unit.powers.is_empty() || same_kind(unit, others),
            None => unit.powers.is_empty(),
        };
        if agrees && is_plain(&other.expr) {
            read.expr = Expr::Number(value.clone());
            read.unit = Some(unit.clone()).filter(|unit| !unit.powers.is_empty());
            read.otherwise = None;
        }
    }
    read
}

/// The unit, unless it only says "units".
fn named(unit: &Option<Unit>) -> Option<&Unit> {
    unit.as_ref()
        .filter(|unit| unit.powers.iter().any(|(base, _)| &**base != "unit"))
}

fn same_kind(a: &Unit, b: &Unit) -> bool {
    let temperature = |unit: &Unit| {
        matches!(unit.powers.as_slice(), [(base, 1)]
            if matches!(&**base, "celsius" | "fahrenheit"))
    };
    let degrees =
        |unit: &Unit| matches!(unit.powers.as_slice(), [(base, 1)] if &**base == "degree");
    let lone =
        |unit: &Unit, name: &str| matches!(unit.powers.as_slice(), [(base, 1)] if &**base == name);
    // Pounds are money or a weight.
    let pounds = (lone(a, "gbp") && lone(b, "lb")) || (lone(a, "lb") && lone(b, "gbp"));
    // A C is a coulomb or a degree, an F a farad or a degree.
    let letter =
        |a, b, letter, units: [&str; 2]| lone(a, letter) && units.iter().any(|unit| lone(b, unit));
    let lettered = |a, b| {
        letter(a, b, "C", ["celsius", "coulomb"]) || letter(a, b, "F", ["fahrenheit", "farad"])
    };
    pounds
        || lettered(a, b)
        || lettered(b, a)
        || a.powers == b.powers
        || (temperature(a) && degrees(b))
        || (degrees(a) && temperature(b))
}

/// An angle, from degrees or as it is; nothing for what need not be one.
fn in_radians(quantity: &Quantity) -> Decision<Option<Expr>> {
    let circular = |node: &Expr| {
        use Function::{Arccos, Arccot, Arccsc, Arcsec, Arcsin, Arctan};
        matches!(
            node,
            Expr::Constant(Constant::Pi)
                | Expr::Call(Arcsin | Arccos | Arctan | Arccot | Arcsec | Arccsc, _)
        )
    };
    let unit = quantity.unit.as_ref().map(|unit| unit.powers.as_slice());
    match unit {
        None if quantity.expr.any(circular) => Ok(Some(quantity.expr.clone())),
        Some([(base, 1)]) if &**base == "radian" => Ok(Some(quantity.expr.clone())),
        Some([(base, 1)]) if &**base == "degree" => {
            let in_degrees = scaled(&quantity.expr, &fraction(1, 180))?;
            let pi = Expr::Constant(Constant::Pi);
            Ok(Some(Expr::Product(vec![in_degrees, pi])))
        }
        _ => Ok(None),
    }
}

fn scaled(expr: &Expr, by: &RBig) -> Decision<Expr> {
    Builder::default()
        .product(vec![Expr::Number(by.clone()), expr.clone()])
        .map_err(too_large)
}
