//! Java's `SimpleDateFormat`, in UTC and English: what TimestampConverter and TimestampRouter format and parse with.
//!
//! Owns patterns. Parsing is lenient as Java's is: month 13 is January of the next year, and what follows the last field is ignored.
//! Differs from Java: a two-digit year is one of 1946 to 2045 whatever the day is, zones are UTC, GMT or an offset, and the calendar is
//! Gregorian before 1582 too. Invariant: a pattern that was read can format every date.

use alloc::{format, string::String, vec::Vec};
use jiff::civil::{Date, DateTime};

use super::Fault;
use super::date::{DAY_MS, DAYS, MONTHS, civil, weekday};

/// First of the hundred years that a two-digit year may mean.
const CENTURY_START: i64 = 1946;

/// A pattern, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Literal(String),
    /// Letter and how often it stands there.
    Field(char, usize),
}

/// The parts of a date, as they are found in a text.
struct Found {
    year: i64,
    month: i64,
    day: i64,
    day_of_year: Option<i64>,
    hour: i64,
    afternoon: Option<bool>,
    rest_ms: i64,
    before_christ: bool,
}

impl Pattern {
    /// Reads a pattern; `None` if Java would refuse it.
    pub fn new(text: &str) -> Option<Self> {
        let mut parts: Vec<Part> = Vec::new();
        let mut chars = text.chars().peekable();
        let literal = |parts: &mut Vec<Part>, char| match parts.last_mut() {
            Some(Part::Literal(text)) => text.push(char),
            _ => parts.push(Part::Literal(char.into())),
        };
        while let Some(char) = chars.next() {
            match char {
                '\'' if chars.next_if_eq(&'\'').is_some() => literal(&mut parts, '\''),
                '\'' => loop {
                    match chars.next()? {
                        '\'' if chars.next_if_eq(&'\'').is_some() => literal(&mut parts, '\''),
                        '\'' => break,
                        other => literal(&mut parts, other),
                    }
                },
                letter if letter.is_ascii_alphabetic() => {
                    if !"GyMdkHmsSEDFwWahKzZYuXL".contains(letter) {
                        return None;
                    }
                    let mut count = 1;
                    while chars.next_if_eq(&letter).is_some() {
                        count += 1;
                    }
                    if letter == 'X' && count > 3 || count > 100 {
                        return None;
                    }
                    parts.push(Part::Field(letter, count));
                }
                other => literal(&mut parts, other),
            }
        }
        Some(Self { text: text.into(), parts })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Text of a moment, in milliseconds since 1970.
    pub fn format(&self, millis: i64) -> Result<String, Fault> {
        let at = civil(millis)?;
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Field(letter, count) => out.push_str(&field_text(*letter, *count, &at)),
            }
        }
        Ok(out)
    }

    /// Milliseconds since 1970; `None` if the text does not match.
    pub fn parse(&self, text: &str) -> Option<i64> {
        let mut found = Found {
            year: 1970,
            month: 1,
            day: 1,
            day_of_year: None,
            hour: 0,
            afternoon: None,
            rest_ms: 0,
            before_christ: false,
        };
        let mut rest = text;
        for (index, part) in self.parts.iter().enumerate() {
            match part {
                Part::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
                Part::Field(letter, count) => {
                    // Numbers that abut are as long as their letters say.
                    let abuts = matches!(self.parts.get(index + 1), Some(Part::Field(next, n)) if is_number(*next, *n));
                    let most = if abuts && is_number(*letter, *count) { *count } else { usize::MAX };
                    rest = found.take(rest.trim_start_matches([' ', '\t']), *letter, *count, most)?;
                }
            }
        }
        found.millis()
    }
}

fn is_number(letter: char, count: usize) -> bool {
    !(matches!(letter, 'G' | 'E' | 'a' | 'z' | 'Z' | 'X') || matches!(letter, 'M' | 'L') && count > 2)
}

