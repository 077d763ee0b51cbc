//! Wiring: from flags to a running operator.

use std::hash::{BuildHasher, RandomState};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use backon::{ExponentialBuilder, Retryable};
use futures::future::Either;
use futures::{FutureExt, TryFutureExt};
use k8s_openapi::api::core::v1::Namespace;
use kube::runtime::events::{Recorder, Reporter};
use kube::{Api, Client, Config, ResourceExt};
use tokio::sync::Semaphore;

use crate::args::Options;
use crate::aws::{Aws, ClientPool, base_config};
use crate::controller::{self, Context, MANAGER, Memories, chain};
use crate::gallery::Installation;
use crate::leader::Timing;
use crate::leader::election::{Candidate, Election, Lost};
use crate::leader::guard::Guard;
use crate::metrics::{CallRecorder, Metrics};
use crate::preflight::simulation;
use crate::quota::Gate;
use crate::release::Release;
use crate::server::{self, Readiness};

/// What both the operator and the dry run need.
#[expect(missing_debug_implementations, reason = "kube's client has none")]
pub struct Parts {
    /// The way to Kubernetes.
    pub config: Config,
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
    /// Another operator may act now.
    #[error("failed to keep the lease: {0}; the next to hold it goes on")]
    Lease(Lost),
}

impl Parts {
    /// Connects to Kubernetes and AWS and reads the release. Whatever changes something there passes `guard`.
    pub async fn connect(options: &Options, guard: &Guard) -> Result<Self, StartError> {
        let release =
            Release::read(&options.functions_dir, &options.site_dir).map_err(StartError::Release)?;
        let config = Config::infer().await.map_err(|error| StartError::Kubernetes(error.into()))?;
        let client =
            guard.kubernetes(config.clone()).map_err(|error| StartError::Kubernetes(error.into()))?;
        let owner_id = match options.owner_id.as_deref().filter(|id| !id.is_empty()) {
            Some(id) => id.to_owned(),
            None => kube_system_uid(&client).await.map_err(StartError::OwnerId)?,
        };
        let aws = base_config().await;
        let sts = aws_sdk_sts::Client::new(&aws);
        let caller =
            sts.get_caller_identity().send().await.map_err(|error| StartError::Identity(error.into()))?;
        let account = caller.account().unwrap_or_default().to_owned();
        // Set by IRSA; a session's own ARN does not hold the role's path.
        let role = std::env::var("AWS_ROLE_ARN").ok();
        let principal = caller.arn().and_then(|arn| simulation::principal(arn, role.as_deref()));
        let metrics = Metrics::default();
        let installation = Installation {
            account,
            owner_id,
            prefix: options.name_prefix.clone(),
            permissions_boundary: options.permissions_boundary.clone().filter(|arn| !arn.is_empty()),
            viewer: options.viewer_url_template.clone(),
            endpoint: aws.endpoint_url().map(str::to_owned),
        };
        tracing::info!(account = installation.account, owner_id = installation.owner_id, "connected");
        let recorder = SharedInterceptor::new(CallRecorder(metrics.clone()));
        let clients = ClientPool::new(aws, vec![SharedInterceptor::new(guard.clone()), recorder]);
        let clients = clients.shared(Gate::new(options.call_rate_factor), list_age(options));
        let cloud = Aws::new(clients).acting_as(principal);
        let (installation, release) = (Arc::new(installation), Arc::new(release));
        Ok(Self { config, client, cloud, installation, release, metrics })
    }
}

