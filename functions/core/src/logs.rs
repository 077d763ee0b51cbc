//! Log lines as JSON, one object a line, which is what CloudWatch's own queries read.
//!
//! `{"time", "level", "message", "requestId", "traceId", …}` with the fields of the line beside them. Nothing here logs URLs, form
//! fields or signatures: they are keys to photos for as long as they last.

use std::fmt::Debug;
use std::io::{self, Write as _};

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::contract::env;
use crate::invocation::{self, Ids};
use crate::settings::Settings;

/// Where lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// Lambda collects it.
    Standard,
    /// Beside an answer that a person wants to read or pipe.
    Error,
}

/// Logs from here on, as much as the environment asks for.
pub(crate) fn start(settings: &Settings<'_>, output: Output) {
    let filter = filter(settings.optional(env::LOG).as_deref());
    // Fails only when a subscriber is set already, which then logs instead.
    let _already_set = tracing_subscriber::registry().with(Lines(output)).with(filter).try_init();
}

/// A level for what is ours, or whatever `tracing` understands.
fn filter(wanted: Option<&str>) -> Targets {
    // `tracing` itself takes nothing for errors alone.
    let Some(wanted) = wanted else { return ours(LevelFilter::INFO) };
    match wanted.parse::<LevelFilter>() {
        Ok(level) => ours(level),
        Err(_) => wanted.parse().unwrap_or_else(|_| ours(LevelFilter::INFO)),
    }
}

/// The binaries and this library at a level. What libraries say below a warning is noise, and the runtime's lines below INFO hold
/// whole events.
fn ours(level: LevelFilter) -> Targets {
    Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("lambda_runtime", LevelFilter::INFO)
        .with_targets(["upload", "list", "delete", "thumbnail", "functions_core"].map(|name| (name, level)))
}

/// Writes one line. What cannot be written is lost: there is nobody else to tell.
pub(crate) fn write(output: Output, line: &Value) {
    let line = format!("{line}\n");
    let _lost = match output {
        Output::Standard => io::stdout().lock().write_all(line.as_bytes()),
        Output::Error => io::stderr().lock().write_all(line.as_bytes()),
    };
}

struct Lines(Output);

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        write(self.0, &line(event, invocation::ids(), Timestamp::now()));
    }
}

fn line(event: &Event<'_>, ids: Ids, now: Timestamp) -> Value {
    let mut fields = Fields(Map::new());
    event.record(&mut fields);
    let mut line = Map::new();
    line.insert("time".into(), format!("{now:.3}").into());
    line.insert("level".into(), event.metadata().level().as_str().into());
    // Before the ids, where people look for it.
    line.extend(fields.0.remove_entry("message"));
    line.extend(ids.request.map(|id| ("requestId".into(), id.into())));
    line.extend(ids.trace.map(|trace| ("traceId".into(), trace.into())));
    line.extend(fields.0);
    Value::Object(line)
}

struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().into(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().into(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::*;

    /// Keeps lines instead of writing them.
    struct Kept(Arc<Mutex<Vec<Value>>>);

    impl<S: Subscriber> Layer<S> for Kept {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let now = "2026-11-23T10:00:00.1234Z".parse().unwrap();
            self.0.lock().unwrap().push(line(event, invocation::ids(), now));
        }
    }

    fn lines_of(work: impl FnOnce()) -> Vec<Value> {
        let kept = Arc::default();
        let subscriber = tracing_subscriber::registry().with(Kept(Arc::clone(&kept)));
        tracing::subscriber::with_default(subscriber, work);
        kept.lock().unwrap().clone()
    }

    #[test]
    fn a_line_is_one_flat_object_with_the_ids_of_its_event() {
        let photo = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let lines = lines_of(|| {
            invocation::begin(Ids { request: Some("8476".into()), trace: Some("Root=1-5b".into()) });
            tracing::info!(photoId = %photo, bytes = 12, more = true, "deleted");
            invocation::end();
            tracing::warn!(reason = "a \"quoted\"\nline", "outside of any event");
        });
        assert_eq!(
            lines,
            [
                json!({
                    "time": "2026-11-23T10:00:00.123Z", "level": "INFO", "message": "deleted",
                    "requestId": "8476", "traceId": "Root=1-5b", "photoId": photo, "bytes": 12, "more": true,
                }),
                json!({
                    "time": "2026-11-23T10:00:00.123Z", "level": "WARN", "message": "outside of any event",
                    "reason": "a \"quoted\"\nline",
                }),
            ]
        );
        assert!(!lines[1].to_string().contains('\n'), "one line is one line");
    }

    #[test]
    fn the_environment_says_how_much_is_logged() {
        use tracing::Level;
        let cases = [
            (None, true, false),
            (Some("error"), false, false),
            (Some("debug"), true, true),
            (Some("nonsense=nonsense=1"), true, false),
            (Some("list=debug"), false, false),
        ];
        for (wanted, information, details) in cases {
            let filter = filter(wanted);
            assert_eq!(filter.would_enable("delete", &Level::INFO), information, "{wanted:?}");
            assert_eq!(filter.would_enable("delete", &Level::DEBUG), details, "{wanted:?}");
        }
    }
}
