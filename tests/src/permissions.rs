//! What the operator of a stack may do: the policies that its own binary prints, and nothing else.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_iam::error::ProvideErrorMetadata as _;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::local_aws::{ACCOUNT, Clients, LocalAws, REGION};
use crate::{artifacts, tools};

/// ARN of the permissions boundary, where `photogallery-operator iam-policy --commands` puts it.
pub const BOUNDARY: &str = "arn:aws:iam::000000000000:policy/photogallery/pg-boundary";
/// Those who are operators here: IAM users of several names.
const PRINCIPAL: &str = "arn:aws:iam::000000000000:user/*";
const PATH: &str = "/photogallery/";
const NAME: &str = "pg-boundary";

/// The operator's policy, with or without a permissions boundary for the roles that it makes.
pub async fn of_operator(bounded: bool) -> Result<String> {
    let boundary: &[_] = if bounded { &["--permissions-boundary", BOUNDARY] } else { &[] };
    print(&[&["--principal", PRINCIPAL], boundary].concat()).await
}

/// The permissions boundary.
pub async fn boundary() -> Result<String> {
    print(&["--boundary"]).await
}

async fn print(arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(artifacts::operator());
    command.args(["iam-policy", "--account", ACCOUNT]).args(arguments).env_clear();
    tools::output(&mut command, None).await
}

/// Makes the boundary as the account's root, as a platform engineer would; again: as it is printed now.
pub async fn make_boundary(aws: &LocalAws) -> Result<()> {
    let iam = Clients::new(&aws.config(LocalAws::root(), REGION)).iam;
    let document = boundary().await?;
    let made = iam.create_policy().path(PATH).policy_name(NAME).policy_document(&document).send().await;
    match made {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some("EntityAlreadyExists") => {
            // IAM keeps five versions.
            let versions =
                iam.list_policy_versions().policy_arn(BOUNDARY).send().await?.versions.unwrap_or_default();
            let old = versions
                .iter()
                .filter(|version| !version.is_default_version())
                .filter_map(|it| it.version_id());
            for version in old {
                iam.delete_policy_version().policy_arn(BOUNDARY).version_id(version).send().await?;
            }
            let call = iam.create_policy_version().policy_arn(BOUNDARY).policy_document(document);
            call.set_as_default(true).send().await?;
            Ok(())
        }
        Err(error) => Err(error).context("failed to make the permissions boundary"),
    }
}

/// Every action of a policy, once; but those that only a preflight asks for, which does without.
pub fn actions(policy: &str) -> Result<Vec<String>> {
    let policy: Value = serde_json::from_str(policy)?;
    let statements = policy["Statement"].as_array().context("no statements")?;
    let is_optional = |it: &&Value| it["Sid"].as_str().is_some_and(|name| name.starts_with("Preflight"));
    let lists = statements
        .iter()
        .filter(|it| !is_optional(it))
        .filter_map(|statement| statement["Action"].as_array());
    let mut actions: Vec<_> =
        lists.flatten().filter_map(|action| action.as_str().map(str::to_owned)).collect();
    actions.sort();
    actions.dedup();
    Ok(actions)
}

/// The policy without this action, wherever it stands in it.
pub fn without(policy: &str, action: &str) -> Result<String> {
    let mut policy: Value = serde_json::from_str(policy)?;
    let statements = policy["Statement"].as_array_mut().context("no statements")?;
    let mut removed = 0;
    for actions in statements.iter_mut().filter_map(|statement| statement["Action"].as_array_mut()) {
        let before = actions.len();
        actions.retain(|it| it != action);
        removed += before - actions.len();
    }
    // IAM wants an action in each statement.
    statements.retain(|statement| statement["Action"].as_array().is_none_or(|actions| !actions.is_empty()));
    ensure!(removed > 0, "{action} does not stand in the policy");
    Ok(policy.to_string())
}

/// The policy with this action besides, on everything.
pub fn with(policy: &str, action: &str) -> Result<String> {
    let mut policy: Value = serde_json::from_str(policy)?;
    let statements = policy["Statement"].as_array_mut().context("no statements")?;
    statements.push(json!({ "Effect": "Allow", "Action": [action], "Resource": "*" }));
    Ok(policy.to_string())
}
