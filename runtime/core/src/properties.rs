//! The Java properties dialect, in which Kafka's configuration files are written.
//!
//! Owns the syntax: ISO-8859-1, `#` and `!` comments, `=`, `:` or blank between key and value, continued lines, escapes
//! (source: `java.util.Properties.load`). Leaves the meaning of the keys to others. Invariant: every file is read to the
//! same map as Java reads it, or refused with the line that Java would refuse. (One exception: of a backslash that ends the
//! file Java makes an empty key; nobody means that.)

use crate::config::ConfigMap;
use alloc::{string::String, vec::Vec};

/// A line that is not in the dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Its number in the file, from 1.
    pub line: usize,
    /// What is wrong with it, and what to write instead.
    pub why: &'static str,
}

impl core::fmt::Display for BadLine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

/// Reads a whole file. Keys keep the order of the file; of a key that comes twice the later value counts.
pub fn parse(file: &[u8]) -> Result<ConfigMap, BadLine> {
    let mut pairs = Vec::new();
    let mut lines = Lines { rest: file, next: 1 };
    while let Some((number, line)) = lines.logical() {
        let (key, value) = split(&line);
        let bad = |why| BadLine { line: number, why };
        pairs.push((unescape(key).map_err(bad)?, unescape(value).map_err(bad)?));
    }
    Ok(pairs.into_iter().collect())
}

/// As [`parse`], of a file in UTF-8, as config providers read theirs.
pub fn parse_utf8(file: &str) -> Result<ConfigMap, BadLine> {
    let mut ascii = String::with_capacity(file.len());
    for char in file.chars() {
        if char.is_ascii() {
            ascii.push(char);
        } else {
            let mut units = [0; 2];
            char.encode_utf16(&mut units).iter().for_each(|unit| ascii.push_str(&alloc::format!("\\u{unit:04x}")));
        }
    }
    parse(ascii.as_bytes())
}

/// The natural lines of a file, joined to logical ones.
struct Lines<'a> {
    rest: &'a [u8],
    /// Number of the next natural line.
    next: usize,
}

impl<'a> Lines<'a> {
    /// The next line that holds a key: the number of its first natural line, and its bytes without leading blanks.
    fn logical(&mut self) -> Option<(usize, Vec<u8>)> {
        loop {
            let number = self.next;
            let line = trim_start(self.natural()?);
            if line.is_empty() || matches!(line[0], b'#' | b'!') {
                continue;
            }
            let mut logical = line.to_vec();
            while continues(&logical) {
                logical.pop();
                // A backslash alone begins nothing: the next line may still be a comment.
                if logical.is_empty() {
                    break;
                }
                match self.natural() {
                    Some(more) => logical.extend_from_slice(trim_start(more)),
                    None => break,
                }
            }
            if !logical.is_empty() {
                return Some((number, logical));
            }
        }
    }

    /// The next line as the file has it, without its end (`\n`, `\r\n` or `\r`).
    fn natural(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        self.next += 1;
        let end = self.rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.strip_prefix(b"\r\n").unwrap_or(rest.get(1..).unwrap_or_default());
        Some(line)
    }
}

/// An odd number of backslashes at its end: the line goes on.
fn continues(line: &[u8]) -> bool {
    line.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0c)
}

fn trim_start(line: &[u8]) -> &[u8] {
    &line[line.iter().position(|b| !is_blank(*b)).unwrap_or(line.len())..]
}

/// Key and value, both still escaped. The key ends before the first bare `=`, `:` or blank.
fn split(line: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    while at < line.len() && !is_blank(line[at]) && !matches!(line[at], b'=' | b':') {
        at += if line[at] == b'\\' { 2 } else { 1 };
    }
    let (key, rest) = line.split_at(at.min(line.len()));
    let rest = trim_start(rest);
    let value = match rest.first() {
        Some(b'=' | b':') => trim_start(&rest[1..]),
        _ => rest,
    };
    (key, value)
}

