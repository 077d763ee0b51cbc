"""From a recorded request back to the members of its operation's input, for the four protocols of our services.

Whatever the request holds beyond the model is a complaint: AWS ignores some of it, refuses some, and means something else by
none of it.
"""

import base64
import binascii
import json
import re
import xml.etree.ElementTree as ElementTree
from urllib.parse import parse_qsl

import model

# What signing, checksums and SDKs add to a request without it being in the models.
_COMMON_HEADERS = re.compile(
    r"x-amz-(date|content-sha256|user-agent|target|sdk-checksum-algorithm|trailer|decoded-content-length|checksum-[a-z0-9]+|te)"
    r"|x-amzn-(query-mode|trace-id)"
)
_COMMON_QUERY = re.compile(
    r"x-id|X-Amz-(Algorithm|Credential|Date|Expires|Security-Token|Signature|SignedHeaders|Content-Sha256)"
)


class Unreadable(Exception):
    """The request cannot be told to be any operation's."""


class Call:
    """A request as its operation's members. `complaints` are (where, problem)."""

    def __init__(self, request):
        self.request = request
        self.number, self.region, self.caller = request["number"], request["region"], request["caller"]
        self.headers = {name.lower(): value for name, value in request["headers"].items()}
        self.query = dict(parse_qsl(request["query"], keep_blank_values=True))
        self.complaints = []
        self.service = model.service(request["service"])
        self.operation = self._find()
        self.name = f"{self.service.name}:{self.operation.name}"
        self.members = {}
        reader = {"rest-xml": self._rest, "rest-json": self._rest, "json": self._json, "query": self._query}
        reader[self.service.protocol]()
        # What could not be read is complained of; for the rules it is not there.
        self.members = _without_none(self.members) or {}

    def complain(self, where, problem):
        self.complaints.append((where, problem))

    def body(self):
        """None where only its length is recorded."""
        body = self.request.get("body")
        return base64.b64decode(body["base64"]) if isinstance(body, dict) else body.encode() if body is not None else None

    def _find(self):
        name = None
        if self.service.protocol == "json":
            prefix, _, name = self.headers.get("x-amz-target", "").rpartition(".")
            if prefix != self.service.metadata["targetPrefix"]:
                raise Unreadable(f"x-amz-target begins with {prefix!r}, not {self.service.metadata['targetPrefix']!r}")
        elif self.service.protocol == "query":
            name = dict(parse_qsl((self.body() or b"").decode(), keep_blank_values=True)).get("Action")
        else:
            method, path = self.request["method"], self.request["path"]
            found = self.service.operation_by_http(method, path, self.query, self.headers)
            if found is None:
                raise Unreadable(f"{self.service.name} has no operation {method} {path}?{self.request['query']}")
            return found
        if name not in self.service.operations:
            raise Unreadable(f"{self.service.name} has no operation {name}")
        return self.service.operations[name]

    # The protocols.

    def _json(self):
        expected = f"application/x-amz-json-{self.service.metadata['jsonVersion']}"
        if self.headers.get("content-type") != expected:
            self.complain("Content-Type", f"is {self.headers.get('content-type')!r}, not {expected!r}")
        self.members = self._from_json(self.operation.input, self._load(self.body() or b"{}"), "", by_location=False)

    def _query(self):
        parameters = dict(parse_qsl((self.body() or b"").decode(), keep_blank_values=True))
        parameters.pop("Action")
        version = parameters.pop("Version", None)
        if version != self.service.metadata["apiVersion"]:
            self.complain("Version", f"is {version!r}, not {self.service.metadata['apiVersion']!r}")
        if not self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            self.complain("Content-Type", f"is {self.headers.get('content-type')!r}, not a form's")
        if self.operation.input:
            self.members = self._from_form(self.operation.input, parameters, "")
        for name in parameters:
            self.complain(name, "is not in the model")

    def _rest(self):
        members = self.operation.members()
        labels = self.operation.label_values(self.request["path"])
        headers = {
            name: value
            for name, value in self.headers.items()
            if name.startswith("x-amz-") and not _COMMON_HEADERS.fullmatch(name)
        }
        query = {
            name: value
            for name, value in parse_qsl(self.request["query"], keep_blank_values=True)
            if name not in self.operation.literals and not _COMMON_QUERY.fullmatch(name)
        }
        for name, member in members.items():
            key = member.get("locationName", name)
            location = member.get("location")
            if location == "uri" and key in labels:
                self.members[name] = self._scalar(member["shape"], labels[key], name)
            elif location == "header" and key.lower() in self.headers:
                self.members[name] = self._scalar(member["shape"], self.headers[key.lower()], name)
                headers.pop(key.lower(), None)
            elif location == "headers":
                mine = {k: v for k, v in headers.items() if k.startswith(key.lower())}
                headers = {k: v for k, v in headers.items() if k not in mine}
                if mine:
                    self.members[name] = {k[len(key) :]: v for k, v in mine.items()}
            elif location == "querystring" and key in query:
                self.members[name] = self._query_value(member["shape"], key, name)
                del query[key]
        self._rest_body(members)
        for name in headers:
            self.complain(name, "is a header that is not in the model")
        for name in query:
            self.complain(name, "is a query parameter that is not in the model")

    def _query_value(self, shape, key, where):
        values = [value for name, value in parse_qsl(self.request["query"], keep_blank_values=True) if name == key]
        if self.service.shape(shape)["type"] == "list":
            item = self.service.shape(shape)["member"]["shape"]
            return [self._scalar(item, value, f"{where}[{index}]") for index, value in enumerate(values)]
        if len(values) > 1:
            self.complain(where, "is given more than once")
        return self._scalar(shape, values[0], where)

    def _rest_body(self, members):
        payload = self.service.shape(self.operation.input).get("payload") if self.operation.input else None
        in_body = {name: member for name, member in members.items() if "location" not in member}
        body = self.body()
        if payload and self.service.shape(members[payload]["shape"])["type"] in ("blob", "string"):
            if body is None or body:
                # Of a body that is not recorded only the length is known.
                is_text = self.service.shape(members[payload]["shape"])["type"] == "string"
                self.members[payload] = b"" if body is None else body.decode() if is_text else body
            return
        if body is None:
            self.complain("the body", f"of {self.request['length']} bytes is too long to be a description")
            return
        if not body:
            return
        if not payload and not in_body:
            self.complain("the body", "is not in the model")
        elif self.service.protocol == "rest-json":
            shape = members[payload]["shape"] if payload else self.operation.input
            found = self._from_json(shape, self._load(body), payload or "", by_location=True)
            self.members.update({payload: found} if payload else found)
        elif payload:
            self.members[payload] = self._from_xml_body(members[payload], body, payload)
        else:
            self.members.update(self._from_xml_body({"shape": self.operation.input, **self.operation.input_trait}, body, ""))

    def _load(self, body):
        try:
            return json.loads(body)
        except ValueError as error:
            self.complain("the body", f"is not JSON: {error}")
            return {}

    # JSON.

    def _from_json(self, name, value, where, by_location):
        shape = self.service.shape(name)
        kind = shape["type"]
        if kind == "structure" and not shape.get("document"):
            if not isinstance(value, dict):
                return self._mistyped(where, value, "an object")
            known = {(member.get("locationName", key) if by_location else key): key for key, member in shape["members"].items()}
            found = {}
            for key, part in value.items():
                path = f"{where}.{key}".lstrip(".")
                if key not in known or (by_location and "location" in shape["members"][known[key]]):
                    self.complain(path, "is not in the model")
                elif part is None:
                    self.complain(path, "is null")
                else:
                    found[known[key]] = self._from_json(shape["members"][known[key]]["shape"], part, path, by_location)
            return found
        if kind == "list":
            if not isinstance(value, list):
                return self._mistyped(where, value, "a list")
            return [self._from_json(shape["member"]["shape"], part, f"{where}[{i}]", by_location) for i, part in enumerate(value)]
        if kind == "map":
            if not isinstance(value, dict):
                return self._mistyped(where, value, "an object")
            return {
                key: self._from_json(shape["value"]["shape"], part, f"{where}.{key}", by_location) for key, part in value.items()
            }
        if kind == "blob" and isinstance(value, str):
            return self._scalar(name, value, where)
        wanted = {
            "string": str, "boolean": bool, "integer": int, "long": int, "float": (int, float), "double": (int, float),
            "timestamp": (int, float, str), "blob": str,
        }  # fmt: skip
        if kind in wanted and (not isinstance(value, wanted[kind]) or (isinstance(value, bool) and kind != "boolean")):
            return self._mistyped(where, value, f"a {kind}")
        return value

    def _mistyped(self, where, value, wanted):
        self.complain(where or "the body", f"is {json.dumps(value)[:60]}, not {wanted}")
        return None

    # XML.

    def _from_xml_body(self, member, body, where):
        try:
            root = ElementTree.fromstring(body)
        except ElementTree.ParseError as error:
            self.complain("the body", f"is not XML: {error}")
            return {}
        space, name = _split(root.tag)
        wanted = member.get("locationName") or member["shape"]
        if name != wanted:
            self.complain("the body", f"is a <{name}>, not a <{wanted}>")
        wanted = member.get("xmlNamespace", {}).get("uri") or self.service.shape(member["shape"]).get("xmlNamespace", {}).get(
            "uri"
        )
        if wanted and space != wanted:
            self.complain("the body", f"has the namespace {space!r}, not {wanted!r}")
        return self._from_xml(member["shape"], root, where)

    def _from_xml(self, name, element, where):
        shape = self.service.shape(name)
        if shape["type"] == "structure":
            return self._structure_from_xml(shape, element, where)
        if shape["type"] == "list":
            item = shape["member"].get("locationName", "member")
            return [self._item(shape, item, child, f"{where}[{index}]") for index, child in enumerate(element)]
        if len(element):
            self.complain(where, f"holds elements, not a {shape['type']}")
        return self._scalar(name, element.text or "", where)

    def _item(self, shape, wanted, child, where):
        if _split(child.tag)[1] != wanted:
            self.complain(where, f"is a <{_split(child.tag)[1]}>, not a <{wanted}>")
        return self._from_xml(shape["member"]["shape"], child, where)

    def _structure_from_xml(self, shape, element, where):
        known = {}
        for key, member in shape["members"].items():
            target = self.service.shape(member["shape"])
            flat = target["type"] == "list" and (target.get("flattened") or member.get("flattened"))
            tag = member.get("locationName") or (target["member"].get("locationName") if flat else None) or key
            known[tag] = (key, member, target, flat)
        found = {}
        for child in element:
            tag = _split(child.tag)[1]
            path = f"{where}.{tag}".lstrip(".")
            if tag not in known:
                self.complain(path, "is not in the model")
                continue
            key, member, target, flat = known[tag]
            if flat:
                values = found.setdefault(key, [])
                values.append(self._from_xml(target["member"]["shape"], child, f"{path}[{len(values)}]"))
                continue
            if key in found:
                self.complain(path, "is given more than once")
            found[key] = self._from_xml(member["shape"], child, path)
        for attribute, value in element.attrib.items():
            tag = next(
                (t for t in known if _split(attribute)[1] == t.rpartition(":")[2] and known[t][1].get("xmlAttribute")), None
            )
            if tag is None:
                self.complain(f"{where} {attribute}", "is an attribute that is not in the model")
            else:
                found[known[tag][0]] = value
        return found

    # Forms.

    def _from_form(self, name, parameters, prefix):
        """Takes what it knows out of the parameters."""
        shape = self.service.shape(name)
        if shape["type"] == "structure":
            found = {}
            for key, member in shape["members"].items():
                path = f"{prefix}.{member.get('locationName', key)}".lstrip(".")
                if any(name == path or name.startswith(path + ".") for name in parameters):
                    found[key] = self._from_form(member["shape"], parameters, path)
            return found
        if shape["type"] == "list":
            item = "" if shape.get("flattened") else "." + shape["member"].get("locationName", "member")
            numbers = sorted(
                {int(match.group(1)) for name in parameters if (match := re.match(re.escape(prefix + item) + r"\.(\d+)", name))}
            )
            if numbers != list(range(1, len(numbers) + 1)):
                self.complain(prefix, f"is numbered {numbers}, not from 1 on")
            if not numbers:
                # How the protocol says that a list is there and empty.
                parameters.pop(prefix, None)
            return [self._from_form(shape["member"]["shape"], parameters, f"{prefix}{item}.{number}") for number in numbers]
        if prefix in parameters:
            return self._scalar(name, parameters.pop(prefix), prefix)
        self.complain(prefix, f"is not a {shape['type']}")
        return None

    # Text.

    def _scalar(self, name, text, where):
        kind = self.service.shape(name)["type"]
        if kind in ("integer", "long"):
            if re.fullmatch(r"[+-]?\d+", text):
                return int(text)
            return self._mistyped(where, text, "a whole number")
        if kind in ("float", "double"):
            try:
                return float(text)
            except ValueError:
                return self._mistyped(where, text, "a number")
        if kind == "boolean":
            return text == "true" if text in ("true", "false") else self._mistyped(where, text, "true or false")
        if kind == "blob":
            try:
                return base64.b64decode(text, validate=True)
            except binascii.Error:
                return self._mistyped(where, text, "base64")
        if kind == "timestamp" and not re.search(r"\d", text):
            return self._mistyped(where, text, "a time")
        if kind == "list":
            return [part.strip() for part in text.split(",")]
        return text


def _without_none(value):
    if isinstance(value, dict):
        return {key: _without_none(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_without_none(part) for part in value if part is not None]
    return value


def _split(tag):
    space, _, name = tag[1:].partition("}") if tag.startswith("{") else ("", "", tag)
    return space, name
