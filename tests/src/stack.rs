//! The whole: control plane, local AWS, the chart installed with helm, the operator. About five seconds to start.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use aws_credential_types::Credentials;
use bytes::Bytes;
use http::{Request, Response};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Client;
use kube::api::{Api, ListParams};
use tokio::process::Command;

use crate::aws_calls::AwsCall;
use crate::aws_models::Report;
use crate::certificates::write_private;
use crate::control_plane::ControlPlane;
use crate::local_aws::{Clients, LocalAws, REGION, Wishes};
use crate::operator::{Operator, Settings};
use crate::permissions::{self, Roles};
use crate::progress::Progress;
use crate::proxy::{Interposer, Proxy};
use crate::run::{Run, free_port};
use crate::tools::{self, Tools};
use crate::{artifacts, visitor};

/// Where the operator is installed, and the name of the release.
pub const NAMESPACE: &str = "photogallery-system";
pub const RELEASE: &str = "photogallery";
/// The operator's IAM user.
pub const OPERATOR_USER: &str = "photogallery-operator";
const DEVELOPER: &str = "developer";
/// What the chart names its lease.
pub const LEASE: &str = "photogallery-photogallery-operator";

#[expect(missing_debug_implementations, reason = "an interposer need have none")]
pub struct Options {
    /// The run's folder, for data, logs and the kubeconfig.
    pub folder: PathBuf,
    /// The folder goes when we do, even when we are killed.
    pub temporary: bool,
    /// More environment for the operator, for example `RESYNC_INTERVAL`.
    pub operator: BTreeMap<String, String>,
    /// `false`: everything is made ready for the operator, and a test starts it.
    pub start_operator: bool,
    /// What stands between operator and functions on the one side and the local AWS on the other; `None`: nothing.
    pub interposer: Option<Arc<dyn Interposer>>,
    /// The functions' roles.
    pub roles: Roles,
    /// Each request that reaches the local AWS is written down whole, for [`Stack::check_requests`].
    pub recorded: bool,
    pub progress: Progress,
}

impl Options {
    /// For a test: a folder of its own under `target/`.
    pub fn test(name: &str) -> Self {
        let folder = artifacts::root().join(format!("target/stacks/{name}-{}", std::process::id()));
        Self {
            folder,
            temporary: true,
            // The local AWS has no limits on calls, and tests no minutes to wait; those that are about limits set another.
            operator: BTreeMap::from([("CALL_RATE_FACTOR".into(), "0".into())]),
            start_operator: true,
            interposer: None,
            roles: Roles::Bounded,
            recorded: true,
            progress: Progress::silent(),
        }
    }

    /// Sets a variable of the operator's environment.
    #[must_use]
    pub fn operator(mut self, name: &str, value: &str) -> Self {
        self.operator.insert(name.into(), value.into());
        self
    }
}

/// Everything that runs. Stop it with [`Stack::stop`]; dropping it kills it.
#[expect(missing_debug_implementations, reason = "kube's client has none")]
pub struct Stack {
    // Dropped in this order.
    pub operator: Operator,
    /// Where there is an interposer.
    pub proxy: Option<Proxy>,
    pub aws: LocalAws,
    pub control_plane: ControlPlane,
    pub tools: Tools,
    /// The access key of the operator's IAM user, by which [`AwsCall::caller`] names it.
    pub operator_key: String,
    /// Of an IAM user who may read everything, for looking around.
    pub developer: Credentials,
    kube: Client,
    clients: Clients,
    run: Run,
}

/// The local AWS, with those who call it.
struct Account {
    aws: LocalAws,
    proxy: Option<Proxy>,
    operator: Credentials,
    developer: Credentials,
}

impl Stack {
    pub async fn start(options: Options) -> Result<Self> {
        artifacts::check()?;
        let tools = Tools::find().await?;
        let run = Run::claim(&options.folder, options.temporary, options.progress.clone())?;
        let front =
            options.interposer.clone().map(|interposer| Ok::<_, anyhow::Error>((free_port()?, interposer)));
        let front = front.transpose()?;
        let functions_port = front.as_ref().map(|(port, _)| *port);
        let wishes = Wishes { functions_port, recorded: options.recorded };
        let (control_plane, aws) = tokio::try_join!(
            async { ControlPlane::start(&run, &tools).await.context("failed to start the control plane") },
            async { LocalAws::start(&run, &tools, wishes).await.context("failed to start the local AWS") }
        )?;
        let proxy = match front {
            Some((port, interposer)) => {
                Some(Proxy::start(port, aws.port, interposer, &run.log("proxy.jsonl")).await?)
            }
            None => None,
        };
        run.progress.step(format!("Kubernetes and AWS run (AWS at {})", aws.endpoint()));
        permissions::make_boundary(&aws).await?;
        let policy = permissions::of_operator(options.roles).await?;
        let operator = aws.create_user(OPERATOR_USER, &policy).await?;
        aws.is_operator(&operator);
        let developer = aws.create_user(DEVELOPER, "arn:aws:iam::aws:policy/ReadOnlyAccess").await?;
        Self::assemble((run, tools), control_plane, Account { aws, proxy, operator, developer }, options)
            .await
    }

