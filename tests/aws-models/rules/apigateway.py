"""API Gateway, whose model has no constraints at all: names, patches, and the OpenAPI document."""

import json
import re

import model
from rules import rule

_PATCHES = {
    "UpdateRestApi": {
        "/name": {"replace"}, "/description": {"replace"}, "/policy": {"replace"}, "/apiKeySource": {"replace"},
        "/disableExecuteApiEndpoint": {"replace"}, "/minimumCompressionSize": {"replace"}, "/binaryMediaTypes/.+": {"add", "remove", "replace"},
        "/endpointConfiguration/types/.+": {"replace"}, "/endpointConfiguration/vpcEndpointIds(/.+)?": {"add", "remove", "replace"},
        "/endpointConfiguration/ipAddressType": {"replace"}, "/securityPolicy": {"replace"}, "/endpointAccessMode": {"replace"},
    },
    "UpdateStage": {
        "/deploymentId": {"replace", "copy"}, "/description": {"replace"}, "/variables/[^/]+": {"replace", "remove", "add"},
        "/(\\*|[^/]+)/(\\*|[A-Z]+)/throttling/(rateLimit|burstLimit)": {"replace", "remove"},
        "/(\\*|[^/]+)/(\\*|[A-Z]+)/(logging/(loglevel|dataTrace)|metrics/enabled|caching/.+)": {"replace"},
        # Takes a method's settings away altogether.
        "/(\\*|~1[^/]*)/(\\*|[A-Z]+)": {"remove"},
        "/accessLogSettings(/.+)?": {"replace", "remove", "add"}, "/tracingEnabled": {"replace"}, "/cacheClusterEnabled": {"replace"},
        "/cacheClusterSize": {"replace"}, "/clientCertificateId": {"replace"}, "/webAclArn": {"replace"}, "/canarySettings(/.+)?": {"add", "replace", "remove", "copy"},
    },
}  # fmt: skip


@rule(
    "apigateway:Update*",
    says="each patch is of a path and a kind that the resource has; a value unless it removes",
    source="API Gateway API, Patch operations",
)
def patches(call):
    allowed = _PATCHES.get(call.operation.name)
    found = call.members.get("patchOperations", [])
    if not found or allowed is None:
        yield "patchOperations", "are none, or of a resource that the rules do not know"
        return
    for patch in found:
        kinds = next((kinds for path, kinds in allowed.items() if re.fullmatch(path, patch.get("path", ""))), set())
        if patch.get("op") not in kinds:
            yield "patchOperations", f"have {patch.get('op')} {patch.get('path')}"
        if patch.get("op") in ("replace", "add") and not isinstance(patch.get("value"), str):
            yield "patchOperations", f"have no value for {patch.get('path')}"


@rule(
    "apigateway:*Stage",
    says="a stage's name has up to 128 letters, digits, - and _",
    source="API Gateway API, CreateStage: stageName",
)
def stage(call):
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", call.members.get("stageName", "")):
        yield "stageName", f"is {call.members.get('stageName')!r}"


@rule(
    "apigateway:CreateRestApi",
    says="a name of up to 1,024 characters, and exactly one type of endpoint",
    source="API Gateway API, CreateRestApi; Amazon API Gateway quotas",
)
def rest_api(call):
    if not 1 <= len(call.members.get("name", "")) <= 1024:
        yield "name", f"is {call.members.get('name')!r}"
    types = call.members.get("endpointConfiguration", {}).get("types", [])
    if len(types) != 1:
        yield "endpointConfiguration.types", f"are {types}"


@rule("apigateway:Get*s", says="a page has at most 500 items", source="API Gateway API, GetRestApis: limit")
def limit(call):
    if not 1 <= call.members.get("limit", 25) <= 500:
        yield "limit", f"is {call.members['limit']}"


@rule(
    "apigateway:*TagResource",
    says="the ARN of a REST API or a stage of the region that is asked",
    source="API Gateway guide, ARN references: arn:partition:apigateway:region::/restapis/id",
)
def arn(call):
    text = call.members.get("resourceArn", "")
    if not re.fullmatch(rf"arn:aws[a-z-]*:apigateway:{call.region}::/restapis/[a-z0-9]+(/stages/[A-Za-z0-9_-]+)?", text):
        yield "resourceArn", f"is {text!r}"


