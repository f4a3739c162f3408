//! JSON strings as Jackson writes them.
//!
//! Owns which bytes are escaped, and how: `"`, `\`, control characters below space (short forms, else upper-case hex), and
//! characters beyond U+FFFF as a pair of `\u` escapes; everything else is raw UTF-8 (observed on Kafka Connect 4.3).
//! Invariant: the output between quotes is valid JSON whatever the text.

use alloc::{string::String, vec::Vec};

/// True if the bytes are ASCII that needs no escape: they can stand between quotes as they are.
pub fn is_plain(bytes: &[u8]) -> bool {
    let (chunks, rest) = bytes.as_chunks::<64>();
    chunks.iter().all(|chunk| !any(chunk, 0x80)) && !any(rest, 0x80)
}

/// True if a byte is to be escaped, or is `limit` or more. Without a branch, so that it becomes vector instructions.
fn any(bytes: &[u8], limit: u8) -> bool {
    let special =
        |byte: u8| u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\') | u8::from(byte >= limit);
    bytes.iter().fold(0, |found, byte| found | special(*byte)) != 0
}

/// Appends `text`, escaped, without the quotes.
pub fn escape_into(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let (mut copied, mut start) = (0, 0);
    while start < bytes.len() {
        let end = bytes.len().min(start + 32);
        if any(&bytes[start..end], 0xf0) {
            for at in start..end {
                if is_special(bytes[at]) {
                    out.extend_from_slice(&bytes[copied..at]);
                    let char = text[at..].chars().next().unwrap_or_default();
                    escape_char(out, char);
                    copied = at + char.len_utf8();
                }
            }
        }
        start = end;
    }
    out.extend_from_slice(&bytes[copied..]);
}

/// As [`escape_into`]; what is not UTF-8 becomes U+FFFD, as in Java.
pub fn escape_lossy(out: &mut Vec<u8>, text: &[u8]) {
    match core::str::from_utf8(text) {
        Ok(text) => escape_into(out, text),
        Err(_) => escape_into(out, &String::from_utf8_lossy(text)),
    }
}

/// Appends `text` as a JSON string, quotes and all.
pub fn quote_into(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escape_into(out, text);
    out.push(b'"');
}

/// True for a byte that begins a character to escape; bytes within a character are below 0xf0.
fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\' || byte >= 0xf0
}

fn escape_char(out: &mut Vec<u8>, char: char) {
    let short = match char {
        '"' => b'"',
        '\\' => b'\\',
        '\u{8}' => b'b',
        '\t' => b't',
        '\n' => b'n',
        '\u{c}' => b'f',
        '\r' => b'r',
        _ => {
            let mut units = [0; 2];
            char.encode_utf16(&mut units).iter().for_each(|unit| escape_unit(out, *unit));
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

fn escape_unit(out: &mut Vec<u8>, unit: u16) {
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        out.push(b"0123456789ABCDEF"[usize::from(unit >> shift & 0xf)]);
    }
}

/// Appends the text of a JSON string, given what is between its quotes. False, and nothing appended, if that is not the
/// inside of one JSON string, or names half a pair of surrogates.
pub fn unescape_into(out: &mut Vec<u8>, inner: &[u8]) -> bool {
    let before = out.len();
    let done = core::str::from_utf8(inner).is_ok() && unescape(out, inner).is_some();
    if !done {
        out.truncate(before);
    }
    done
}

fn unescape(out: &mut Vec<u8>, inner: &[u8]) -> Option<()> {
    let mut rest = inner;
    while let Some(at) = rest.iter().position(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\')) {
        let (raw, tail) = rest.split_at(at);
        out.extend_from_slice(raw);
        let [b'\\', escape, tail @ ..] = tail else { return None };
        rest = tail;
        out.push(match escape {
            b'"' | b'\\' | b'/' => *escape,
            b'b' => 0x08,
            b't' => b'\t',
            b'n' => b'\n',
            b'f' => 0x0c,
            b'r' => b'\r',
            b'u' => {
                rest = unescape_unit(out, tail)?;
                continue;
            }
            _ => return None,
        });
    }
    out.extend_from_slice(rest);
    Some(())
}

/// The character of `XXXX`, or of `XXXX\uXXXX`; what follows it.
fn unescape_unit<'a>(out: &mut Vec<u8>, tail: &'a [u8]) -> Option<&'a [u8]> {
    let (high, mut rest) = hex4(tail)?;
    let mut units = [high, 0];
    let mut count = 1;
    if (0xd800..0xdc00).contains(&high) {
        (units[1], rest) = hex4(rest.strip_prefix(b"\\u")?)?;
        count = 2;
    }
    let mut chars = char::decode_utf16(units[..count].iter().copied());
    let (char, None) = (chars.next()?.ok()?, chars.next()) else { return None };
    out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
    Some(rest)
}

fn hex4(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(4)?;
    let unit = digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))?;
    Some((unit as u16, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let mut out = Vec::new();
        escape_into(&mut out, text);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        let mut quoted = Vec::new();
        quote_into(&mut quoted, text);
        assert_eq!(serde_json::from_slice::<String>(&quoted).unwrap(), text);
    }

    #[test]
    fn as_jackson_does() {
        let control: String = (0..0x20).map(|c| char::from(c as u8)).collect();
        check(
            &control,
            concat!(
                r"\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000B\f\r\u000E\u000F\u0010\u0011\u0012\u0013",
                r"\u0014\u0015\u0016\u0017\u0018\u0019\u001A\u001B\u001C\u001D\u001E\u001F",
            ),
        );
        check(r#"a"b\c/"#, r#"a\"b\\c/"#);
        check("\u{7f}é\u{a0}\u{2028}\u{feff}한", "\u{7f}é\u{a0}\u{2028}\u{feff}한");
        check("😀", r"\uD83D\uDE00");
        check(&"x".repeat(100), &"x".repeat(100));
        check(&("x".repeat(40) + "\"" + &"y".repeat(40)), &("x".repeat(40) + "\\\"" + &"y".repeat(40)));
    }

    #[test]
    fn plain_is_ascii_without_escapes_at_any_place() {
        for special in [b'"', b'\\', b'\n', 0, 0x1f, 0x80, 0xff] {
            for at in 0..70 {
                let mut bytes = [b' '; 70];
                assert!(is_plain(&bytes));
                bytes[at] = special;
                assert!(!is_plain(&bytes), "{special} at {at}");
            }
        }
        assert!(is_plain(b""));
        assert!(is_plain(b"\x7f~"));
    }

    #[test]
    fn what_is_between_quotes_is_read_as_serde_json_reads_it() {
        for inner in [
            "",
            "abc",
            r#"a\"b\\c\/\b\t\n\f\rd"#,
            r"\u00e9\uD55c",
            r"\uD83D\uDE00!",
            r"\ud83d",
            r"\ude00\ud83d",
            r"\uD83Dx",
            r"\uD83D\u0041",
            r"\u12",
            r"\x",
            "\\",
            "a\"b",
            "a\tb",
            "é한😀",
            r"\uD83D\uD83D\uDE00",
            r"\u+123",
        ] {
            let mut out = b"before".to_vec();
            let done = unescape_into(&mut out, inner.as_bytes());
            let expected = serde_json::from_str::<String>(&alloc::format!("\"{inner}\""));
            assert_eq!(done, expected.is_ok(), "{inner}");
            assert_eq!(out, [b"before", expected.unwrap_or_default().as_bytes()].concat(), "{inner}");
        }
        assert!(!unescape_into(&mut Vec::new(), b"a\xff"));
    }
}