    /// Another cluster with an operator of its own, on the AWS of this stack, which must outlive it.
    pub async fn beside(&self, options: Options) -> Result<Self> {
        let run = Run::claim(&options.folder, options.temporary, options.progress.clone())?;
        let tools = Tools::find().await?;
        let control_plane = ControlPlane::start(&run, &tools).await?;
        let policy = permissions::of_operator(options.roles).await?;
        let operator = self.aws.create_user("operator-of-another-cluster", &policy).await?;
        self.aws.is_operator(&operator);
        let account =
            Account { aws: self.aws.shared(), proxy: None, operator, developer: self.developer.clone() };
        Self::assemble((run, tools), control_plane, account, options).await
    }

    /// Installs the chart, and starts the operator if it is to be started.
    async fn assemble(
        (run, tools): (Run, Tools),
        control_plane: ControlPlane,
        account: Account,
        options: Options,
    ) -> Result<Self> {
        let Account { aws, proxy, operator: credentials, developer } = account;
        let kube = control_plane.client().await?;
        let clients = Clients::new(&aws.config(LocalAws::root(), REGION));

        helm_install(&tools, &control_plane.kubeconfig).await?;
        let account = service_account(&kube).await?;
        let kubeconfig = run.folder.join("operator.kubeconfig");
        let token = control_plane.token(NAMESPACE, &account).await?;
        write_private(&kubeconfig, &control_plane.kubeconfig_with_token(&token))?;
        run.progress.step(format!("chart installed in namespace {NAMESPACE} (ServiceAccount {account})"));

        let endpoint = proxy.as_ref().map_or_else(|| aws.endpoint(), Proxy::endpoint);
        let mut settings = settings(&run, &credentials, kubeconfig);
        settings.set("AWS_ENDPOINT_URL", endpoint);
        // Visitors come the same way.
        let port = proxy.as_ref().map_or(aws.port, |proxy| proxy.port);
        settings.set("VIEWER_URL_TEMPLATE", format!("http://{{label}}.cloudfront.localhost:{port}"));
        if options.roles == Roles::Bounded {
            settings.set("PERMISSIONS_BOUNDARY", permissions::BOUNDARY);
        }
        settings.environment.extend(options.operator);
        let operator = Operator::new(settings, Arc::clone(&run.watchdog));
        let operator_key = credentials.access_key_id().to_owned();
        let stack =
            Self { operator, proxy, aws, control_plane, tools, operator_key, developer, kube, clients, run };
        if options.start_operator {
            stack.operator.start().await.context("failed to start the operator")?;
            stack.progress().step(format!("operator runs (process {})", stack.operator.id()?));
        }
        Ok(stack)
    }

