"""AWS's own service models, as botocore ships them (requirements.txt pins the version): which operation is a request?"""

import functools
import re
from urllib.parse import parse_qsl, unquote

import botocore
from botocore.loaders import Loader

VERSION = f"botocore {botocore.__version__}"
_loader = Loader()
# Where botocore's name of a service is not the one that requests are signed for.
_FOLDERS = {"servicequotas": "service-quotas"}


class Operation:
    """One operation of a service, with what tells its requests from others'."""

    def __init__(self, service, name, raw):
        self.service, self.name = service, name
        self.input = raw.get("input", {}).get("shape")
        self.input_trait = raw.get("input", {})
        self.must_have_checksum = raw.get("httpChecksum", {}).get("requestChecksumRequired") or raw.get("httpChecksumRequired")
        http = raw.get("http", {})
        self.method = http.get("method", "POST")
        path, _, query = http.get("requestUri", "/").partition("?")
        self.literals = dict(parse_qsl(query, keep_blank_values=True))
        parts = re.split(r"(\{\w+\+?\})", path.rstrip("/"))
        self.labels = [part.strip("{+}") for part in parts[1::2]]
        greedy = [part.endswith("+}") for part in parts[1::2]]
        pattern = "".join(
            re.escape(part) if index % 2 == 0 else "(.+)" if greedy[index // 2] else "([^/]+)" for index, part in enumerate(parts)
        )
        self.path = re.compile(pattern + ("" if any(greedy) else "/?"))
        self.weight = len(re.sub(r"\{\w+\+?\}", "", path))

    def members(self):
        return self.service.shape(self.input).get("members", {}) if self.input else {}

    def _demanded(self, location):
        required = self.service.shape(self.input).get("required", []) if self.input else []
        members = self.members()
        return [members[name].get("locationName", name) for name in required if members[name].get("location") == location]

    def fits(self, method, path, query, headers):
        """None, or how closely the request fits: some operations differ in what they demand and in nothing else."""
        if method != self.method or not self.path.fullmatch(path):
            return None
        if any(query.get(key) != value for key, value in self.literals.items()):
            return None
        demanded, in_headers = self._demanded("querystring"), self._demanded("header")
        if any(key not in query for key in demanded) or any(key.lower() not in headers for key in in_headers):
            return None
        named = query.get("x-id") == self.name  # the SDKs name the operation where it has no subresource
        return (named, len(self.literals) + len(demanded), len(in_headers), self.weight)

    def label_values(self, path):
        return dict(zip(self.labels, map(unquote, self.path.fullmatch(path).groups())))


class Service:
    def __init__(self, name):
        self.name = name
        raw = _loader.load_service_model(_FOLDERS.get(name, name), "service-2")
        self.raw, self.metadata, self.shapes = raw, raw["metadata"], raw["shapes"]
        self.protocol = self.metadata["protocol"]
        # S3 has two of old beside their successors, with the same method and path.
        self.operations = {
            key: Operation(self, key, value) for key, value in raw["operations"].items() if not value.get("deprecated")
        }

    def shape(self, name):
        return self.shapes[name]

    def operation_by_http(self, method, path, query, headers):
        found = ((operation.fits(method, path, query, headers), operation) for operation in self.operations.values())
        found = [(fit, operation) for fit, operation in found if fit is not None]
        return max(found, key=lambda it: it[0])[1] if found else None


@functools.cache
def service(name):
    """The model of a service by the name that requests are signed for."""
    return Service(name)


SERVICES = ("apigateway", "cloudfront", "dynamodb", "iam", "lambda", "logs", "s3", "servicequotas", "sts")
