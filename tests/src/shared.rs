//! One stack for all tests of a process: it starts with the first test that asks and ends with the process (the watchdog stops
//! it). Tests keep apart by namespaces; one that kills or reconfigures the operator takes [`on_own_stack`].

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::LazyLock;

use anyhow::{Context as _, Result, anyhow};
use tokio::runtime::Runtime;

use crate::stack::{Options, Stack};
use crate::{artifacts, run};

static SHARED: LazyLock<(Runtime, Result<Stack, String>)> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a process that cannot start threads can test nothing")]
    let runtime = Runtime::new().expect("failed to start the asynchronous runtime");
    clear_old_stacks();
    let stack = runtime.block_on(Stack::start(Options::test("shared"))).map_err(|error| format!("{error:#}"));
    (runtime, stack)
});

/// Runs a test on the shared stack. When it fails, everything worth reading is in the folder whose path is printed.
pub fn on_stack(test: impl AsyncFnOnce(&'static Stack) -> Result<()>) -> Result<()> {
    let (runtime, stack) = &*SHARED;
    let stack = stack.as_ref().map_err(|error| anyhow!("the shared stack did not start: {error}"))?;
    guarded(runtime, stack, || runtime.block_on(legal(stack, test(stack))))
}

/// Runs a test on a stack of its own.
pub fn on_own_stack(options: Options, test: impl AsyncFnOnce(&Stack) -> Result<()>) -> Result<()> {
    let runtime = Runtime::new()?;
    clear_old_stacks();
    let stack = runtime.block_on(Stack::start(options)).context("the test's stack did not start")?;
    guarded(&runtime, &stack, || runtime.block_on(legal(&stack, test(&stack))))?;
    runtime.block_on(stack.stop())
}

/// A test is good only if AWS would have taken every request that was made for it, on a shared stack also by its neighbours.
async fn legal(stack: &Stack, test: impl Future<Output = Result<()>>) -> Result<()> {
    test.await?;
    stack.check_requests().await.map(drop)
}

/// Where the running test leaves what explains its failure, for example a screenshot.
pub fn failure_folder() -> PathBuf {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("test").replace("::", ".");
    artifacts::root().join("target/test-failures").join(name)
}

#[expect(clippy::print_stderr, reason = "the test runner shows it with the failure")]
fn guarded(runtime: &Runtime, stack: &Stack, test: impl FnOnce() -> Result<()>) -> Result<()> {
    let folder = failure_folder();
    // What an earlier run left there would mislead.
    let _ = std::fs::remove_dir_all(&folder);
    let outcome = catch_unwind(AssertUnwindSafe(test));
    if !matches!(outcome, Ok(Ok(()))) {
        match runtime.block_on(stack.diagnose(&folder)) {
            Ok(()) => eprintln!("\nLogs, AWS calls and events of this failure: {}\n", folder.display()),
            Err(error) => eprintln!("\nThe logs could not be saved: {error:#}\n"),
        }
    }
    outcome.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Removes what runs that were killed with their watchdogs left behind.
fn clear_old_stacks() {
    let Ok(folders) = std::fs::read_dir(artifacts::root().join("target/stacks")) else { return };
    for folder in folders.flatten() {
        // A folder without an owner file may be one that another process makes right now.
        if folder.path().join("owner").exists() && run::owner(&folder.path()).is_none() {
            let _ = run::clear(&folder.path());
        }
    }
}
