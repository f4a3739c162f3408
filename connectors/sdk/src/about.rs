//! What a connector says about itself.

use crate::Format;
use crate::bindings::base::exports::connect::connector::plugin::Want;

/// A connector's description, made by chaining.
#[derive(Clone, Debug)]
pub struct About {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) title: String,
    pub(crate) doc: String,
    pub(crate) classes: Vec<String>,
    pub(crate) formats: Vec<Format>,
    pub(crate) wants: Vec<Want>,
}

impl About {
    /// A connector called `name` (short, such as `file-source`) of a version, which answers to the class name `class`.
    pub fn new(name: &str, version: &str, class: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            title: name.to_owned(),
            doc: String::new(),
            classes: vec![class.to_owned()],
            formats: Vec::new(),
            wants: Vec::new(),
        }
    }

    /// One line and one paragraph for people.
    pub fn text(mut self, title: &str, doc: &str) -> Self {
        (self.title, self.doc) = (title.to_owned(), doc.to_owned());
        self
    }

    /// A further class name that it answers to.
    pub fn class(mut self, class: &str) -> Self {
        self.classes.push(class.to_owned());
        self
    }

    /// The formats it gives (a source) or takes (a sink), the favourite first.
    pub fn formats(mut self, formats: &[Format]) -> Self {
        self.formats = formats.to_vec();
        self
    }

    /// It reads the file that the config key `key` names.
    pub fn reads_file(self, key: &str, reason: &str) -> Self {
        self.want("file-read", key, reason)
    }

    /// It appends to the file that the config key `key` names.
    pub fn appends_to_file(self, key: &str, reason: &str) -> Self {
        self.want("file-append", key, reason)
    }

    /// It reads the worker's standard input.
    pub fn reads_stdin(self, reason: &str) -> Self {
        self.want("stdin", "", reason)
    }

    /// It writes to the worker's standard output.
    pub fn writes_stdout(self, reason: &str) -> Self {
        self.want("stdout", "", reason)
    }

    fn want(mut self, capability: &str, detail: &str, reason: &str) -> Self {
        self.wants.push(Want {
            capability: capability.to_owned(),
            detail: detail.to_owned(),
            reason: reason.to_owned(),
        });
        self
    }
}
