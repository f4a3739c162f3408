//! A value as somebody wrote it.

use std::{fmt::Display, ops::RangeInclusive};

/// A setting's name and value.
pub(super) struct Given<'a> {
    pub key: &'a str,
    pub value: &'a str,
}

impl Given<'_> {
    /// What is wrong with it, `is` being what it is or is not.
    pub fn bad(&self, is: impl Display) -> String {
        format!("{}={} is {is}", self.key, self.value)
    }

    pub fn number(&self, range: RangeInclusive<i64>) -> Result<i64, String> {
        let parsed = self.value.parse().ok().filter(|number| range.contains(number));
        parsed.ok_or_else(|| self.bad(format!("not a number from {} to {}", range.start(), range.end())))
    }

    pub fn boolean(&self) -> Result<bool, String> {
        match self.value.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.bad("neither true nor false")),
        }
    }
}
