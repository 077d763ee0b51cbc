"""IAM: sizes and grammar of policies. Names, paths and descriptions are in the model."""

import re

import policies
from rules import rule


@rule(
    "iam:CreateRole",
    "iam:UpdateAssumeRolePolicy",
    says="a trust policy by the grammar, of up to 2,048 characters without white space",
    source="IAM User Guide, IAM and STS quotas",
)
def trust(call):
    text = call.members.get("AssumeRolePolicyDocument", call.members.get("PolicyDocument", ""))
    size = len(re.sub(r"\s", "", text))
    if size > 2048:
        yield "AssumeRolePolicyDocument", f"has {size} characters"
    yield from (("AssumeRolePolicyDocument", problem) for problem in policies.problems(text, policies.TRUST))


@rule(
    "iam:PutRolePolicy",
    says="a policy by the grammar, of up to 10,240 characters without white space (of all inline policies of a role)",
    source="IAM User Guide, IAM and STS quotas; Grammar of the IAM JSON policy language",
)
def inline_policy(call):
    text = call.members.get("PolicyDocument", "")
    size = len(re.sub(r"\s", "", text))
    if size > 10_240:
        yield "PolicyDocument", f"has {size} characters"
    yield from (("PolicyDocument", problem) for problem in policies.problems(text, policies.IDENTITY))


@rule(
    "iam:*",
    "cloudfront:*",
    says="a global service is signed for us-east-1",
    source="AWS General Reference, IAM and CloudFront endpoints",
)
def signed_for(call):
    if call.region != "us-east-1":
        yield "region", f"is {call.region}"
