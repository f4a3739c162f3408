//! What is a line.
//!
//! Lines end with `\n`, `\r\n` or a lone `\r`, as for Java's `BufferedReader`. Invariant: however the bytes of a file are cut
//! into pieces, its lines are the same.

use connect_sdk::{Error, Records};
use memchr::memchr2;

/// The length of the first line in `bytes`, without and with its end. `None` if it has no end yet; a `\r` at the very end
/// may be the first half of one.
fn first(bytes: &[u8]) -> Option<(usize, usize)> {
    let at = memchr2(b'\n', b'\r', bytes)?;
    match (bytes[at], bytes.get(at + 1)) {
        (b'\n', _) => Some((at, at + 1)),
        (_, Some(b'\n')) => Some((at, at + 2)),
        (_, Some(_)) => Some((at, at + 1)),
        (_, None) => None,
    }
}

/// Pushes the whole lines at the beginning of `bytes` until `out` is full, and returns how many bytes they took, ends
/// included. A line, ended or not, that is longer than `longest` is an error.
pub fn push_lines(bytes: &[u8], longest: usize, out: &mut Records) -> Result<usize, Error> {
    let mut taken = 0;
    while !out.is_full() {
        let rest = &bytes[taken..];
        let line = first(rest);
        let length = line.map_or(rest.len(), |(length, _)| length);
        if length > longest {
            // What was pushed before it is sent first.
            return if out.is_empty() { Err(too_long(longest)) } else { Ok(taken) };
        }
        let Some((length, with_end)) = line else { break };
        push(&rest[..length], out);
        taken += with_end;
    }
    Ok(taken)
}

/// Pushes one line; bytes that are not UTF-8 become U+FFFD, as in Kafka.
pub fn push(line: &[u8], out: &mut Records) {
    match std::str::from_utf8(line) {
        Ok(text) => out.push_text(text),
        // Not for every line: it looks at each byte.
        Err(_) => out.push_text(&String::from_utf8_lossy(line)),
    }
}

fn too_long(longest: usize) -> Error {
    Error::bad_data(
        "file.line-too-long",
        format!(
            "A line is longer than {longest} bytes. Set `max.line.bytes` higher, or see whether this is a text file."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::first;

    #[test]
    fn ends_of_lines() {
        let check =
            |bytes: &[u8], expected| assert_eq!(first(bytes), expected, "{:?}", bytes.escape_ascii().to_string());
        check(b"", None);
        check(b"a", None);
        check(b"a\n", Some((1, 2)));
        check(b"\n\n", Some((0, 1)));
        check(b"a\r\nb", Some((1, 3)));
        check(b"a\rb", Some((1, 2)));
        check(b"a\r\r\n", Some((1, 2)));
        check(b"a\r", None);
    }
}
