//! etcd, kube-apiserver and kube-controller-manager: a Kubernetes without nodes, usable after about three seconds.
//!
//! Namespaces empty themselves, garbage is collected, RBAC is enforced and `ServiceAccounts` have tokens. Nothing runs Pods.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{Api, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::certificates::{self, Authority, Identity, write_private};
use crate::process::{Process, Watchdog};
use crate::run::{Run, free_port};
use crate::tools::Tools;
use crate::wait;

const CONTROLLERS: &str = "namespace-controller,garbage-collector-controller,serviceaccount-controller,\
    serviceaccount-token-controller,root-ca-certificate-publisher-controller,clusterrole-aggregation-controller,\
    deployment-controller,replicaset-controller";
/// A port may be taken between our look and its use.
const ATTEMPTS: usize = 3;

/// A running control plane. Stop it with [`ControlPlane::stop`]; dropping it kills it.
#[derive(Debug)]
pub struct ControlPlane {
    /// For an administrator.
    pub kubeconfig: PathBuf,
    url: String,
    authority: String,
    // Dropped in this order: an API server without its etcd hangs.
    controller_manager: Process,
    api_server: Mutex<Option<Arc<Process>>>,
    etcd: Process,
    again: ApiServer,
}

/// How the API server is started, and started again.
#[derive(Debug)]
struct ApiServer {
    program: PathBuf,
    folder: PathBuf,
    etcd_port: u16,
    port: u16,
    log: PathBuf,
    watchdog: Arc<Watchdog>,
}

impl ApiServer {
    fn start(&self) -> Result<Arc<Process>> {
        let process = Process::start("kube-apiserver", &mut self.command(), &self.log, &self.watchdog)?;
        Ok(Arc::new(process))
    }

    fn command(&self) -> Command {
        let file = |name: &str| self.folder.join(name).display().to_string();
        let mut command = Command::new(&self.program);
        command
            .arg(format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_port))
            .arg("--bind-address=127.0.0.1")
            .arg(format!("--secure-port={}", self.port))
            .arg(format!("--tls-cert-file={}", file("server.crt")))
            .arg(format!("--tls-private-key-file={}", file("server.key")))
            .arg(format!("--client-ca-file={}", file("ca.crt")))
            .arg("--service-account-issuer=https://kubernetes.default.svc")
            .arg(format!("--service-account-signing-key-file={}", file("service-accounts.key")))
            .arg(format!("--service-account-key-file={}", file("service-accounts.pub")))
            .arg("--authorization-mode=RBAC")
            .arg("--service-cluster-ip-range=10.0.0.0/24")
            .arg("--enable-priority-and-fairness=false");
        command
    }
}