_VERBS = {"get", "put", "post", "delete", "patch", "head", "options", "x-amazon-apigateway-any-method"}


@rule(
    "apigateway:PutRestApi",
    says="an OpenAPI 3 document of up to 6 MB whose operations have an integration, paths their parameters, gateway responses a known type",
    source="API Gateway guide, Configuring a REST API using OpenAPI; Working with API Gateway extensions to OpenAPI; quotas",
)
def openapi(call):
    body = call.members.get("body", b"")
    if len(body) > 6 * 1024 * 1024:
        yield "body", f"has {len(body)} bytes"
    try:
        document = json.loads(body)
    except ValueError as error:
        yield "body", f"is not JSON: {error}"
        return
    if not re.fullmatch(r"3\.0\.[0-3]", str(document.get("openapi"))):
        yield "openapi", f"is {document.get('openapi')!r}"
    if not document.get("info", {}).get("title") or not isinstance(document.get("info", {}).get("version"), str):
        yield "info", f"is {document.get('info')}"
    if call.members.get("mode") not in ("overwrite", "merge"):
        yield "mode", f"is {call.members.get('mode')!r}"
    for path, item in document.get("paths", {}).items():
        yield from ((f"paths {path}", problem) for problem in _path(path, item, call.region))
    for kind, response in document.get("x-amazon-apigateway-gateway-responses", {}).items():
        yield from ((f"gateway response {kind}", problem) for problem in _gateway_response(kind, response))


def _path(path, item, region):
    if not re.fullmatch(r"(/([A-Za-z0-9._:-]+|\{[A-Za-z0-9._-]+\+?\}))+|/", path):
        yield "is no path"
    for verb, operation in item.items():
        if verb == "parameters":
            continue
        if verb not in _VERBS:
            yield f"has {verb}, which is no method"
            continue
        if "responses" not in operation:
            yield f"{verb} has no responses"
        parameters = [*item.get("parameters", []), *operation.get("parameters", [])]
        declared = {it.get("name") for it in parameters if it.get("in") == "path" and it.get("required") is True}
        if declared != {name.rstrip("+") for name in re.findall(r"\{([^}]+)\}", path)}:
            yield f"{verb} declares the parameters {sorted(declared)}"
        yield from (f"{verb} {problem}" for problem in _integration(operation.get("x-amazon-apigateway-integration"), region))


def _integration(integration, region):
    if not isinstance(integration, dict):
        yield "has no integration: a deployment would be refused"
        return
    if integration.get("type") not in ("aws", "aws_proxy", "http", "http_proxy", "mock"):
        yield f"has an integration of type {integration.get('type')!r}"
    uri = rf"arn:aws[a-z-]*:apigateway:{region}:lambda:path/2015-03-31/functions/arn:aws[a-z-]*:lambda:{region}:\d{{12}}:function:[A-Za-z0-9-_]{{1,64}}/invocations"
    if integration.get("type") == "aws_proxy":
        if integration.get("httpMethod") != "POST":
            yield f"calls Lambda by {integration.get('httpMethod')}, not POST"
        if not re.fullmatch(uri, integration.get("uri", "")):
            yield f"calls {integration.get('uri')!r}"
    if not 50 <= integration.get("timeoutInMillis", 29_000) <= 29_000:
        yield f"waits {integration['timeoutInMillis']} ms"


def _gateway_response(kind, response):
    known = model.service("apigateway").shape("GatewayResponseType")["enum"]
    if kind not in known:
        yield f"is not one of {known}"
    if set(response) - {"statusCode", "responseParameters", "responseTemplates"}:
        yield f"has {sorted(response)}"
    status = response.get("statusCode", "400")
    if not isinstance(status, str) or not re.fullmatch(r"[1-5]\d\d", status):
        yield f"has the status {status!r}, which is not a string of three digits"
    for name, value in response.get("responseParameters", {}).items():
        if not re.fullmatch(r"gatewayresponse\.(header|path|querystring)\.[A-Za-z0-9-]+", name):
            yield f"sets {name}"
        if not re.fullmatch(r"'[^']*'|method\.request\.(header|path|querystring)\..+|context\..+|stageVariables\..+", value):
            yield f"sets {name} to {value}, neither quoted text nor a part of the request"
    for type_, template in response.get("responseTemplates", {}).items():
        if not isinstance(template, str) or "/" not in type_:
            yield f"has a template for {type_} that is no text"
