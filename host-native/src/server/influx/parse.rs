//! One line of the protocol.

use super::Precision;
use crate::Timestamp;
use crate::server::cursor::{Cursor, SyntaxError};
use std::borrow::Cow;

/// Tags in the order they stand.
type Tags<'t> = Vec<(Cow<'t, str>, Cow<'t, str>)>;

/// Fields that are numbers, in the order they stand.
type Numbers<'t> = Vec<(Cow<'t, str>, f64)>;

/// What is told of an `=` where there should be none.
const BARE_EQUALS: &str = "an '=' here must be written \"\\=\"; a '\\' before ',' or a blank makes \
                           it part of the name";

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub struct Point<'t> {
    /// Measurement and tags as they are written.
    pub series: &'t str,
    /// What was measured.
    pub measurement: Cow<'t, str>,
    /// Tags in the order they stand.
    pub tags: Tags<'t>,
    /// Fields that are numbers, in the order they stand.
    pub fields: Numbers<'t>,
    /// Fields that are texts.
    pub texts: u64,
    /// When it was measured, if the line says.
    pub time: Option<Timestamp>,
}

/// Reads a line; blank ones and comments say nothing.
///
/// # Errors
///
/// [`SyntaxError`] at the first character that is wrong.
pub fn parse(line: &str, precision: Precision) -> Result<Option<Point<'_>>, SyntaxError> {
    let mut cursor = Cursor::new(line);
    if cursor.rest.is_empty() || cursor.rest.starts_with('#') {
        return Ok(None);
    }
    let measurement = cursor.measurement()?;
    let tags = cursor.tags()?;
    let series = line.get(..line.len() - cursor.rest.len()).unwrap_or_default();
    if !cursor.has_skipped_blanks() {
        return Err(cursor.expected("a blank and fields"));
    }
    let (fields, texts) = cursor.fields()?;
    let time = cursor.point_time(precision)?;
    Ok(Some(Point { series, measurement, tags, fields, texts, time }))
}

impl<'t> Cursor<'t> {
    /// A name up to one of these characters, unless a `\` protects it; not empty.
    fn name(&mut self, ends: &str, what: &str) -> Result<Cow<'t, str>, SyntaxError> {
        let name = self.protected_name(ends);
        if name.is_empty() {
            return Err(self.expected(what));
        }
        self.skip(name.len());
        Ok(unprotected(name))
    }

    fn protected_name(&self, ends: &str) -> &'t str {
        let mut protected = false;
        self.until(|c| {
            let is_end = !protected && ends.contains(c);
            protected = !protected && c == '\\';
            is_end
        })
    }

    /// A measurement may have `=` in it. After a protected `,` or blank it is a tag's or a field's,
    /// and what parted them was lost to a `\` at the end of the name.
    fn measurement(&mut self) -> Result<Cow<'t, str>, SyntaxError> {
        let name = self.protected_name(", ");
        let protected = name.find("\\,").into_iter().chain(name.find("\\ ")).min();
        self.refuse_equals(name, protected.unwrap_or(name.len()))?;
        self.name(", ", "a measurement")
    }

    fn tags(&mut self) -> Result<Tags<'t>, SyntaxError> {
        let mut tags = Vec::new();
        while self.has_skipped(',') {
            let key = self.key("a tag")?;
            self.refuse_equals(self.protected_name(", "), 0)?;
            tags.push((key, self.name(", ", "a tag's value")?));
        }
        Ok(tags)
    }

    /// Refuses an `=` that nothing protects, from byte `from` of a name on, as `InfluxDB` does in
    /// values of tags: of `disk=C:\,host=a` the next tag would become part of the value.
    fn refuse_equals(&mut self, name: &str, from: usize) -> Result<(), SyntaxError> {
        let mut protected = false;
        let bare = name.bytes().enumerate().find(|&(at, byte)| {
            let is_bare = !protected && byte == b'=' && at >= from;
            protected = !protected && byte == b'\\';
            is_bare
        });
        let Some((at, _)) = bare else { return Ok(()) };
        self.skip(at);
        Err(self.error(BARE_EQUALS))
    }

    /// A key and the `=` behind it.
    fn key(&mut self, what: &str) -> Result<Cow<'t, str>, SyntaxError> {
        let key = self.name(",= ", what)?;
        if self.has_skipped('=') { Ok(key) } else { Err(self.expected("'='")) }
    }

    fn fields(&mut self) -> Result<(Numbers<'t>, u64), SyntaxError> {
        let (mut fields, mut texts) = (Vec::new(), 0);
        loop {
            let key = self.key("a field")?;
            if self.rest.starts_with('"') {
                self.skip_text()?;
                texts += 1;
            } else {
                fields.push((key, self.field_value()?));
            }
            if !self.has_skipped(',') {
                return Ok((fields, texts));
            }
        }
    }

    /// Passes over a text in quotes.
    fn skip_text(&mut self) -> Result<(), SyntaxError> {
        let mut protected = true; // the first quote begins it
        let end = self.rest.bytes().position(|byte| {
            let is_end = !protected && byte == b'"';
            protected = !protected && byte == b'\\';
            is_end
        });
        let Some(end) = end else { return Err(self.error("the text has no closing '\"'")) };
        self.skip(end + 1);
        Ok(())
    }

    fn field_value(&mut self) -> Result<f64, SyntaxError> {
        let text = self.until(|c| matches!(c, ',' | ' '));
        let Some(value) = number(text) else {
            if text.is_empty() {
                return Err(self.expected("a value"));
            }
            return Err(self.found("a number, true, false or a text in quotes", text));
        };
        self.skip(text.len());
        Ok(value)
    }

    fn point_time(&mut self, precision: Precision) -> Result<Option<Timestamp>, SyntaxError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        if !self.has_skipped_blanks() {
            return Err(self.expected("',', a blank and a time, or the end of the line"));
        }
        let Ok(count) = self.rest.parse::<i64>() else {
            return Err(self.found("a time as a whole number", self.rest));
        };
        let time = precision.at(count);
        time.map(Some).ok_or_else(|| self.error("the time is outside the years 1677 to 2262"))
    }
}

