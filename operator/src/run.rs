//! Wiring: from flags to a running operator.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use backon::{ExponentialBuilder, Retryable};
use futures::FutureExt;
use k8s_openapi::api::core::v1::Namespace;
use kube::runtime::events::{Recorder, Reporter};
use kube::{Api, Client, ResourceExt};
use tokio::sync::Semaphore;

use crate::args::Options;
use crate::aws::{Aws, ClientPool, base_config};
use crate::controller::{self, Context, MANAGER, chain};
use crate::gallery::Installation;
use crate::metrics::{CallRecorder, Metrics};
use crate::release::Release;
use crate::server::{self, Readiness};

/// What both the operator and the dry run need.
#[expect(missing_debug_implementations, reason = "kube's client has none")]
pub struct Parts {
    /// Kubernetes.
    pub client: Client,
    /// AWS.
    pub cloud: Aws,
    /// What all galleries have in common.
    pub installation: Arc<Installation>,
    /// What is deployed.
    pub release: Arc<Release>,
    /// Metrics.
    pub metrics: Metrics,
}

/// Something without which the operator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No way to Kubernetes.
    #[error("failed to reach Kubernetes; set KUBECONFIG or run in a cluster")]
    Kubernetes(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The owner id could not be read.
    #[error(
        "failed to read the namespace kube-system, whose uid is the owner id; allow it, or set --owner-id"
    )]
    OwnerId(#[source] kube::Error),
    /// The AWS account could not be learnt.
    #[error("failed to ask AWS who we are (sts:GetCallerIdentity); check the credentials")]
    Identity(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The functions or the site could not be read.
    #[error("failed to read what to deploy; check --functions-dir and --site-dir")]
    Release(#[source] crate::release::ReleaseError),
    /// The address is taken.
    #[error("failed to serve metrics and health; check --metrics-address")]
    Server(#[source] std::io::Error),
}

impl Parts {
    /// Connects to Kubernetes and AWS and reads the release.
    pub async fn connect(options: &Options) -> Result<Self, StartError> {
        let release =
            Release::read(&options.functions_dir, &options.site_dir).map_err(StartError::Release)?;
        let client = Client::try_default().await.map_err(|error| StartError::Kubernetes(error.into()))?;
        let owner_id = match options.owner_id.as_deref().filter(|id| !id.is_empty()) {
            Some(id) => id.to_owned(),
            None => kube_system_uid(&client).await.map_err(StartError::OwnerId)?,
        };
        let config = base_config().await;
        let sts = aws_sdk_sts::Client::new(&config);
        let caller =
            sts.get_caller_identity().send().await.map_err(|error| StartError::Identity(error.into()))?;
        let account = caller.account().unwrap_or_default().to_owned();
        let metrics = Metrics::default();
        let installation = Installation {
            account,
            owner_id,
            prefix: options.name_prefix.clone(),
            viewer: options.viewer_url_template.clone(),
            endpoint: config.endpoint_url().map(str::to_owned),
        };
        tracing::info!(account = installation.account, owner_id = installation.owner_id, "connected");
        let recorder = SharedInterceptor::new(CallRecorder(metrics.clone()));
        let cloud = Aws::new(ClientPool::new(config, recorder));
        Ok(Self { client, cloud, installation: Arc::new(installation), release: Arc::new(release), metrics })
    }
}

async fn kube_system_uid(client: &Client) -> Result<String, kube::Error> {
    let namespace = Api::<Namespace>::all(client.clone()).get("kube-system").await?;
    Ok(namespace.uid().unwrap_or_default())
}

/// Runs until SIGTERM or Ctrl-C; reconciles under way are finished first.
pub async fn operator(options: Options) -> ExitCode {
    match start(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = chain(&error), "the operator cannot go on");
            ExitCode::FAILURE
        }
    }
}

async fn start(options: Options) -> Result<(), StartError> {
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "starting");
    let stop = stop_signal().boxed().shared();
    let connect = || Parts::connect(&options);
    let patience = ExponentialBuilder::default().with_min_delay(Duration::from_secs(1)).with_max_times(5);
    let warn = |error: &StartError, after: Duration| {
        tracing::warn!(error = chain(error), retry_seconds = after.as_secs(), "cannot start yet");
    };
    let worth_it = |error: &StartError| !matches!(error, StartError::Release(_));
    let Parts { client, cloud, installation, release, metrics } =
        connect.retry(patience).when(worth_it).notify(warn).await?;
    let ready = Readiness::default();
    let server = server::serve(options.metrics_address, metrics.clone(), ready.clone(), stop.clone());
    let reporter = Reporter { controller: MANAGER.into(), instance: std::env::var("POD_NAME").ok() };
    let context = Context {
        events: Recorder::new(client.clone(), reporter),
        client,
        cloud,
        installation,
        release,
        resync: options.resync_interval,
        metrics,
        outages: std::sync::Mutex::default(),
        rests: controller::Rests::default(),
        permits: Semaphore::new(options.max_concurrent_galleries.into()),
    };
    let namespaces: Vec<_> =
        options.watch_namespaces.iter().filter(|name| !name.is_empty()).cloned().collect();
    let set_ready = move || ready.set();
    let concurrency = options.max_concurrent_galleries;
    let controller = controller::run(Arc::new(context), &namespaces, concurrency, set_ready, stop);
    let ((), served) = futures::join!(controller, server);
    tracing::info!("stopped");
    served.map_err(StartError::Server)
}

async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            let interrupt = std::pin::pin!(tokio::signal::ctrl_c());
            let terminate = std::pin::pin!(terminate.recv());
            futures::future::select(interrupt, terminate).await;
        }
        Err(error) => {
            tracing::warn!(%error, "SIGTERM cannot be heard; Ctrl-C still works");
            let _heard = tokio::signal::ctrl_c().await;
        }
    }
    tracing::info!("stopping; reconciles under way are finished");
}
