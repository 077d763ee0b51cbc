"""S3: names, checksums, owners, and the insides of configurations."""

import json
import re
from datetime import datetime, timedelta, timezone

import policies
from rules import rule

_NAME = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?!.*\.\.)[a-z0-9.-]{1,61}[a-z0-9]")
_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3", "-an")


@rule(
    "s3:*",
    says="a bucket's name has 3 to 63 of a-z 0-9 -, begins and ends with a letter or digit, has no reserved beginning or end, and no dot (TLS)",
    source="S3 User Guide, General purpose bucket naming rules",
)
def bucket_name(call):
    name = call.members.get("Bucket", "x" * 3)
    if not _NAME.fullmatch(name) or "." in name or name.startswith(_PREFIXES) or name.endswith(_SUFFIXES):
        yield "Bucket", f"is {name!r}"


@rule("s3:*", says="keys have 1 to 1,024 bytes of UTF-8", source="S3 User Guide, Naming Amazon S3 objects")
def key_length(call):
    keys = [call.members["Key"]] if "Key" in call.members else []
    keys += [it.get("Key", "") for it in call.members.get("Delete", {}).get("Objects", [])]
    for key in keys:
        if not 1 <= len(key.encode()) <= 1024:
            yield "Key", f"has {len(key.encode())} bytes"


@rule(
    "s3:*",
    says="the operator tells the bucket's owner with every call but the creation: a bucket's name may be somebody else's tomorrow",
    source="aws-behaviour.md section 1; S3 User Guide, Verifying bucket ownership with bucket owner condition",
)
def expected_owner(call):
    # A session is a function's: its role's policy demands aws:ResourceAccount instead.
    is_session = call.caller.startswith("ASIA")
    if "Bucket" in call.members and call.operation.name != "CreateBucket" and not is_session:
        if not re.fullmatch(r"\d{12}", call.members.get("ExpectedBucketOwner", "")):
            yield "ExpectedBucketOwner", f"is {call.members.get('ExpectedBucketOwner')!r}"


@rule(
    "s3:*",
    says="where the model demands a checksum (DeleteObjects, PutBucketLifecycleConfiguration …) there is Content-MD5 or x-amz-checksum-*, and it is right",
    source="the model's httpChecksum trait; S3 User Guide, Checking object integrity",
)
def checksum(call):
    given = {
        name: value
        for name, value in call.headers.items()
        if name == "content-md5" or re.fullmatch("x-amz-checksum-(?!algorithm|mode|type).*", name)
    }
    if call.operation.must_have_checksum and not given and "x-amz-trailer" not in call.headers:
        yield "checksum", "is missing"
    for name, value in given.items():
        right = call.request.get("digests", {}).get(name)
        if right is not None and right != value:
            yield name, f"is {value}, not {right}"


@rule(
    "s3:CreateBucket",
    says="the location is the region that is asked, and is left out in us-east-1",
    source="S3 API, CreateBucket: LocationConstraint; aws-behaviour.md section 1",
)
def location(call):
    place = call.members.get("CreateBucketConfiguration", {}).get("LocationConstraint")
    if place != (None if call.region == "us-east-1" else call.region):
        yield "LocationConstraint", f"is {place!r} in {call.region}"


@rule(
    "s3:*",
    says="no access control lists: new buckets refuse them",
    source="S3 User Guide, Controlling ownership of objects (BucketOwnerEnforced)",
)
def no_acl(call):
    # Where others let buckets have some again, they must be private before S3 ends them (InvalidBucketAclWithObjectOwnership).
    if call.operation.name == "PutBucketAcl" and call.members.get("ACL") == "private":
        return
    for name in call.members:
        if name == "ACL" or name.startswith("Grant"):
            yield name, "is set"


@rule(
    "s3:PutObject",
    "s3:CopyObject",
    says="an object that a browser gets has a Content-Type, and at most 2 KB of metadata",
    source="S3 User Guide, Working with object metadata",
)
def object_headers(call):
    is_copy = call.operation.name == "CopyObject" and call.members.get("MetadataDirective") != "REPLACE"
    if not call.members.get("ContentType") and not is_copy:
        yield "ContentType", "is missing"
    size = sum(len(key) + len(value) for key, value in call.members.get("Metadata", {}).items())
    if size > 2048:
        yield "Metadata", f"has {size} bytes"


