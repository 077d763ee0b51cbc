//! A sample of `make iam-minimal`: each action of the operator's policy is missed, and named, in some part of a gallery's life.

use anyhow::{Result, ensure};
use photogallery_tests::Progress;
use photogallery_tests::minimal::{self, Part, Trial, Verdict};

use crate::support::turn;

/// One for each part of a life, and for what IAM asks for besides the call itself.
const SAMPLE: [&str; 8] = [
    "apigateway:POST",
    "cloudfront:ListTagsForResource",
    "iam:DetachRolePolicy",
    "iam:PassRole",
    "iam:PutRolePermissionsBoundary",
    "lambda:ListTags",
    "s3:DeleteObjectVersion",
    "s3:TagResource",
];
/// No call of ours asks for it.
const SUPERFLUOUS: &str = "s3:GetBucketVersioning";

/// To see it fail: let `policy::advice` not name the action; or add an action to a table in `operator/src/aws` that no call there
/// needs, and to the sample.
#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_is_taken_away_is_missed_and_named_and_one_that_is_not_needed_is_found_out()
-> Result<()> {
    let _turn = turn().await?;
    let tried: Vec<_> = SAMPLE.into_iter().chain([SUPERFLUOUS]).collect();
    let trial = Trial { only: Some(&tried), also: Some(SUPERFLUOUS) };
    let report = minimal::run("iam-sample", 1, trial, &Progress::silent()).await?;
    ensure!(report.verdicts.len() == tried.len(), "not all were tried: {report:#?}");
    ensure!(report.verdicts.get(SUPERFLUOUS) == Some(&Verdict::NotAsked), "{report:#?}");
    ensure!(report.complaints().len() == 1, "{report:#?}");
    for part in [Part::Look, Part::Drift, Part::Deletion, Part::Creation] {
        ensure!(
            report.verdicts.values().any(|verdict| *verdict == Verdict::Needed(part)),
            "{part}: {report:#?}"
        );
    }
    Ok(())
}
