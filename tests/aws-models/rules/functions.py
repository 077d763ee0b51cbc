"""Lambda. The model's maxima for time and memory are those of other kinds of functions."""

import json
import re

from rules import rule

_RESERVED = re.compile(
    r"_HANDLER|_X_AMZN_TRACE_ID|AWS_(REGION|DEFAULT_REGION|EXECUTION_ENV|LAMBDA_.*|ACCESS_KEY|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)|LAMBDA_(TASK_ROOT|RUNTIME_DIR)|AWS_XRAY_.*"
)


@rule(
    "lambda:CreateFunction",
    "lambda:UpdateFunctionConfiguration",
    says="1 to 900 seconds, 128 to 10,240 MB",
    source="Lambda Developer Guide, Lambda quotas",
)
def size(call):
    for name, least, most in (("Timeout", 1, 900), ("MemorySize", 128, 10_240)):
        if not least <= call.members.get(name, least) <= most:
            yield name, f"is {call.members[name]}"


@rule(
    "lambda:CreateFunction",
    says="a function from a zip has a runtime, a handler, and its code in S3 or in the request",
    source="Lambda API, CreateFunction: required if the deployment package is a .zip",
)
def zip_(call):
    if call.members.get("PackageType", "Zip") == "Zip":
        for name in ("Runtime", "Handler"):
            if not call.members.get(name):
                yield name, "is missing"
    code = call.members.get("Code", {})
    if not {"S3Bucket", "S3Key"} <= set(code) and not {"ZipFile", "ImageUri"} & set(code):
        yield "Code", f"has only {sorted(code)}"


@rule("lambda:UpdateFunctionCode", says="the code is in S3 or in the request", source="Lambda API, UpdateFunctionCode")
def new_code(call):
    if not {"S3Bucket", "S3Key"} <= set(call.members) and not {"ZipFile", "ImageUri"} & set(call.members):
        yield "S3Bucket", "is missing, or S3Key"


@rule(
    "lambda:CreateFunction",
    "lambda:UpdateFunctionConfiguration",
    says="the environment has up to 4 KB and none of Lambda's own variables",
    source="Lambda Developer Guide, Lambda quotas; Using environment variables: defined runtime environment variables",
)
def environment(call):
    variables = call.members.get("Environment", {}).get("Variables", {})
    bytes_ = len(json.dumps(variables, separators=(",", ":"), ensure_ascii=False).encode())
    if bytes_ > 4096:
        yield "Environment", f"has {bytes_} bytes"
    for name in variables:
        if _RESERVED.fullmatch(name):
            yield "Environment", f"sets {name}"


@rule(
    "lambda:AddPermission",
    says="a service is let in by the ARN of its resource and its account: else anybody's resource could invoke",
    source="Lambda API, AddPermission; IAM User Guide, The confused deputy problem",
)
def deputy(call):
    if call.members.get("Principal", "").endswith(".amazonaws.com"):
        for name in ("SourceArn", "SourceAccount"):
            if not call.members.get(name):
                yield name, "is missing"


@rule("lambda:AddPermission", says="the action is lambda:InvokeFunction", source="Lambda API, AddPermission")
def action(call):
    if call.members.get("Action") != "lambda:InvokeFunction":
        yield "Action", f"is {call.members.get('Action')!r}"


@rule("lambda:*", says="a function's own name has up to 64 characters", source="Lambda API, CreateFunction: FunctionName")
def name(call):
    text = call.members.get("FunctionName", "")
    if not text.startswith("arn:") and len(text) > 64:
        yield "FunctionName", f"has {len(text)} characters"
