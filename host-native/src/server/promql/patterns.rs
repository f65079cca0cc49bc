//! Regular expressions of matchers, as Prometheus means them.
//!
//! There `.` matches line ends, too: `=~".*"`, which Grafana sends for "All", finds labels whose
//! values have several lines. The parser compiles patterns without that.

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::token::{T_EQL_REGEX, T_NEQ_REGEX};
use promql_parser::parser::{Expr, VectorSelector};

/// Lets a `.` in all patterns of a query match a line end.
///
/// # Errors
///
/// When a pattern is too large.
pub(super) fn match_line_ends(expr: &mut Expr) -> Result<(), String> {
    match expr {
        Expr::Aggregate(aggregate) => {
            aggregate.param.as_deref_mut().map_or(Ok(()), match_line_ends)?;
            match_line_ends(&mut aggregate.expr)
        }
        Expr::Unary(unary) => match_line_ends(&mut unary.expr),
        Expr::Paren(paren) => match_line_ends(&mut paren.expr),
        Expr::Subquery(subquery) => match_line_ends(&mut subquery.expr),
        Expr::Binary(binary) => {
            match_line_ends(&mut binary.lhs)?;
            match_line_ends(&mut binary.rhs)
        }
        Expr::Call(call) => call.args.args.iter_mut().try_for_each(|arg| match_line_ends(arg)),
        Expr::VectorSelector(selector) => of_selector(selector),
        Expr::MatrixSelector(matrix) => of_selector(&mut matrix.vs),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => Ok(()),
    }
}

fn of_selector(selector: &mut VectorSelector) -> Result<(), String> {
    selector.matchers.matchers.iter_mut().try_for_each(of_matcher)
}

/// Compiles a pattern anew where a line end may make a difference.
fn of_matcher(matcher: &mut Matcher) -> Result<(), String> {
    let id = match &matcher.op {
        MatchOp::Re(_) => T_EQL_REGEX,
        MatchOp::NotRe(_) => T_NEQ_REGEX,
        MatchOp::Equal | MatchOp::NotEqual => return Ok(()),
    };
    if matcher.value.contains('.') {
        let pattern = format!("(?s:{})", matcher.value);
        // The value stays what was asked, as it is shown and compared.
        matcher.op = Matcher::new_matcher(id, String::new(), pattern)?.op;
    }
    Ok(())
}