impl ControlPlane {
    pub async fn start(run: &Run, tools: &Tools) -> Result<Self> {
        let mut attempt = 1;
        loop {
            match Self::start_once(run, tools).await {
                Err(error)
                    if attempt < ATTEMPTS && format!("{error:#}").contains("address already in use") =>
                {
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    async fn start_once(run: &Run, tools: &Tools) -> Result<Self> {
        let folder = run.data("control-plane")?;
        let authority = Authority::new()?;
        write_private(&folder.join("ca.crt"), &authority.certificate)?;
        authority.server()?.write(&folder, "server")?;
        certificates::write_signing_keys(&folder, "service-accounts")?;

        let (etcd_port, port) = (free_port()?, free_port()?);
        let url = format!("https://127.0.0.1:{port}");
        let admin = authority.client("admin", Some("system:masters"))?;
        let kubeconfig = run.folder.join("kubeconfig");
        write_private(&kubeconfig, &with_certificate(&url, &authority.certificate, &admin))?;
        let manager = authority.client("system:kube-controller-manager", None)?;
        let manager_config = folder.join("controller-manager.kubeconfig");
        write_private(&manager_config, &with_certificate(&url, &authority.certificate, &manager))?;

        // The API server waits for etcd, and the controller manager for the API server.
        let start = |name: &str, command: &mut Command| {
            Process::start(name, command, &run.log(&format!("{name}.log")), &run.watchdog)
        };
        let etcd = start("etcd", &mut etcd(tools, &folder, etcd_port, free_port()?))?;
        let again = ApiServer {
            program: tools.control_plane.join("kube-apiserver"),
            folder: folder.clone(),
            etcd_port,
            port,
            log: run.log("kube-apiserver.log"),
            watchdog: Arc::clone(&run.watchdog),
        };
        let api_server = Mutex::new(Some(again.start()?));
        let controller_manager =
            start("kube-controller-manager", &mut controller_manager(tools, &folder, &manager_config))?;

        let authority = authority.certificate;
        let plane = Self { kubeconfig, url, authority, controller_manager, api_server, etcd, again };
        plane.wait().await?;
        Ok(plane)
    }

    /// The API server ends, as for an upgrade. Nobody listens at its port until [`ControlPlane::start_api_server`].
    pub async fn stop_api_server(&self) -> Result<()> {
        let running = self.api_server().take();
        if let Some(running) = running {
            running.stop(Duration::from_secs(10)).await?;
        }
        Ok(())
    }

    /// The API server starts again, with the data that etcd has kept and an empty memory of what was watched.
    pub async fn start_api_server(&self) -> Result<()> {
        *self.api_server() = Some(self.again.start()?);
        self.wait().await
    }

    fn api_server(&self) -> MutexGuard<'_, Option<Arc<Process>>> {
        self.api_server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until requests are answered and Pods could be made.
    async fn wait(&self) -> Result<()> {
        let client = self.client().await?;
        wait::until("the API server's readiness", Duration::from_secs(60), async || {
            self.etcd.check()?;
            let api_server = self.api_server().clone();
            api_server.context("the API server does not run")?.check()?;
            let ready = client.request_text(http::Request::get("/readyz").body(Vec::new())?);
            // The client itself would go on trying for minutes.
            Ok(matches!(tokio::time::timeout(Duration::from_secs(1), ready).await, Ok(Ok(_))).then_some(()))
        })
        .await?;
        let accounts: Api<ServiceAccount> = Api::namespaced(client, "default");
        wait::until("the default ServiceAccount", Duration::from_secs(60), async || {
            self.controller_manager.check()?;
            Ok(accounts.get_opt("default").await?)
        })
        .await?;
        Ok(())
    }

    /// An administrator's client.
    pub async fn client(&self) -> Result<Client> {
        client(&std::fs::read_to_string(&self.kubeconfig)?).await
    }

    /// A kubeconfig for a bearer of this token.
    pub fn kubeconfig_with_token(&self, token: &str) -> String {
        kubeconfig(&self.url, &self.authority, &serde_json::json!({ "token": token }))
    }

    /// A token of a `ServiceAccount`, good for a week: longer than anyone leaves `make up` running.
    pub async fn token(&self, namespace: &str, account: &str) -> Result<String> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client().await?, namespace);
        let spec = TokenRequestSpec { expiration_seconds: Some(7 * 24 * 3600), ..Default::default() };
        let request = TokenRequest { spec: Some(spec), ..Default::default() };
        let answer: TokenRequest =
            accounts.create_subresource("token", account, &PostParams::default(), &request).await?;
        answer.status.and_then(|status| status.token).context("the API server gave no token")
    }

    /// In the order that lets each one finish.
    pub async fn stop(self) -> Result<()> {
        self.controller_manager.stop(Duration::from_secs(5)).await?;
        self.stop_api_server().await?;
        self.etcd.stop(Duration::from_secs(5)).await?;
        Ok(())
    }
}

/// A client of whoever the kubeconfig names.
pub async fn client(kubeconfig: &str) -> Result<Client> {
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(Kubeconfig::from_yaml(kubeconfig)?, &options).await?;
    Ok(Client::try_from(config)?)
}

fn etcd(tools: &Tools, folder: &Path, port: u16, peers: u16) -> Command {
    let (clients, peers) = (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{peers}"));
    let mut command = Command::new(tools.control_plane.join("etcd"));
    command
        .arg(format!("--data-dir={}", folder.join("etcd").display()))
        .arg(format!("--listen-client-urls={clients}"))
        .arg(format!("--advertise-client-urls={clients}"))
        .arg(format!("--listen-peer-urls={peers}"))
        .arg(format!("--initial-advertise-peer-urls={peers}"))
        .arg(format!("--initial-cluster=default={peers}"))
        // The data goes with the run: it need not survive the machine.
        .arg("--unsafe-no-fsync")
        .arg("--logger=zap");
    command
}

fn controller_manager(tools: &Tools, folder: &Path, kubeconfig: &Path) -> Command {
    let file = |name: &str| folder.join(name).display().to_string();
    let mut command = Command::new(tools.control_plane.join("kube-controller-manager"));
    command
        .arg(format!("--kubeconfig={}", kubeconfig.display()))
        .arg("--use-service-account-credentials")
        .arg(format!("--service-account-private-key-file={}", file("service-accounts.key")))
        .arg(format!("--root-ca-file={}", file("ca.crt")))
        .arg("--leader-elect=false")
        .arg("--secure-port=0")
        .arg(format!("--controllers={CONTROLLERS}"));
    command
}

fn with_certificate(url: &str, authority: &str, identity: &Identity) -> String {
    let user = serde_json::json!({
        "client-certificate-data": base64(&identity.certificate),
        "client-key-data": base64(&identity.key),
    });
    kubeconfig(url, authority, &user)
}

/// JSON, which every reader of YAML reads.
fn kubeconfig(url: &str, authority: &str, user: &serde_json::Value) -> String {
    let cluster = serde_json::json!({ "server": url, "certificate-authority-data": base64(authority) });
    serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "local", "cluster": cluster }],
        "users": [{ "name": "local", "user": user }],
        "contexts": [{ "name": "local", "context": { "cluster": "local", "user": "local" } }],
        "current-context": "local",
    })
    .to_string()
}

fn base64(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}
