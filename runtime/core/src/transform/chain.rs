//! The transforms of one connector, in their order, and a batch on its way through them.
//!
//! Owns which records each transform is for, and where conversion comes: after the transforms of a source, before those of a sink.
//! Leaves what follows from a failure to the task machines. Invariant: the records that come out are in the order in which they came
//! in, and each that does not is counted as filtered or named in the list of failures.

use alloc::{borrow::Cow, collections::BTreeMap, format, string::String, sync::Arc, vec::Vec};

mod half;

use super::{Predicate, Transform};
use crate::columns::{Columns, without};
use crate::config::ConfigMap;
use crate::config::value::{list, parse};
use crate::convert::{Converter, Failure, HeaderConverter};
use crate::data::{Datum, Fault, Header, HeaderValue, Record};
use crate::errors::{Failed, Stage};
use crate::plugin::Kind;
use crate::record::{Batch, Blobs, Format};
use half::Half;

/// Most topics that the records of one batch may be sent to.
const MOST_TOPICS: usize = 60_000;

/// The transforms, configured.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    steps: Vec<Step>,
    keys: bool,
    values: bool,
}

#[derive(Clone, Debug)]
struct Step {
    transform: Transform,
    class: Arc<str>,
    predicate: Option<Predicate>,
    negate: bool,
}

/// What a batch is converted with.
#[derive(Clone, Debug)]
pub struct Converters {
    /// For keys.
    pub key: Converter,
    /// For values.
    pub value: Converter,
    /// For headers that transforms make.
    pub header: HeaderConverter,
}

/// What the topics of a batch were called, as far as it is another now.
#[derive(Default)]
struct Names {
    topics: Option<Vec<String>>,
    topic_ix: Option<Vec<u8>>,
}

/// A batch that has gone through.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The records that are left.
    pub records: Batch,
    /// Where each of them stood before; empty: where it stands.
    pub origin: Vec<u32>,
    /// How many were dropped.
    pub filtered: u32,
    /// The others, by where they stood before, in rising order.
    pub failures: Vec<Failed>,
    /// The records as they came, without keys and values; `None`: as they are.
    pub came: Option<Batch>,
}

impl Outcome {
    /// What the failures' indexes are about.
    pub fn came(&self) -> &Batch {
        self.came.as_ref().unwrap_or(&self.records)
    }
}

impl Chain {
    /// The chain that `transforms` of a connector's configuration names. The error is for the task's status.
    pub fn new(config: &ConfigMap) -> Result<Self, String> {
        let mut chain = Self::default();
        for alias in list(config.get("transforms").unwrap_or_default()) {
            let keys = config.under(&format!("transforms.{alias}."));
            let class = keys.get("type").map(str::trim).unwrap_or_default();
            let failed = |why| format!("org.apache.kafka.common.config.ConfigException: transforms.{alias}: {why}");
            let (transform, class) = Transform::new(class, &keys).map_err(failed)?;
            let (looks_at_keys, looks_at_values) = transform.looks_into(&class);
            chain.keys |= looks_at_keys;
            chain.values |= looks_at_values;
            let predicate =
                keys.get("predicate").map(|name| predicate(config, name.trim())).transpose().map_err(failed)?;
            let negate = keys
                .get("negate")
                .is_some_and(|text| parse(Kind::Boolean, text) == Ok(crate::config::value::Value::Bool(true)));
            chain.steps.push(Step { transform, class: class.into(), predicate, negate });
        }
        Ok(chain)
    }

    /// True if nothing happens to records.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Records of a source, transformed, and converted to the bytes of a topic.
    pub fn source(&mut self, mut batch: Batch, converters: &Converters) -> Outcome {
        let count = batch.count as usize;
        let (keys, values) = (core::mem::take(&mut batch.keys), core::mem::take(&mut batch.values));
        if let Some(came) = self.rename(&mut batch) {
            let (keys, failed_keys) = converters.key.from_connect(batch.key_format, keys, count);
            let (values, failed_values) = converters.value.from_connect(batch.value_format, values, count);
            (batch.keys, batch.values) = (keys, values);
            return untransformed(batch, came, failed_keys, failed_values, converters);
        }
        let keys = Half::of_source(batch.key_format, keys, count, self.keys, Stage::KeyConverter, &converters.key);
        let values =
            Half::of_source(batch.value_format, values, count, self.values, Stage::ValueConverter, &converters.value);
        self.run(batch, keys, values, converters, None)
    }

