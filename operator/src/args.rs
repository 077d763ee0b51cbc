//! Flags and environment variables.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::gallery::ViewerTemplate;
use crate::names::PREFIX_LENGTH;

/// Makes photo galleries on AWS from `PhotoGallery` objects in Kubernetes.
///
/// Reads AWS's own variables too: `AWS_REGION`, `AWS_ENDPOINT_URL`, keys, web identity (IRSA) and Pod Identity. Reaches
/// Kubernetes from within the cluster, or by `KUBECONFIG`.
#[derive(Debug, Parser)]
#[command(name = "photogallery-operator", version, about, long_about, propagate_version = true)]
pub struct Cli {
    /// What to do. Without one: run the operator.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Flags of the operator.
    #[command(flatten)]
    pub options: Options,
}

/// What to do besides running.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what applying a manifest would change in AWS, and change nothing.
    ///
    /// Exit code 0: nothing to do; 2: something to do; 1: an error.
    Plan {
        /// The manifest, with one `PhotoGallery`; `-` reads standard input.
        #[arg(short, long, value_name = "FILE")]
        filename: PathBuf,
    },
    /// Print the IAM policy that the operator's role needs, and nothing more.
    ///
    /// With --permissions-boundary it may make no role without that boundary; with --owner-id it may touch no other operator's
    /// REST APIs and distributions.
    IamPolicy {
        /// AWS account, twelve digits.
        #[arg(long)]
        account: String,
        /// AWS partition.
        #[arg(long, default_value = "aws")]
        partition: String,
        /// With --owner-id: another owner id, whose galleries the operator may take over. May be repeated.
        #[arg(long, requires = "owner_id")]
        adopt_from: Vec<String>,
        /// ARN of the role that the operator is: before it makes a gallery, it may then ask IAM whether that role lacks something.
        #[arg(long, value_name = "ARN")]
        principal: Option<String>,
        /// Print the permissions boundary for the functions' roles instead.
        #[arg(long, conflicts_with = "commands")]
        boundary: bool,
        /// Print the commands that make both policies instead.
        #[arg(long)]
        commands: bool,
    },
}

/// Flags of the operator, each with an environment variable of the same name.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// How often each gallery is compared with AWS without a cause, in every field, give or take 10 percent. Such as 30s, 10m, 1h.
    #[arg(long, env, default_value = "1h", value_parser = duration, global = true)]
    pub resync_interval: Duration,
    /// How often in between only in what changes by itself or is changed by hand most easily: functions, stage, distribution, bucket
    /// policies, the site.
    #[arg(long, env, default_value = "10m", value_parser = duration, global = true)]
    pub light_resync_interval: Duration,
    /// AWS's limits on calls, times this: how fast the operator calls at most. 0: as fast as it can.
    #[arg(long, env, default_value_t = 1.0, value_parser = factor, global = true)]
    pub call_rate_factor: f64,
    /// How many galleries are worked on at once.
    #[arg(long, env, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256), global = true)]
    pub max_concurrent_galleries: u16,
    /// Namespaces to watch, separated by commas. Empty: all.
    #[arg(long, env, value_delimiter = ',', global = true)]
    pub watch_namespaces: Vec<String>,
    /// Written into the tags of everything the operator makes. Default: the uid of the namespace kube-system.
    #[arg(long, env, global = true)]
    pub owner_id: Option<String>,
    /// First part of every name in AWS.
    #[arg(long, visible_alias = "prefix", env, default_value = "pg", value_parser = prefix, global = true)]
    pub name_prefix: String,
    /// ARN of a policy: what the functions' roles may do at most, whatever the operator writes into them. Default: no boundary.
    #[arg(long, env, value_name = "ARN", value_parser = policy_arn, global = true)]
    pub permissions_boundary: Option<String>,
    /// Namespace of the lease by which one of several operators is chosen. Default: the operator's own.
    #[arg(long, env, global = true)]
    pub leader_election_namespace: Option<String>,
    /// Name of that lease. Of the operators that name the same one, one acts.
    #[arg(long, env, default_value = "photogallery-operator", global = true)]
    pub leader_election_lease: String,
    /// How long the lease is good for: how long nobody acts after an operator has died. Such as 15s, 1m.
    #[arg(long, env, default_value = "15s", value_parser = lease, global = true)]
    pub lease_duration: Duration,
    /// Address for /metrics, /healthz and /readyz.
    #[arg(long, env, default_value = "0.0.0.0:8080", global = true)]
    pub metrics_address: SocketAddr,
    /// Folder with the functions: <architecture>/<name>.zip.
    #[arg(long, env, default_value = "/functions", global = true)]
    pub functions_dir: PathBuf,
    /// Folder with the built site.
    #[arg(long, env, default_value = "/site", global = true)]
    pub site_dir: PathBuf,
    /// How a browser reaches a distribution: {domain} is its domain name, {label} the first part of that.
    #[arg(long, env, default_value = "https://{domain}", value_parser = viewer, global = true)]
    pub viewer_url_template: ViewerTemplate,
    /// error, warn, info, debug or trace, or a tracing filter. At debug every AWS call is a line.
    #[arg(long, env, default_value = "info", global = true)]
    pub log_level: String,
    /// Form of the log lines.
    #[arg(long, env, default_value = "json", global = true)]
    pub log_format: LogFormat,
}

