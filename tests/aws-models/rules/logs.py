"""CloudWatch Logs."""

from rules import rule

_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)


@rule(
    "logs:PutRetentionPolicy",
    says=f"retention is one of {', '.join(map(str, _DAYS))} days",
    source="CloudWatch Logs API, PutRetentionPolicy: retentionInDays",
)
def retention(call):
    if call.members.get("retentionInDays") not in _DAYS:
        yield "retentionInDays", f"is {call.members.get('retentionInDays')}"


@rule(
    "logs:*TagResource",
    "logs:*TagsForResource",
    says="a log group's ARN without :* at its end",
    source="CloudWatch Logs API, TagResource: resourceArn; aws-behaviour.md section 7",
)
def arn(call):
    if call.members.get("resourceArn", "").endswith("*"):
        yield "resourceArn", f"is {call.members['resourceArn']!r}"


@rule("logs:CreateLogGroup", says="names do not begin with aws/", source="CloudWatch Logs API, CreateLogGroup")
def name(call):
    if call.members.get("logGroupName", "").startswith("aws/"):
        yield "logGroupName", f"is {call.members['logGroupName']!r}"
