//! What went wrong, in the parts that a person needs: what, where, why, what to do.
//!
//! Owns the parts and the two ways to show them: drawn on several lines for a terminal, and as one sentence after the other for REST and
//! the log. Leaves colours and exit codes to who prints it. Invariant: both ways say the same, in the same words.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde::Serialize;

/// Something that was not done, or not in full.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Complaint {
    /// What was not done, without a full stop: `topic "a" was not created`.
    pub what: String,
    /// Where to look: a file, an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Why, a sentence each.
    pub why: Vec<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// A place, and lines in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// A file's path, or an address.
    pub name: String,
    /// Lines of the file, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
}

/// A line of a file, a part of which is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Its number, from 1.
    pub number: usize,
    /// Its text.
    pub text: String,
    /// Letters before the part that is meant.
    pub before: usize,
    /// Letters of that part; at least 1 are marked.
    pub length: usize,
    /// What is wrong there.
    pub says: String,
}

/// What surrounds the parts of a drawing; empty without colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    /// Before the word `error` and before a mark.
    pub red: &'static str,
    /// Before what was not done.
    pub bold: &'static str,
    /// Before rulers and arrows.
    pub dim: &'static str,
    /// After each of them.
    pub end: &'static str,
}

impl Paint {
    /// For a terminal (ECMA-48).
    pub const TERMINAL: Self = Self { red: "\x1b[1;31m", bold: "\x1b[1m", dim: "\x1b[2m", end: "\x1b[0m" };
}

impl Line {
    /// Where a key stands in a properties or JSON file; it says nothing yet.
    pub fn of_key(file: &str, key: &str) -> Option<Self> {
        let quoted = format!("\"{key}\"");
        let is_json = file.trim_start().starts_with('{');
        let found = file.lines().enumerate().find_map(|(at, line)| {
            let before = match is_json {
                true => line.find(&quoted)?,
                false => {
                    let begin = line.len() - line.trim_start().len();
                    let rest = line[begin..].strip_prefix(key)?;
                    rest.trim_start().starts_with(['=', ':']).then_some(begin)?
                }
            };
            Some((at, line, line[..before].chars().count()))
        });
        let (at, line, before) = found?;
        let length = if is_json { quoted.chars().count() } else { key.chars().count() };
        Some(Self { number: at + 1, text: line.to_string(), before, length, says: String::new() })
    }
}

impl Complaint {
    /// That this was not done.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), ..Self::default() }
    }

    /// The same, there.
    pub fn at(mut self, name: impl Into<String>) -> Self {
        self.place.get_or_insert_default().name = name.into();
        self
    }

    /// The same, because of a line of the place.
    pub fn line(mut self, line: Line) -> Self {
        self.place.get_or_insert_default().lines.push(line);
        self
    }

    /// The same, because of a file: each line of `why` is shown where the key stands that it names, if it names one of the file.
    pub fn in_file(self, path: &str, file: &str, why: &str) -> Self {
        let keys = crate::properties::parse(file.as_bytes()).unwrap_or_default();
        let mut complaint = self.at(path);
        let mut lines = Vec::new();
        // A line that only leads to the next ones says nothing that the complaint has not said.
        let says = |sentence: &&str| !sentence.trim().is_empty() && !sentence.trim_end().ends_with(':');
        for sentence in why.lines().filter(says) {
            match meant(sentence, keys.iter().map(|(key, _)| key)).and_then(|key| Line::of_key(file, key)) {
                Some(line) => lines.push(Line { says: sentence.to_string(), ..line }),
                None => complaint = complaint.because(sentence),
            }
        }
        lines.sort_by_key(|line| line.number);
        lines.into_iter().fold(complaint, Self::line)
    }

    /// The same, for this reason.
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why.push(why.into());
        self
    }

    /// The same, with what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// On several lines, for a terminal; with its last newline.
    pub fn draw(&self, paint: Paint) -> String {
        let Paint { red, bold, dim, end } = paint;
        let mut text = format!("{red}error{end}{bold}: {}{end}\n", self.what);
        let lines = self.place.iter().flat_map(|place| &place.lines);
        let width = lines.map(|line| line.number.to_string().len()).max().unwrap_or(1);
        let blank = " ".repeat(width);
        if let Some(Place { name, lines }) = &self.place {
            let at = lines.first().map(|line| format!(":{}:{}", line.number, line.before + 1)).unwrap_or_default();
            text += &format!("{blank} {dim}-->{end} {name}{at}\n");
            for line in lines {
                let (mark, before) = ("^".repeat(line.length.max(1)), " ".repeat(line.before));
                text += &format!("{blank} {dim}|{end}\n{dim}{:>width$} |{end} {}\n", line.number, line.text);
                text += &format!("{blank} {dim}|{end} {before}{red}{mark}{end} {}\n", line.says);
            }
        }
        for why in self.why.iter().flat_map(|why| why.lines()) {
            text += &format!("{blank} {dim}={end} {why}\n");
        }
        if let Some(help) = &self.help {
            text += &format!("{blank} {dim}={end} help: {help}\n");
        }
        text
    }

    /// In sentences, for REST and the log.
    pub fn message(&self) -> String {
        let place = self.place.as_ref();
        let name = place.map(|place| place.name.as_str()).filter(|name| !name.is_empty());
        let lines = place.into_iter().flat_map(|place| &place.lines);
        let lines = lines.map(|line| format!("line {}: {}", line.number, line.says));
        let said = name.map(|name| format!("({name})")).into_iter().chain(lines).chain(self.why.iter().cloned());
        let parts = [self.what.clone()].into_iter().chain(said).chain(self.help.clone());
        parts.map(|part| sentence(&part)).collect::<Vec<String>>().join(" ").replace(". (", " (")
    }
}

