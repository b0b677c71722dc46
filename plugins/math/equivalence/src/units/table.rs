//! The units that are known by name.

/// Name, base unit, and how many of it: numerator and denominator.
pub type Row = (&'static [&'static str], &'static str, i64, u64);

const UNITS: &[Row] = &[
    (&["m", "meter", "metre"], "m", 1, 1),
    (&["cm", "centimeter", "centimetre"], "m", 1, 100),
    (&["mm", "millimeter", "millimetre"], "m", 1, 1000),
    (&["km", "kilometer", "kilometre"], "m", 1000, 1),
    (&["dm", "decimeter", "decimetre"], "m", 1, 10),
    (&["nm", "nanometer"], "m", 1, 1_000_000_000),
    (
        &["µm", "micrometer", "micrometre", "micron"],
        "m",
        1,
        1_000_000,
    ),
    (&["in", "inch", "inche"], "m", 254, 10_000),
    (&["ft", "foot", "feet"], "m", 3048, 10_000),
    (&["yd", "yard"], "m", 9144, 10_000),
    (&["mi", "mile"], "m", 1_609_344, 1000),
    (&["s", "sec", "second"], "s", 1, 1),
    (&["ms", "millisecond"], "s", 1, 1000),
    (&["µs", "microsecond"], "s", 1, 1_000_000),
    (&["min", "minute"], "s", 60, 1),
    (&["h", "hr", "hour"], "s", 3600, 1),
    (&["day"], "s", 86_400, 1),
    (&["week", "wk"], "s", 604_800, 1),
    (&["month"], "month", 1, 1),
    (&["year", "yr"], "month", 12, 1),
    (&["g", "gram"], "g", 1, 1),
    (&["mg", "milligram"], "g", 1, 1000),
    (&["µg", "microgram"], "g", 1, 1_000_000),
    (&["kg", "kilogram", "kilo"], "g", 1000, 1),
    (&["lb", "pound"], "lb", 1, 1),
    (&["oz", "ounce"], "oz", 1, 1),
    (&["ton", "tonne"], "ton", 1, 1),
    (&["L", "l", "liter", "litre"], "L", 1, 1),
    (&["mL", "ml", "milliliter", "millilitre"], "L", 1, 1000),
    (&["gal", "gallon"], "gallon", 1, 1),
    (&["qt", "quart"], "gallon", 1, 4),
    (&["pint", "pt"], "gallon", 1, 8),
    (&["dollar", "buck"], "usd", 1, 1),
    (&["cent", "¢"], "usd", 1, 100),
    (&["euro"], "eur", 1, 1),
    (&["yen"], "jpy", 1, 1),
    (&["rupee", "Rs"], "inr", 1, 1),
    (&["deg", "degree"], "degree", 1, 1),
    (&["rad", "radian"], "radian", 1, 1),
    (&["N", "newton"], "N", 1, 1),
    (&["J", "joule"], "J", 1, 1),
    (&["kJ", "kilojoule"], "J", 1000, 1),
    (&["W", "watt"], "W", 1, 1),
    (&["kW", "kilowatt"], "W", 1000, 1),
    (&["V", "volt"], "V", 1, 1),
    (&["A", "ampere", "amp"], "A", 1, 1),
    (&["Pa", "pascal"], "Pa", 1, 1),
    (&["Hz", "hertz"], "Hz", 1, 1),
    (&["kPa"], "Pa", 1000, 1),
    (&["K", "kelvin"], "K", 1, 1),
    (&["mol", "mole"], "mol", 1, 1),
    (&["ohm"], "ohm", 1, 1),
    (&["kiloohm", "kilohm", "kohm"], "ohm", 1000, 1),
    (&["megaohm", "megohm"], "ohm", 1_000_000, 1),
    (&["coulomb"], "coulomb", 1, 1),
    (&["µC", "microcoulomb"], "coulomb", 1, 1_000_000),
    (&["farad"], "farad", 1, 1),
    (&["µF", "microfarad"], "farad", 1, 1_000_000),
    (&["celsius", "centigrade"], "celsius", 1, 1),
    (&["fahrenheit"], "fahrenheit", 1, 1),
    // Coulombs or degrees Celsius, farads or degrees Fahrenheit.
    (&["C"], "C", 1, 1),
    (&["F"], "F", 1, 1),
    // Of bytes some count thousands and some count 1024s.
    (&["byte"], "byte", 1, 1),
    (&["KB", "kB", "kilobyte"], "kilobyte", 1, 1),
    (&["MB", "megabyte"], "megabyte", 1, 1),
    (&["GB", "gigabyte"], "gigabyte", 1, 1),
    (&["TB", "terabyte"], "terabyte", 1, 1),
    (&["rpm"], "rpm", 1, 1),
    (&["acre"], "acre", 1, 1),
    (&["unit"], "unit", 1, 1),
];

pub fn row(word: &str) -> Option<&'static Row> {
    let named = |word: &str| UNITS.iter().find(|(names, ..)| names.contains(&word));
    if let Some(row) = named(word) {
        return Some(row);
    }
    if word.len() < 3 {
        return None;
    }
    let lower = word.to_lowercase();
    let singular = lower.strip_suffix('s').unwrap_or(&lower);
    named(singular).or_else(|| named(&lower))
}
