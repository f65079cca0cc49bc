//! From text to a query that can be evaluated.

use super::error::{QueryError, bad_data};
use super::label_set::NAME;
use super::{nesting, patterns, words};
use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::token::{T_LIMIT_RATIO, T_LIMITK};
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{
    BinaryExpr, Expr, Function, VectorSelector, function::register_extra_functions,
};
use std::panic::catch_unwind;
use std::sync::Once;

/// Functions that Prometheus 2 has and the parser does not know.
static OLD_NAMES: Once = Once::new();

/// Parses a query and refuses what cannot be evaluated.
///
/// # Errors
///
/// `BadData` with what is wrong, or what of newer or other dialects it is.
pub(super) fn parse(query: &str) -> Result<Expr, QueryError> {
    nesting::check(query).map_err(|error| invalid(&error))?;
    OLD_NAMES.call_once(|| {
        let types = vec![ValueType::Matrix, ValueType::Scalar, ValueType::Scalar];
        let holt_winters = Function::new("holt_winters", types, 0, ValueType::Vector, false);
        // It fails only when the parser has learned the name.
        let _ = register_extra_functions(vec![holt_winters]);
    });
    // The parser slices and converts what comes from the network; where it slips, only this query
    // is lost.
    let query = words::quoted(query).map_err(|error| invalid(&error))?;
    let parsed = catch_unwind(|| promql_parser::parser::parse(&query));
    let mut expr = parsed
        .unwrap_or_else(|_| Err("the parser cannot handle it".into()))
        .map_err(|error| invalid(&error))?;
    check(&expr)?;
    patterns::match_line_ends(&mut expr).map_err(|error| invalid(&error))?;
    Ok(expr)
}

/// Parses what a `match[]` parameter holds: a selector and nothing else.
///
/// # Errors
///
/// `BadData` when it is anything else.
pub(super) fn parse_selector(text: &str) -> Result<Vec<Matcher>, QueryError> {
    match parse(text)? {
        Expr::VectorSelector(selector) if selector.offset.is_none() && selector.at.is_none() => {
            Ok(matchers(&selector))
        }
        _ => Err(bad_data(format!("{text:?} is no series selector"))),
    }
}

/// All matchers of a selector, that of its name included.
pub(super) fn matchers(selector: &VectorSelector) -> Vec<Matcher> {
    let name = selector.name.iter().map(|name| Matcher::new(MatchOp::Equal, NAME, name));
    name.chain(selector.matchers.matchers.iter().cloned()).collect()
}

fn invalid(error: &str) -> QueryError {
    bad_data(format!("invalid parameter \"query\": parse error: {error}"))
}

fn unsupported(what: &str) -> QueryError {
    invalid(&format!("{what} is not supported"))
}

fn check(expr: &Expr) -> Result<(), QueryError> {
    match expr {
        Expr::Aggregate(aggregate) => {
            if [T_LIMITK, T_LIMIT_RATIO].contains(&aggregate.op.id()) {
                return Err(unsupported(&format!("experimental aggregation {}", aggregate.op)));
            }
            aggregate.param.as_deref().map_or(Ok(()), check)?;
            check(&aggregate.expr)
        }
        Expr::Unary(unary) => check(&unary.expr),
        Expr::Paren(paren) => check(&paren.expr),
        Expr::Subquery(subquery) => check(&subquery.expr),
        Expr::Binary(binary) => check_binary(binary),
        Expr::Call(call) => {
            if !super::eval::is_function(call.func.name) {
                return Err(unsupported(&format!("function {}()", call.func.name)));
            }
            call.args.args.iter().try_for_each(|arg| check(arg))
        }
        Expr::VectorSelector(selector) => check_selector(selector),
        Expr::MatrixSelector(matrix) => check_selector(&matrix.vs),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) => Ok(()),
        Expr::Extension(_) => Err(unsupported("an extension")),
    }
}

fn check_binary(binary: &BinaryExpr) -> Result<(), QueryError> {
    if let Some(modifier) = &binary.modifier {
        let fill = &modifier.fill_values;
        if fill.lhs.is_some() || fill.rhs.is_some() {
            return Err(unsupported("experimental modifier fill"));
        }
    }
    check(&binary.lhs)?;
    check(&binary.rhs)
}

