//! `response.http.headers.config`: which headers every answer gets.

use alloc::{format, string::String};

/// A header for every answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderRule {
    /// Beside one of this name that is there already; else only if there is none.
    pub adds: bool,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: HeaderText,
}

/// The value of such a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderText {
    /// Always this.
    Text(String),
    /// The date of the answer and so many milliseconds, which may be negative (`setDate`, `addDate`).
    DateAfter(i64),
}

impl HeaderRule {
    /// Reads `[action] [name]:[value]`. The errors are Kafka's (`RestServerConfig.validateHeaderConfig`); a date that is no number ends
    /// Kafka's start, too, with Java's NumberFormatException.
    pub(super) fn read(rule: &str) -> Result<Self, String> {
        let Some((action, header)) = rule.split_once(char::is_whitespace) else {
            return Err(format!(
                "Invalid format of header config '{rule}'. Expected: '[action] [header name]:[header value]'"
            ));
        };
        let action = action.to_ascii_lowercase();
        let (adds, is_date) = match action.as_str() {
            "set" => (false, false),
            "add" => (true, false),
            "setdate" => (false, true),
            "adddate" => (true, true),
            _ => {
                return Err(format!(
                    "Invalid header config action: '{action}'. Expected one of [set, add, setDate, addDate]"
                ));
            }
        };
        let Some((name, value)) = header.split_once(':') else {
            return Err(format!(
                "Invalid format of header name and header value pair '{header}'. Expected: '[header name]:[header value]'"
            ));
        };
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(format!("Invalid header name '{name}'. The '[header name]' cannot contain whitespace"));
        }
        let value = match (is_date, value.parse()) {
            (false, _) => HeaderText::Text(value.into()),
            (true, Ok(ms)) => HeaderText::DateAfter(ms),
            (true, Err(_)) => {
                return Err(format!(
                    "Invalid value '{value}' of the header {name}: {action} takes the milliseconds to add to the date of the answer"
                ));
            }
        };
        Ok(Self { adds, name: name.into(), value })
    }
}
