//! The local AWS: MiniStack with IAM enforced, through our launcher (`tests/local-aws/launch.py`), in a clean environment, on
//! loopback only.
//!
//! Its root key is `test`, whose signature it does not check, so that is for setting up and for checking only. The operator and
//! the person looking around are IAM users with real keys, and each function runs under its own role.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

use crate::artifacts;
use crate::aws_calls::{self, AwsCall};
use crate::aws_models::Record;
use crate::process::Process;
use crate::run::{Run, free_port};
use crate::tools::Tools;
use crate::{visitor, wait};

/// The account that the root key and everything else here belongs to.
pub const ACCOUNT: &str = "000000000000";
pub const REGION: &str = "eu-west-1";

/// A running local AWS. Stop it with [`LocalAws::stop`]; dropping it kills it.
#[derive(Debug)]
pub struct LocalAws {
    pub port: u16,
    /// Every request whole, where that is wanted and nobody else's.
    pub requests: Option<Record>,
    calls: PathBuf,
    /// `None`: another stack's.
    process: Option<Process>,
}

/// How it is to be.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes {
    /// Where the functions are told to find AWS; its own port when there is no proxy in front of it.
    pub functions_port: Option<u16>,
    /// Whether each request is written down whole.
    pub recorded: bool,
}

impl LocalAws {
    pub async fn start(run: &Run, tools: &Tools, wishes: Wishes) -> Result<Self> {
        let mut attempt = 1;
        loop {
            match Self::start_once(run, tools, wishes).await {
                // Said by MiniStack itself, or by the system when both ask at the same moment.
                Err(error) if attempt < 3 && format!("{error:#}").contains("already in use") => {
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    async fn start_once(run: &Run, tools: &Tools, wishes: Wishes) -> Result<Self> {
        let folder = run.data("aws")?;
        let port = free_port()?;
        let calls = run.log("aws-calls.jsonl");
        std::fs::write(&calls, "")?;
        let requests = wishes.recorded.then(|| Record::new(run.log("aws-requests.jsonl")));
        let mut command = Command::new(tools.python.join("python3"));
        command
            .arg(artifacts::root().join("tests/local-aws/launch.py"))
            // The functions inherit what it is given: a clean environment, as in AWS.
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", &folder)
            .env("TMPDIR", &folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONUNBUFFERED", "1")
            .env("GATEWAY_PORT", port.to_string())
            .env("BIND_HOST", "127.0.0.1")
            .env("MINISTACK_HOST", "localhost")
            .env("MINISTACK_ACCOUNT_ID", ACCOUNT)
            // Where the functions find AWS.
            .env("AWS_ENDPOINT_URL", endpoint(wishes.functions_port.unwrap_or(port)))
            .env("AUTH", "true")
            // Two listeners that a gallery has no use for.
            .env("SFTP_ENABLED", "0")
            .env("IOT_MTLS_ENABLED", "0")
            .env("STATE_DIR", folder.join("state"))
            .env("S3_DATA_DIR", folder.join("s3"))
            .env("CALL_LOG", &calls)
            .current_dir(&folder);
        if let Some(record) = &requests {
            std::fs::write(record.path(), "")?;
            command.env("REQUEST_LOG", record.path());
        }
        let process = Process::start("local AWS", &mut command, &run.log("aws.log"), &run.watchdog)?;
        wait::until("the local AWS's start", Duration::from_secs(60), async || {
            process.check()?;
            let health = visitor::get(port, &format!("127.0.0.1:{port}"), "/_ministack/health").await;
            Ok(health.ok().filter(|answer| answer.status().is_success()).map(|_| ()))
        })
        .await?;
        Ok(Self { port, requests, calls, process: Some(process) })
    }

    /// The same AWS, for another stack. It ends with the first.
    #[must_use]
    pub fn shared(&self) -> Self {
        Self { port: self.port, requests: None, calls: self.calls.clone(), process: None }
    }

    /// What `AWS_ENDPOINT_URL` must say.
    pub fn endpoint(&self) -> String {
        endpoint(self.port)
    }

    /// The root of the account: it may everything, and no bucket policy binds it. For setting up and checking only.
    pub fn root() -> Credentials {
        Credentials::new("test", "test", None, None, "local AWS root")
    }

    /// What every SDK client is made from.
    pub fn config(&self, credentials: Credentials, region: &'static str) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(region))
            .endpoint_url(self.endpoint())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::standard())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }

    /// Every request so far, oldest first.
    pub fn calls(&self) -> Result<Vec<AwsCall>> {
        aws_calls::read(&self.calls)
    }

    /// Its process; `None`: another stack's.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    pub fn call_log(&self) -> &std::path::Path {
        &self.calls
    }

    /// These are an operator's, so that what is asked with them is checked.
    pub fn is_operator(&self, credentials: &Credentials) {
        if let Some(record) = &self.requests {
            record.of_operator(credentials.access_key_id());
        }
    }

    /// An IAM user with real keys. `policy` is a policy document, or the ARN of a managed policy.
    pub async fn create_user(&self, name: &str, policy: &str) -> Result<Credentials> {
        let iam = aws_sdk_iam::Client::new(&self.config(Self::root(), REGION));
        iam.create_user().user_name(name).send().await.context("failed to create the IAM user")?;
        if policy.starts_with("arn:") {
            iam.attach_user_policy().user_name(name).policy_arn(policy).send().await?;
        } else {
            self.set_user_policy(name, policy).await?;
        }
        let key =
            iam.create_access_key().user_name(name).send().await?.access_key.context("no access key")?;
        Ok(Credentials::new(key.access_key_id, key.secret_access_key, None, None, "local AWS"))
    }

    /// Gives an IAM user this policy document, in place of the one it had.
    pub async fn set_user_policy(&self, name: &str, policy: &str) -> Result<()> {
        let iam = aws_sdk_iam::Client::new(&self.config(Self::root(), REGION));
        let put = iam.put_user_policy().user_name(name).policy_name("permissions").policy_document(policy);
        put.send().await.context("failed to set the IAM user's policy")?;
        Ok(())
    }

    /// The functions' processes go with it.
    pub async fn stop(self) -> Result<()> {
        if let Some(process) = self.process {
            process.stop(Duration::from_secs(10)).await?;
        }
        Ok(())
    }
}

/// SDK clients of one caller.
#[derive(Debug, Clone)]
pub struct Clients {
    pub apigateway: aws_sdk_apigateway::Client,
    pub cloudfront: aws_sdk_cloudfront::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub iam: aws_sdk_iam::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub s3: aws_sdk_s3::Client,
}

impl Clients {
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            apigateway: aws_sdk_apigateway::Client::new(config),
            cloudfront: aws_sdk_cloudfront::Client::new(config),
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            iam: aws_sdk_iam::Client::new(config),
            lambda: aws_sdk_lambda::Client::new(config),
            logs: aws_sdk_cloudwatchlogs::Client::new(config),
            s3: aws_sdk_s3::Client::from_conf(
                aws_sdk_s3::config::Builder::from(config).force_path_style(true).build(),
            ),
        }
    }
}

fn endpoint(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}
