//! The operator's binary.

use std::process::ExitCode;

use clap::Parser;
use photogallery_operator::args::{Cli, Command};
use photogallery_operator::{iam_policy, plan_command, run, telemetry};

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { command, options } = Cli::parse();
    telemetry::start(&options.log_level, options.log_format);
    match command {
        None => run::operator(options).await,
        Some(Command::Plan { filename }) => plan_command::plan(&options, &filename).await,
        Some(Command::IamPolicy { account, partition }) => {
            iam_policy::print(&account, &partition, &options.name_prefix)
        }
    }
}