/// Form of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

fn factor(text: &str) -> Result<f64, String> {
    let factor = text.trim().parse().ok().filter(|factor| (0.0..=1000.0).contains(factor));
    factor.ok_or_else(|| "write a number from 0 to 1000, such as 0.5 or 2".into())
}

fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let number = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let unit = match &text[number.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err("write a number with s, m or h, such as 30s, 10m or 1h".into()),
    };
    let number: u64 =
        number.parse().map_err(|_| "write a whole number with s, m or h, such as 10m".to_owned())?;
    match number.checked_mul(unit) {
        Some(seconds @ 5..=604_800) => Ok(Duration::from_secs(seconds)),
        _ => Err("must be between 5s and 168h".into()),
    }
}

fn lease(text: &str) -> Result<Duration, String> {
    let lease = duration(text)?;
    if lease <= Duration::from_secs(300) { Ok(lease) } else { Err("must be between 5s and 5m".into()) }
}

fn prefix(text: &str) -> Result<String, String> {
    let fits = !text.is_empty()
        && text.len() <= PREFIX_LENGTH
        && text.starts_with(|letter: char| letter.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
    // S3 keeps these beginnings for itself.
    let taken = ["xn--", "sthree-", "amzn-s3-demo-", "aws"].iter().any(|taken| text.starts_with(taken));
    if fits && !taken {
        return Ok(text.to_owned());
    }
    Err(format!(
        "use 1-{PREFIX_LENGTH} lower-case letters, digits and dashes, beginning with a letter, such as pg"
    ))
}

fn policy_arn(text: &str) -> Result<String, String> {
    let is_policy = text.starts_with("arn:") && text.contains(":iam::") && text.contains(":policy/");
    if text.is_empty() || is_policy {
        return Ok(text.to_owned());
    }
    Err("must be the ARN of a managed policy, such as arn:aws:iam::123456789012:policy/photogallery/pg-boundary".into())
}

fn viewer(text: &str) -> Result<ViewerTemplate, String> {
    let placeholder = text.contains("{domain}") || text.contains("{label}");
    if placeholder && (text.starts_with("https://") || text.starts_with("http://")) {
        return Ok(ViewerTemplate(text.to_owned()));
    }
    Err("must be a URL with {domain} or {label}, such as https://{domain}".into())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_has_a_variable_and_a_sentence() {
        for flag in Cli::command()
            .get_arguments()
            .filter(|flag| !["help", "version"].contains(&flag.get_id().as_str()))
        {
            assert!(flag.get_env().is_some(), "{} has no variable", flag.get_id());
            assert!(flag.get_help().is_some(), "{} has no help", flag.get_id());
        }
    }

    #[test]
    fn durations_have_units_and_bounds() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h"), Ok(Duration::from_secs(3600)));
        for bad in ["", "10", "h", "1d", "-1s", "1s", "999999999999999999999h", "18446744073709551615h", "ü"]
        {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_lease_is_good_for_minutes_at_most() {
        assert_eq!(lease("15s"), Ok(Duration::from_secs(15)));
        assert!(lease("1s").is_err() && lease("6m").is_err());
    }

    #[test]
    fn prefixes_that_no_bucket_could_have_are_refused() {
        assert!(prefix("pg").is_ok());
        for bad in ["", "PG", "-pg", "pg-", "1pg", "xn--a", "a_b", "thirteen-chars"] {
            assert!(prefix(bad).is_err(), "{bad}");
        }
    }
}