/// How old a list may be that serves several galleries: never so old that a look finds what the one before has found.
fn list_age(options: &Options) -> Duration {
    options.resync_interval.div_f64(2.0).min(Duration::from_secs(600))
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
    let guard = Guard::shut();
    let connect = || Parts::connect(&options, &guard);
    let patience = ExponentialBuilder::default().with_min_delay(Duration::from_secs(1)).with_max_times(5);
    let warn = |error: &StartError, after: Duration| {
        tracing::warn!(error = chain(error), retry_seconds = after.as_secs(), "cannot start yet");
    };
    let worth_it = |error: &StartError| !matches!(error, StartError::Release(_));
    let parts = connect.retry(patience).when(worth_it).notify(warn).await?;
    let ready = Readiness::default();
    let server = server::serve(options.metrics_address, parts.metrics.clone(), ready.clone(), stop.clone());
    let candidate = candidate(&options, &parts.config);
    let election = Election::new(parts.config.clone(), candidate, guard.clone())
        .map_err(|error| StartError::Kubernetes(error.into()))?;
    let work = lead(options, parts, election, ready, stop);
    futures::try_join!(work, server.map_err(StartError::Server))?;
    tracing::info!("stopped");
    Ok(())
}

/// Waits for the lease, works while it is ours, and gives it up at the end.
async fn lead(
    options: Options,
    parts: Parts,
    election: Election,
    ready: Readiness,
    stop: impl Future<Output = ()> + Send + Sync + Unpin + Clone + 'static,
) -> Result<(), StartError> {
    let standing_by = ready.clone();
    let won = std::pin::pin!(election.win(move || standing_by.set()));
    let lease = match futures::future::select(stop.clone(), won).await {
        Either::Left(((), _)) => return Ok(()),
        Either::Right((lease, _)) => lease,
    };
    parts.metrics.leads();
    // A task of its own, so that no work can be in the way of a renewal.
    let kept = tokio::spawn(election.clone().keep(lease));
    let work = std::pin::pin!(work(&options, parts, ready, stop));
    match futures::future::select(work, kept).await {
        Either::Left(((), kept)) => {
            kept.abort();
            election.release().await;
            Ok(())
        }
        // What is under way ends here, in the middle: the next operator finds out what is there.
        Either::Right((lost, _)) => {
            Err(StartError::Lease(lost.unwrap_or_else(|error| Lost::Expired(error.to_string()))))
        }
    }
}

/// Does what an operator is for, until `stop`.
async fn work(
    options: &Options,
    parts: Parts,
    ready: Readiness,
    stop: impl Future<Output = ()> + Send + Sync + Clone + 'static,
) {
    let Parts { config: _, client, cloud, installation, release, metrics } = parts;
    let reporter = Reporter { controller: MANAGER.into(), instance: std::env::var("POD_NAME").ok() };
    let context = Context {
        events: Recorder::new(client.clone(), reporter),
        client,
        cloud,
        installation,
        release,
        memories: Memories::new(options.light_resync_interval, options.resync_interval),
        metrics,
        outages: std::sync::Mutex::default(),
        rests: controller::Rests::default(),
        permits: Semaphore::new(options.max_concurrent_galleries.into()),
    };
    let namespaces: Vec<_> =
        options.watch_namespaces.iter().filter(|name| !name.is_empty()).cloned().collect();
    let set_ready = move || ready.set();
    let concurrency = options.max_concurrent_galleries;
    controller::run(Arc::new(context), &namespaces, concurrency, set_ready, stop).await;
}

/// Who we are in the election. A container that died in our Pod had our name; a process without a Pod has one of its own.
fn candidate(options: &Options, config: &Config) -> Candidate {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let given = options.leader_election_namespace.clone().filter(|namespace| !namespace.is_empty());
    let namespace = given.or_else(|| variable("POD_NAMESPACE"));
    let random = || format!("{MANAGER}-{:016x}", RandomState::new().hash_one(std::process::id()));
    Candidate {
        // Within a cluster, the configuration names the Pod's.
        namespace: namespace.unwrap_or_else(|| config.default_namespace.clone()),
        lease: options.leader_election_lease.clone(),
        me: variable("POD_NAME").unwrap_or_else(random),
        timing: Timing { lease: options.lease_duration },
    }
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