    /// Records of a topic, converted, and transformed for a sink that reads `accepts`.
    pub fn sink(&mut self, mut batch: Batch, converters: &Converters, accepts: &[Format]) -> Outcome {
        let count = batch.count as usize;
        let (keys, values) = (core::mem::take(&mut batch.keys), core::mem::take(&mut batch.values));
        if let Some(came) = self.rename(&mut batch) {
            let (key_format, keys, failed_keys) = converters.key.to_connect(keys, count, accepts);
            let (value_format, values, failed_values) = converters.value.to_connect(values, count, accepts);
            let batch = Batch { key_format, keys, value_format, values, ..batch };
            return untransformed(batch, came, failed_keys, failed_values, converters);
        }
        let keys = Half::of_sink(keys, count, self.keys, Stage::KeyConverter, &converters.key, accepts);
        let values = Half::of_sink(values, count, self.values, Stage::ValueConverter, &converters.value, accepts);
        self.run(batch, keys, values, converters, Some(accepts))
    }

    /// Renames the topics of a batch if that is all that this chain does: by name, not by record. Returns what they were called; `None` if
    /// the records have to be looked at.
    fn rename(&self, batch: &mut Batch) -> Option<Names> {
        if self.is_empty() {
            return Some(Names::default());
        }
        let (mut topics, mut known) = (Vec::new(), BTreeMap::new());
        let mut places = Vec::with_capacity(batch.topics.len());
        for topic in &batch.topics {
            let mut name = topic.clone();
            for step in &self.steps {
                match &step.transform {
                    Transform::RegexRouter(router) if step.predicate.is_none() => router.rename(&mut name).ok()?,
                    _ => return None,
                }
            }
            places.push(*known.entry(name).or_insert_with_key(|name| {
                topics.push(name.clone());
                topics.len() - 1
            }));
        }
        // Two that have one name now are one: the records of a partition stay in their order.
        let topic_ix = (topics.len() < batch.topics.len()).then(|| {
            let place = |index: usize| places.get(index).copied().unwrap_or(0) as u16;
            let records = 0..batch.topic_ix.len() / 2;
            let merged = records.flat_map(|record| place(batch.topic_index(record)).to_le_bytes()).collect();
            core::mem::replace(&mut batch.topic_ix, merged)
        });
        Some(Names { topics: Some(core::mem::replace(&mut batch.topics, topics)), topic_ix })
    }

    fn run(
        &mut self,
        batch: Batch,
        mut keys: Half,
        mut values: Half,
        converters: &Converters,
        accepts: Option<&[Format]>,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        let mut rows = Columns::with_capacity(batch.count as usize, 0);
        let mut last = None;
        for index in 0..batch.count {
            let at = index as usize;
            let record = keys.read(at).and_then(|key| Ok((key, values.read(at)?)));
            let through = record.and_then(|(key, value)| self.apply(record_at(&batch, at, key, value)));
            let made = through.map_err(|failure| *failure).and_then(|record| {
                let Some(record) = record else { return Ok(None) };
                let headers = header_bytes(&record.headers, &converters.header)?;
                if rows.topics() > MOST_TOPICS {
                    return Err((
                        Stage::Transformation,
                        "the chain".into(),
                        Fault::data("too many topics in one batch"),
                    ));
                }
                Ok(Some((record, headers)))
            });
            match made {
                Ok(None) => outcome.filtered += 1,
                Err((stage, class, fault)) => outcome.failures.push(Failed { index, stage, class, fault }),
                Ok(Some((mut record, headers))) => {
                    let (key, value) = (core::mem::take(&mut record.key), core::mem::take(&mut record.value));
                    let written = keys.write(key).and_then(|()| values.write(value));
                    if let Err(failure) = written {
                        let (stage, class, fault) = *failure;
                        outcome.failures.push(Failed { index, stage, class, fault });
                        keys.cut(outcome.origin.len());
                        continue;
                    }
                    let place = (record.topic, record.partition.unwrap_or(-1));
                    if last.as_ref() != Some(&place) {
                        rows.partition(&place.0, place.1, 0);
                        last = Some(place);
                    }
                    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_deref()));
                    rows.push(record.offset.unwrap_or(0), record.timestamp.unwrap_or(-1), None, None, headers);
                    outcome.origin.push(index);
                }
            }
        }
        match rows.finish() {
            Ok(records) => outcome.records = records,
            Err(bad) => {
                let fault = Fault::data(format!("{bad}"));
                outcome.failures = (0..batch.count)
                    .map(|index| Failed {
                        index,
                        stage: Stage::Transformation,
                        class: "the chain".into(),
                        fault: fault.clone(),
                    })
                    .collect();
                return Outcome { failures: outcome.failures, came: Some(batch), ..Outcome::default() };
            }
        }
        outcome.came = Some(batch);
        finish(outcome, keys, values, accepts)
    }

    fn apply(&mut self, mut record: Record) -> Result<Option<Record>, Failing> {
        for step in &mut self.steps {
            let applies = step.predicate.as_ref().is_none_or(|predicate| predicate.test(&record) != step.negate);
            if !applies {
                continue;
            }
            match step.transform.apply(record) {
                Ok(Some(next)) => record = next,
                Ok(None) => return Ok(None),
                Err(fault) => return Err((Stage::Transformation, Cow::Owned(step.class.as_ref().into()), fault).into()),
            }
        }
        Ok(Some(record))
    }
}

