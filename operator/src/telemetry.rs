//! Logs: JSON lines on standard error, one span per reconcile.

use tracing_subscriber::EnvFilter;

use crate::args::LogFormat;

/// Starts logging. A second call does nothing.
pub fn start(level: &str, format: LogFormat) {
    // The SDKs and kube are chatty at debug and tell nothing that the operator does not, and the SDKs' spans would hide ours.
    let filter = EnvFilter::try_new(format!(
        "{level},hyper=warn,hyper_util=warn,rustls=warn,h2=warn,tower=warn,aws_config=warn,aws_smithy_runtime=warn,\
         aws_smithy_runtime_api=warn,aws_sdk=warn,kube_client=info,kube_runtime=info"
    ))
    .unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _already_started = match format {
        LogFormat::Json => {
            builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
        }
        LogFormat::Text => builder.try_init(),
    };
}
