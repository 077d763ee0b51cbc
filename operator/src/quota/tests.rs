use std::future::Future;

use super::*;
use crate::testing::generated;

const REGION: &str = "eu-west-1";
const DELETE: (&str, &str) = ("apigateway", "DeleteRestApi");

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(test)
}

/// When each of `count` calls may go, in milliseconds.
async fn times(gate: &Gate, (service, operation): (&str, &str), count: usize) -> Vec<u128> {
    let begin = Instant::now();
    let mut times = Vec::new();
    for _ in 0..count {
        gate.pass(REGION, service, operation).await;
        times.push(begin.elapsed().as_millis());
    }
    times
}

#[test]
fn calls_go_at_once_until_the_bucket_is_empty_and_then_as_it_fills() {
    run(async {
        let gate = Gate::new(1.0);
        assert_eq!(times(&gate, ("apigateway", "CreateRestApi"), 3).await, [0, 3000, 6000]);
        assert_eq!(times(&gate, ("apigateway", "GetResources"), 7).await, [0, 0, 0, 0, 0, 400, 800]);
        assert_eq!(times(&gate, ("s3", "PutObject"), 2).await, [0, 0]);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(times(&gate, ("apigateway", "CreateRestApi"), 2).await, [0, 3000]);
    });
}

#[test]
fn a_call_keeps_to_all_limits_that_it_falls_under() {
    run(async {
        let gate = Gate::new(1.0);
        // Forty of all calls together, and then one in 100 ms.
        assert_eq!(times(&gate, ("apigateway", "GetStage"), 40).await.last(), Some(&0));
        assert_eq!(times(&gate, ("apigateway", "GetRestApis"), 2).await, [100, 200]);
        assert_eq!(times(&gate, ("lambda", "GetFunction"), 100).await.last(), Some(&0), "has its own");
    });
}

#[test]
fn limits_are_by_region_and_by_factor() {
    run(async {
        let gate = Gate::new(2.0);
        assert_eq!(times(&gate, ("apigateway", "CreateRestApi"), 2).await, [0, 1500]);
        let begin = Instant::now();
        gate.pass("us-east-1", "apigateway", "CreateRestApi").await;
        assert_eq!(begin.elapsed(), Duration::ZERO);
        let free = Gate::new(0.0);
        assert_eq!(times(&free, DELETE, 3).await, [0, 0, 0]);
        free.line_up(REGION, DELETE, "a").unwrap();
    });
}

fn seconds(gate: &Gate, who: &str) -> Option<u32> {
    match gate.line_up(REGION, DELETE, who) {
        Ok(()) => None,
        Err(CloudError { kind: ErrorKind::Queued { seconds }, .. }) => Some(seconds),
        Err(other) => panic!("{other}"),
    }
}

/// To see it fail: let `Line::ask` forget who waits.
#[test]
fn who_waits_keeps_the_place_and_is_told_how_long() {
    run(async {
        let gate = Gate::new(1.0);
        assert_eq!(seconds(&gate, "a"), None);
        gate.pass(REGION, DELETE.0, DELETE.1).await;
        assert_eq!(
            [seconds(&gate, "b"), seconds(&gate, "c"), seconds(&gate, "d")],
            [Some(30), Some(60), Some(90)]
        );
        assert_eq!(seconds(&gate, "b"), Some(30), "asking again is no second place");
        tokio::time::advance(Duration::from_secs(31)).await;
        // Not c's turn, though there is a token: it is b's.
        assert_eq!(seconds(&gate, "c"), Some(30));
        assert_eq!(seconds(&gate, "b"), None);
        gate.pass(REGION, DELETE.0, DELETE.1).await;
        assert_eq!(seconds(&gate, "d"), Some(60));
    });
}

#[test]
fn who_does_not_come_back_loses_the_place() {
    run(async {
        let gate = Gate::new(1.0);
        gate.pass(REGION, DELETE.0, DELETE.1).await;
        assert_eq!([seconds(&gate, "b"), seconds(&gate, "c")], [Some(30), Some(60)]);
        tokio::time::advance(Duration::from_secs(92)).await;
        assert_eq!(seconds(&gate, "c"), None);
    });
}

#[test]
fn the_wait_is_told_in_words() {
    run(async {
        let gate = Gate::new(1.0);
        gate.pass(REGION, DELETE.0, DELETE.1).await;
        for who in ["a", "b", "c", "d", "e", "f", "g"] {
            let _told = gate.line_up(REGION, DELETE, who);
        }
        let error = gate.line_up(REGION, DELETE, "h").unwrap_err();
        assert_eq!(error.source.0, "REST API deletion queued, about 4 min");
        assert_eq!(about(40), "about 40 s");
    });
}

#[test]
fn the_document_lists_every_limit() {
    let rows = LIMITS.iter().map(|limit| {
        let calls = match limit.calls {
            Calls::Of(operation) => format!("`{operation}`"),
            Calls::All => "all calls together".into(),
            Calls::AllBut(others) => format!("all but {}", others.join(" and ")),
            Calls::Reads => "reads".into(),
            Calls::Writes => "writes".into(),
        };
        let rate = match limit.interval_ms {
            slow if slow >= 1000 => format!("1 in {} s", slow / 1000),
            quick => format!("{} a second", 1000 / quick),
        };
        format!("| {} | {calls} | {rate} | {} | {} |", limit.service, limit.burst, limit.source)
    });
    let head = [
        "| service | calls | we make at most | at once | according to |".to_owned(),
        "|---|---|---|---|---|".to_owned(),
    ];
    let table: Vec<_> = head.into_iter().chain(rows).collect();
    generated::section("docs/quotas.md", "limits", &table.join("\n"));
}
