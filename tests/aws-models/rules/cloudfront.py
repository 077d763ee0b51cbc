"""CloudFront, whose model knows types and enums and little else."""

import re

from rules import rule

_ERROR_CODES = {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}
_METHODS = ({"GET", "HEAD"}, {"GET", "HEAD", "OPTIONS"}, {"GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"})


@rule("cloudfront:*", says="each list says its quantity", source="CloudFront API, InconsistentQuantities")
def quantities(call):
    shape = call.operation.input
    yield from _quantities(call.service, shape, call.members, "")


def _quantities(service, name, value, where):
    shape = service.shape(name)
    if shape["type"] == "list" and isinstance(value, list):
        for index, part in enumerate(value):
            yield from _quantities(service, shape["member"]["shape"], part, f"{where}[{index}]")
    if shape["type"] != "structure" or not isinstance(value, dict):
        return
    if {"Quantity", "Items"} <= set(shape["members"]):
        count = len(value.get("Items") or [])
        if value.get("Quantity") != count:
            yield f"{where}.Quantity".lstrip("."), f"is {value.get('Quantity')} of {count} items"
    for member, part in value.items():
        if member in shape["members"]:
            yield from _quantities(service, shape["members"][member]["shape"], part, f"{where}.{member}".lstrip("."))


@rule(
    "cloudfront:Update*",
    "cloudfront:Delete*",
    says="a change names the version that it replaces",
    source="CloudFront API: If-Match; InvalidIfMatchVersion",
)
def if_match(call):
    if "IfMatch" in call.operation.members() and not call.members.get("IfMatch"):
        yield "IfMatch", "is missing"


def _config(call):
    return call.members.get("DistributionConfig") or call.members.get("DistributionConfigWithTags", {}).get("DistributionConfig")


@rule(
    "cloudfront:CreateDistribution*",
    "cloudfront:UpdateDistribution",
    says="a caller reference of 1 to 128 characters, a comment of up to 128, a root object without /, aliases only with a certificate",
    source="CloudFront API, DistributionConfig; CloudFront quotas",
)
def distribution(call):
    config = _config(call) or {}
    if not 1 <= len(config.get("CallerReference", "")) <= 128:
        yield "CallerReference", f"is {config.get('CallerReference')!r}"
    if len(config.get("Comment", "")) > 128:
        yield "Comment", f"has {len(config['Comment'])} characters"
    root = config.get("DefaultRootObject", "")
    if root.startswith("/") or len(root) > 255:
        yield "DefaultRootObject", f"is {root!r}"
    certificate = config.get("ViewerCertificate", {})
    if config.get("Aliases", {}).get("Items") and not {"ACMCertificateArn", "IAMCertificateId"} & set(certificate):
        yield "Aliases", "have no certificate"
    errors = config.get("CustomErrorResponses", {}).get("Items", [])
    codes = [it.get("ErrorCode") for it in errors]
    if set(codes) - _ERROR_CODES or len(codes) != len(set(codes)):
        yield "CustomErrorResponses", f"are for {codes}"
    for it in errors:
        if ("ResponseCode" in it and it["ResponseCode"] != "") != bool(it.get("ResponsePagePath")):
            yield "CustomErrorResponses", f"give {it.get('ErrorCode')} a page without a code, or a code without a page"


@rule(
    "cloudfront:CreateDistribution*",
    "cloudfront:UpdateDistribution",
    says="origins have unique ids and one kind each; S3 by its regional name with an access control and an empty identity; others by TLS 1.2",
    source="CloudFront API, Origin, S3OriginConfig, CustomOriginConfig; aws-behaviour.md sections 1 and 5",
)
def origins(call):
    items = (_config(call) or {}).get("Origins", {}).get("Items", [])
    ids = [it.get("Id") for it in items]
    if not 1 <= len(ids) <= 100 or len(ids) != len(set(ids)):
        yield "Origins", f"are {ids}"
    for origin in items:
        yield from ((f"origin {origin.get('Id')}", problem) for problem in _origin(origin))


def _origin(origin):
    kinds = {"S3OriginConfig", "CustomOriginConfig", "VpcOriginConfig"} & set(origin)
    if len(kinds) != 1:
        yield f"is {sorted(kinds)} at once"
    host, path = origin.get("DomainName", ""), origin.get("OriginPath", "")
    if not re.fullmatch(r"[a-z0-9.-]{3,253}", host):
        yield f"has the host {host!r}"
    if path and (not path.startswith("/") or path.endswith("/")):
        yield f"has the path {path!r}"
    if "S3OriginConfig" in origin:
        if not re.fullmatch(r"[a-z0-9-]+\.s3\.[a-z0-9-]+\.amazonaws\.com(\.cn)?", host):
            yield f"is S3 under {host!r}, which is not the bucket's regional name"
        if not origin.get("OriginAccessControlId") or origin["S3OriginConfig"].get("OriginAccessIdentity") != "":
            yield "has no access control, or an identity beside it"
    custom = origin.get("CustomOriginConfig")
    if custom:
        if custom.get("OriginProtocolPolicy") != "https-only" or custom.get("OriginSslProtocols", {}).get("Items") != ["TLSv1.2"]:
            yield "is asked without TLS 1.2"
        for name, most in (("OriginReadTimeout", 120), ("OriginKeepaliveTimeout", 120)):
            if not 1 <= custom.get(name, 5) <= most:
                yield f"has the {name} {custom[name]}"
    if not 1 <= origin.get("ConnectionAttempts", 3) <= 3 or not 1 <= origin.get("ConnectionTimeout", 10) <= 10:
        yield "has other than 1 to 3 attempts or 1 to 10 seconds to connect"


