//! Where the words, strings and signs of a query are, found without parsing it.

/// A piece of a query's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'q> {
    /// Its text; of a string with its quotes.
    pub(super) text: &'q str,
    /// Where it begins, in bytes.
    pub(super) at: usize,
}

impl Token<'_> {
    /// What it begins with.
    pub(super) fn first(&self) -> char {
        self.text.chars().next().unwrap_or(' ')
    }

    /// Whether it is white space or a comment.
    pub(super) fn is_blank(&self) -> bool {
        self.first().is_whitespace() || self.first() == '#'
    }

    /// Whether it is a name, a number or a duration.
    pub(super) fn is_word(&self) -> bool {
        is_word(self.first())
    }

    /// Whether it is a string.
    pub(super) fn is_string(&self) -> bool {
        matches!(self.first(), '"' | '\'' | '`')
    }
}

/// The pieces of a query, which together are its whole text.
pub(super) fn tokens(query: &str) -> impl Iterator<Item = Token<'_>> {
    let mut at = 0;
    core::iter::from_fn(move || {
        let rest = query.get(at..)?;
        let len = token_len(rest, rest.chars().next()?);
        let token = Token { text: rest.get(..len)?, at };
        at += len;
        Some(token)
    })
}

/// Bytes of the token at the front of `rest`, which begins with `c`.
fn token_len(rest: &str, c: char) -> usize {
    match c {
        '#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
        '"' | '\'' | '`' => string_len(rest, c),
        _ if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
        _ => c.len_utf8(),
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

/// Bytes of the string at the front of `rest`, quotes included.
fn string_len(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' && quote != '`' {
            escaped = true;
        } else if c == quote {
            return at + quote.len_utf8();
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_the_whole_text() {
        let query = "a_b{c=\"}\\\"\"} [5m] # ü {\n+ 'x' `\\`1.5";
        let texts: Vec<&str> = tokens(query).map(|token| token.text).collect();
        assert_eq!(texts.concat(), query);
        for text in ["a_b", "\"}\\\"\"", "5m", "# ü {", "'x'", "`\\`", "1.5"] {
            assert!(texts.contains(&text), "{text}: {texts:?}");
        }
        assert!(tokens(query).all(|token| query[token.at..].starts_with(token.text)));
    }
}