fn field_text(letter: char, count: usize, at: &DateTime) -> String {
    let padded = |number: i64| format!("{number:0count$}");
    let named = |name: &str| String::from(if count >= 4 { name } else { &name[..3] });
    let hour = i64::from(at.hour());
    match letter {
        'G' => if at.year() > 0 { "AD" } else { "BC" }.into(),
        'y' | 'Y' => {
            let year = if letter == 'y' { i64::from(at.year()) } else { week_year(at) };
            let year = if year > 0 { year } else { 1 - year };
            if count == 2 { format!("{:02}", year % 100) } else { padded(year) }
        }
        'M' | 'L' if count >= 3 => named(MONTHS[at.month() as usize - 1]),
        'M' | 'L' => padded(at.month().into()),
        'E' => named(DAYS[weekday(at)]),
        'a' => if at.hour() < 12 { "AM" } else { "PM" }.into(),
        'z' => if count >= 4 { "Coordinated Universal Time" } else { "UTC" }.into(),
        'Z' => "+0000".into(),
        'X' => "Z".into(),
        'd' => padded(at.day().into()),
        'D' => padded(at.day_of_year().into()),
        'u' => padded(at.weekday().to_monday_one_offset().into()),
        'F' => padded((i64::from(at.day()) - 1) / 7 + 1),
        'w' => padded(week(i64::from(at.day_of_year()), at, days_in_year(at))),
        'W' => padded(week(i64::from(at.day()), at, i64::MAX)),
        'H' => padded(hour),
        'k' => padded(if hour == 0 { 24 } else { hour }),
        'K' => padded(hour % 12),
        'h' => padded(if hour % 12 == 0 { 12 } else { hour % 12 }),
        'm' => padded(at.minute().into()),
        's' => padded(at.second().into()),
        _ => padded(at.millisecond().into()),
    }
}

fn days_in_year(at: &DateTime) -> i64 {
    at.date().days_in_year().into()
}

/// Number of the week that holds day `day` (from 1) of a year or month of `days` days; weeks begin on Sunday, and the last days of a
/// year may be in the first week of the next.
fn week(day: i64, at: &DateTime, days: i64) -> i64 {
    let weekday = weekday(at) as i64;
    if days != i64::MAX && day + (6 - weekday) > days { 1 } else { (day - 1 + 6 - weekday) / 7 + 1 }
}

fn week_year(at: &DateTime) -> i64 {
    let next = at.month() == 12 && week(i64::from(at.day_of_year()), at, days_in_year(at)) == 1;
    i64::from(at.year()) + i64::from(next)
}

impl Found {
    /// Takes one field off the text.
    fn take<'t>(&mut self, text: &'t str, letter: char, count: usize, most: usize) -> Option<&'t str> {
        let afternoon = |name: &str| name == "PM";
        match letter {
            'G' => one_of(text, &["AD", "BC"], 2).map(|(which, rest)| {
                self.before_christ = which == 1;
                rest
            }),
            'a' => one_of(text, &["AM", "PM"], 2).map(|(which, rest)| {
                self.afternoon = Some(afternoon(["AM", "PM"][which]));
                rest
            }),
            'E' => one_of(text, &DAYS, 3).map(|(_, rest)| rest),
            'M' | 'L' if count >= 3 => one_of(text, &MONTHS, 3).map(|(which, rest)| {
                self.month = which as i64 + 1;
                rest
            }),
            'z' | 'Z' | 'X' => {
                let (offset_ms, rest) = zone(text, letter)?;
                self.rest_ms -= offset_ms;
                Some(rest)
            }
            _ => {
                let (number, rest) = whole(text, most)?;
                self.set(letter, count, number, text.len() - rest.len());
                Some(rest)
            }
        }
    }

    fn set(&mut self, letter: char, count: usize, number: i64, digits: usize) {
        match letter {
            'y' | 'Y' if count <= 2 && digits == 2 && number >= 0 => {
                let first = CENTURY_START % 100;
                self.year = CENTURY_START - first + number + if number < first { 100 } else { 0 };
            }
            'y' | 'Y' => self.year = number,
            'M' | 'L' => self.month = number,
            'd' => self.day = number,
            'D' => self.day_of_year = Some(number),
            'H' => self.hour = number,
            'k' => self.hour = if number == 24 { 0 } else { number },
            'K' => self.hour = number,
            'h' => self.hour = if number == 12 { 0 } else { number },
            'm' => self.rest_ms = self.rest_ms.saturating_add(number.saturating_mul(60_000)),
            's' => self.rest_ms = self.rest_ms.saturating_add(number.saturating_mul(1000)),
            'S' => self.rest_ms = self.rest_ms.saturating_add(number),
            // Weeks and days of the week say nothing that the date does not.
            _ => {}
        }
    }

    fn millis(self) -> Option<i64> {
        let year = if self.before_christ { 1 - self.year } else { self.year };
        let (month, day) = match self.day_of_year {
            Some(day) => (1, day),
            None => (self.month, self.day),
        };
        let (year, month) = (year.checked_add((month - 1).div_euclid(12))?, (month - 1).rem_euclid(12) + 1);
        let first = Date::new(i16::try_from(year).ok()?, month as i8, 1).ok()?;
        let first = jiff::tz::TimeZone::UTC.to_ambiguous_timestamp(first.at(0, 0, 0, 0)).unambiguous().ok()?;
        let hour = self.hour.checked_add(if self.afternoon == Some(true) { 12 } else { 0 })?;
        let days = (day - 1).checked_mul(DAY_MS)?;
        first.as_millisecond().checked_add(days)?.checked_add(hour.checked_mul(3_600_000)?)?.checked_add(self.rest_ms)
    }
}

