//! Times and durations as Kafka's tools take them.
//!
//! Owns `2026-01-31T12:00:00.000+02:00` and `P1DT2H`. Source: ISO 8601, RFC 3339's calendar, and what Java's `Duration.parse` takes.
//! Invariant: a text that is neither is refused, never guessed.

/// Milliseconds since 1970 of a time; one without a zone is UTC. The error is Kafka's.
pub fn instant_ms(text: &str) -> Result<i64, String> {
    let (_, clock) = text.split_once('T').ok_or(
        "java.text.ParseException: Error parsing timestamp. It does not contain a 'T' according to ISO8601 format",
    )?;
    let bad = || format!("java.text.ParseException: Unparseable date: \"{text}\"");
    let zone_at = clock.find(['Z', '+', '-']);
    let (time, zone) = zone_at.map_or((clock, "Z"), |at| clock.split_at(at));
    let day: Vec<i64> = numbers(text.split('T').next().unwrap_or_default(), '-').ok_or_else(bad)?;
    let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let clock: Vec<i64> = numbers(whole, ':').ok_or_else(bad)?;
    let fraction: i64 = if fraction.len() <= 3 { fraction.parse().map_err(|_| bad())? } else { return Err(bad()) };
    let ([year, month, day], [hour, minute, second]) = (day.as_slice(), clock.as_slice()) else { return Err(bad()) };
    let is_one = (1..=12).contains(month) && (1..=31).contains(day) && *hour < 24 && *minute < 60 && *second < 61;
    let offset = zone_minutes(zone).filter(|_| is_one).ok_or_else(bad)?;
    let seconds = days(*year, *month, *day) * 86_400 + hour * 3_600 + (minute - offset) * 60 + second;
    Ok(seconds * 1_000 + fraction)
}

fn numbers(text: &str, between: char) -> Option<Vec<i64>> {
    let number = |part: &str| part.parse::<u32>().ok().filter(|_| part.len() <= 4).map(i64::from);
    text.split(between).map(number).collect()
}

/// `Z`, `+02`, `+0200`, `+02:00`: minutes east of UTC.
fn zone_minutes(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let digits = zone.get(1..)?.replace(':', "");
    let number: i64 = digits.parse().ok()?;
    match digits.len() {
        2 => Some(sign * number * 60),
        4 => Some(sign * (number / 100 * 60 + number % 100)),
        _ => None,
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar: years are counted from March, so that the leap day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Milliseconds of a duration such as `P1D`, `PT1H30M` or `-PT0.5S`.
pub fn duration_ms(text: &str) -> Option<i64> {
    let upper = text.to_ascii_uppercase();
    let (sign, rest) = match upper.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, upper.strip_prefix('+').unwrap_or(&upper)),
    };
    let (days, clock) = match rest.strip_prefix('P')?.split_once('T') {
        Some((days, clock)) if !clock.is_empty() => (days, clock),
        Some(_) => return None,
        None => (rest.strip_prefix('P')?, ""),
    };
    if days.is_empty() && clock.is_empty() {
        return None;
    }
    let days = sum(days, &[('D', 86_400_000)])?;
    let clock = sum(clock, &[('H', 3_600_000), ('M', 60_000), ('S', 1_000)])?;
    days.checked_add(clock)?.checked_mul(sign)
}

/// Numbers that each end with one of the units, in the units' order. Only the last unit may have a fraction.
fn sum(text: &str, units: &[(char, i64)]) -> Option<i64> {
    let (mut total, mut rest, mut units) = (0i64, text, units.iter());
    while !rest.is_empty() {
        let at = rest.find(|letter: char| letter.is_ascii_alphabetic())?;
        let letter = rest[at..].chars().next()?;
        let (_, unit) = units.find(|(unit, _)| *unit == letter)?;
        let number = &rest[..at];
        let ms = match number.split_once('.') {
            Some((whole, fraction)) if letter == 'S' && (1..=9).contains(&fraction.len()) => {
                let thousandths: i64 = format!("{fraction:0<3}")[..3].parse().ok()?;
                whole.parse::<i64>().ok()?.checked_mul(*unit)?.checked_add(thousandths)?
            }
            Some(_) => return None,
            None => number.parse::<i64>().ok()?.checked_mul(*unit)?,
        };
        total = total.checked_add(ms)?;
        rest = &rest[at + 1..];
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants() {
        let check = |text: &str, expected: Option<i64>| assert_eq!(instant_ms(text).ok(), expected, "{text}");
        check("1970-01-01T00:00:00.000", Some(0));
        check("2020-01-01T00:00:00.000", Some(1_577_836_800_000));
        check("2020-02-29T12:30:15.5Z", Some(1_582_979_415_005));
        check("2020-01-01T02:00:00.000+02:00", Some(1_577_836_800_000));
        check("2019-12-31T19:00:00.000-0500", Some(1_577_836_800_000));
        check("2020-01-01T00:00:00", Some(1_577_836_800_000));
        check("2020", None);
        check("2020-13-01T00:00:00.000", None);
        check("2020-01-01Tnoon", None);
        check("T", None);
    }

    #[test]
    fn durations() {
        let check = |text: &str, expected: Option<i64>| assert_eq!(duration_ms(text), expected, "{text}");
        check("PT1S", Some(1_000));
        check("P1D", Some(86_400_000));
        check("P1DT1H30M", Some(91_800_000));
        check("PT0.5S", Some(500));
        check("-PT1M", Some(-60_000));
        check("pt1h", Some(3_600_000));
        check("P", None);
        check("PT", None);
        check("PT1M1H", None);
        check("1D", None);
        check("foo", None);
    }
}
