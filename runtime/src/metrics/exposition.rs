//! Prometheus' text format, version 0.0.4.
//!
//! Invariant: every line of a metric stands below its one `# TYPE`; a label's value is escaped.

use std::{collections::BTreeMap, fmt::Write};

/// Of an answer in this format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Metrics by name.
#[derive(Default)]
pub struct Exposition {
    metrics: BTreeMap<String, Vec<String>>,
}

impl Exposition {
    /// Adds a value. `name` may have `-`, as Kafka's attributes do.
    pub fn add(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let name = name.replace('-', "_");
        let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let line = format!("{name}{labels} {}", number(value));
        self.metrics.entry(name).or_default().push(line);
    }

    /// The whole text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, lines) in &self.metrics {
            let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
            // A String takes everything.
            let _ = writeln!(text, "# TYPE {name} {kind}\n{}", lines.join("\n"));
        }
        text
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn number(value: f64) -> String {
    match value {
        value if value.is_nan() => "NaN".into(),
        value if value.is_infinite() => if value > 0.0 { "+Inf" } else { "-Inf" }.into(),
        value => format!("{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_by_name_with_escaped_labels() {
        let mut exposition = Exposition::default();
        exposition.add("b-total", &[("c", "x\"y\\\n")], 3.0);
        exposition.add("a", &[], f64::NAN);
        exposition.add("b-total", &[("c", "z")], 0.5);
        assert_eq!(
            exposition.text(),
            "# TYPE a gauge\na NaN\n# TYPE b_total counter\nb_total{c=\"x\\\"y\\\\\\n\"} 3\nb_total{c=\"z\"} 0.5\n"
        );
    }
}
