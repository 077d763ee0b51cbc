"""A DynamoDB and S3 that answer the functions' calls over TLS, always the same and at once, and count them.

It checks nothing: that the calls are right is what the tests of the functions and the local AWS are for. In a process of its own, so
that it does not wait for whoever measures.
"""

import collections
import json
import multiprocessing
import socket
import ssl
import threading

import http_messages

ROWS = 61


def row(number):
    photo_id = f"01ARZ3NDEKTSV4RRFFQ69G5{number:03}"
    return {
        "photoId": {"S": photo_id},
        "listing": {"S": "photos"},
        "filename": {"S": f"holiday {number}.jpg"},
        "uploadDate": {"S": "2026-11-23T10:00:00Z"},
        "fileSize": {"N": "4300000"},
        "contentType": {"S": "image/jpeg"},
        "width": {"N": "4032"},
        "height": {"N": "3024"},
        "thumbnailKey": {"S": f"{photo_id}.jpg"},
        "status": {"S": "ready"},
    }


def query(limit):
    items = [row(number) for number in reversed(range(ROWS))][:limit]
    answer = {"Count": len(items), "ScannedCount": len(items), "Items": items}
    if len(items) == limit:
        answer["LastEvaluatedKey"] = {name: items[-1][name] for name in ("photoId", "listing")}
    return json.dumps(answer).encode()


class StandIn:
    """Answers until the process that started it ends. `address` is its https:// address, `photo` the bytes of every object."""

    def __init__(self, certificate, key, photo):
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"https://127.0.0.1:{listener.getsockname()[1]}"
        self.pipe, theirs = multiprocessing.Pipe()
        arguments = (listener, certificate, key, photo, theirs)
        multiprocessing.Process(target=serve, args=arguments, daemon=True).start()
        listener.close()

    def calls(self):
        """What was called since the last time somebody asked."""
        self.pipe.send(None)
        return self.pipe.recv()


def serve(listener, certificate, key, photo, pipe):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    # The rows of each page are made once: what is measured is the function.
    pages = {limit: query(limit) for limit in (11, 61)}
    calls = collections.Counter()
    threading.Thread(target=accept, args=(listener, context, (pages, photo), calls), daemon=True).start()
    while True:
        try:
            pipe.recv()
        except EOFError:
            return
        pipe.send(dict(calls))
        calls.clear()


def accept(listener, context, content, calls):
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=answer_all, args=(connection, context, content, calls), daemon=True).start()


def answer_all(connection, context, content, calls):
    try:
        with context.wrap_socket(connection, server_side=True) as secure:
            for line, headers, body in http_messages.read_all(secure):
                kind, found = answer(line, headers, body, content, calls)
                secure.sendall(http_messages.response("200 OK", found, {"Content-Type": kind}))
    except OSError:
        pass  # The function has ended.


def answer(line, headers, body, content, calls):
    pages, photo = content
    target = headers.get("x-amz-target", "").partition(".")[2]
    operation = target or s3_operation(line, headers)
    calls[operation] += 1
    if operation == "Query":
        return "application/x-amz-json-1.0", pages[json.loads(body)["Limit"]]
    if operation == "GetItem":  # Of a photo that is still to be made.
        return "application/x-amz-json-1.0", b"{}"
    if target:
        return "application/x-amz-json-1.0", json.dumps({"Attributes": row(0)}).encode()
    return ("image/jpeg", photo) if operation == "GetObject" else ("application/xml", XML[operation])


XML = {
    "DeleteObjects": b'<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></DeleteResult>',
    "DeleteObject": b"",
    "CopyObject": b"<CopyObjectResult></CopyObjectResult>",
    "PutObject": b"",
}


def s3_operation(line, headers):
    if "?delete" in line:
        return "DeleteObjects"
    return "CopyObject" if "x-amz-copy-source" in headers else f"{line.split()[0].title()}Object"