/// Of a file's keys, the one that a sentence is about: what it calls a key or a configuration, else the only one that it names. A key
/// without a dot may be any word: it counts as named where the sentence begins with it.
fn meant<'a>(sentence: &str, keys: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let named: Vec<&str> = keys.filter(|key| !key.is_empty() && sentence.contains(key)).collect();
    let is_no_word = |key: &&&str| key.contains('.') || sentence.starts_with(**key);
    let is_called_so = |key: &&str| {
        ["key \"", "configuration ", "configuration \""].iter().any(|word| {
            let after = sentence.split_once(&format!("{word}{key}")).map(|(_, after)| after);
            after.is_some_and(|after| !after.starts_with(|next: char| next.is_alphanumeric() || ".-_".contains(next)))
        })
    };
    let is_whole = |key: &&&str| !named.iter().any(|other| other.len() > key.len() && other.contains(**key));
    let called = named.iter().copied().find(is_called_so);
    called.or_else(|| match named.iter().filter(is_whole).filter(is_no_word).collect::<Vec<_>>().as_slice() {
        [only] => Some(**only),
        _ => None,
    })
}

/// With a full stop, unless it ends with something of the kind.
fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '?', '!', ':']) { text.to_string() } else { format!("{text}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint() -> Complaint {
        let line = Line {
            number: 3,
            text: "connector.clas=FileStreamSource".into(),
            before: 0,
            length: 14,
            says: "No such key \"connector.clas\". Did you mean \"connector.class\"?".into(),
        };
        Complaint::new("connector \"local-file-source\" was not created")
            .at("config/source.properties")
            .line(line)
            .because("required key \"connector.class\" is missing")
            .help("connectd connect validate config/source.properties")
    }

    #[test]
    fn drawn_for_a_terminal() {
        let expected = "error: connector \"local-file-source\" was not created\n  \
             --> config/source.properties:3:1\n  \
             |\n\
             3 | connector.clas=FileStreamSource\n  \
             | ^^^^^^^^^^^^^^ No such key \"connector.clas\". Did you mean \"connector.class\"?\n  \
             = required key \"connector.class\" is missing\n  \
             = help: connectd connect validate config/source.properties\n";
        assert_eq!(complaint().draw(Paint::default()), expected);
        let paint = Paint { red: "<r>", bold: "<b>", dim: "<d>", end: "<e>" };
        let painted = complaint().draw(paint);
        assert_eq!(["<r>", "<b>", "<d>", "<e>"].iter().fold(painted, |text, it| text.replace(it, "")), expected);
    }

    #[test]
    fn said_in_sentences() {
        let check = |complaint: Complaint, expected: &str| assert_eq!(complaint.message(), expected);
        check(Complaint::new("it was not done"), "it was not done.");
        check(
            Complaint::new("it was not done").at("a:1").because("nobody is there"),
            "it was not done (a:1). nobody is there.",
        );
        check(
            complaint(),
            "connector \"local-file-source\" was not created (config/source.properties). line 3: No such key \"connector.clas\". Did you mean \
             \"connector.class\"? required key \"connector.class\" is missing. connectd connect validate config/source.properties.",
        );
    }

    #[test]
    fn where_a_key_stands() {
        let check = |text: &str, key: &str, expected: Option<(usize, usize, usize)>| {
            let found = Line::of_key(text, key).map(|line| (line.number, line.before, line.length));
            assert_eq!(found, expected, "{key} in {text}");
        };
        let properties = "name=a\n  tasks.max = 1\n#file=x\nfiles=y\nfile:z\n";
        check(properties, "name", Some((1, 0, 4)));
        check(properties, "tasks.max", Some((2, 2, 9)));
        check(properties, "file", Some((5, 0, 4)));
        check(properties, "topic", None);
        check("{\n  \"name\": \"a\",\n  \"file\": \"é\"\n}", "file", Some((3, 2, 6)));
    }

    #[test]
    fn the_key_that_is_meant() {
        let check = |sentence: &str, expected: Option<&str>| {
            let keys = ["topics", "topicz", "key.converter", "key.converter.schemas.enable", "tasks.max", "file"];
            assert_eq!(meant(sentence, keys.into_iter()), expected, "{sentence}");
        };
        check("No such key \"topicz\". Did you mean \"topics\"?", Some("topicz"));
        check("Invalid value file for configuration tasks.max: Not a number", Some("tasks.max"));
        check("The value of key.converter.schemas.enable is wrong", Some("key.converter.schemas.enable"));
        check("Must configure one of topics or topicz", None);
        check("Missing required configuration \"topic\"", None);
        check("No class matches this file, says the worker", None);
        check("file cannot be read", Some("file"));
    }

    #[test]
    fn sentences_stand_at_their_keys() {
        let file = "a.b=1\nc=x\n";
        let complaint = Complaint::new("no").in_file("f", file, "c is wrong\nMissing d\n");
        let expected = "error: no\n  --> f:2:1\n  |\n2 | c=x\n  | ^ c is wrong\n  = Missing d\n";
        assert_eq!(complaint.draw(Paint::default()), expected);
    }
}
