//! Functions of one value.

use super::super::numbers::equal;

/// The function of a name.
pub(super) fn function(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "acos" => f64::acos,
        "acosh" => f64::acosh,
        "asin" => f64::asin,
        "asinh" => f64::asinh,
        "atan" => f64::atan,
        "atanh" => f64::atanh,
        "ceil" => f64::ceil,
        "cos" => f64::cos,
        "cosh" => f64::cosh,
        "deg" => f64::to_degrees,
        "exp" => f64::exp,
        "floor" => f64::floor,
        "ln" => f64::ln,
        "log10" => f64::log10,
        "log2" => f64::log2,
        "rad" => f64::to_radians,
        "sgn" => sign,
        "sin" => f64::sin,
        "sinh" => f64::sinh,
        "sqrt" => f64::sqrt,
        "tan" => f64::tan,
        "tanh" => f64::tanh,
        _ => return None,
    })
}

/// -1, 0 or 1.
fn sign(value: f64) -> f64 {
    if equal(value, 0.0) { value } else { value.signum() }
}

/// The nearest multiple of `unit`; of two, the higher.
pub(super) fn round(value: f64, unit: f64) -> f64 {
    // A fraction as 0.1 cannot be exact, its inverse can.
    let per_one = 1.0 / unit;
    (value * per_one + 0.5).floor() / per_one
}

/// The larger; NaN when one is, unless the other cannot be exceeded.
pub(super) fn max(a: f64, b: f64) -> f64 {
    let larger = a.max(b);
    let is_unknown = (a.is_nan() || b.is_nan()) && !equal(larger, f64::INFINITY);
    if is_unknown { f64::NAN } else { larger }
}

/// The smaller; NaN when one is, unless the other cannot be undercut.
pub(super) fn min(a: f64, b: f64) -> f64 {
    -max(-a, -b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_goes_up_from_the_middle() {
        assert!(equal(round(2.5, 1.0), 3.0));
        assert!(equal(round(-2.5, 1.0), -2.0));
        assert!(equal(round(5.15, 0.1), 5.2));
        assert!(equal(round(17.0, 5.0), 15.0));
    }

    #[test]
    fn signs_and_limits_know_nan() {
        assert!(sign(f64::NAN).is_nan());
        assert!(equal(sign(-3.0), -1.0));
        assert!(equal(sign(0.0), 0.0));
        assert!(max(1.0, f64::NAN).is_nan() && min(f64::NAN, 1.0).is_nan());
        assert!(equal(max(f64::INFINITY, f64::NAN), f64::INFINITY));
        assert!(equal(min(2.0, 1.0), 1.0));
    }
}
