//! Functions that change labels.

use super::super::error::{QueryError, execution};
use super::Evaluator;
use super::aggregate::is_label_name;
use super::lines::{Line, merged};
use super::steps::Steps;
use promql_parser::parser::Expr;
use regex_lite::RegexBuilder;

/// Bytes that a compiled expression may have.
const MAX_PATTERN: usize = 1 << 20;

impl Evaluator<'_> {
    /// `label_replace(vector, to, replacement, from, pattern)`: the label `to` becomes the
    /// replacement where the whole label `from` is of the pattern.
    pub(super) fn label_replace(
        &self,
        vector: &Expr,
        texts: [&Expr; 4],
        steps: Steps,
    ) -> Result<Vec<Line>, QueryError> {
        let [to, replacement, from, pattern] = self.texts(texts, steps)?;
        let anchored = format!("^(?:{pattern})$");
        let mut builder = RegexBuilder::new(&anchored);
        let regex = builder.dot_matches_new_line(true).size_limit(MAX_PATTERN).build();
        let regex = regex.map_err(|_| {
            execution(format!("invalid regular expression in label_replace(): {pattern}"))
        })?;
        if !is_label_name(&to) {
            let what = "invalid destination label name in label_replace()";
            return Err(execution(format!("{what}: {to}")));
        }
        let lines = self.vector(vector, steps)?.into_iter().map(|mut line| {
            if let Some(captures) = regex.captures(line.labels.get(&from)) {
                let mut value = String::new();
                captures.expand(&replacement, &mut value);
                line.labels = line.labels.with(&to, &value);
            }
            line
        });
        merged(lines.collect())
    }

    /// `label_join(vector, to, separator, from…)`: the label `to` becomes the others together.
    pub(super) fn label_join(
        &self,
        vector: &Expr,
        [to, separator]: [&Expr; 2],
        from: &[Box<Expr>],
        steps: Steps,
    ) -> Result<Vec<Line>, QueryError> {
        let [to, separator] = self.texts([to, separator], steps)?;
        let from: Vec<String> =
            from.iter().map(|name| self.text(name, steps)).collect::<Result<_, _>>()?;
        if let Some(name) = from.iter().find(|name| !is_label_name(name)) {
            let what = "invalid source label name in label_join()";
            return Err(execution(format!("{what}: {name}")));
        }
        if !is_label_name(&to) {
            let what = "invalid destination label name in label_join()";
            return Err(execution(format!("{what}: {to}")));
        }
        let lines = self.vector(vector, steps)?.into_iter().map(|mut line| {
            let values: Vec<&str> = from.iter().map(|name| line.labels.get(name)).collect();
            line.labels = line.labels.with(&to, &values.join(&separator));
            line
        });
        merged(lines.collect())
    }

    fn texts<const N: usize>(
        &self,
        texts: [&Expr; N],
        steps: Steps,
    ) -> Result<[String; N], QueryError> {
        let mut read = [const { String::new() }; N];
        for (text, expr) in read.iter_mut().zip(texts) {
            *text = self.text(expr, steps)?;
        }
        Ok(read)
    }
}