/// Which of the names the text begins with, in full or by its first `short` letters, in any case.
fn one_of<'t>(text: &'t str, names: &[&str], short: usize) -> Option<(usize, &'t str)> {
    let begins = |name: &str| text.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
    let full = names.iter().position(|name| begins(name)).map(|which| (which, &text[names[which].len()..]));
    full.or_else(|| names.iter().position(|name| begins(&name[..short])).map(|which| (which, &text[short..])))
}

/// A whole number of at most `most` digits, and what follows it.
fn whole(text: &str, most: usize) -> Option<(i64, &str)> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let length = digits.bytes().take(most).take_while(u8::is_ascii_digit).count();
    Some((sign * digits[..length].parse::<i64>().ok()?, &digits[length..]))
}

/// A zone's distance from UTC in milliseconds, and what follows it.
fn zone(text: &str, letter: char) -> Option<(i64, &str)> {
    if letter == 'X' && text.starts_with('Z') {
        return Some((0, &text[1..]));
    }
    let named = ["UTC", "GMT"].into_iter().find(|name| letter != 'X' && text.starts_with(name));
    let rest = &text[named.map_or(0, str::len)..];
    let sign = match rest.bytes().next() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return named.map(|_| (0, rest)),
    };
    let (hours, rest) = whole_unsigned(&rest[1..], 2)?;
    let after = rest.strip_prefix(':').unwrap_or(rest);
    let (minutes, rest) = whole_unsigned(after, 2).unwrap_or((0, rest));
    Some((sign * (hours * 60 + minutes) * 60_000, rest))
}

fn whole_unsigned(text: &str, digits: usize) -> Option<(i64, &str)> {
    if text.starts_with('-') { None } else { whole(text, digits) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        for (pattern, text) in [
            ("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "2019-08-23T14:34:54.346Z"),
            ("yyyyMMdd", "20190823"),
            ("yy/M/d h:m a", "19/8/23 2:34 PM"),
            ("EEEE, EEE d MMMM MMM y G", "Friday, Fri 23 August Aug 2019 AD"),
            ("D w W F u k K z Z X ''", "235 34 4 4 5 14 2 UTC +0000 Z '"),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().format(1_566_570_894_346).unwrap(), text);
        }
        for bad in ["b", "'x", "XXXX", "yyyy-MM-ddTHH"] {
            assert_eq!(Pattern::new(bad), None, "{bad}");
        }
    }

    #[test]
    fn parses() {
        for (pattern, text, millis) in [
            ("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "2019-08-23T14:34:54.346Z", Some(1_566_570_894_346)),
            ("yyyyMMddHHmmss", "20190823143454", Some(1_566_570_894_000)),
            ("yyyy-MM-dd", "2019-08-23 and more", Some(1_566_518_400_000)),
            ("yyyy-MM-dd", "2018-20-23", Some(1_566_518_400_000)),
            ("d MMM yy", "23 aug 19", Some(1_566_518_400_000)),
            ("yyyy-MM-dd HH:mm Z", "2019-08-23 02:00 +0200", Some(1_566_518_400_000)),
            ("yyyy-MM-dd HH:mmXXX", "2019-08-23 00:00Z", Some(1_566_518_400_000)),
            ("h a", "12 AM", Some(0)),
            ("yyyy-MM-dd", "2019/08/23", None),
            ("yyyy-MM-dd", "", None),
            ("yyyy", "99999", None),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().parse(text), millis, "{pattern} {text}");
        }
    }
}
