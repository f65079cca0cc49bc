//! A secret by which one program knows another.

use core::fmt;
use std::io;
use std::path::Path;

/// A token. It is not shown where its owner is printed for debugging.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The first line of a file, without spaces around it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or the line is empty: who asked for a secret must not go
    /// without. The text names the file.
    pub fn read(path: &Path) -> io::Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| io::Error::new(error.kind(), format!("token in {shown}: {error}")))?;
        match text.lines().next().unwrap_or_default().trim() {
            "" => {
                let text = format!("token in {shown}: its first line is empty");
                Err(io::Error::new(io::ErrorKind::InvalidData, text))
            }
            token => Ok(Self(token.to_owned())),
        }
    }

    /// The secret itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Token {
    fn from(token: &str) -> Self {
        Self(token.to_owned())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_counts_and_is_not_shown() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("token");
        std::fs::write(&path, " secret \nrest\n").unwrap();
        let token = Token::read(&path).unwrap();
        assert_eq!((token.as_str(), format!("{token:?}").as_str()), ("secret", "Token(…)"));
        std::fs::write(&path, "\nsecret\n").unwrap();
        let refused = Token::read(&path).unwrap_err().to_string();
        assert!(refused.contains("token: its first line is empty"), "{refused}");
        assert!(Token::read(scratch.path()).is_err());
    }
}
