//! The commands behind `make demo`, `make up`, `make down`, `make crash-matrix`, `make iam-minimal` and `make bench-operator`.
//! `make` builds everything before it calls them.

mod bench_operator;
mod crash_matrix;
mod demo;
mod environment;
mod iam_minimal;
mod sky;
mod supervisor;
mod tour;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use sky::Sky;
use tokio::runtime::Runtime;

/// A photo gallery on this machine: Kubernetes, AWS and the operator, all local.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Show a gallery, until Ctrl-C.
    Demo(Sky),
    /// The same in the background, for playing and developing; again: take over what was built since.
    Up(Sky),
    /// Stop what `up` started and remove what it left.
    Down,
    /// Kill the operator at every step, and write down in docs/reliability.md what came of it.
    CrashMatrix(crash_matrix::Arguments),
    /// Measure the operator beside a boto3 script, and write down in docs/benchmarks.md what came of it.
    BenchOperator(bench_operator::Arguments),
    /// Take each action of the operator's policy away in turn, and see that it is missed.
    IamMinimal(iam_minimal::Arguments),
    /// What `up` leaves in the background.
    #[command(hide = true)]
    Supervise(Sky),
}

#[expect(clippy::print_stderr, reason = "the last word of a command that failed")]
fn main() -> ExitCode {
    let command = Arguments::parse().command;
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: failed to start the asynchronous runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        match command {
            Command::Demo(sky) => demo::run(sky).await,
            Command::Up(sky) => supervisor::up(sky).await,
            Command::Down => supervisor::down().await,
            Command::CrashMatrix(arguments) => crash_matrix::run(arguments).await,
            Command::BenchOperator(arguments) => bench_operator::run(arguments).await,
            Command::IamMinimal(arguments) => iam_minimal::run(arguments).await,
            Command::Supervise(sky) => supervisor::run(sky).await,
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