@rule("s3:CopyObject", says="the source is bucket/key, percent-encoded", source="S3 API, CopyObject: x-amz-copy-source")
def copy_source(call):
    source = call.members.get("CopySource", "")
    if not re.fullmatch(r"/?[a-z0-9.-]{3,63}/[A-Za-z0-9._~!*'()%/+=:@-]+(\?versionId=\w+)?", source):
        yield "CopySource", f"is {source!r}"


@rule("s3:DeleteObjects", says="1 to 1,000 objects", source="S3 API, DeleteObjects")
def deleted_at_once(call):
    count = len(call.members.get("Delete", {}).get("Objects", []))
    if not 1 <= count <= 1000:
        yield "Delete.Objects", f"are {count}"


@rule(
    "s3:PutBucketCors",
    says="up to 100 rules of GET, PUT, POST, DELETE, HEAD, one * in an origin",
    source="S3 User Guide, Elements of a CORS configuration",
)
def cors(call):
    rules = call.members.get("CORSConfiguration", {}).get("CORSRules", [])
    if not 1 <= len(rules) <= 100:
        yield "CORSRules", f"are {len(rules)}"
    for index, it in enumerate(rules):
        for method in it.get("AllowedMethods", []):
            if method not in ("GET", "PUT", "POST", "DELETE", "HEAD"):
                yield f"CORSRules[{index}].AllowedMethods", f"hold {method!r}"
        for origin in it.get("AllowedOrigins", []):
            if origin.count("*") > 1 or (origin != "*" and not re.fullmatch(r"https?://[^/\s]+", origin)):
                yield f"CORSRules[{index}].AllowedOrigins", f"hold {origin!r}"


@rule(
    "s3:PutBucketLifecycleConfiguration",
    says="up to 1,000 rules with unique ids of up to 255 characters, each with a filter of one condition and an action; days count from 1; what expires expires after it moves",
    source="S3 User Guide, Lifecycle configuration elements",
)
def lifecycle(call):
    rules = call.members.get("LifecycleConfiguration", {}).get("Rules", [])
    ids = [it.get("ID", "") for it in rules]
    if not 1 <= len(rules) <= 1000 or len(set(ids)) != len(ids):
        yield "Rules", f"are {len(rules)} with the ids {ids}"
    for index, it in enumerate(rules):
        yield from ((f"Rules[{index}]", problem) for problem in _lifecycle_rule(it))


_ACTIONS = (
    "Expiration",
    "Transitions",
    "NoncurrentVersionExpiration",
    "NoncurrentVersionTransitions",
    "AbortIncompleteMultipartUpload",
)


def _lifecycle_rule(it):
    if not 1 <= len(it.get("ID", "")) <= 255:
        yield "has no id of 1 to 255 characters: S3 would make one up, and it would differ at every look"
    if "Prefix" in it or len(it.get("Filter", {})) != 1:
        yield "has not exactly a filter of one condition"
    if not any(it.get(action) for action in _ACTIONS):
        yield "does nothing"
    if "AbortIncompleteMultipartUpload" in it and {"Tag", "And"} & set(it.get("Filter", {})):
        yield "ends uploads by a tag"
    expire = it.get("Expiration", {}).get("Days")
    if expire is not None and expire < 1:
        yield f"expires after {expire} days"
    abort = it.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation")
    if abort is not None and abort < 1:
        yield f"ends uploads after {abort} days"
    for move in it.get("Transitions", []):
        days = move.get("Days", 0)
        if days < (30 if move.get("StorageClass") in ("STANDARD_IA", "ONEZONE_IA") else 0):
            yield f"moves to {move.get('StorageClass')} after {days} days"
        if expire is not None and expire <= days:
            yield f"expires after {expire} days and moves after {days}"


