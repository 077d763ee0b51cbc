"""Starts the unmodified MiniStack 1.5.33 wheel as the local AWS, with a patch for each place where it differs from AWS in a way
that a gallery meets. The names are private to that version: requirements.txt pins it, and a new version needs a new look here.

CALL_LOG names the file for one JSON line a request (call_log.py), REQUEST_LOG the one for whole requests (request_log.py).
Everything else is MiniStack's own environment.
"""
import gzip
import json
import os
import re
import socketserver

PORT = int(os.environ["GATEWAY_PORT"])

# Lambda Runtime API: headers and body are two small writes; Nagle and the delayed acknowledgement cost 40 ms an invocation.
socketserver.StreamRequestHandler.disable_nagle_algorithm = True

import ministack.app as app  # noqa: E402 (after the patch above)
import ministack.core.iam_actions as iam_actions  # noqa: E402
import ministack.core.lambda_runtime as lambda_runtime  # noqa: E402
import ministack.services.apigateway_v1 as rest  # noqa: E402
import ministack.services.cloudfront as cloudfront  # noqa: E402
import ministack.services.iam as iam  # noqa: E402

import call_log  # noqa: E402
import openapi_import  # noqa: E402
import permissions  # noqa: E402
import request_log  # noqa: E402


def answer_silent_functions_at_once():
    """Without this, an invocation that logs nothing waits 50 ms for a first line."""
    drain = lambda_runtime.Worker._drain_stderr_bounded
    lambda_runtime.Worker._drain_stderr_bounded = (
        lambda self, first_line_wait=0.002, idle_confirm=0.002, hard_cap=0.25: drain(
            self, first_line_wait, idle_confirm, hard_cap
        )
    )


def let_cloudfront_reach_rest_apis():
    """An origin <api>.execute-api.<region>.amazonaws.com is this process's own REST API."""
    app._EXECUTE_API_RE = re.compile(
        r"^([a-f0-9]{8})\.execute-api\.(?:" + re.escape(app._MINISTACK_HOST) + r"|[a-z0-9-]+\.amazonaws\.com)(?::\d+)?$"
    )
    execute_api = re.compile(r"^[a-f0-9]{8}\.execute-api\.[a-z0-9-]+\.amazonaws\.com$")
    target = cloudfront._origin_connect_target
    cloudfront._origin_connect_target = (
        lambda origin, https: ("127.0.0.1", PORT, False)
        if execute_api.match(origin["domain_name"])
        else target(origin, https)
    )


def show_tags_set_later():
    """TagResource and UntagResource on a REST API or a stage show in GetRestApis and GetStage, as on AWS. Here these two know
    the tags of the creation only."""
    tag, untag = rest._tag_v1_resource, rest._untag_v1_resource

    def described(arn):
        parts = arn.split("/restapis/", 1)[-1].split("/")
        return rest._rest_apis[parts[0]] if len(parts) == 1 else rest._stages_v1[parts[0]][parts[2]]

    def tag_and_show(arn, data):
        answer = tag(arn, data)
        if answer[0] < 300:
            found = described(arn)
            found["tags"] = {**found.get("tags", {}), **data.get("tags", {})}
        return answer

    def untag_and_show(arn, keys):
        answer = untag(arn, keys)
        if answer[0] < 300:
            found = described(arn)
            found["tags"] = {key: value for key, value in found.get("tags", {}).items() if key not in keys}
        return answer

    rest._tag_v1_resource, rest._untag_v1_resource = tag_and_show, untag_and_show


def read_booleans_in_patches():
    """UpdateRestApi's /disableExecuteApiEndpoint is text in the patch and a boolean in answers. Here it stays text, which no SDK
    can read."""
    apply, name = rest._apply_patch, "disableExecuteApiEndpoint"

    def typed(described, patches):
        apply(described, patches)
        if isinstance(described.get(name), str):
            described[name] = described[name] == "true"
        return described

    rest._apply_patch = typed


