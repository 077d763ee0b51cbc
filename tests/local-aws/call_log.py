"""One JSON line for each request that reaches the local AWS: who called what, and what came of it.

The tests count the operator's writes here, independently of the operator's own metrics; a failed test keeps the file.
"""
import json
import re
import time
from urllib.parse import parse_qsl, unquote_plus

import permissions

_CREDENTIAL = re.compile(r"Credential=([^/\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_READS = re.compile(r"(Get|List|Describe|Head|Query|Scan|BatchGet|TransactGet|Filter|Lookup|Assume|Decode|Simulate|Start|Test)")
_ERROR = re.compile(rb"<Code>([^<]+)</Code>|\"(?:__type|code|Code)\"\s*:\s*\"(?:[^\"#]*#)?([^\"]+)\"")


def wrap(serve, path):
    """The ASGI application `serve`, with every request written to the file at `path`."""
    log = open(path, "a", buffering=1, encoding="utf-8")

    async def logged(scope, receive, send):
        if scope["type"] != "http" or scope["path"].startswith("/_ministack/"):
            return await serve(scope, receive, send)
        started = time.time()
        # A connection's requests share what is remembered of them.
        permissions.asked.set(())
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        seen = {"body": b"", "status": 0, "error": ""}
        is_form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")

        async def listen():
            message = await receive()
            if is_form and message["type"] == "http.request" and len(seen["body"]) < 4096:
                seen["body"] += message.get("body", b"")[:4096]
            return message

        async def answer(message):
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
            elif seen["status"] >= 400 and not seen["error"]:
                code = _ERROR.search(message.get("body", b"")[:4096])
                seen["error"] = next((g.decode() for g in code.groups() if g), "") if code else ""
            await send(message)

        try:
            await serve(scope, listen, answer)
        finally:
            log.write(json.dumps(_line(scope, headers, seen, started)) + "\n")

    return logged


def _line(scope, headers, seen, started):
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    caller, region, service = _signer(headers, query)
    operation, is_write = _operation(scope, headers, query, seen["body"])
    return {
        "time": round(started, 3),
        "milliseconds": round((time.time() - started) * 1000, 1),
        "caller": caller,  # the access key; empty for a visitor
        "region": region,
        "service": service or ("visitor" if "localhost" in headers.get("host", "") else "anonymous"),
        "operation": operation,
        "write": is_write,
        "actions": list(permissions.asked.get()),
        "host": headers.get("host", ""),
        "agent": headers.get("user-agent", ""),
        "status": seen["status"],
        "error": seen["error"],
    }


def _signer(headers, query):
    found = _CREDENTIAL.search(headers.get("authorization", "")) or _CREDENTIAL.search(
        "Credential=" + unquote_plus(query.get("X-Amz-Credential", ""))
    )
    return found.groups() if found else ("", "", "")


def _operation(scope, headers, query, body):
    """The operation's name where the protocol has one, else method, path and subresources; and whether it changes something."""
    name = headers.get("x-amz-target", "").rpartition(".")[2]
    name = name or dict(parse_qsl(body.decode("latin-1"))).get("Action") or query.get("Action", "")
    if name:
        return name, not _READS.match(name)
    keys = sorted(key for key in query if not key.lower().startswith("x-amz-"))
    return (
        f"{scope['method']} {scope['path']}" + ("?" + "&".join(keys) if keys else ""),
        scope["method"] not in ("GET", "HEAD", "OPTIONS"),
    )
