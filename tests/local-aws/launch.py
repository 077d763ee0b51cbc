"""Starts the unmodified MiniStack 1.5.33 wheel as the local AWS, with a patch for each place where it differs from AWS in a way
that a gallery meets. The names are private to that version: requirements.txt pins it, and a new version needs a new look here.

CALL_LOG names the file for one JSON line a request (call_log.py). Everything else is MiniStack's own environment.
"""
import os
import re
import socketserver

PORT = int(os.environ["GATEWAY_PORT"])

# Lambda Runtime API: headers and body are two small writes; Nagle and the delayed acknowledgement cost 40 ms an invocation.
socketserver.StreamRequestHandler.disable_nagle_algorithm = True

import ministack.app as app  # noqa: E402 (after the patch above)
import ministack.core.lambda_runtime as lambda_runtime  # noqa: E402
import ministack.services.cloudfront as cloudfront  # noqa: E402

import call_log  # noqa: E402
import openapi_import  # noqa: E402


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
count_loopback_as_tls()
if "CALL_LOG" in os.environ:
    app.app = call_log.wrap(app.app, os.environ["CALL_LOG"])

app.main()