def name_resources_in_full():
    """IAM checks a call on a role by the role's ARN with its path, a simulation by whom it is about, tagging calls of DynamoDB and CloudFront by the ARN that they
    name, the creation of a function by its name, and CloudFront's controls and policies by their ids. Here the first has no path
    and the others are "*", so that a policy which is exact on AWS allows too little."""
    extract = iam_actions.extract_resource_arn

    def in_full(service, method, path, headers, body, query_params, region, account_id):
        arn = extract(service, method, path, headers, body, query_params, region, account_id)
        if service == "iam" and ":role/" in arn:
            role = iam._roles.get(arn.rsplit("/", 1)[-1])
            wanted = query_params.get("Path")
            wanted = wanted[0] if isinstance(wanted, list) else wanted
            return role["Arn"] if role else arn.replace(":role/", f":role{wanted}") if wanted else arn
        if service == "iam" and arn == "*":
            return iam_actions._query_param(query_params, "PolicySourceArn") or arn
        if service == "dynamodb" and arn == "*":
            return json.loads(body or b"{}").get("ResourceArn") or arn
        if service == "lambda" and arn == "*" and method == "POST" and path.rstrip("/").endswith("/functions"):
            name = json.loads(body or b"{}").get("FunctionName")
            return f"arn:aws:lambda:{region}:{account_id}:function:{name}" if name else arn
        if service == "cloudfront" and arn == "*":
            named = re.search(r"/(origin-access-control|response-headers-policy)/([^/]+)", path)
            if named:
                return f"arn:aws:cloudfront::{account_id}:{named[1]}/{named[2]}"
            return iam_actions._query_param(query_params, "Resource") or arn
        return arn

    iam_actions.extract_resource_arn = in_full


def tell_boundaries_in_the_account_s_details():
    """GetAccountAuthorizationDetails tells each role's permissions boundary. Here it leaves that out."""
    tell = iam._IAM_HANDLERS["GetAccountAuthorizationDetails"]

    def tell_all(parameters):
        status, headers, body = tell(parameters)
        text = body.decode() if isinstance(body, bytes) else body
        for name, role in iam._roles.items():
            boundary = role.get("PermissionsBoundary")
            if boundary:
                element = (
                    "<PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType>"
                    f"<PermissionsBoundaryArn>{boundary}</PermissionsBoundaryArn></PermissionsBoundary>"
                )
                begin = f"<member><RoleName>{name}</RoleName>"
                text = text.replace(begin, begin + element)
        return status, headers, text.encode() if isinstance(body, bytes) else text

    iam._IAM_HANDLERS["GetAccountAuthorizationDetails"] = tell_all


def compress_answers():
    """API Gateway compresses answers of minimumCompressionSize and more for those who accept it. Here that is stored and ignored."""
    execute = rest._handle_execute_in_scope

    async def compressed(api_id, stage, method, path, headers, *rest_of_it):
        status, head, answer = await execute(api_id, stage, method, path, headers, *rest_of_it)
        least = (rest._rest_apis.get(api_id) or {}).get("minimumCompressionSize")
        accepted = {name.lower(): value for name, value in headers.items()}.get("accept-encoding", "")
        answer = answer.encode() if isinstance(answer, str) else answer or b""
        if least is not None and len(answer) >= int(least) and "gzip" in accepted:
            head = {name: value for name, value in head.items() if name.lower() != "content-length"}
            return status, {**head, "Content-Encoding": "gzip"}, gzip.compress(answer)
        return status, head, answer

    rest._handle_execute_in_scope = compressed


def count_loopback_as_tls():
    """Plain HTTP on loopback stands for TLS, as behind a terminator: else a policy that denies aws:SecureTransport=false
    refuses everything and redirect-to-https sends viewers away. Who sends "X-Forwarded-Proto: http" is taken at their word,
    so that both rules can be tested."""
    serve = app.app

    async def secured(scope, receive, send):
        await serve({**scope, "scheme": "https"} if scope["type"] == "http" else scope, receive, send)

    app.app = secured


answer_silent_functions_at_once()
let_cloudfront_reach_rest_apis()
openapi_import.install()
show_tags_set_later()
read_booleans_in_patches()
name_resources_in_full()
permissions.install()
tell_boundaries_in_the_account_s_details()


compress_answers()
count_loopback_as_tls()
if "CALL_LOG" in os.environ:
    app.app = call_log.wrap(app.app, os.environ["CALL_LOG"])
if "REQUEST_LOG" in os.environ:
    app.app = request_log.wrap(app.app, os.environ["REQUEST_LOG"])

app.main()
