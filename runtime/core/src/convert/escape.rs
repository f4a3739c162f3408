//! JSON strings as Jackson writes them.
//!
//! Owns which bytes are escaped, and how: `"`, `\`, control characters below space (short forms, else upper-case hex), and
//! characters beyond U+FFFF as a pair of `\u` escapes; everything else is raw UTF-8 (observed on Kafka Connect 4.3).
//! Invariant: the output between quotes is valid JSON whatever the text.

use alloc::vec::Vec;

/// True if the bytes are ASCII that needs no escape: they can stand between quotes as they are.
pub fn is_plain(bytes: &[u8]) -> bool {
    let special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\' || byte >= 0x80;
    let mut chunks = bytes.chunks_exact(32);
    // Folding a whole chunk instead of stopping at the first hit lets the compiler use vector registers.
    chunks.all(|chunk| !chunk.iter().fold(false, |any, byte| any | special(*byte)))
        && !bytes[bytes.len() - bytes.len() % 32..].iter().fold(false, |any, byte| any | special(*byte))
}

/// Appends `text`, escaped, without the quotes.
pub fn escape_into(out: &mut Vec<u8>, text: &str) {
    let mut rest = text;
    while let Some(at) = next_special(rest.as_bytes()) {
        let (raw, tail) = rest.split_at(at);
        out.extend_from_slice(raw.as_bytes());
        let mut chars = tail.chars();
        escape_char(out, chars.next().unwrap_or_default());
        rest = chars.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
}

/// Appends `text` as a JSON string, quotes and all.
pub fn quote_into(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escape_into(out, text);
    out.push(b'"');
}

/// Index of the first byte that begins a character to escape.
fn next_special(bytes: &[u8]) -> Option<usize> {
    let special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\' || byte >= 0xf0;
    let mut start = 0;
    for chunk in bytes.chunks(32) {
        if chunk.iter().fold(false, |any, byte| any | special(*byte)) {
            return Some(start + chunk.iter().position(|byte| special(*byte))?);
        }
        start += chunk.len();
    }
    None
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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

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
}
