//! Where things are in `.local/`, and the file for a shell to source.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use photogallery_tests::certificates::write_private;
use photogallery_tests::local_aws::REGION;
use photogallery_tests::{Stack, artifacts};

pub fn folder() -> PathBuf {
    artifacts::root().join(".local")
}

/// The path as a person in the checkout types it.
pub fn short(path: &Path) -> String {
    path.strip_prefix(artifacts::root()).unwrap_or(path).display().to_string()
}

/// Lets a shell's `kubectl`, `helm` and `aws` talk to the stack.
pub fn write(path: &Path, stack: &Stack, gallery_url: &str) -> Result<()> {
    let mut text = format!("# To source in a shell: . {}\n", short(path));
    let variables = [
        ("KUBECONFIG", stack.control_plane.kubeconfig.display().to_string()),
        ("AWS_ENDPOINT_URL", stack.aws.endpoint()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", stack.developer.access_key_id().to_owned()),
        ("AWS_SECRET_ACCESS_KEY", stack.developer.secret_access_key().to_owned()),
        ("GALLERY_URL", gallery_url.to_owned()),
        ("OPERATOR_METRICS_URL", stack.operator.metrics_url()?),
        ("OPERATOR_PID", stack.operator.id()?.to_string()),
    ];
    for (name, value) in variables {
        writeln!(text, "export {name}={}", quote(&value))?;
    }
    writeln!(text, "export PATH={}:\"$PATH\"", quote(&stack.tools.control_plane.display().to_string()))?;
    // A profile or a session of the person's own would win over, or break, the keys above.
    writeln!(text, "unset AWS_PROFILE AWS_SESSION_TOKEN")?;
    write_private(path, &text)
}

/// Moves a failed run's logs to where nobody clears them away, and says where.
pub fn keep_logs(run: &Path) -> Option<String> {
    let name = run.file_name()?.to_string_lossy().into_owned();
    let kept = folder().join("failed").join(name);
    let _ = std::fs::remove_dir_all(&kept);
    std::fs::create_dir_all(kept.parent()?).ok()?;
    if std::fs::rename(run.join("log"), &kept).is_err() {
        // Nothing was logged yet.
        let _ = std::fs::remove_dir(kept.parent()?);
        return None;
    }
    Some(short(&kept))
}

/// Removes `.local` itself where nothing is left in it.
pub fn remove_if_empty() {
    let _ = std::fs::remove_dir(folder());
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
