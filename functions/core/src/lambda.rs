//! The Lambda loop and its logs, the same for every function.

use std::fmt::Debug;

use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::contract::env;
use crate::settings::Settings;

/// Any error: Lambda reports its text.
pub type Error = lambda_runtime::Error;

/// Starts a function: sets up logs, makes its state from the environment, then answers events one at a time.
///
/// One thread is enough, as Lambda sends a process one event at a time, and it starts faster than several.
pub fn run<State, Event, Answer, Failure>(
    start: impl FnOnce(&Settings<'_>) -> Result<State, Error>,
    handle: &impl AsyncFn(&State, Event) -> Result<Answer, Failure>,
) -> Result<(), Error>
where
    Event: DeserializeOwned,
    Answer: Serialize,
    Failure: Into<Error> + Debug,
{
    let settings = Settings::from_environment();
    log(&settings);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let state = start(&settings)
            .inspect_err(|error| tracing::error!(error = chain(error.as_ref()), "failed to start"))?;
        let state = &state;
        lambda_runtime::run(service_fn(|event: LambdaEvent<Event>| async move {
            handle(state, event.payload).await.map_err(Into::<Error>::into)
        }))
        .await
    })
}

/// JSON lines on standard output, which Lambda collects. Nothing here logs URLs, form fields or signatures: they are
/// keys to photos for as long as they last.
fn log(settings: &Settings<'_>) {
    let wanted = settings.optional(env::LOG).unwrap_or_default();
    let filter = match wanted.parse::<LevelFilter>() {
        Ok(level) => ours(level),
        Err(_) => wanted.parse().unwrap_or_else(|_| ours(LevelFilter::INFO)),
    };
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false);
    // Fails only when a subscriber is set already, which then logs instead.
    let _already_set = tracing_subscriber::registry().with(lines).with(filter).try_init();
}

/// The binaries and this library at a level. The SDK's own spans are noise below a warning; the runtime's span holds the
/// request id, but its lines below INFO hold whole events.
fn ours(level: LevelFilter) -> Targets {
    Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("lambda_runtime", LevelFilter::INFO)
        .with_targets(["upload", "list", "delete", "thumbnail", "functions_core"].map(|name| (name, level)))
}

/// An error with its causes, for the log.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
