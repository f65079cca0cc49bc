//! What operators make of two numbers.

use super::super::numbers::equal;
use promql_parser::parser::token::{
    T_ADD, T_ATAN2, T_DIV, T_EQLC, T_GTE, T_GTR, T_LSS, T_LTE, T_MOD, T_MUL, T_NEQ, T_POW, T_SUB,
    TokenType,
};

/// An operator on numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operator {
    /// Two numbers make one.
    Arithmetic(fn(f64, f64) -> f64),
    /// The angle of a point, `atan2`.
    Angle,
    /// Two numbers agree or do not.
    Comparison(fn(f64, f64) -> bool),
}

impl Operator {
    /// The operator of a token; none when it is one on sets.
    pub(super) fn new(token: TokenType) -> Option<Self> {
        Some(match token.id() {
            T_ADD => Self::Arithmetic(|a, b| a + b),
            T_SUB => Self::Arithmetic(|a, b| a - b),
            T_MUL => Self::Arithmetic(|a, b| a * b),
            T_DIV => Self::Arithmetic(|a, b| a / b),
            T_MOD => Self::Arithmetic(|a, b| a % b),
            T_POW => Self::Arithmetic(f64::powf),
            T_ATAN2 => Self::Angle,
            T_EQLC => Self::Comparison(equal),
            T_NEQ => Self::Comparison(|a, b| !equal(a, b)),
            T_LSS => Self::Comparison(|a, b| a < b),
            T_LTE => Self::Comparison(|a, b| a <= b),
            T_GTR => Self::Comparison(|a, b| a > b),
            T_GTE => Self::Comparison(|a, b| a >= b),
            _ => return None,
        })
    }

    /// What two numbers make; of a comparison that holds, `kept`, or with `as_bool` 1, and 0 of
    /// one that does not.
    pub(super) fn apply(self, a: f64, b: f64, kept: f64, as_bool: bool) -> Option<f64> {
        match self {
            Self::Arithmetic(operation) => Some(operation(a, b)),
            Self::Angle => Some(a.atan2(b)),
            Self::Comparison(holds) if as_bool => Some(f64::from(u8::from(holds(a, b)))),
            Self::Comparison(holds) => holds(a, b).then_some(kept),
        }
    }

    /// Whether what it makes is still the metric, so that it keeps its name. Prometheus does not
    /// say so of `atan2`, and keeps it there.
    pub(super) const fn keeps_name(self, as_bool: bool) -> bool {
        matches!(self, Self::Comparison(_) | Self::Angle) && !as_bool
    }
}
