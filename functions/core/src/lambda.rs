//! The Lambda loop, the same for every function. Without Lambda, one event from standard input instead.

use std::fmt::Debug;
use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::contract::{FunctionName, env};
use crate::invocation::{self, Ids};
use crate::logs::{self, Output};
use crate::metrics::Source;
use crate::settings::Settings;

/// Any error: Lambda reports its text.
pub type Error = lambda_runtime::Error;

/// Where Lambda says that its events are to be had.
const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// Starts a function: sets up logs, makes its state from the environment, then answers events one at a time.
///
/// One thread is enough, as Lambda sends a process one event at a time, and it starts faster than several.
pub fn run<State, Event, Answer, Failure>(
    function: FunctionName,
    start: impl FnOnce(&Settings<'_>) -> Result<State, Error>,
    handle: &impl AsyncFn(&State, Event) -> Result<Answer, Failure>,
) -> ExitCode
where
    Event: DeserializeOwned,
    Answer: Serialize,
    Failure: Into<Error> + Debug,
{
    let settings = Settings::from_environment();
    let is_lambda = settings.optional(RUNTIME_API).is_some();
    let output = if is_lambda { Output::Standard } else { Output::Error };
    logs::start(&settings, output);
    let gallery = settings.optional(env::GALLERY).unwrap_or_else(|| "unknown".into());
    let source = Source { gallery, function: function.as_str() };
    let result = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::from);
    let result = result.and_then(|runtime| {
        runtime.block_on(async {
            let state = start(&settings)?;
            let handle = async |event, ids| {
                invocation::begin(ids);
                let answer = handle(&state, event).await.map_err(Into::<Error>::into);
                let (ids, measures) = invocation::end();
                for line in measures.lines(&source, &ids, Timestamp::now()) {
                    logs::write(output, &line);
                }
                answer
            };
            if is_lambda { serve(&handle).await } else { answer_one(&handle).await }
        })
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = chain(error.as_ref()), "failed");
            ExitCode::FAILURE
        }
    }
}

async fn serve<Event, Answer>(handle: &impl AsyncFn(Event, Ids) -> Result<Answer, Error>) -> Result<(), Error>
where
    Event: DeserializeOwned,
    Answer: Serialize,
{
    let service = service_fn(|event: LambdaEvent<Event>| async move {
        let LambdaEvent { payload, context } = event;
        handle(payload, Ids { request: Some(context.request_id), trace: context.xray_trace_id }).await
    });
    // Without the runtime's own spans: the ids are in our lines.
    Runtime::new(service).run().await
}

/// For people who look into one function: an event as JSON on standard input, the answer on standard output, logs and metrics on
/// standard error.
async fn answer_one<Event, Answer>(
    handle: &impl AsyncFn(Event, Ids) -> Result<Answer, Error>,
) -> Result<(), Error>
where
    Event: DeserializeOwned,
    Answer: Serialize,
{
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text)?;
    let event = serde_json::from_str(&text)
        .map_err(|error| format!("the event on standard input cannot be read: {error}"))?;
    let answer = handle(event, Ids { request: Some("local".into()), trace: None }).await?;
    writeln!(io::stdout().lock(), "{}", serde_json::to_string_pretty(&answer)?)?;
    Ok(())
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
