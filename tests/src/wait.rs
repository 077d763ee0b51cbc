//! Waiting with a deadline that says what it waited for.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Asks every 100 ms until `ask` answers; an error ends the wait at once, `None` goes on.
pub async fn until<T>(
    what: &str,
    deadline: Duration,
    mut ask: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if started.elapsed() > deadline {
            bail!("{what} did not happen within {} s", deadline.as_secs_f32());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// As [`until`], for something that may fail for a while: the last error is told when the time is over.
pub async fn until_ok<T>(
    what: &str,
    deadline: Duration,
    mut ask: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) if started.elapsed() > deadline => {
                return Err(
                    error.context(format!("{what} did not happen within {} s", deadline.as_secs_f32()))
                );
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}
