//! From the traits to the component's exports.
//!
//! Owns the glue: which half of a component answers for which role, and where the running task lives. A component is single
//! threaded and runs one task, so that one place is enough. Invariant: a call before `start` is an error, not a trap.

use crate::bindings::base::exports::connect::connector::{connector as wit_connector, plugin as wit_plugin};
use crate::bindings::sink::exports::connect::connector::sink_task as wit_sink;
use crate::bindings::source::exports::connect::connector::source_task as wit_source;
use crate::{About, Batch, Config, Definition, Error, Poll, RawConfig, Records, SinkConnector, SourceConnector};
use std::any::Any;
use std::cell::RefCell;
use std::marker::PhantomData;
use wit_connector::Altered;
use wit_plugin::{Issue, Role};

/// What a component is made of: a source, a sink, or both.
pub trait Component {
    /// One or two halves.
    fn halves() -> Vec<Box<dyn Half>>;
}

/// The control-plane side of a source or a sink, without its type.
pub trait Half {
    /// Source or sink.
    fn role(&self) -> Role;
    /// See the traits.
    fn about(&self) -> About;
    /// See the traits.
    fn definition(&self) -> Definition;
    /// See the traits.
    fn validate(&self, config: &Config) -> Vec<Issue>;
    /// See the traits.
    fn task_configs(&self, config: &Config, max_tasks: u32) -> Result<Vec<RawConfig>, Error>;
    /// See the traits.
    fn alter_offsets(&self, config: &Config, offsets: &Altered) -> Result<bool, Error>;
}

/// A source as a half.
pub struct Source<S>(PhantomData<S>);

/// A sink as a half.
pub struct Sink<S>(PhantomData<S>);

impl<S: SourceConnector> Source<S> {
    /// Its control-plane side.
    pub fn half() -> Box<dyn Half> {
        Box::new(Self(PhantomData))
    }
}

impl<S: SinkConnector> Sink<S> {
    /// Its control-plane side.
    pub fn half() -> Box<dyn Half> {
        Box::new(Self(PhantomData))
    }
}

impl<S: SourceConnector> Half for Source<S> {
    fn role(&self) -> Role {
        Role::Source
    }
    fn about(&self) -> About {
        S::about()
    }
    fn definition(&self) -> Definition {
        S::definition()
    }
    fn validate(&self, config: &Config) -> Vec<Issue> {
        S::validate(config)
    }
    fn task_configs(&self, config: &Config, max_tasks: u32) -> Result<Vec<RawConfig>, Error> {
        S::task_configs(config, max_tasks)
    }
    fn alter_offsets(&self, config: &Config, offsets: &Altered) -> Result<bool, Error> {
        match offsets {
            Altered::Source(offsets) => S::alter_offsets(config, offsets),
            Altered::Sink(_) => Err(Error::fatal("role", "A source has no consumer offsets.")),
        }
    }
}

impl<S: SinkConnector> Half for Sink<S> {
    fn role(&self) -> Role {
        Role::Sink
    }
    fn about(&self) -> About {
        S::about()
    }
    fn definition(&self) -> Definition {
        S::definition()
    }
    fn validate(&self, config: &Config) -> Vec<Issue> {
        S::validate(config)
    }
    fn task_configs(&self, config: &Config, max_tasks: u32) -> Result<Vec<RawConfig>, Error> {
        S::task_configs(config, max_tasks)
    }
    fn alter_offsets(&self, config: &Config, _offsets: &Altered) -> Result<bool, Error> {
        S::alter_offsets(config)
    }
}

fn half<C: Component>(role: Role) -> Option<Box<dyn Half>> {
    C::halves().into_iter().find(|half| half.role() == role)
}

impl<C: Component> wit_plugin::Guest for C {
    fn describe() -> wit_plugin::Info {
        let halves = C::halves();
        let first = halves.first().expect("a component is a source or a sink").about();
        let mut info = wit_plugin::Info {
            name: first.name,
            version: first.version,
            title: first.title,
            doc: first.doc,
            roles: Vec::new(),
            accepts: Vec::new(),
            emits: Vec::new(),
            wants: Vec::new(),
            attrs: Vec::new(),
        };
        for half in halves {
            let about = half.about();
            let (key, formats) = match half.role() {
                Role::Sink => ("class.sink", &mut info.accepts),
                _ => ("class.source", &mut info.emits),
            };
            formats.extend(about.formats);
            info.roles.push(half.role());
            info.attrs.extend(about.classes.into_iter().map(|class| (key.to_owned(), class)));
            info.wants.extend(about.wants);
        }
        info
    }

