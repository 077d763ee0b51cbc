"""One JSON line for each signed request that reaches the local AWS, whole, for tests/aws-models to check: who, what, and how it
was answered. Also the browsers' upload forms.

Here and not in a proxy, so that every stack has it, and the functions and the browsers are in it too. Left out are the root's
requests (its signature is not even checked; it sets up and looks), whatever signs or opens anything, and long bodies but for
their length and digests.
"""

import base64
import hashlib
import json
import re
import time
import zlib
from urllib.parse import parse_qsl, quote

from call_log import _signer

_SECRET_HEADERS = {"authorization", "x-amz-security-token", "cookie"}
_SECRET_QUERY = {"X-Amz-Signature", "X-Amz-Security-Token", "X-Amz-Credential"}
_SECRET_FIELDS = {"x-amz-signature", "x-amz-security-token", "x-amz-credential"}
_ROOT = "test"
# Longer bodies are files.
_LONGEST = 256 * 1024


def wrap(serve, path):
    """The ASGI application `serve`, with every request written to the file at `path`."""
    log = open(path, "a", buffering=1, encoding="utf-8")
    count = 0

    async def logged(scope, receive, send):
        nonlocal count
        if scope["type"] != "http" or scope["path"].startswith("/_ministack/"):
            return await serve(scope, receive, send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = scope["query_string"].decode("latin-1")
        signer = _signer(headers, dict(parse_qsl(query, keep_blank_values=True)))
        is_form = scope["method"] == "POST" and headers.get("content-type", "").startswith("multipart/form-data")
        if signer[0] == _ROOT or not (signer[0] or is_form):
            return await serve(scope, receive, send)
        count += 1
        has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        # Nobody reads a body that is not there.
        seen = {"number": count, "time": time.time(), "body": bytearray(), "length": 0, "complete": not has_body, "status": 0}
        digests = _digests(headers)

        async def listen():
            message = await receive()
            if message["type"] == "http.request":
                part = message.get("body", b"")
                seen["length"] += len(part)
                seen["body"] += part[: _LONGEST + 1 - len(seen["body"])] if len(seen["body"]) <= _LONGEST else b""
                for digest in digests.values():
                    digest.update(part)
                seen["complete"] |= not message.get("more_body", False)
            return message

        async def answer(message):
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
            await send(message)

        try:
            await serve(scope, listen, answer)
        finally:
            line = _form(scope, headers, seen) if is_form else _line(scope, headers, query, signer, seen, digests)
            log.write(json.dumps(line) + "\n")

    return logged


def _line(scope, headers, query, signer, seen, digests):
    body = bytes(seen["body"])
    caller, region, service = signer
    return {
        "number": seen["number"],
        "time": round(seen["time"], 3),
        "caller": caller,
        "region": region,
        "service": service,
        "method": scope["method"],
        "path": (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1"),
        "query": "&".join(_harmless(pair) for pair in query.split("&")) if query else "",
        "headers": {name: value for name, value in headers.items() if name not in _SECRET_HEADERS},
        # A file's content is nobody's business here, and of a long body only the length.
        "body": None if len(body) > _LONGEST or _is_object(scope, service, headers) else _text(body),
        "length": seen["length"],
        "digests": {name: digest.text() for name, digest in digests.items()},
        "complete": seen["complete"],
        "status": seen["status"],
    }


def _harmless(pair):
    name, _, _ = pair.partition("=")
    return f"{name}=-" if name in _SECRET_QUERY else pair


def _is_object(scope, service, headers):
    """Does the request hold an object's content?"""
    is_upload = service == "s3" and scope["method"] == "PUT" and "x-amz-copy-source" not in headers
    return is_upload and len(scope["path"].strip("/").split("/")) > 1


def _text(body):
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _form(scope, headers, seen):
    """An upload form: its fields in order, without their secrets, and the policy that was signed."""
    boundary = re.search(r'boundary="?([^";]+)', headers["content-type"])
    parts = bytes(seen["body"]).split(b"--" + boundary.group(1).encode())[1:] if boundary else []
    fields, policy = [], None
    for part in parts:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head)
        if not name:
            continue
        name, value = name.group(1).decode("utf-8", "replace"), content.rstrip(b"\r\n")
        if name.lower() == "policy":
            policy = _without_secrets(value)
        # Of the file only that it is there.
        is_told = name.lower() not in _SECRET_FIELDS | {"policy", "file"}
        fields.append([name, value.decode("utf-8", "replace") if is_told else "-"])
    return {
        "number": seen["number"],
        "time": round(seen["time"], 3),
        "caller": "",
        "region": "",
        "service": "s3",
        "method": scope["method"],
        "form": {"bucket": scope["path"].strip("/"), "fields": fields, "policy": policy},
        "length": seen["length"],
        "complete": seen["complete"],
        "status": seen["status"],
    }


def _without_secrets(policy):
    try:
        policy = json.loads(base64.b64decode(policy))
        for condition in policy["conditions"]:
            if isinstance(condition, dict):
                condition.update({name: "-" for name in condition if name.lower() in _SECRET_FIELDS})
        return json.dumps(policy)
    except (ValueError, KeyError, TypeError):
        return None


class _Crc32:
    def __init__(self):
        self.value = 0

    def update(self, part):
        self.value = zlib.crc32(part, self.value)

    def text(self):
        return base64.b64encode(self.value.to_bytes(4, "big")).decode()


class _Hash:
    def __init__(self, name):
        self.hash = hashlib.new(name)

    def update(self, part):
        self.hash.update(part)

    def text(self):
        return base64.b64encode(self.hash.digest()).decode()


def _digests(headers):
    """A digest for each one that the request claims, and that Python can make."""
    known = {
        "content-md5": lambda: _Hash("md5"),
        "x-amz-checksum-crc32": _Crc32,
        "x-amz-checksum-sha1": lambda: _Hash("sha1"),
        "x-amz-checksum-sha256": lambda: _Hash("sha256"),
    }
    is_chunked = "aws-chunked" in headers.get("content-encoding", "")
    return {} if is_chunked else {name: make() for name, make in known.items() if name in headers}
