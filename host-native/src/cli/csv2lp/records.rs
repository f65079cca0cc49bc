//! The records of a CSV file, with fields in quotes of two kinds.
//!
//! `VictoriaMetrics` quotes as its language, Go, does: `"a\"b\n"`. Spreadsheets double the quotes
//! within, `"a""b"`, and leave line ends as they are. A field in quotes is read in the first way
//! where that ends at a comma or at the end of the line, else in the second.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// Bytes of one record; no export has such names.
const MAX_RECORD: usize = 1 << 20;

/// Reads records one after the other.
#[derive(Debug)]
pub(super) struct Records {
    from: BufReader<File>,
    text: Vec<u8>,
    fields: Vec<String>,
    line: u64,
    lines_read: u64,
    bytes_read: u64,
}

impl Records {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let from = BufReader::with_capacity(1 << 16, File::open(path)?);
        let (text, fields) = (Vec::new(), Vec::new());
        Ok(Self { from, text, fields, line: 0, lines_read: 0, bytes_read: 0 })
    }

    /// The line that the last record begins in, from 1.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// Bytes up to the end of the last record.
    pub(super) const fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// The fields of the next record that is not empty; nothing at the end of the file.
    ///
    /// # Errors
    ///
    /// What is wrong with the text or the file.
    pub(super) fn read(&mut self) -> Result<Option<&[String]>, String> {
        self.text.clear();
        loop {
            let is_new = self.text.is_empty();
            if !self.add_line()? {
                if is_new {
                    return Ok(None);
                }
                return Err("a field in quotes has no end".into());
            }
            if is_new {
                self.line = self.lines_read;
            }
            let text = core::str::from_utf8(&self.text);
            let text = text.map_err(|error| {
                format!("not UTF-8 from byte {} of the line on", error.valid_up_to() + 1)
            })?;
            let text = text.strip_suffix('\n').unwrap_or(text);
            let text = text.strip_suffix('\r').unwrap_or(text);
            if is_new && text.trim().is_empty() {
                self.text.clear();
            } else if let Some(fields) = fields(text)? {
                self.fields = fields;
                return Ok(Some(&self.fields));
            }
        }
    }

    /// Adds the next line to the record; false at the end of the file.
    fn add_line(&mut self) -> Result<bool, String> {
        let before = self.text.len();
        loop {
            let piece = self.from.fill_buf().map_err(|error| error.to_string())?;
            if piece.is_empty() {
                break;
            }
            let end = piece.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            let len = end.unwrap_or(piece.len());
            self.text.extend_from_slice(piece.get(..len).unwrap_or_default());
            self.from.consume(len);
            if self.text.len() > MAX_RECORD {
                return Err(format!("a record has more than {MAX_RECORD} bytes"));
            }
            if end.is_some() {
                break;
            }
        }
        let added = self.text.len() - before;
        if added > 0 {
            self.lines_read += 1;
            self.bytes_read += u64::try_from(added).unwrap_or(0);
        }
        if self.lines_read == 1 && before == 0 && self.text.starts_with(BYTE_ORDER_MARK) {
            self.text.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(added > 0)
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The fields of a record; nothing when the last one goes on in the next line.
fn fields(text: &str) -> Result<Option<Vec<String>>, String> {
    let (mut fields, mut rest) = (Vec::new(), text);
    loop {
        let (field, tail) = if let Some(inside) = rest.strip_prefix('"') {
            match go_quoted(inside) {
                Some(found) => found,
                None => match doubled(inside)? {
                    Some(found) => found,
                    None => return Ok(None),
                },
            }
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            let (field, tail) = rest.split_at(end);
            (field.to_owned(), tail)
        };
        fields.push(field);
        match tail.strip_prefix(',') {
            Some(tail) => rest = tail,
            None => return Ok(Some(fields)),
        }
    }
}

/// Whether a field ends here.
fn is_end(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(',')
}

/// A text after its opening quote as Go and JSON write it, and what follows it.
fn go_quoted(inside: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut rest = inside;
    loop {
        let c = rest.chars().next()?;
        rest = rest.get(c.len_utf8()..)?;
        match c {
            '"' => return is_end(rest).then_some((text, rest)),
            '\\' => {
                let (c, len) = escaped(rest)?;
                text.push(c);
                rest = rest.get(len..)?;
            }
            c => text.push(c),
        }
    }
}

/// What stands after a backslash, and how many bytes it has.
fn escaped(rest: &str) -> Option<(char, usize)> {
    let number = |from: usize, len: usize, radix: u32| {
        let digits = rest.get(from..from + len)?;
        let code = u32::from_str_radix(digits, radix).ok()?;
        Some((char::from_u32(code)?, from + len))
    };
    Some(match rest.chars().next()? {
        'a' => ('\u{7}', 1),
        'b' => ('\u{8}', 1),
        'f' => ('\u{c}', 1),
        'n' => ('\n', 1),
        'r' => ('\r', 1),
        't' => ('\t', 1),
        'v' => ('\u{b}', 1),
        c @ ('\\' | '"' | '\'' | '/') => (c, 1),
        'x' => number(1, 2, 16)?,
        'u' => number(1, 4, 16)?,
        'U' => number(1, 8, 16)?,
        '0'..='7' => number(0, 3, 8)?,
        _ => return None,
    })
}

/// A text after its opening quote in which quotes are doubled, and what follows it; nothing when
/// it does not end.
fn doubled(inside: &str) -> Result<Option<(String, &str)>, String> {
    let mut text = String::new();
    let mut rest = inside;
    while let Some((piece, tail)) = rest.split_once('"') {
        text.push_str(piece);
        if is_end(tail) {
            return Ok(Some((text, tail)));
        }
        let Some(tail) = tail.strip_prefix('"') else {
            let found: String = tail.chars().take(1).collect();
            return Err(format!("expected ',' after the quote that ends a field, found {found:?}"));
        };
        text.push('"');
        rest = tail;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &[u8]) -> Result<Vec<(u64, Vec<String>)>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut records = Records::open(file.path()).unwrap();
        let mut all = Vec::new();
        while let Some(fields) = records.read()?.map(<[String]>::to_vec) {
            all.push((records.line(), fields));
        }
        assert_eq!(records.bytes_read(), u64::try_from(text.len()).unwrap());
        Ok(all)
    }

    #[test]
    fn quotes_of_both_kinds_are_read() {
        for (text, expected) in [
            (r#"a,"b,c",1"#, vec!["a", "b,c", "1"]),
            (r#""say \"hi\", you",x"#, vec!["say \"hi\", you", "x"]),
            (r#""say ""hi"", you",x"#, vec!["say \"hi\", you", "x"]),
            (r#""C:\\temp\n","\u00e4\x41\101","#, vec!["C:\\temp\n", "äAA", ""]),
            // No escape of Go, so as it stands.
            (r#""C:\data","\",1"#, vec!["C:\\data", "\\", "1"]),
            ("\"\",,\"\"", vec!["", "", ""]),
            ("plain \"quote\",2", vec!["plain \"quote\"", "2"]),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap(), [(1, vec_of(&expected))], "{text}");
        }
    }

    fn vec_of(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn records_have_the_number_of_their_first_line() {
        let text = b"\xef\xbb\xbfa,b\r\n\r\n\n\"two\nlines\",x\nlast,1";
        let expected = [(1, vec!["a", "b"]), (4, vec!["two\nlines", "x"]), (6, vec!["last", "1"])];
        assert_eq!(read(text).unwrap(), expected.map(|(line, fields)| (line, vec_of(&fields))));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, says) in [
            (&b"a,\"b"[..], "has no end"),
            (b"a,\"b\"c,1", "found \"c\""),
            (b"a,\xff", "not UTF-8 from byte 3"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        let endless = [b"\"", &vec![b'x'; MAX_RECORD][..]].concat();
        assert!(read(&endless).unwrap_err().contains("more than"));
    }

    proptest! {
        #[test]
        fn what_go_writes_is_read_again(texts in proptest::collection::vec("\\PC{0,6}|[\"\\\\,\n]{0,4}", 1..5)) {
            // For these texts, JSON's quotes are Go's.
            let line: Vec<String> =
                texts.iter().map(|text| serde_json::to_string(text).unwrap()).collect();
            prop_assert_eq!(fields(&line.join(",")).unwrap(), Some(texts));
        }

        #[test]
        fn arbitrary_text_is_safe(text in "[\"\\\\,\nxu0a]{0,20}") {
            let _ = fields(&text);
        }
    }
}