    fn config_def(as_role: Role) -> wit_plugin::Definition {
        half::<C>(as_role).map(|half| half.definition()).unwrap_or_default().into_wit()
    }

    fn validate(as_role: Role, config: RawConfig) -> Vec<Issue> {
        let Some(half) = half::<C>(as_role) else { return Vec::new() };
        // What the definition forbids the host has reported already, key by key.
        Config::parse(&half.definition(), config).map_or_else(|_| Vec::new(), |config| half.validate(&config))
    }

    fn recommend(_as_role: Role, _config: RawConfig, _key: String) -> wit_plugin::Recommendation {
        wit_plugin::Recommendation { values: Vec::new(), visible: true }
    }
}

thread_local! {
    static CONNECTOR: RefCell<Option<(Box<dyn Half>, Config)>> = const { RefCell::new(None) };
    static TASK: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
}

impl<C: Component> wit_connector::Guest for C {
    fn start(as_role: Role, config: RawConfig) -> Result<(), Error> {
        let half = half::<C>(as_role).ok_or_else(|| Error::fatal("role", "This component does not have that role."))?;
        let config = Config::parse(&half.definition(), config)?;
        CONNECTOR.with(|connector| connector.replace(Some((half, config))));
        Ok(())
    }

    fn task_configs(max_tasks: u32, _previous: Vec<RawConfig>) -> Result<Vec<RawConfig>, Error> {
        CONNECTOR.with_borrow(|connector| match connector {
            Some((half, config)) => half.task_configs(config, max_tasks),
            None => Err(not_started()),
        })
    }

    fn stop() -> Result<(), Error> {
        CONNECTOR.with(|connector| connector.replace(None));
        Ok(())
    }

    fn alter_offsets(config: RawConfig, offsets: Altered) -> Result<bool, Error> {
        let role = match offsets {
            Altered::Source(_) => Role::Source,
            Altered::Sink(_) => Role::Sink,
        };
        let half = half::<C>(role).ok_or_else(|| Error::fatal("role", "This component does not have that role."))?;
        half.alter_offsets(&Config::parse(&half.definition(), config)?, &offsets)
    }
}

fn not_started() -> Error {
    Error::fatal("not-started", "This was called before start.")
}

/// Calls `f` with the running task.
fn with_task<T: 'static, R>(f: impl FnOnce(&mut T) -> Result<R, Error>) -> Result<R, Error> {
    TASK.with_borrow_mut(|task| match task.as_mut().and_then(|task| task.downcast_mut()) {
        Some(task) => f(task),
        None => Err(not_started()),
    })
}

fn start_task<T: 'static>(
    definition: Definition,
    config: RawConfig,
    start: impl FnOnce(&Config) -> Result<T, Error>,
) -> Result<(), Error> {
    let task = start(&Config::parse(&definition, config)?)?;
    TASK.with(|place| place.replace(Some(Box::new(task))));
    Ok(())
}

/// A component with a source half.
pub trait HasSource {
    /// The source.
    type Source: SourceConnector;
}

/// A component with a sink half.
pub trait HasSink {
    /// The sink.
    type Sink: SinkConnector;
}

impl<C: HasSource> wit_source::Guest for C {
    fn exactly_once(config: RawConfig) -> wit_source::EosSupport {
        let config = Config::parse(&C::Source::definition(), config);
        config.map_or(wit_source::EosSupport::Unsupported, |config| C::Source::exactly_once(&config))
    }

    fn start(config: RawConfig) -> Result<(), Error> {
        start_task(C::Source::definition(), config, C::Source::start)
    }

    fn poll(_seq: u64, max_records: u32, max_bytes: u32) -> Result<wit_source::Polled, Error> {
        with_task(|task: &mut C::Source| {
            let mut out = Records::new(max_records, max_bytes);
            let answer = task.poll(&mut out)?;
            Ok(match answer {
                _ if !out.is_empty() => wit_source::Polled::Records(out.finish()),
                Poll::Ready => wit_source::Polled::Idle(0),
                Poll::Idle(ms) => wit_source::Polled::Idle(ms),
                Poll::Finished => wit_source::Polled::Finished,
            })
        })
    }

    fn on_ack(acks: Vec<wit_source::Ack>) -> Result<(), Error> {
        with_task(|task: &mut C::Source| task.acked(&acks))
    }

