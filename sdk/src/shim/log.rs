//! `tracing` events of this library go to the host's log.
//!
//! Each library has a `tracing` dispatcher of its own, so a subscriber is installed here
//! that hands every event over the boundary. Spans are not forwarded: their timing belongs
//! to the plugin, and events carry their own fields.

use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use farthing_abi::{RawHost, RawLogEvent};
use serde_json::{Map, Value};
use tracing_core::{
    Event, Level, LevelFilter, Metadata, Subscriber,
    dispatcher::{self, Dispatch},
    field::{Field, Visit},
    span,
};

static HOST: OnceLock<RawHost> = OnceLock::new();

/// Installs the forwarding subscriber; later calls change nothing.
pub(crate) fn connect(host: RawHost) {
    if HOST.set(host).is_ok() {
        // Fails only if the plugin installed a subscriber itself, which is its right.
        let _ = dispatcher::set_global_default(Dispatch::new(Forward {
            host,
            spans: AtomicU64::new(1),
        }));
    }
}

struct Forward {
    host: RawHost,
    spans: AtomicU64,
}

impl Forward {
    fn wanted(&self, level: &Level) -> bool {
        number(level) <= self.host.max_level
    }
}

impl Subscriber for Forward {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && self.wanted(metadata.level())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match self.host.max_level {
            0 => LevelFilter::OFF,
            1 => LevelFilter::ERROR,
            2 => LevelFilter::WARN,
            3 => LevelFilter::INFO,
            4 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        })
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let rest = match fields.rest.is_empty() {
            true => String::new(),
            false => Value::Object(fields.rest).to_string(),
        };
        (self.host.log)(
            self.host.plugin,
            RawLogEvent {
                level: number(event.metadata().level()),
                target: event.metadata().target().into(),
                message: fields.message.as_str().into(),
                fields: rest.as_str().into(),
            },
        );
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed))
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

fn number(level: &Level) -> u8 {
    match *level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    rest: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.rest.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            _ => self.put(field, format!("{value:?}").into()),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message = value.to_owned(),
            _ => self.put(field, value.into()),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}