@rule(
    "cloudfront:CreateDistribution*",
    "cloudfront:UpdateDistribution",
    says="a behavior names an origin, one of CloudFront's sets of methods, what is cached of them, and a cache policy",
    source="CloudFront API, CacheBehavior, AllowedMethods",
)
def behaviors(call):
    config = _config(call) or {}
    known = {it.get("Id") for it in config.get("Origins", {}).get("Items", [])}
    patterns = config.get("CacheBehaviors", {}).get("Items", [])
    for behavior in [config.get("DefaultCacheBehavior", {}), *patterns]:
        where = behavior.get("PathPattern", "default behavior")
        if behavior.get("TargetOriginId") not in known:
            yield where, f"names the origin {behavior.get('TargetOriginId')!r}"
        methods = behavior.get("AllowedMethods", {})
        cached = set(methods.get("CachedMethods", {}).get("Items", []))
        if (
            set(methods.get("Items", [])) not in _METHODS
            or cached not in _METHODS[:2]
            or not cached <= set(methods.get("Items", []))
        ):
            yield where, f"allows {methods.get('Items')} and caches {sorted(cached)}"
        if ("CachePolicyId" in behavior) == ("ForwardedValues" in behavior):
            yield where, "has not one of cache policy and forwarded values"
        for name in ("CachePolicyId", "OriginRequestPolicyId", "ResponseHeadersPolicyId"):
            if name in behavior and not behavior[name]:
                yield where, f"has an empty {name}"
    if len({it.get("PathPattern") for it in patterns}) != len(patterns) or any(
        len(it.get("PathPattern", "")) > 255 for it in patterns
    ):
        yield "CacheBehaviors", "repeat a pattern, or have one of more than 255 characters"


@rule(
    "cloudfront:*OriginAccessControl",
    says="a name of up to 64 characters, a description of up to 256",
    source="CloudFront API, OriginAccessControlConfig",
)
def access_control(call):
    config = call.members.get("OriginAccessControlConfig", {"Name": "x"})
    if not 1 <= len(config.get("Name", "")) <= 64 or len(config.get("Description", "")) > 256:
        yield "OriginAccessControlConfig", f"is {config}"


_SECURITY = {
    "content-security-policy",
    "referrer-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
    "x-xss-protection",
}


@rule(
    "cloudfront:*ResponseHeadersPolicy",
    says="a name and a comment of up to 128 characters; security headers not among the custom ones, of which there are up to 10 with 1,783 characters each; CSP up to 1,783",
    source="CloudFront API, ResponseHeadersPolicyConfig; CloudFront quotas: quotas on headers",
)
def headers(call):
    config = call.members.get("ResponseHeadersPolicyConfig")
    if config is None:
        return
    if not 1 <= len(config.get("Name", "")) <= 128 or len(config.get("Comment", "")) > 128:
        yield "ResponseHeadersPolicyConfig", "has a name or comment of more than 128 characters"
    custom = config.get("CustomHeadersConfig", {}).get("Items", [])
    if len(custom) > 10:
        yield "CustomHeadersConfig", f"has {len(custom)} headers"
    for header in custom:
        if header.get("Header", "").lower() in _SECURITY or not re.fullmatch(r"[A-Za-z0-9-]{1,256}", header.get("Header", "")):
            yield "CustomHeadersConfig", f"sets {header.get('Header')}"
        if not 1 <= len(header.get("Value", "")) <= 1783:
            yield "CustomHeadersConfig", f"sets {header.get('Header')} to {len(header.get('Value', ''))} characters"
    policy = config.get("SecurityHeadersConfig", {}).get("ContentSecurityPolicy", {}).get("ContentSecurityPolicy", "x")
    if not 1 <= len(policy) <= 1783:
        yield "ContentSecurityPolicy", f"has {len(policy)} characters"


@rule(
    "cloudfront:CreateInvalidation",
    says="up to 3,000 paths that begin with /, and * only at the end; a caller reference",
    source="CloudFront guide, Invalidating files",
)
def invalidation(call):
    batch = call.members.get("InvalidationBatch", {})
    paths = batch.get("Paths", {}).get("Items", [])
    if not 1 <= len(paths) <= 3000 or not 1 <= len(batch.get("CallerReference", "")) <= 128:
        yield "InvalidationBatch", f"has {len(paths)} paths and the reference {batch.get('CallerReference')!r}"
    for path in paths:
        if not path.startswith("/") or "*" in path[:-1] or len(path) > 4000:
            yield "Paths", f"hold {path!r}"


@rule(
    "cloudfront:*TagResource",
    "cloudfront:ListTagsForResource",
    says="the ARN of a distribution, which has no region",
    source="CloudFront API, TagResource",
)
def arn(call):
    if not re.fullmatch(r"arn:aws[a-z-]*:cloudfront::\d{12}:distribution/[A-Z0-9]+", call.members.get("Resource", "")):
        yield "Resource", f"is {call.members.get('Resource')!r}"
