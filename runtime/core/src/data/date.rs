//! Moments as text, in UTC.
//!
//! Owns the forms that Connect writes without being asked for one: ISO 8601 in headers and casts, and Java's `Date.toString`. Leaves
//! the calendar to jiff, and patterns to `java_date`. Years go from -9999 to 9999.

use alloc::{format, string::String};
use jiff::civil::{DateTime, Weekday};

use super::Fault;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;
/// In order.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Sunday first.
pub const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The date and time of day at `millis` since 1970, UTC.
pub fn civil(millis: i64) -> Result<DateTime, Fault> {
    let at = jiff::Timestamp::from_millisecond(millis);
    let at = at.map_err(|_| Fault::data(format!("The timestamp {millis} is not within the years -9999 to 9999")))?;
    Ok(jiff::tz::TimeZone::UTC.to_datetime(at))
}

/// ISO 8601 as Connect chooses it: less than a day is a time, a whole number of days a date, all else both.
pub fn iso(millis: i64) -> Result<String, Fault> {
    let at = civil(millis)?;
    let date = || format!("{:04}-{:02}-{:02}", at.year(), at.month(), at.day());
    let time = || format!("{:02}:{:02}:{:02}.{:03}Z", at.hour(), at.minute(), at.second(), at.millisecond());
    Ok(if millis < DAY_MS {
        time()
    } else if millis % DAY_MS == 0 {
        date()
    } else {
        format!("{}T{}", date(), time())
    })
}

/// `Thu Jan 01 00:00:00 UTC 1970`; the number where there is no such date.
pub fn java(millis: i64) -> String {
    match civil(millis) {
        Ok(at) => format!(
            "{} {} {:02} {:02}:{:02}:{:02} UTC {}",
            &DAYS[weekday(&at)][..3],
            &MONTHS[at.month() as usize - 1][..3],
            at.day(),
            at.hour(),
            at.minute(),
            at.second(),
            at.year()
        ),
        Err(_) => format!("{millis}"),
    }
}

/// Days since Sunday.
pub fn weekday(at: &DateTime) -> usize {
    match at.weekday() {
        Weekday::Sunday => 0,
        other => other.to_monday_one_offset() as usize,
    }
}

/// Milliseconds since 1970 of an ISO date, time or timestamp in exactly the form that [`iso`] writes.
pub fn parse_iso(text: &str) -> Option<IsoDate> {
    let number = |from: usize, to: usize| {
        text.get(from..to)?.bytes().all(|b| b.is_ascii_digit()).then(|| text[from..to].parse::<i16>().ok())?
    };
    let has = |at: usize, byte: u8| text.as_bytes().get(at) == Some(&byte);
    let date = |text_len: usize| {
        let shape = text.len() == text_len && has(4, b'-') && has(7, b'-');
        let date = jiff::civil::Date::new(number(0, 4)?, number(5, 7)? as i8, number(8, 10)? as i8).ok()?;
        shape.then_some(date)
    };
    let time = |from: usize| {
        let shape = has(from + 2, b':') && has(from + 5, b':') && has(from + 8, b'.') && has(from + 12, b'Z');
        let (hour, minute) = (number(from, from + 2)? as i8, number(from + 3, from + 5)? as i8);
        let (second, millis) = (number(from + 6, from + 8)? as i8, i32::from(number(from + 9, from + 12)?));
        let time = jiff::civil::Time::new(hour, minute, second, millis * 1_000_000).ok()?;
        shape.then_some(time)
    };
    let millis = |at: DateTime| {
        let at = jiff::tz::TimeZone::UTC.to_ambiguous_timestamp(at).unambiguous().ok()?;
        Some(at.as_millisecond())
    };
    match text.len() {
        10 => millis(date(10)?.at(0, 0, 0, 0)).map(IsoDate::Date),
        13 => millis(jiff::civil::date(1970, 1, 1).to_datetime(time(0)?)).map(IsoDate::Time),
        24 if has(10, b'T') => millis(date(24)?.to_datetime(time(11)?)).map(IsoDate::Timestamp),
        _ => None,
    }
}

/// What an ISO text is, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsoDate {
    /// A day.
    Date(i64),
    /// A time of day.
    Time(i64),
    /// Both.
    Timestamp(i64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        for (millis, text) in [
            (1000, "00:00:01.000Z"),
            (DAY_MS, "1970-01-02"),
            (1_566_570_894_346, "2019-08-23T14:34:54.346Z"),
            (-1, "23:59:59.999Z"),
        ] {
            assert_eq!(iso(millis).unwrap(), text);
        }
        assert_eq!(parse_iso("2019-08-23T14:34:54.346Z"), Some(IsoDate::Timestamp(1_566_570_894_346)));
        assert_eq!(parse_iso("14:34:54.346Z"), Some(IsoDate::Time(52_494_346)));
        assert_eq!(parse_iso("1970-01-02"), Some(IsoDate::Date(DAY_MS)));
        for text in ["", "2019-13-01", "2019-8-23", "2019-08-23 14:34:54.346Z", "é9-08-23é", "14:34:54,346Z"] {
            assert_eq!(parse_iso(text), None, "{text}");
        }
        assert_eq!(java(0), "Thu Jan 01 00:00:00 UTC 1970");
        assert!(civil(i64::MAX).is_err());
    }
}