fn check_selector(selector: &VectorSelector) -> Result<(), QueryError> {
    if !selector.matchers.or_matchers.is_empty() {
        return Err(unsupported("\"or\" between matchers"));
    }
    // The parser looks for a name that is not empty only where braces stand alone.
    if matchers(selector).iter().all(|matcher| matcher.is_match("")) {
        return Err(invalid("vector selector must contain at least one non-empty matcher"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_dots_are_quoted() {
        for query in [r#"{"cpu.usage"}"#, r#"{__name__="cpu.usage"}"#] {
            let matchers = parse_selector(query).unwrap();
            assert_eq!(matchers, [Matcher::new(MatchOp::Equal, NAME, "cpu.usage")]);
        }
        let matchers = parse_selector(
            r#"{"cpu.usage", "host.name"!="a", # {"b"}
            b='"c.d"'}"#,
        );
        let texts: Vec<String> = matchers.unwrap().iter().map(ToString::to_string).collect();
        let expected = [r#"__name__="cpu.usage""#, r#""host.name"!="a""#, r#"b="\"c.d\"""#];
        assert_eq!(texts, expected);
        assert!(parse(r#"sum by ("host.name") (rate({"cpu.usage"}[5m]))"#).is_ok());
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (query, part) in [
            ("limitk(2, x)", "experimental aggregation limitk is not supported"),
            ("info(x)", "function info() is not supported"),
            ("x + fill(0) y", "experimental modifier fill is not supported"),
            (r#"x{a="b" or c="d"}"#, "\"or\" between matchers is not supported"),
            ("nothing(x)", "unknown function with name 'nothing'"),
            ("1 +", "invalid promql query"),
            ("", "no expression found"),
            (r#"{a=~".*"}"#, "at least one non-empty matcher"),
            (r#"x{a=~"("}"#, "illegal regex"),
            ("rate(x)", "expected type matrix in call to function 'rate', got vector"),
            ("x[1e99]", "is no duration"),
            ("rate(x[5m] smoothed)", "modifier smoothed of a range is not supported"),
        ] {
            let error = parse(query).unwrap_err();
            assert_eq!(error.kind(), "bad_data");
            assert!(error.to_string().contains(part), "{query}: {error}");
        }
    }

    #[test]
    fn words_of_the_language_are_names() {
        let words = [
            "anchored", "and", "avg", "by", "count", "end", "group", "infinite", "limit", "limitk",
            "nano", "offset", "or", "quantile", "smoothed", "start", "step", "sum", "topk",
            "unless", "without",
        ];
        for word in words {
            let matchers = parse_selector(&format!("{word}{{a=\"b\",{word}=\"c\"}}"));
            assert_eq!(matchers.unwrap()[0], Matcher::new(MatchOp::Equal, NAME, word));
            assert!(parse(&format!("rate({word}[5m]) + {word} * -{word}")).is_ok(), "{word}");
        }
        for label in words.iter().chain(&["atan2", "bool", "group_left", "ignoring", "on"]) {
            if *label != "without" {
                let grouped = format!("sum by ({label}, a) (x) * on(b) group_left({label}) y");
                let matched = format!("x * on({label}) y / ignoring({label}) z");
                assert!(parse(&grouped).is_ok() && parse(&matched).is_ok(), "{label}");
            }
        }
    }

    #[test]
    fn a_dot_in_a_pattern_is_a_line_end_too() {
        let matches = |query: &str, value: &str| {
            let matchers = parse_selector(query).unwrap();
            matchers.iter().filter(|matcher| matcher.name == "v").all(|m| m.is_match(value))
        };
        for pattern in [".*", ".+", "a.b", "a.*", "(a).(b)", "a\\nb"] {
            assert!(matches(&format!("x{{v=~\"{pattern}\"}}"), "a\nb"), "{pattern}");
            assert!(!matches(&format!("x{{v!~\"{pattern}\"}}"), "a\nb"), "{pattern}");
        }
        // Whole values only, as ever; and a pattern may ask for something else.
        assert!(!matches(r#"x{v=~"a"}"#, "a\n") && !matches(r#"x{v=~"a|b"}"#, "a\nb"));
        assert!(!matches(r#"x{v=~"(?-s).*"}"#, "a\nb"));
        let shown = parse("rate(x{v=~\"a.*\"}[5m])").unwrap().to_string();
        assert!(shown.contains("v=~\"a.*\""), "{shown}");
    }

    #[test]
    fn a_match_parameter_is_a_selector() {
        for text in ["1", "sum(x)", "x[5m]", "x offset 5m", "x @ 1"] {
            assert!(parse_selector(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(query in "[-+a-f0-9x(){}\\[\\]:.,@\"'`\\\\=~!<> é#]{0,40}") {
            let _ = parse(&query);
        }
    }
}