@rule(
    "s3:PutBucketNotificationConfiguration",
    says="each filter has prefix and suffix at most once, and no two filters of one event overlap",
    source="S3 User Guide, Configuring event notifications using object key name filtering",
)
def notification(call):
    configuration = call.members.get("NotificationConfiguration", {})
    lists = ("LambdaFunctionConfigurations", "QueueConfigurations", "TopicConfigurations")
    entries = [entry for name in lists for entry in configuration.get(name, [])]
    seen = []
    for entry in entries:
        names = [it.get("Name", "").lower() for it in entry.get("Filter", {}).get("Key", {}).get("FilterRules", [])]
        if len(names) != len(set(names)) or set(names) - {"prefix", "suffix"}:
            yield "FilterRules", f"are {names}"
        mine = (entry.get("Events", []), _filter(entry, "prefix"), _filter(entry, "suffix"))
        if any(_overlap(mine, other) for other in seen):
            yield "Events", f"{mine} overlap with another entry's"
        seen.append(mine)


def _filter(entry, name):
    rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return next((it.get("Value", "") for it in rules if it.get("Name", "").lower() == name), "")


def _overlap(one, other):
    events = any(
        a.rstrip("*").startswith(b.rstrip("*")) or b.rstrip("*").startswith(a.rstrip("*")) for a in one[0] for b in other[0]
    )
    prefixes = one[1].startswith(other[1]) or other[1].startswith(one[1])
    suffixes = one[2].endswith(other[2]) or other[2].endswith(one[2])
    return events and prefixes and suffixes


@rule(
    "s3:PutBucketPolicy",
    says="a policy by the grammar, of up to 20 KB, whose resources are this bucket and what is in it",
    source="IAM User Guide, Grammar of the IAM JSON policy language; S3 User Guide, Bucket policies",
)
def policy(call):
    text = call.members.get("Policy", "")
    if len(text.encode()) > 20 * 1024:
        yield "Policy", f"has {len(text.encode())} bytes"
    problems = list(policies.problems(text, policies.RESOURCE))
    yield from (("Policy", problem) for problem in problems)
    if problems:
        return
    for statement in policies._list(json.loads(text)["Statement"]):
        for resource in policies._list(statement.get("Resource")):
            bucket = resource.split(":::", 1)[-1].split("/", 1)[0]
            if bucket != call.members.get("Bucket"):
                yield "Policy", f"names {resource}, which is not in this bucket"


@rule(
    "s3:PutPublicAccessBlock",
    says="all four settings are on",
    source="docs/architecture.md: nothing of a gallery is public; S3 User Guide, Blocking public access",
)
def all_blocked(call):
    blocks = call.members.get("PublicAccessBlockConfiguration", {})
    if len(blocks) != 4 or not all(blocks.values()):
        yield "PublicAccessBlockConfiguration", f"is {blocks}"


def form_problems(form):
    """Of a browser's POST to a bucket, which is no operation of the model. `form` as the record holds it."""
    fields = [name for name, _ in form["fields"]]
    if not fields or fields[-1] != "file":
        yield "form", "ends with another field than the file: S3 ignores what comes after it"
    try:
        policy_ = json.loads(form["policy"])
        expiration = datetime.strptime(policy_["expiration"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
        conditions = policy_["conditions"]
    except (KeyError, TypeError, ValueError) as error:
        yield "policy", f"cannot be read: {error!r}"
        return
    if expiration - datetime.fromtimestamp(form["time"], timezone.utc) > timedelta(days=7):
        yield "policy", "is good for more than seven days"
    covered = {"bucket"}
    for condition in conditions:
        covered |= set(condition) if isinstance(condition, dict) else {str(condition[1]).lstrip("$")}
    for field in fields:
        is_free = field in ("file", "policy", "x-amz-signature") or field.startswith("x-ignore-")
        if not is_free and field not in {name.lower() for name in covered} and field not in covered:
            yield f"field {field}", "is covered by no condition of the policy: Extra input fields"
    for name in ("bucket", "key"):
        if not any(isinstance(it, dict) and name in it or isinstance(it, list) and it[1] == f"${name}" for it in conditions):
            yield "policy", f"does not bind the {name}"
    if not any(isinstance(it, list) and it[0] == "content-length-range" for it in conditions):
        yield "policy", "does not bound the file's length"


FORM_SAYS = "every field of an upload form is covered by a condition; bucket, key and length are bound; the file comes last"
FORM_SOURCE = "S3 API, Browser-based uploads using POST: POST policy"
