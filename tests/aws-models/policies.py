"""The grammar of policy documents: "Grammar of the IAM JSON policy language" in the IAM User Guide.

Three kinds: of an identity (no principal), of a resource (a principal), of a role's trust (a principal and no resource).
"""

import json
import re

import model

IDENTITY, RESOURCE, TRUST = "identity", "resource", "trust"

_ACTION = re.compile(r"\*|[a-z0-9-]+:[A-Za-z0-9*?]+")
_ARN = re.compile(r"arn:(aws|aws-cn|aws-us-gov|\*):[a-z0-9*-]*:[a-z0-9*-]*:(\d{12}|\*|)?:.+")
_OPERATOR = re.compile(
    r"(For(AllValues|AnyValue):)?"
    r"(String(Not)?Equals(IgnoreCase)?|String(Not)?Like|Numeric(Not)?Equals|Numeric(Less|Greater)Than(Equals)?|Date(Not)?Equals"
    r"|Date(Less|Greater)Than(Equals)?|Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like)|Null)(IfExists)?"
)
_PRINCIPALS = {"AWS", "Service", "Federated", "CanonicalUser"}
_SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?")
# Actions that are no operations: S3's are named for what is allowed, not for the call.
_NOT_CALLS = {
    "iam": {"PassRole"},
    "lambda": {"InvokeFunction"},
    "s3": set(
        "PutBucketNotification PutBucketPublicAccessBlock PutEncryptionConfiguration PutLifecycleConfiguration PutBucketCORS "
        "GetBucketCORS GetBucketNotification GetBucketPublicAccessBlock GetEncryptionConfiguration GetLifecycleConfiguration "
        "ListBucket ListBucketVersions ListBucketMultipartUploads DeleteObjectVersion GetObjectVersion ListAllMyBuckets TagResource".split()
    ),
}
# And operations that are no actions.
_NOT_ACTIONS = {
    "s3": set(
        "PutBucketEncryption GetBucketEncryption PutBucketLifecycleConfiguration GetBucketLifecycleConfiguration DeleteBucketLifecycle "
        "PutBucketNotificationConfiguration GetBucketNotificationConfiguration PutPublicAccessBlock GetPublicAccessBlock "
        "DeletePublicAccessBlock DeleteBucketCors DeleteBucketTagging DeleteBucketOwnershipControls HeadBucket HeadObject ListBuckets "
        "ListObjects ListObjectsV2 ListObjectVersions ListMultipartUploads DeleteObjects CopyObject CreateMultipartUpload UploadPart "
        "CompleteMultipartUpload".split()
    ),
    "lambda": {"Invoke"},
}


def problems(text, kind):
    """Yields what is wrong with a policy document."""
    try:
        document = json.loads(text, object_pairs_hook=_no_repeats)
    except ValueError as error:
        yield f"is not JSON: {error}"
        return
    if not isinstance(document, dict):
        yield "is not an object"
        return
    for key in set(document) - {"Version", "Id", "Statement"}:
        yield f"has {key}, which no policy has"
    if document.get("Version") != "2012-10-17":
        yield f"has the version {document.get('Version')!r}, not 2012-10-17"
    statements = _list(document.get("Statement"))
    if not statements:
        yield "has no statement"
    sids = [statement["Sid"] for statement in statements if isinstance(statement, dict) and "Sid" in statement]
    if len(sids) != len(set(sids)):
        yield f"has one Sid twice: {sids}"
    for index, statement in enumerate(statements):
        for problem in _statement(statement, kind):
            yield f"statement {index} {problem}"


def _no_repeats(pairs):
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError(f"a key stands twice among {keys}")
    return dict(pairs)


def _list(value):
    return value if isinstance(value, list) else [] if value is None else [value]


def _statement(statement, kind):
    if not isinstance(statement, dict):
        yield "is not an object"
        return
    names = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
    for key in set(statement) - names:
        yield f"has {key}, which no statement has"
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield f"has the effect {statement.get('Effect')!r}"
    if "Sid" in statement and not re.fullmatch("[A-Za-z0-9]*", str(statement["Sid"])):
        yield f"has the Sid {statement['Sid']!r}, not letters and digits"
    if ("Action" in statement) == ("NotAction" in statement):
        yield "has not one of Action and NotAction"
    if kind == TRUST and {"Resource", "NotResource"} & set(statement):
        yield "of a trust policy names a resource"
    if kind != TRUST and ("Resource" in statement) == ("NotResource" in statement):
        yield "has not one of Resource and NotResource"
    if kind == IDENTITY and {"Principal", "NotPrincipal"} & set(statement):
        yield "of an identity's policy names a principal"
    if kind != IDENTITY and ("Principal" in statement) == ("NotPrincipal" in statement):
        yield "has not one of Principal and NotPrincipal"
    for action in _list(statement.get("Action", statement.get("NotAction"))):
        if not isinstance(action, str) or not _ACTION.fullmatch(action):
            yield f"has the action {action!r}"
        elif not _is_known(action):
            yield f"has the action {action!r}, which its service does not have"
    for resource in _list(statement.get("Resource", statement.get("NotResource"))):
        if not isinstance(resource, str) or (resource != "*" and not _ARN.fullmatch(resource)):
            yield f"has the resource {resource!r}, which is no ARN"
    yield from _principal(statement.get("Principal", statement.get("NotPrincipal")))
    yield from _condition(statement.get("Condition", {}))


def _is_known(action):
    service, _, name = action.partition(":")
    # API Gateway's actions are HTTP's methods.
    if service not in model.SERVICES or "*" in name or "?" in name or service == "apigateway":
        return True
    is_call = name in model.service(service).operations and name not in _NOT_ACTIONS.get(service, ())
    return is_call or name in _NOT_CALLS.get(service, ())


def _principal(principal):
    if principal is None or principal == "*":
        return
    if not isinstance(principal, dict) or not principal or set(principal) - _PRINCIPALS:
        yield f"has the principal {principal!r}"
        return
    for service in _list(principal.get("Service")):
        if not _SERVICE.fullmatch(str(service)):
            yield f"has the service principal {service!r}"


def _condition(condition):
    if not isinstance(condition, dict):
        yield "has a condition that is not an object"
        return
    for operator, tests in condition.items():
        if not _OPERATOR.fullmatch(operator):
            yield f"has the condition operator {operator!r}"
        for key, values in tests.items() if isinstance(tests, dict) else []:
            if not re.fullmatch(r"[A-Za-z0-9-]+:[A-Za-z0-9._/@:-]+", key):
                yield f"has the condition key {key!r}"
            for value in _list(values):
                if not isinstance(value, (str, int, float, bool)):
                    yield f"has the condition value {value!r}"
        if not isinstance(tests, dict) or not tests:
            yield f"has {operator} without a test"