fn predicate(config: &ConfigMap, name: &str) -> Result<Predicate, String> {
    let defined = list(config.get("predicates").unwrap_or_default());
    let keys = config.under(&format!("predicates.{name}."));
    match keys.get("type").filter(|_| defined.iter().any(|alias| alias == name)) {
        Some(class) => Predicate::new(class.trim(), &keys),
        None => {
            Err(format!("the predicate {name} is not defined; name it in predicates and set predicates.{name}.type"))
        }
    }
}

/// Stage, executing class and what is wrong.
type Wrong = (Stage, Cow<'static, str>, Fault);
type Failing = alloc::boxed::Box<Wrong>;

fn finish(mut outcome: Outcome, keys: Half, values: Half, accepts: Option<&[Format]>) -> Outcome {
    let (key, value) = (keys.who(), values.who());
    let (key_format, keys, failed_keys) = keys.finish(&outcome.origin, accepts);
    let (value_format, values, failed_values) = values.finish(&outcome.origin, accepts);
    outcome.records = Batch { key_format, keys, value_format, values, ..outcome.records };
    let late = named(key, failed_keys).chain(named(value, failed_values)).collect();
    leave_out(outcome, late)
}

/// A batch whose records no transform has touched.
fn untransformed(
    batch: Batch,
    came: Names,
    keys: Vec<Failure>,
    values: Vec<Failure>,
    converters: &Converters,
) -> Outcome {
    let key = (Stage::KeyConverter, converters.key.class());
    let value = (Stage::ValueConverter, converters.value.class());
    let failed: Vec<Failed> = named(key, keys).chain(named(value, values)).collect();
    if failed.is_empty() {
        return Outcome { records: batch, ..Outcome::default() };
    }
    let mut before = Batch { keys: Blobs::default(), values: Blobs::default(), ..batch.clone() };
    before.topics = came.topics.unwrap_or(before.topics);
    before.topic_ix = came.topic_ix.unwrap_or(before.topic_ix);
    leave_out(
        Outcome { origin: (0..batch.count).collect(), records: batch, came: Some(before), ..Outcome::default() },
        failed,
    )
}

fn named((stage, class): (Stage, &'static str), failures: Vec<Failure>) -> impl Iterator<Item = Failed> {
    let class = Cow::Borrowed(class);
    failures.into_iter().map(move |failure| Failed {
        index: failure.index,
        stage,
        class: class.clone(),
        fault: failure.fault,
    })
}

/// Takes records out that failed at last: `late` numbers them as `records` has them.
fn leave_out(mut outcome: Outcome, mut late: Vec<Failed>) -> Outcome {
    if late.is_empty() {
        return outcome;
    }
    late.sort_by_key(|failed| failed.index);
    late.dedup_by_key(|failed| failed.index);
    let gone: Vec<u32> = late.iter().map(|failed| failed.index).collect();
    // Fewer records do not have more header names.
    outcome.records = without(&outcome.records, &gone).unwrap_or_default();
    let origin = |failed: Failed| Failed { index: outcome.origin[failed.index as usize], ..failed };
    outcome.failures.extend(late.into_iter().map(origin));
    outcome.failures.sort_by_key(|failed| failed.index);
    let kept = (0..).zip(&outcome.origin).filter(|(place, _)| gone.binary_search(place).is_err());
    outcome.origin = kept.map(|(_, origin)| *origin).collect();
    outcome
}

fn record_at(batch: &Batch, index: usize, key: Datum, value: Datum) -> Record {
    let headers = batch.headers.iter().flat_map(|all| all.of(index));
    let raw = |value: Option<&[u8]>| HeaderValue::Raw(value.map(<[u8]>::to_vec));
    Record {
        topic: batch.topic(index).into(),
        partition: batch.partition(index),
        offset: batch.offset(index),
        timestamp: batch.timestamp(index),
        key,
        value,
        headers: headers.map(|(name, value)| Header { name: name.into(), value: raw(value) }).collect(),
    }
}

type HeaderBytes = Vec<(String, Option<Vec<u8>>)>;

fn header_bytes(headers: &[Header], converter: &HeaderConverter) -> Result<HeaderBytes, Wrong> {
    let bytes = |header: &Header| {
        let value = match &header.value {
            HeaderValue::Raw(bytes) => bytes.clone(),
            HeaderValue::Data(datum) => converter
                .bytes(datum)
                .map_err(|fault| (Stage::HeaderConverter, Cow::Borrowed(converter.class()), fault))?,
        };
        Ok((header.name.clone(), value))
    };
    headers.iter().map(bytes).collect()
}
