//! A sample of `make crash-matrix`: the operator dies, and the account is the same as if it had not.

use anyhow::{Result, ensure};
use photogallery_tests::Progress;

use crate::support::turn;
use photogallery_tests::matrix::{self, Extent};

/// To see it fail: let `Identity::ownership` say `NotOurs` for a REST API, so that each life makes one more.
#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_operator_is_killed_the_account_ends_as_without_and_nothing_of_others_is_touched()
-> Result<()> {
    let _turn = turn().await?;
    let extent = Extent { create: Some(6), change: Some(3), delete: Some(3) };
    let report = matrix::run("crash-sample", 1, extent, &Progress::silent()).await?;
    ensure!(report.is_clean(), "{}\n{:#?}", report.table(), report.complaints);
    ensure!(report.points() >= 10, "{}", report.table());
    Ok(())
}
