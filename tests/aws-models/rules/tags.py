"""Tags, which every service bounds alike and few models do."""

import re

from rules import rule

_TEXT = re.compile(r"[\w\s.:/=+\-@]*")
_MEMBERS = ("Tags", "tags", "TagSet")


def tags_of(members):
    """(key, value) of every tag of a request, in whichever of the three shapes its service has them."""
    for name, value in members.items():
        if name in _MEMBERS and isinstance(value, dict) and not {"Items", "TagSet"} & set(value):
            yield from value.items()
        elif name in (*_MEMBERS, "Items") and isinstance(value, list):
            for tag in value:
                if isinstance(tag, dict) and set(tag) <= {"Key", "Value"}:
                    yield tag.get("Key", ""), tag.get("Value", "")
        elif isinstance(value, dict) and name in (
            *_MEMBERS,
            "Tagging",
            "CreateBucketConfiguration",
            "DistributionConfigWithTags",
        ):
            yield from tags_of(value)


@rule(
    "*",
    says="at most 50 tags, keys of 1 to 128 and values of up to 256 letters, digits, spaces and + - = . _ : / @, no key twice, none with aws:",
    source="AWS General Reference, Tagging: tag naming limits; S3 API, Tag; API Gateway guide, Tag restrictions",
)
def limits(call):
    tags = list(tags_of(call.members))
    if len(tags) > 50:
        yield "tags", f"are {len(tags)}, more than 50"
    # IAM alone compares keys without regard to case; a key that differs by case only would be two tags elsewhere.
    keys = [key.lower() if call.service.name == "iam" else key for key, _ in tags]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        yield f"tag {key}", "is given more than once"
    for key, value in tags:
        if key.lower().startswith("aws:"):
            yield f"tag {key}", "begins with aws:"
        if not 1 <= len(key) <= 128 or not _TEXT.fullmatch(key):
            yield f"tag {key}", "is no key of 1 to 128 letters, digits, spaces and + - = . _ : / @"
        if not isinstance(value, str) or len(value) > 256 or not _TEXT.fullmatch(value):
            yield f"tag {key}", f"has the value {value!r}, not up to 256 letters, digits, spaces and + - = . _ : / @"


@rule(
    "*:TagResource",
    "*:UntagResource",
    "*:TagRole",
    "*:UntagRole",
    says="a tagging call names at least one tag",
    source="the services' API references",
)
def not_empty(call):
    if call.operation.name.startswith("Tag"):
        if not list(tags_of(call.members)):
            yield "tags", "are none"
        return
    keys = [value for name, value in call.members.items() if name.lower() == "tagkeys"]
    keys = [value.get("Items") if isinstance(value, dict) else value for value in keys]
    if not keys or not keys[0]:
        yield "tagKeys", "are none"
