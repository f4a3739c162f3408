//! Decimal numbers: Java's `BigDecimal`, as far as converters and transforms need it.
//!
//! Owns text and bytes of a whole number and the place of its point. Invariant: neither its digits nor its scale go past what is
//! bounded here, for the text of a number takes quadratic time.

use alloc::{format, string::String, vec::Vec};
use num_bigint::BigInt;

/// Most digits, before or after the point.
const MOST_DIGITS: usize = 5_000;

/// `unscaled` / 10^`scale`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    unscaled: BigInt,
    scale: i32,
}

impl Decimal {
    /// From big-endian two's complement bytes; `None` if there are none, or too many.
    pub fn from_bytes(bytes: &[u8], scale: i32) -> Option<Self> {
        if bytes.is_empty() || bytes.len() > MOST_DIGITS || scale.unsigned_abs() as usize > MOST_DIGITS {
            return None;
        }
        Some(Self { unscaled: BigInt::from_signed_bytes_be(bytes), scale })
    }

    /// The unscaled number as big-endian two's complement bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.unscaled.to_signed_bytes_be()
    }

    /// Digits after the point; negative: zeros before it.
    pub fn scale(&self) -> i32 {
        self.scale
    }

    /// Reads `-12.50`, `1e3`, `+5`, `1.`: what Java's constructor takes.
    pub fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || all.len() > MOST_DIGITS || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        if scale.unsigned_abs() as usize > MOST_DIGITS {
            return None;
        }
        let magnitude: BigInt = all.parse().ok()?;
        Some(Self { unscaled: if negative { -magnitude } else { magnitude }, scale })
    }

    /// `BigDecimal.toString`: with an exponent where the scale is negative or the number very small.
    pub fn to_java(&self) -> String {
        let text = format!("{}", self.unscaled);
        let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
        let exponent = digits.len() as i64 - 1 - i64::from(self.scale);
        if self.scale == 0 {
            return text;
        }
        if self.scale > 0 && exponent >= -6 {
            return format!("{sign}{}", pointed(digits, self.scale as usize));
        }
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let plus = if exponent > 0 { "+" } else { "" };
        if exponent == 0 {
            format!("{sign}{first}{point}{rest}")
        } else {
            format!("{sign}{first}{point}{rest}E{plus}{exponent}")
        }
    }

    /// As a JSON number without an exponent.
    pub fn to_plain(&self) -> String {
        let text = format!("{}", self.unscaled);
        let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
        match self.scale {
            0 => text,
            scale if scale > 0 => format!("{sign}{}", pointed(digits, scale as usize)),
            _ if digits == "0" => text,
            scale => format!("{text}{}", "0".repeat(scale.unsigned_abs() as usize)),
        }
    }

    /// The nearest double.
    pub fn to_f64(&self) -> f64 {
        format!("{}e{}", self.unscaled, -i64::from(self.scale)).parse().unwrap_or(f64::NAN)
    }

    /// The nearest float.
    pub fn to_f32(&self) -> f32 {
        format!("{}e{}", self.unscaled, -i64::from(self.scale)).parse().unwrap_or(f32::NAN)
    }

    /// The number, if it is whole and fits: `1.0` is 1.
    pub fn to_whole(&self) -> Option<i64> {
        let plain = self.to_plain();
        let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
        if fraction.bytes().all(|byte| byte == b'0') { whole.parse().ok() } else { None }
    }

    /// True if nothing but zeros stands after the point.
    pub fn is_whole(&self) -> bool {
        let plain = self.to_plain();
        plain.split_once('.').is_none_or(|(_, fraction)| fraction.bytes().all(|byte| byte == b'0'))
    }

    /// What is before the point, its lowest 64 bits: Java's `longValue`.
    pub fn to_i64_wrapping(&self) -> i64 {
        let plain = self.to_plain();
        let whole = plain.split('.').next().unwrap_or_default();
        let whole: BigInt = whole.parse().unwrap_or_default();
        let bytes = whole.to_signed_bytes_le();
        let fill = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
        let mut lowest = [fill; 8];
        lowest.iter_mut().zip(bytes).for_each(|(low, byte)| *low = byte);
        i64::from_le_bytes(lowest)
    }
}

fn pointed(digits: &str, scale: usize) -> String {
    match digits.len().checked_sub(scale) {
        Some(whole) if whole > 0 => format!("{}.{}", &digits[..whole], &digits[whole..]),
        _ => format!("0.{}{digits}", "0".repeat(scale - digits.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_as_java_has_it() {
        for (text, java, plain) in [
            ("0", "0", "0"),
            ("-12.50", "-12.50", "-12.50"),
            ("+5", "5", "5"),
            ("1.", "1", "1"),
            (".5", "0.5", "0.5"),
            ("1e3", "1E+3", "1000"),
            ("1.5e3", "1.5E+3", "1500"),
            ("12e-1", "1.2", "1.2"),
            ("0.0000001", "1E-7", "0.0000001"),
            ("0.000001", "0.000001", "0.000001"),
            ("-1.5E400", "-1.5E+400", &format!("-15{}", "0".repeat(399))),
            ("0.00", "0.00", "0.00"),
        ] {
            let decimal = Decimal::parse(text).unwrap();
            assert_eq!((decimal.to_java().as_str(), decimal.to_plain().as_str()), (java, plain), "{text}");
            assert_eq!(Decimal::from_bytes(&decimal.to_bytes(), decimal.scale()), Some(decimal));
        }
        for text in ["", "-", ".", "1e", "x", "1x", "1e99999", "0x1"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn whole_numbers() {
        let whole = |text: &str| Decimal::parse(text).unwrap().to_whole();
        assert_eq!(
            (whole("1.0"), whole("1e3"), whole("1.5"), whole("9223372036854775808")),
            (Some(1), Some(1000), None, None)
        );
        let wrapped = |text: &str| Decimal::parse(text).unwrap().to_i64_wrapping();
        assert_eq!(
            (wrapped("-1.9"), wrapped("18446744073709551617"), wrapped("9223372036854775808")),
            (-1, 1, i64::MIN)
        );
    }
}