/// Text of an escaped key or value. UTF-16 units, because `\uXXXX` names one, and a pair makes one character.
fn unescape(escaped: &[u8]) -> Result<String, &'static str> {
    let mut units: Vec<u16> = Vec::with_capacity(escaped.len());
    let mut bytes = escaped.iter().copied();
    while let Some(byte) = bytes.next() {
        units.push(match (byte, if byte == b'\\' { bytes.next() } else { None }) {
            (b'\\', None) => continue,
            (b'\\', Some(b'u')) => hex4(&mut bytes)?,
            (b'\\', Some(b't')) => 0x09,
            (b'\\', Some(b'n')) => 0x0a,
            (b'\\', Some(b'r')) => 0x0d,
            (b'\\', Some(b'f')) => 0x0c,
            (b'\\', Some(other)) => other.into(),
            (latin1, _) => latin1.into(),
        });
    }
    Ok(String::from_utf16_lossy(&units))
}

fn hex4(bytes: &mut impl Iterator<Item = u8>) -> Result<u16, &'static str> {
    let mut unit = 0;
    for _ in 0..4 {
        let digit = bytes.next().and_then(|b| char::from(b).to_digit(16));
        unit = unit << 4
            | digit.ok_or(r"`\u` needs four hexadecimal digits after it; to write a backslash, write `\\`")?;
    }
    Ok(unit as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, expected: &[(&str, &str)]) {
        let map = parse(file.as_bytes()).unwrap();
        assert_eq!(map.iter().collect::<Vec<_>>(), expected, "{file:?}");
    }

    #[test]
    fn separators() {
        check("a=b", &[("a", "b")]);
        check("a:b", &[("a", "b")]);
        check("a b", &[("a", "b")]);
        check("  a  =  b c  ", &[("a", "b c  ")]);
        check("a = = b", &[("a", "= b")]);
        check("a\tb=c", &[("a", "b=c")]);
        check("a", &[("a", "")]);
        check("a=", &[("a", "")]);
        check("=b", &[("", "b")]);
        check(r"a\ b\=c=d", &[("a b=c", "d")]);
        check("a=1\rb=2\r\nc=3\n", &[("a", "1"), ("b", "2"), ("c", "3")]);
    }

    #[test]
    fn comments_and_blank_lines() {
        check("# x\n  ! y\n\n \t\na=b # c\n", &[("a", "b # c")]);
        check("# x \\\na=b", &[("a", "b")]);
    }

    #[test]
    fn a_backslash_continues_a_line() {
        check("a=b,\\\n   c,\\\r\n\td\ne=f", &[("a", "b,c,d"), ("e", "f")]);
        check("a=b\\\\\nc=d", &[("a", "b\\"), ("c", "d")]);
        check("a=b\\\n# not a comment", &[("a", "b# not a comment")]);
        check("a=b\\\n\nc=d", &[("a", "b"), ("c", "d")]);
        check("a=b\\", &[("a", "b")]);
        check("\\\n!c\n\\\n\na=b\n", &[("a", "b")]);
        check("\\\n", &[]);
        check("\\", &[]);
    }

    #[test]
    fn escapes() {
        check(r"a=\u00e9\uD83D\ude00\t\n\r\f\q\\", &[("a", "é😀\t\n\r\u{c}q\\")]);
        check("caf\\u00e9=1", &[("café", "1")]);
    }

    #[test]
    fn bytes_are_latin_1() {
        assert_eq!(parse(b"a=\xe9").unwrap().get("a"), Some("é"));
        check("a=é", &[("a", "Ã©")]);
    }

    #[test]
    fn later_duplicates_win() {
        check("a=1\nb=2\na=3", &[("a", "3"), ("b", "2")]);
    }

    #[test]
    fn a_short_unicode_escape_is_refused_with_its_line() {
        for file in ["x=1\n\ny=\\u12", "x=1\n\ny=\\u12g4", "\n\n\\u=1"] {
            assert_eq!(parse(file.as_bytes()).unwrap_err().line, 3, "{file:?}");
        }
        let message = alloc::string::ToString::to_string(&parse(b"y=\\u12").unwrap_err());
        assert_eq!(message, r"line 1: `\u` needs four hexadecimal digits after it; to write a backslash, write `\\`");
    }
}
