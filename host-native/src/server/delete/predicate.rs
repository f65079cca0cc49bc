//! What `InfluxDB` 2 lets a delete select: `_measurement="cpu" AND host="pi"`.
//!
//! A condition is `key="value"`; the only operator is `AND`. A metric `cpu.usage;host=pi` has the
//! measurement `cpu`, the field `usage` and the tag `host`.
//!
//! A name with several dots does not say where its measurement ends: `cpu.load.one` is `load.one`
//! of `cpu`, or `one` of `cpu.load`. Where a predicate has both, they are the name with a dot in
//! between. Where it has one of them, a name is split at its last dot, so that `_measurement="cpu"`
//! does not take what may be of `cpu.load`.

use crate::labels::Labels;
use core::str::FromStr;

/// Conditions that all have to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Predicate(Vec<(String, String)>);

impl Predicate {
    /// Whether a metric of these labels meets all conditions.
    pub(super) fn selects(&self, labels: &Labels) -> bool {
        let name = labels.name();
        let at_last_dot = name.rsplit_once('.').unwrap_or((name, ""));
        let (measurement, field) = self.split_of(name).unwrap_or(at_last_dot);
        self.0.iter().all(|(key, value)| match key.as_str() {
            "_measurement" => measurement == value,
            "_field" => field == value,
            tag => labels.get(tag) == Some(value),
        })
    }

    /// Measurement and field of a name that consists of both.
    fn split_of<'a>(&self, name: &'a str) -> Option<(&'a str, &'a str)> {
        let value = |wanted: &str| {
            self.0.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.as_str())
        };
        let (measurement, field) = (value("_measurement")?, value("_field")?);
        let rest = name.strip_prefix(measurement)?.strip_prefix('.')?;
        (rest == field).then(|| (&name[..measurement.len()], rest))
    }
}

impl FromStr for Predicate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut rest = text.trim_start();
        let mut conditions = Vec::new();
        while !rest.is_empty() {
            if !conditions.is_empty() {
                rest = conjunction(rest)?;
            }
            let (key, after) = key(rest)?;
            let after = after.trim_start();
            let Some(after) = after.strip_prefix('=').filter(|rest| !rest.starts_with(['=', '~']))
            else {
                return Err(format!("expected = after {key}, the only comparison there is"));
            };
            let (value, after) = quoted(after.trim_start())?;
            conditions.push((key, value));
            rest = after.trim_start();
        }
        Ok(Self(conditions))
    }
}

/// What stands after `AND`.
fn conjunction(text: &str) -> Result<&str, String> {
    let (word, rest) = text.split_at_checked(3).unwrap_or((text, ""));
    if word.eq_ignore_ascii_case("and") && rest.starts_with(char::is_whitespace) {
        return Ok(rest.trim_start());
    }
    Err(format!("expected AND at {text:?}, the only operator there is"))
}

fn key(text: &str) -> Result<(String, &str), String> {
    if text.starts_with('"') {
        return quoted(text);
    }
    let end = text.find(|c: char| c.is_whitespace() || "=!~<>\"()".contains(c));
    let (key, rest) = text.split_at(end.unwrap_or(text.len()));
    if key.is_empty() {
        return Err(format!("expected the name of a tag at {text:?}"));
    }
    Ok((key.to_owned(), rest))
}

/// A text in quotes, where `\` escapes a quote or itself; and what stands after it.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let failed = || format!("expected a value in quotes at {text:?}");
    let mut chars = text.char_indices();
    let quote = chars.next().map(|(_, c)| c).filter(|c| ['"', '\''].contains(c));
    let quote = quote.ok_or_else(failed)?;
    let mut value = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.push(chars.next().ok_or_else(failed)?.1),
            c if c == quote => {
                let after = at.saturating_add(c.len_utf8());
                return Ok((value, text.get(after..).unwrap_or_default()));
            }
            c => value.push(c),
        }
    }
    Err(failed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(predicate: &str, metric: &str) -> bool {
        predicate.parse::<Predicate>().unwrap().selects(&Labels::of_metric(metric))
    }

    #[test]
    fn measurement_field_and_tags_are_compared_whole() {
        let metric = "cpu.usage;host=pi;room=a%20b";
        for predicate in [
            "",
            r#"_measurement="cpu""#,
            r#"_measurement = "cpu" AND host='pi'"#,
            r#"host="pi" and "room"="a b" and _field="usage""#,
        ] {
            assert!(selects(predicate, metric), "{predicate}");
        }
        for predicate in [
            r#"_measurement="cp""#,
            r#"_measurement="cpu.usage""#,
            r#"_field="usag""#,
            r#"host="pi" AND room="b""#,
            r#"other="""#,
        ] {
            assert!(!selects(predicate, metric), "{predicate}");
        }
        assert!(!selects(r#"_measurement="cpu""#, "cpu.load.one"), "that of another measurement");
        assert!(selects(r#"a="say \"x\\""#, "m.f;a=say%20\"x\\"));
    }

    /// A dot in a name is no more than that.
    #[test]
    fn names_with_several_dots_are_split_where_a_predicate_says() {
        let metric = "net.eth0.10.rx.bytes;host=pi";
        for predicate in [
            r#"_measurement="net" AND _field="eth0.10.rx.bytes""#,
            r#"_field="rx.bytes" AND _measurement="net.eth0.10""#,
            r#"_measurement="net.eth0.10.rx" AND _field="bytes" AND host="pi""#,
            r#"_measurement="net.eth0.10.rx""#,
            r#"_field="bytes""#,
        ] {
            assert!(selects(predicate, metric), "{predicate}");
        }
        for predicate in [
            r#"_measurement="net""#,
            r#"_field="rx.bytes""#,
            r#"_measurement="net" AND _field="bytes""#,
            r#"_measurement="net." AND _field="eth0.10.rx.bytes""#,
            r#"_measurement="net" AND _field="eth0.10.rx.byte""#,
            r#"_measurement="net" AND _field="eth0.10.rx.bytes" AND _field="bytes""#,
        ] {
            assert!(!selects(predicate, metric), "{predicate}");
        }
        assert!(selects("_measurement='up' AND _field=''", "up"), "a name without a dot");
    }

    #[test]
    fn what_is_no_conjunction_of_equalities_is_refused() {
        for wrong in [
            "a",
            "a=",
            "a=b",
            r#"a="b"#,
            r#"a!="b""#,
            r#"a=~"b""#,
            r#"a="b" OR c="d""#,
            r#"a="b" AND"#,
            r#"a="b" c="d""#,
            r#"(a="b")"#,
            r#"="b""#,
        ] {
            assert!(wrong.parse::<Predicate>().is_err(), "{wrong}");
        }
    }
}
