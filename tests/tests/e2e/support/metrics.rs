//! What the operator did, by its own metrics.

use anyhow::Result;
use photogallery_tests::stack::Stack;

/// Reads change nothing; every other call counts as a write.
const READS: [&str; 4] = ["Get", "List", "Head", "Describe"];

/// How many calls to AWS may have changed something, each with its series.
pub async fn aws_writes(stack: &Stack) -> Result<(f64, String)> {
    let metrics = stack.operator.metrics().await?.0;
    let (mut sum, mut lines) = (0.0, String::new());
    for line in metrics.lines().filter(|line| line.starts_with("photogallery_aws_requests_total{")) {
        let operation = line.split("operation=\"").nth(1).unwrap_or_default();
        if READS.iter().any(|read| operation.starts_with(read)) {
            continue;
        }
        sum += line.rsplit(' ').next().unwrap_or_default().parse::<f64>()?;
        lines.push_str(line);
        lines.push('\n');
    }
    Ok((sum, lines))
}

/// How many calls of any kind.
pub async fn aws_calls(stack: &Stack) -> Result<f64> {
    Ok(stack.operator.metrics().await?.sum("photogallery_aws_requests_total", &[]))
}

/// How many reconciles have ended.
pub async fn reconciles(stack: &Stack) -> Result<f64> {
    Ok(stack.operator.metrics().await?.sum("photogallery_reconcile_duration_seconds_count", &[]))
}
