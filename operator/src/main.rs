//! The operator's binary.

use std::process::ExitCode;

use clap::Parser;
use photogallery_operator::args::{Cli, Command};
use photogallery_operator::iam_policy::{Form, Terms};
use photogallery_operator::{iam_policy, plan_command, run, telemetry};

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { command, options } = Cli::parse();
    telemetry::start(&options.log_level, options.log_format);
    match command {
        None => run::operator(options).await,
        Some(Command::Plan { filename }) => plan_command::plan(&options, &filename).await,
        Some(Command::IamPolicy { account, partition, adopt_from, principal, boundary, commands }) => {
            let form = match (boundary, commands) {
                (true, _) => Form::Boundary,
                (_, true) => Form::Commands,
                (false, false) => Form::Policy,
            };
            let owners = options.owner_id.into_iter().filter(|id| !id.is_empty()).chain(adopt_from).collect();
            let boundary = options.permissions_boundary.filter(|arn| !arn.is_empty());
            let prefix = options.name_prefix;
            iam_policy::print(&Terms { account, partition, prefix, owners, boundary, principal }, form)
        }
    }
}