    /// Another operator for the same galleries, not yet started: its Pod and its IAM user have this name, by whose access key
    /// (the second value) its calls can be told from the first's.
    pub async fn another_operator(&self, name: &str) -> Result<(Operator, String)> {
        let mut settings = self.operator.settings();
        let is_bounded = settings.environment.contains_key("PERMISSIONS_BOUNDARY");
        let roles = if is_bounded { Roles::Bounded } else { Roles::Unbounded };
        let policy = permissions::of_operator(roles).await?;
        let credentials = self.aws.create_user(name, &policy).await?;
        self.aws.is_operator(&credentials);
        settings.log = self.run.log(&format!("{name}.log"));
        settings
            .set("POD_NAME", name)
            .set("AWS_ACCESS_KEY_ID", credentials.access_key_id())
            .set("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key());
        let operator = Operator::new(settings, Arc::clone(&self.run.watchdog));
        Ok((operator, credentials.access_key_id().to_owned()))
    }

    /// Takes over what has been built since: chart, permissions, operator. Data stays.
    pub async fn update(&self) -> Result<()> {
        artifacts::check()?;
        self.operator.stop().await?;
        helm_install(&self.tools, &self.control_plane.kubeconfig).await?;
        permissions::make_boundary(&self.aws).await?;
        self.aws.set_user_policy(OPERATOR_USER, &permissions::of_operator(Roles::Bounded).await?).await?;
        self.operator.start().await.context("failed to start the operator")?;
        self.progress().step(format!(
            "operator restarted (process {}), chart and permissions as built",
            self.operator.id()?
        ));
        Ok(())
    }

    /// An administrator of the cluster.
    pub fn kube(&self) -> Client {
        self.kube.clone()
    }

    /// The root of the account, whom no policy binds: for checking.
    pub fn aws(&self) -> &Clients {
        &self.clients
    }

    /// Anyone else.
    pub fn aws_as(&self, credentials: Credentials) -> Clients {
        Clients::new(&self.aws.config(credentials, REGION))
    }

    /// Every request that reached AWS so far.
    pub fn aws_calls(&self) -> Result<Vec<AwsCall>> {
        self.aws.calls()
    }

    /// What the operator alone has asked of AWS so far.
    pub fn operator_calls(&self) -> Result<Vec<AwsCall>> {
        let mut calls = self.aws_calls()?;
        calls.retain(|call| call.caller == self.operator_key);
        Ok(calls)
    }

    /// Holds what AWS has been asked since the last check against AWS's own models. An error says each violation.
    pub async fn check_requests(&self) -> Result<Report> {
        match &self.aws.requests {
            Some(record) => record.check(&self.tools).await,
            None => Ok(Report::default()),
        }
    }

    /// A request of the local AWS's data plane under any host name, unsigned: `label.cloudfront.localhost`, or the loopback
    /// address for S3.
    pub async fn request(&self, host: &str, request: Request<Bytes>) -> Result<Response<Bytes>> {
        visitor::send(self.aws.port, host, request).await
    }

    pub async fn kubectl(&self, arguments: &[&str], input: Option<&str>) -> Result<String> {
        let mut command = Command::new(self.tools.kubectl());
        command
            .args(arguments)
            .env("KUBECONFIG", &self.control_plane.kubeconfig)
            .env("HOME", &self.run.folder);
        tools::output(&mut command, input).await
    }

    pub fn progress(&self) -> &Progress {
        &self.run.progress
    }

    /// The run's folder.
    pub fn folder(&self) -> &Path {
        &self.run.folder
    }

    /// What a person needs to understand a failure: all logs, every request to AWS, events and galleries.
    pub async fn diagnose(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)?;
        for entry in std::fs::read_dir(self.run.folder.join("log"))? {
            let entry = entry?;
            std::fs::copy(entry.path(), folder.join(entry.file_name()))?;
        }
        let events = ["get", "events", "--all-namespaces", "--sort-by=.metadata.creationTimestamp"];
        for (file, arguments) in [
            ("events.txt", &events[..]),
            ("galleries.yaml", &["get", "pgal", "--all-namespaces", "--output=yaml"]),
        ] {
            let text = self.kubectl(arguments, None).await.unwrap_or_else(|error| format!("{error:#}"));
            std::fs::write(folder.join(file), text)?;
        }
        Ok(())
    }

    /// In the order that lets each one finish. The folder stays, unless it is temporary.
    pub async fn stop(self) -> Result<()> {
        let Self { operator, proxy, aws, control_plane, run, .. } = self;
        operator.stop().await?;
        tokio::try_join!(aws.stop(), control_plane.stop())?;
        drop((operator, proxy, run));
        Ok(())
    }
}

/// CRD, RBAC and the rest from the chart, without Pods: nothing here could run them.
async fn helm_install(tools: &Tools, kubeconfig: &Path) -> Result<()> {
    let home = kubeconfig.with_file_name("helm");
    let mut command = Command::new(tools.helm());
    command
        .args(["upgrade", "--install", RELEASE])
        .arg(artifacts::chart())
        .args(["--namespace", NAMESPACE, "--create-namespace", "--set", "replicas=0"])
        .env("KUBECONFIG", kubeconfig)
        // Not the person's own repositories and plugins.
        .env("HELM_CONFIG_HOME", home.join("config"))
        .env("HELM_CACHE_HOME", home.join("cache"))
        .env("HELM_DATA_HOME", home.join("data"));
    tools::output(&mut command, None).await.context("failed to install the chart")?;
    // Until then the API server knows the names but not the kind.
    let mut command = Command::new(tools.kubectl());
    command
        .args(["wait", "--for=condition=Established", "crd/photogalleries.photogallery.dev", "--timeout=30s"])
        .env("KUBECONFIG", kubeconfig)
        .env("HOME", &home);
    tools::output(&mut command, None).await.context("failed to see the CRD established")?;
    Ok(())
}

/// The chart's own, found by the label that every chart sets.
async fn service_account(kube: &Client) -> Result<String> {
    let accounts: Api<ServiceAccount> = Api::namespaced(kube.clone(), NAMESPACE);
    let found = accounts
        .list(&ListParams::default().labels(&format!("app.kubernetes.io/instance={RELEASE}")))
        .await?;
    found
        .items
        .into_iter()
        .next()
        .and_then(|account| account.metadata.name)
        .context("the chart made no ServiceAccount")
}

fn settings(run: &Run, credentials: &Credentials, kubeconfig: PathBuf) -> Settings {
    let mut settings = Settings::new(kubeconfig, run.log("operator.log"));
    settings
        .set("AWS_REGION", REGION)
        .set("AWS_ACCESS_KEY_ID", credentials.access_key_id())
        .set("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key())
        .set("AWS_EC2_METADATA_DISABLED", "true")
        // As the chart sets them.
        .set("POD_NAMESPACE", NAMESPACE)
        .set("POD_NAME", "operator")
        .set("LEADER_ELECTION_LEASE", LEASE);
    settings
}
