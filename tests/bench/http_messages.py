"""HTTP/1.1 as two programs on one machine need it: whole messages with a length, one after the other on a connection.

Python's own http.server writes head and body apart and parses headers as e-mail, which takes longer than what is measured.
"""


def read_all(connection):
    """First line, headers (lower case) and body of each message until the other side closes."""
    buffer = b""
    while True:
        while b"\r\n\r\n" not in buffer:
            more = connection.recv(65536)
            if not more:
                return
            buffer += more
        head, _, buffer = buffer.partition(b"\r\n\r\n")
        line, *rest = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (header.partition(":") for header in rest)}
        if "100-continue" in headers.get("expect", ""):
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in headers.get("transfer-encoding", ""):
            body, buffer = chunks(connection, buffer)
        else:
            length, pieces, count = int(headers.get("content-length", 0)), [buffer], len(buffer)
            while count < length:
                pieces.append(received(connection))
                count += len(pieces[-1])
            buffer = b"".join(pieces)  # Once: a photo comes in a hundred pieces.
            body, buffer = buffer[:length], buffer[length:]
        yield line, headers, body


def received(connection):
    more = connection.recv(65536)
    if not more:
        raise ConnectionError("closed in the middle of a message")
    return more


def chunks(connection, buffer):
    body = b""
    while True:
        while b"\r\n" not in buffer:
            buffer += received(connection)
        size, _, buffer = buffer.partition(b"\r\n")
        size = int(size.partition(b";")[0], 16)
        while len(buffer) < size + 2:
            buffer += received(connection)
        body, buffer = body + buffer[:size], buffer[size + 2 :]
        if size == 0:
            return body, buffer


def response(status, body, headers):
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "\r\n"]).encode("latin-1") + body
