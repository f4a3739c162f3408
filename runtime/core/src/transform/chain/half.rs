//! Keys or values of a batch on its way through a chain.
//!
//! Owns where conversion comes: a source's column is read by its format and written by the converter, a sink's the other way round.
//! Invariant: a column into which no transform looks stays one, and is converted as a whole.

use alloc::{borrow::Cow, vec::Vec};

use super::Failing;
use crate::convert::{Converter, Failure};
use crate::data::{Datum, Fault, Value, column};
use crate::errors::Stage;
use crate::record::{Blobs, Format};

/// Keys or values of a batch: looked into one by one, or left in their column.
pub(super) struct Half {
    stage: Stage,
    converter: Converter,
    how: How,
}

enum How {
    /// Nobody looks into them. Of a sink they are converted already; what failed is named.
    Column { format: Format, column: Blobs, failures: Vec<Failure> },
    /// A source's, to be read by their format; the bytes of those that are kept.
    FromSource { reader: column::Reader, column: Blobs, failures: Vec<Failure>, out: Vec<Option<Vec<u8>>> },
    /// A topic's, to be read by the converter; those that are kept.
    FromTopic { reader: crate::convert::Reader, column: Blobs, out: Vec<Result<Datum, Fault>> },
}

impl Half {
    /// Stage and class of what reads and writes it.
    pub fn who(&self) -> (Stage, &'static str) {
        (self.stage, self.converter.class())
    }

    pub fn of_source(
        format: Format,
        column: Blobs,
        count: usize,
        look: bool,
        stage: Stage,
        converter: &Converter,
    ) -> Self {
        let (format, column, failures) = match (format, look) {
            (Format::Cbor, true) => crate::convert::adapt(format, column, count, &[Format::Json]),
            _ => (format, column, Vec::new()),
        };
        let how = match look {
            true => How::FromSource { reader: column::Reader::new(format), column, failures, out: Vec::new() },
            false => How::Column { format, column, failures },
        };
        Self { stage, converter: converter.clone(), how }
    }

    pub fn of_sink(
        column: Blobs,
        count: usize,
        look: bool,
        stage: Stage,
        converter: &Converter,
        accepts: &[Format],
    ) -> Self {
        let how = if look {
            How::FromTopic { reader: converter.reader(), column, out: Vec::new() }
        } else {
            let (format, column, mut failures) = converter.to_connect(column, count, accepts);
            failures.sort_by_key(|failure| failure.index);
            How::Column { format, column, failures }
        };
        Self { stage, converter: converter.clone(), how }
    }

    fn wrong(&self, fault: Fault) -> Failing {
        (self.stage, Cow::Borrowed(self.converter.class()), fault).into()
    }

    pub fn read(&mut self, index: usize) -> Result<Datum, Failing> {
        let failed = |failures: &[Failure]| {
            let found = failures.binary_search_by_key(&index, |failure| failure.index as usize);
            found.ok().map(|at| failures[at].fault.clone())
        };
        let read = match &mut self.how {
            How::Column { column, failures, .. } => match failed(failures) {
                Some(fault) => Err(fault),
                None if column.get(index).is_none() => Ok(Datum::default()),
                None => Ok(Datum::schemaless(Value::Unread)),
            },
            How::FromSource { reader, column, failures, .. } => {
                failed(failures).map_or_else(|| reader.read(column, index), Err)
            }
            How::FromTopic { reader, column, .. } => reader.read(column.get(index)),
        };
        read.map_err(|fault| self.wrong(fault))
    }

    /// Keeps a value that went through the chain.
    pub fn write(&mut self, datum: Datum) -> Result<(), Failing> {
        match &mut self.how {
            How::Column { .. } => Ok(()),
            How::FromTopic { out, .. } => {
                out.push(Ok(datum));
                Ok(())
            }
            How::FromSource { out, .. } => match self.converter.bytes_of(&datum) {
                Ok(bytes) => {
                    out.push(bytes);
                    Ok(())
                }
                Err(fault) => Err(self.wrong(fault)),
            },
        }
    }

    /// Takes back what was kept beyond the first `count`.
    pub fn cut(&mut self, count: usize) {
        match &mut self.how {
            How::Column { .. } => {}
            How::FromSource { out, .. } => out.truncate(count),
            How::FromTopic { out, .. } => out.truncate(count),
        }
    }

    /// The column of the records that are kept; failures are numbered as these are.
    pub fn finish(self, kept: &[u32], accepts: Option<&[Format]>) -> (Format, Blobs, Vec<Failure>) {
        match self.how {
            How::Column { format, column, .. } => {
                let column = column::take(column, kept);
                match accepts {
                    Some(_) => (format, column, Vec::new()),
                    None => {
                        let (column, failures) = self.converter.from_connect(format, column, kept.len());
                        (Format::Raw, column, failures)
                    }
                }
            }
            How::FromSource { out, .. } => {
                let mut column = Blobs::with_capacity(out.len(), out.iter().flatten().map(Vec::len).sum());
                out.iter().for_each(|value| column.push(value.as_deref()));
                (Format::Raw, column, Vec::new())
            }
            How::FromTopic { out, .. } => column::write(&out, accepts.unwrap_or_default()),
        }
    }
}
