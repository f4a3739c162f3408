//! Where in a log: `start`, `end`, an offset, `+N`, `-N`, `@TIME`, as `consume --offset` and `group seek` take it.
//!
//! Owns the words. Leaves what a distance is counted from to the command.

use crate::time;

/// A place in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The first record that is there.
    Start,
    /// After the last one.
    End,
    /// This offset.
    At(i64),
    /// So many records onward.
    Ahead(u32),
    /// So many records back.
    Back(u32),
    /// The first record of this time or later, in milliseconds since 1970.
    Time(i64),
}

impl Place {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str, now_ms: i64) -> Result<Place, String> {
        let none = || format!("\"{text}\" is no place in a log");
        let count = |digits: &str| digits.parse::<u32>().map_err(|_| none());
        match (text, text.chars().next()) {
            ("start" | "earliest", _) => Ok(Place::Start),
            ("end" | "latest", _) => Ok(Place::End),
            (_, Some('@')) => at(&text[1..], now_ms).map(Place::Time),
            (_, Some('+')) => count(&text[1..]).map(Place::Ahead),
            (_, Some('-')) => count(&text[1..]).map(Place::Back),
            _ => text.parse().map(Place::At).map_err(|_| none()),
        }
    }
}

/// Milliseconds since 1970 of what follows an `@`: a time, a number of milliseconds, or a duration from now.
fn at(time: &str, now_ms: i64) -> Result<i64, String> {
    if let Ok(ms) = time.parse::<i64>() {
        return Ok(ms);
    }
    match time.strip_prefix('-').and_then(time::duration_ms) {
        Some(ago) => Ok(now_ms.saturating_sub(ago)),
        None => time::instant_ms(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let check = |text: &str, expected: Option<Place>| {
            assert_eq!(Place::read(text, 10_000_000).ok(), expected, "{text}");
        };
        check("start", Some(Place::Start));
        check("earliest", Some(Place::Start));
        check("end", Some(Place::End));
        check("42", Some(Place::At(42)));
        check("+10", Some(Place::Ahead(10)));
        check("-10", Some(Place::Back(10)));
        check("-0", Some(Place::Back(0)));
        check("@1700000000000", Some(Place::Time(1_700_000_000_000)));
        check("@-PT1H", Some(Place::Time(6_400_000)));
        check("@1970-01-01T00:00:01.000", Some(Place::Time(1000)));
        for nonsense in ["somewhere", "@then", "1x", "+x", "-x", "+-1", ""] {
            check(nonsense, None);
        }
    }
}
