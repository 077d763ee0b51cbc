//! The permissions boundary: what the functions' roles may be given at most.
//!
//! IAM lets a role do what both its policy and its boundary allow. The operator writes a policy for each function that names its
//! gallery's resources (`resources::role`); the boundary holds the same actions for all galleries of an installation, because
//! it is made once and by somebody else. So whoever gets hold of the operator's credentials can make no role that does more
//! than functions of galleries do. The functions' code is out of reach of all of them.

use serde_json::{Value, json};

use super::{Terms, equals};

const LOGS: [&str; 2] = ["logs:CreateLogStream", "logs:PutLogEvents"];
const ROWS: [&str; 2] = ["dynamodb:GetItem", "dynamodb:PutItem"];
const OBJECTS: [&str; 3] = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"];

/// The boundary of all roles that an operator makes.
pub fn policy(terms: &Terms) -> Value {
    let Terms { account, partition, prefix, .. } = terms;
    let arn = |service: &str, resource: String| format!("arn:{partition}:{service}:*:{account}:{resource}");
    let s3 = |rest: &str| format!("arn:{partition}:s3:::{prefix}-{rest}");
    let ours = equals("aws:ResourceAccount", account.as_str());
    let allow = |actions: Value, resource: String| json!({"Effect": "Allow", "Action": actions, "Resource": resource});
    let of_ours = |actions: Value, resource: String| json!({"Effect": "Allow", "Action": actions, "Resource": resource, "Condition": ours});
    json!({
        "Version": "2012-10-17",
        "Statement": [
            allow(json!(LOGS), arn("logs", format!("log-group:/aws/lambda/{prefix}-*:*"))),
            allow(json!(ROWS), arn("dynamodb", format!("table/{prefix}-*"))),
            allow(json!(["dynamodb:Query"]), arn("dynamodb", format!("table/{prefix}-*/index/*"))),
            of_ours(json!(OBJECTS), s3("*/*")),
            of_ours(json!(["s3:ListBucket"]), s3("*")),
            // A function that could write there could run as any other.
            json!({"Effect": "Deny", "Action": "s3:*", "Resource": s3(&format!("artefacts-{account}-*"))}),
        ],
    })
}
