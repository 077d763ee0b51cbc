//! An operator whose role lacks something.

use anyhow::{Context as _, Result, ensure};
use photogallery_tests::local_aws::ACCOUNT;
use photogallery_tests::{artifacts, tools};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::gallery::condition;
use crate::support::{Gallery, alone};

const MISSING: &str = "lambda:CreateFunction";
/// The operator's IAM user, as the stack made it.
const USER: &str = "photogallery-operator";

#[test]
fn a_missing_permission_is_named_and_once_it_is_there_the_gallery_goes_on() -> Result<()> {
    alone("permission", &[], async |stack| {
        let mut command = Command::new(artifacts::operator());
        let whole =
            tools::output(command.args(["iam-policy", "--account", ACCOUNT]).env_clear(), None).await?;
        stack.aws.set_user_policy(USER, &without(&whole, MISSING)?).await?;

        let gallery = Gallery::apply(stack, "permission", json!({})).await?;
        let status = gallery
            .wait_for("to say what it may not", |object| {
                let stalled = condition(&object.data["status"], "Stalled");
                stalled.is_some_and(|stalled| stalled["reason"] == "AccessDenied")
            })
            .await?;

        let stalled = condition(&status, "Stalled").context("no Stalled")?;
        let message = stalled["message"].as_str().unwrap_or_default();
        ensure!(message.starts_with(&format!("Missing permission {MISSING}")), "{message}");
        ensure!(message.ends_with("Add it to the operator's role; I will go on by myself."), "{message}");
        ensure!(condition(&status, "Reconciling").is_none(), "stalled and reconciling at once: {status:#}");
        ensure!(condition(&status, "Ready").is_some_and(|ready| ready["status"] == "False"), "{status:#}");
        gallery.tells(true, "Stalled", &format!("AccessDenied: {message}")).await?;

        stack.aws.set_user_policy(USER, &whole).await?;
        // It would look again after a minute.
        gallery.annotate().await?;
        let visitor = gallery.visitor().await?;
        ensure!(visitor.photos().await?.is_empty());
        Ok(())
    })
}

/// The policy without this action.
fn without(policy: &str, action: &str) -> Result<String> {
    let mut policy: Value = serde_json::from_str(policy)?;
    let statements = policy["Statement"].as_array_mut().context("no statements")?;
    let mut removed = 0;
    for actions in statements.iter_mut().filter_map(|statement| statement["Action"].as_array_mut()) {
        let before = actions.len();
        actions.retain(|it| it != action);
        removed += before - actions.len();
    }
    ensure!(removed == 1, "{action} stands {removed} times in the policy");
    Ok(policy.to_string())
}
