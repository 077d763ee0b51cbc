//! That `make bench-operator` works. What it measures here says nothing: others work on this machine meanwhile.

use anyhow::{Context as _, Result, ensure};
use photogallery_tests::Progress;
use photogallery_tests::bench::{self, Extent};
use serde_json::Value;

use crate::support::turn;

/// What the documentation, and whoever compares two runs, goes by.
const KEYS: [&str; 9] =
    ["date", "minutes", "extent", "machine", "versions", "method", "first", "steps", "crowd"];
const STEPS: [&str; 5] = ["create", "change", "code", "delete", "deleteWithPhotos"];

/// To see it fail: let the script say nothing after its work, or leave a step out of `Step::ALL`.
#[tokio::test(flavor = "multi_thread")]
async fn the_benchmark_measures_both_sides_and_its_report_is_whole() -> Result<()> {
    let _turn = turn().await?;
    let report = bench::run("bench", Extent::QUICK, &Progress::silent()).await?;
    let section = report.section();
    let report = serde_json::to_value(report)?;
    let at = |path: &str| {
        report.pointer(path).filter(|found| !found.is_null()).with_context(|| format!("no {path}"))
    };
    let number = |path: &str| at(path)?.as_f64().with_context(|| format!("{path} is no number"));

    for key in KEYS.into_iter().chain(["memory", "most", "goals", "elsewhere"]) {
        at(&format!("/{key}"))?;
    }
    for key in ["operator", "commit", "kubernetes", "ministack", "boto3", "botocore", "python"] {
        let version = at(&format!("/versions/{key}"))?.as_str().context("no text")?;
        ensure!(!version.is_empty(), "no version of {key}");
    }
    for who in ["operator", "script"] {
        for step in STEPS {
            let side = format!("/steps/{step}/{who}");
            for field in ["seconds", "inAwsSeconds", "localAwsCpuSeconds", "cpuSeconds"] {
                for of in ["median", "min", "max"] {
                    ensure!(number(&format!("{side}/{field}/{of}"))? >= 0.0, "{side}/{field} is negative");
                }
            }
            let samples = at(&format!("{side}/samples"))?.as_array().context("no list")?;
            ensure!(samples.len() == Extent::QUICK.rounds, "{side}: {samples:#?}");
            // Nobody does anything without writing to AWS.
            ensure!(number(&format!("{side}/calls/writes"))? > 0.0, "{side} wrote nothing");
            number(&format!("{side}/calls/reads"))?;
            number(&format!("{side}/calls/refused"))?;
            ensure!(at(&format!("{side}/calls/byService/lambda"))?.is_object(), "{side} never called Lambda");
            number(&format!("/steps/{step}/ratio/median"))?;
        }
        let crowds = at(&format!("/crowd/{who}"))?.as_array().context("no list")?.len();
        ensure!(crowds == Extent::QUICK.crowds, "{crowds} crowds");
        let crowd = format!("/crowd/{who}/0");
        for field in ["galleries", "distributions"] {
            ensure!(at(&format!("{crowd}/{field}"))? == Extent::QUICK.many, "{crowd}: {field}");
        }
        for field in ["seconds", "deleteSeconds", "cpuSecondsAGallery", "callsAGallery/writes"] {
            ensure!(number(&format!("{crowd}/{field}"))? > 0.0, "{crowd}: {field}");
        }
        ensure!(number(&format!("/first/{who}/writes"))? > 0.0, "the first gallery took {who} no writes");
    }
    for state in ["idle", "few", "many", "manyAgain", "afterwards"] {
        ensure!(number(&format!("/memory/{state}/residentMib"))? > 1.0, "no memory when {state}");
    }
    ensure!(at("/most/crowd/distributions")? == Extent::QUICK.most, "too few at once");
    ensure!(number("/most/memory/residentMib")? > 1.0, "no memory with the most");
    let goals = at("/goals")?.as_array().context("no list")?;
    let is_whole =
        |goal: &Value| goal["what"].is_string() && goal["atMost"].is_number() && goal["met"].is_boolean();
    ensure!(goals.len() == 9 && goals.iter().all(is_whole), "{goals:#?}");
    ensure!(section.matches("\n| ").count() > 30, "{section}");
    Ok(())
}
