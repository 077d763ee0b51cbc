//! What the tests have in common: galleries as objects, pictures, what the account holds, what the operator did.

pub mod account;
pub mod gallery;
pub mod metrics;
pub mod mutations;
pub mod pictures;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use futures::executor::block_on;
use photogallery_tests::killer::Killer;
use photogallery_tests::stack::{Options, Stack};
use photogallery_tests::wait;
use tokio::sync::Semaphore;

pub use gallery::Gallery;

/// However many cores there are: the local AWS is one process.
static GATE: Semaphore = Semaphore::const_new(3);

/// Runs a test on the stack that most share.
pub fn shared(test: impl AsyncFnOnce(&'static Stack) -> Result<()>) -> Result<()> {
    let _turn = block_on(GATE.acquire())?;
    photogallery_tests::on_stack(test)
}

/// Runs a test on a stack of its own, whose operator has these variables besides the usual ones.
pub fn alone(
    name: &str,
    variables: &[(&str, &str)],
    test: impl AsyncFnOnce(&Stack) -> Result<()>,
) -> Result<()> {
    let options =
        variables.iter().fold(Options::test(name), |options, (name, value)| options.operator(name, value));
    alone_with(options, test)
}

/// Runs a test on a stack of its own, made to its wishes.
pub fn alone_with(options: Options, test: impl AsyncFnOnce(&Stack) -> Result<()>) -> Result<()> {
    let _turn = block_on(GATE.acquire())?;
    photogallery_tests::shared::on_own_stack(options, test)
}

/// Runs a test on a stack of its own, whose operator dies where the killer is told.
pub fn alone_with_killer(name: &str, test: impl AsyncFnOnce(&Stack, &Killer) -> Result<()>) -> Result<()> {
    let killer = Arc::new(Killer::default());
    let options = Options { interposer: Some(killer.clone()), ..Options::test(name) };
    alone_with(options, async |stack| {
        killer.watch(&stack.operator_key);
        test(stack, &killer).await
    })
}

/// Waits until the operator has come to the call that it was to die at, and kills it there.
pub async fn dies(stack: &Stack, killer: &Killer) -> Result<()> {
    let strikes = tokio::time::timeout(Duration::from_mins(1), killer.strikes());
    strikes.await.context("the operator never came to the call that it was to die at")?;
    stack.operator.kill()?;
    killer.let_go();
    Ok(())
}

/// Waits for one's turn, for a test that starts a stack by itself.
pub async fn turn() -> Result<tokio::sync::SemaphorePermit<'static>> {
    Ok(GATE.acquire().await?)
}

/// AWS's code of a refusal; an error when the call went through, or got no answer.
pub fn refusal<T, E>(result: std::result::Result<T, SdkError<E>>) -> Result<String>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let error = result.err().context("it was not refused")?;
    let code = error.code().map(str::to_owned);
    match code {
        Some(code) => Ok(code),
        // HEAD has no body to say more in.
        None => error
            .raw_response()
            .map(|answer| answer.status().as_u16().to_string())
            .context("there was no answer"),
    }
}

/// How many writes AWS has seen from the caller with this access key.
pub fn writes(stack: &Stack, key: &str) -> Result<usize> {
    Ok(stack.aws_calls()?.iter().filter(|call| call.write && call.caller == key).count())
}

/// Waits until the caller with this access key has written `count` times.
pub async fn after_writes(stack: &Stack, key: &str, count: usize) -> Result<()> {
    wait::until(&format!("write {count} of {key}"), Duration::from_mins(1), async || {
        // Closer looks than every 100 ms would give.
        for _ in 0..10 {
            if writes(stack, key)? >= count {
                return Ok(Some(()));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(None)
    })
    .await
}