/// A name without the `\` that protected its characters.
fn unprotected(name: &str) -> Cow<'_, str> {
    if !name.contains('\\') {
        return Cow::Borrowed(name);
    }
    let mut plain = String::with_capacity(name.len());
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        let protects = character == '\\' && matches!(characters.peek(), Some(',' | '=' | ' '));
        plain.push(if protects { characters.next().unwrap_or(character) } else { character });
    }
    Cow::Owned(plain)
}

/// The number that a field's value stands for.
#[expect(clippy::cast_precision_loss, reason = "a metric holds 24 bits of an integer anyway")]
fn number(text: &str) -> Option<f64> {
    match text {
        "t" | "T" | "true" | "True" | "TRUE" => return Some(1.0),
        "f" | "F" | "false" | "False" | "FALSE" => return Some(0.0),
        _ => {}
    }
    if let Some(digits) = text.strip_suffix('i') {
        return digits.parse::<i64>().ok().map(|number| number as f64);
    }
    if let Some(digits) = text.strip_suffix('u') {
        return digits.parse::<u64>().ok().map(|number| number as f64);
    }
    // The protocol knows neither NaN nor infinities, in letters or by size.
    let is_decimal = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    let number = text.bytes().all(is_decimal).then(|| text.parse::<f64>().ok())??;
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point(line: &str) -> Point<'_> {
        match parse(line, Precision::Unit(1)) {
            Ok(Some(point)) => point,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn refused(line: &str) -> String {
        parse(line, Precision::default()).unwrap_err().to_string()
    }

    #[test]
    fn a_line_with_everything() {
        let line = "cpu,host=a,cpu=cpu\\ 0 usage=0.5,n=-3i,m=7u,ok=T,no=false,s=\"x, y=1\" 17";
        let point = point(line);
        assert_eq!(point.measurement, "cpu");
        let tags: Vec<(&str, &str)> = point.tags.iter().map(|(k, v)| (&**k, &**v)).collect();
        assert_eq!(tags, [("host", "a"), ("cpu", "cpu 0")]);
        let fields: Vec<(&str, f64)> = point.fields.iter().map(|(k, v)| (&**k, *v)).collect();
        assert_eq!(fields, [("usage", 0.5), ("n", -3.0), ("m", 7.0), ("ok", 1.0), ("no", 0.0)]);
        assert_eq!((point.texts, point.time), (1, Some(Timestamp(17))));
    }

    #[test]
    fn what_a_backslash_protects() {
        let point = point("a\\,b\\ c\\=d\\e,k\\=1\\,=v\\=\\ 2 f\\ 1\\==1,s=\"\\\\\",t=\"\\\"\"");
        assert_eq!(point.measurement, "a,b c=d\\e");
        assert_eq!(point.tags, [("k=1,".into(), "v= 2".into())]);
        assert_eq!(point.fields, [("f 1=".into(), 1.0)]);
        assert_eq!(point.texts, 2);
    }

    #[test]
    fn a_backslash_at_the_end_of_a_name_swallows_nothing() {
        for (line, column) in [
            ("Disk,check=C:\\,host=lp,at=Shields value=52.45 17", 20),
            ("Disk,check=C:\\ value=52.45 17", 21),
            ("Disk,check=a=b value=1", 13),
            ("Disk,check=C:\\ value=1,other=2 17", 21),
            ("C:\\,host=lp value=1", 9),
            ("C:\\ value=1 other=2", 10),
        ] {
            assert_eq!(refused(line), format!("column {column}: {BARE_EQUALS}"), "{line}");
        }
        // A key loses its `=`, a text its quote: both are missed later.
        for line in ["m,key\\=a value=1", "m value\\=1", "m value=\"C:\\\" 17"] {
            refused(line);
        }
        assert_eq!(point("a=b=c f=1").measurement, "a=b=c");
        assert_eq!(point("a\\,b\\=c,k=C:\\\\,host=lp f=1").tags.len(), 2);
        assert_eq!(point("m,k=a\\=b\\ c f=1").tags, [("k".into(), "a=b c".into())]);
    }

    #[test]
    fn lines_that_say_nothing() {
        for line in ["", " ", "# comment", "  # comment", "\r"] {
            assert_eq!(parse(line, Precision::default()), Ok(None), "{line:?}");
        }
    }

    #[test]
    fn numbers_in_every_form() {
        for (text, value) in [
            ("1", 1.0),
            ("-1.5e3", -1500.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("9223372036854775807i", 9_223_372_036_854_775_807.0),
            ("18446744073709551615u", 18_446_744_073_709_551_615.0),
        ] {
            assert_eq!(number(text), Some(value), "{text}");
        }
        for text in ["", "nan", "inf", "1e999", "1.5i", "-1u", "0x10", "1_0", "tRUE", "i", "--1"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn errors_name_the_place() {
        for (line, error) in [
            (",a=1 f=1", "column 1: expected a measurement, found ','"),
            ("cpu", "column 4: expected a blank and fields, found the end of the line"),
            ("cpu ", "column 4: expected a blank and fields, found the end of the line"),
            ("cpu,a f=1", "column 6: expected '=', found ' '"),
            ("cpu,a= f=1", "column 7: expected a tag's value, found ' '"),
            ("cpu,=b f=1", "column 5: expected a tag, found '='"),
            ("ü f", "column 4: expected '=', found the end of the line"),
            ("ü f=", "column 5: expected a value, found the end of the line"),
            ("ü f=1,", "column 7: expected a field, found the end of the line"),
            ("m f=\"a", "column 5: the text has no closing '\"'"),
            ("m f=1 2s", "column 7: expected a time as a whole number, found \"2s\""),
            (
                "m f=1x",
                "column 5: expected a number, true, false or a text in quotes, found \"1x\"",
            ),
        ] {
            assert_eq!(refused(line), error, "{line}");
        }
        let error = parse("m f=1 9223372036854775807", "s".parse().unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "column 7: the time is outside the years 1677 to 2262");
    }

    fn protect(name: &str) -> String {
        name.replace(',', "\\,").replace('=', "\\=").replace(' ', "\\ ")
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(
            names in proptest::collection::vec("[a-zü\"][a-z,= ü\"]{0,6}[a-zü\"]", 4),
            value in -1e30_f64..1e30,
            time: i64,
        ) {
            let [measurement, key, tag, field] = [0, 1, 2, 3].map(|at| protect(&names[at]));
            let line = format!("{measurement},{key}={tag} {field}={value:e},x=1i {time}");
            let point = point(&line);
            prop_assert_eq!(&*point.measurement, &*names[0]);
            prop_assert_eq!((&*point.tags[0].0, &*point.tags[0].1), (&*names[1], &*names[2]));
            prop_assert_eq!((&*point.fields[0].0, point.fields[0].1), (&*names[3], value));
            prop_assert_eq!(point.time, Some(Timestamp(time)));
        }

        #[test]
        fn arbitrary_lines_never_panic(line: String) {
            let _ = parse(&line, Precision::default());
        }

        #[test]
        fn nearly_lines_never_panic(line in "[a,= \\\\\"1i#]{0,30}") {
            let _ = parse(&line, Precision::default());
        }
    }
}