    fn commit() -> Result<(), Error> {
        with_task(|task: &mut C::Source| task.committed())
    }

    fn reconfigure(config: RawConfig) -> Result<bool, Error> {
        let config = Config::parse(&C::Source::definition(), config)?;
        with_task(|task: &mut C::Source| task.reconfigure(&config))
    }

    fn stop() {
        // Not started, or stopped before: nothing to end.
        let _ = with_task(|task: &mut C::Source| {
            task.stop();
            Ok(())
        });
        TASK.with(|place| place.replace(None));
    }
}

impl<C: HasSink> wit_sink::Guest for C {
    fn start(config: RawConfig) -> Result<(), Error> {
        start_task(C::Sink::definition(), config, C::Sink::start)
    }

    fn open(tps: Vec<wit_sink::TopicPartition>) -> Result<(), Error> {
        with_task(|task: &mut C::Sink| task.open(&tps))
    }

    fn put(records: wit_sink::Batch) -> Result<wit_sink::Outcome, Error> {
        with_task(|task: &mut C::Sink| {
            let failures = task.put(&Batch::new(records))?;
            let failures = failures.into_iter().map(|(index, error)| wit_sink::Failure { index, error }).collect();
            Ok(wit_sink::Outcome { failures })
        })
    }

    fn pre_commit(current: Vec<wit_sink::TpOffset>) -> Result<Vec<wit_sink::TpOffset>, Error> {
        with_task(|task: &mut C::Sink| task.pre_commit(current))
    }

    fn close(tps: Vec<wit_sink::TopicPartition>) -> Result<(), Error> {
        with_task(|task: &mut C::Sink| task.close(&tps))
    }

    fn reconfigure(config: RawConfig) -> Result<bool, Error> {
        let config = Config::parse(&C::Sink::definition(), config)?;
        with_task(|task: &mut C::Sink| task.reconfigure(&config))
    }

    fn stop() {
        // As for a source.
        let _ = with_task(|task: &mut C::Sink| {
            task.stop();
            Ok(())
        });
        TASK.with(|place| place.replace(None));
    }
}

/// Makes the crate a component with this source connector.
#[macro_export]
macro_rules! export_source {
    ($source:ty) => {
        struct TheComponent;
        impl $crate::export::Component for TheComponent {
            fn halves() -> ::std::vec::Vec<::std::boxed::Box<dyn $crate::export::Half>> {
                ::std::vec![$crate::export::Source::<$source>::half()]
            }
        }
        impl $crate::export::HasSource for TheComponent {
            type Source = $source;
        }
        $crate::bindings::base::export_base!(TheComponent with_types_in $crate::bindings::base);
        $crate::bindings::source::export_source_half!(TheComponent with_types_in $crate::bindings::source);
    };
}

/// Makes the crate a component with this sink connector.
#[macro_export]
macro_rules! export_sink {
    ($sink:ty) => {
        struct TheComponent;
        impl $crate::export::Component for TheComponent {
            fn halves() -> ::std::vec::Vec<::std::boxed::Box<dyn $crate::export::Half>> {
                ::std::vec![$crate::export::Sink::<$sink>::half()]
            }
        }
        impl $crate::export::HasSink for TheComponent {
            type Sink = $sink;
        }
        $crate::bindings::base::export_base!(TheComponent with_types_in $crate::bindings::base);
        $crate::bindings::sink::export_sink_half!(TheComponent with_types_in $crate::bindings::sink);
    };
}

/// Makes the crate a component with both.
#[macro_export]
macro_rules! export_source_and_sink {
    ($source:ty, $sink:ty) => {
        struct TheComponent;
        impl $crate::export::Component for TheComponent {
            fn halves() -> ::std::vec::Vec<::std::boxed::Box<dyn $crate::export::Half>> {
                ::std::vec![$crate::export::Source::<$source>::half(), $crate::export::Sink::<$sink>::half()]
            }
        }
        impl $crate::export::HasSource for TheComponent {
            type Source = $source;
        }
        impl $crate::export::HasSink for TheComponent {
            type Sink = $sink;
        }
        $crate::bindings::base::export_base!(TheComponent with_types_in $crate::bindings::base);
        $crate::bindings::source::export_source_half!(TheComponent with_types_in $crate::bindings::source);
        $crate::bindings::sink::export_sink_half!(TheComponent with_types_in $crate::bindings::sink);
    };
}
