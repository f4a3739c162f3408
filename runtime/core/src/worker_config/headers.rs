//! `response.http.headers.config`: which headers every answer gets.

use alloc::{format, string::String};

/// Name and value of a rule of `response.http.headers.config`. The errors are Kafka's (`RestServerConfig.validateHeaderConfig`).
pub(super) fn header_rule(rule: &str) -> Result<(&str, &str), String> {
    let Some((action, header)) = rule.split_once(char::is_whitespace) else {
        return Err(format!(
            "Invalid format of header config '{rule}'. Expected: '[action] [header name]:[header value]'"
        ));
    };
    match action.to_ascii_lowercase().as_str() {
        "set" | "add" => {}
        "setdate" | "adddate" => {
            return Err(format!(
                "response.http.headers.config: {action} is not supported, for the header would change with each answer; use set or add"
            ));
        }
        _ => {
            return Err(format!(
                "Invalid header config action: '{action}'. Expected one of [set, add, setDate, addDate]"
            ));
        }
    }
    let Some((name, value)) = header.split_once(':') else {
        return Err(format!(
            "Invalid format of header name and header value pair '{header}'. Expected: '[header name]:[header value]'"
        ));
    };
    let name = name.trim();
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(format!("Invalid header name '{name}'. The '[header name]' cannot contain whitespace"));
    }
    Ok((name, value.trim()))
}
