"""The checker's own tests: every request is made by botocore's serializer, found legal, then spoilt in one way, and found out.

`python3 -m unittest discover -s tests/aws-models` (a stage of `make check`).
"""

import copy
import json
import os
import tempfile
import unittest

from botocore.model import ServiceModel
from botocore.serialize import create_serializer

import check
import model
import rules
from legal import LEGAL, ROLE_ARN
from rules.order import Order
from spoilt import SPOILT_MEMBERS

_SERVICES = {name: ServiceModel(model.service(name).raw) for name in model.SERVICES}


def request(name, members, **changes):
    """What botocore would send, as the recorder writes it."""
    service, operation = name.split(":")
    api = _SERVICES[service]
    made = create_serializer(api.metadata["protocol"], include_validation=False).serialize_to_request(
        copy.deepcopy(members), api.operation_model(operation)
    )
    path, _, query = made["url_path"].partition("?")
    pairs = [*filter(None, [query]), *(f"{k}={quote(v)}" for k, values in _query(made) for v in values)]
    body = made["body"] if isinstance(made["body"], (str, bytes)) else form(made["body"])
    body = body.decode() if isinstance(body, bytes) else body
    if service in ("lambda", "apigateway", "cloudfront", "iam", "dynamodb", "logs") or not body:
        headers = dict(made["headers"])
    else:
        headers = {**made["headers"], "x-amz-checksum-crc32": "AAAAAA=="}
    found = {
        "number": 1, "time": 0.0, "caller": "AKIAOPERATOR", "region": "us-east-1" if service in ("iam", "cloudfront") else "eu-west-1",
        "service": service, "method": made["method"], "path": path, "query": "&".join(pairs), "headers": headers, "body": body,
        "length": len(body), "digests": {}, "complete": True, "status": 200,
    }  # fmt: skip
    return {**found, **changes}


def _query(made):
    items = made["query_string"].items() if isinstance(made["query_string"], dict) else made["query_string"]
    return [(key, value if isinstance(value, list) else [value]) for key, value in items]


def quote(text):
    from urllib.parse import quote as percent

    return percent(str(text), safe="")


def form(fields):
    return "&".join(f"{key}={quote(value)}" for key, value in fields.items())


def put(members, path, value):
    """A copy with the value at a path such as `Rules.0.ID`; None removes."""
    members = copy.deepcopy(members)
    at = members
    *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    for part in way:
        at = at[part]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return members


def texts(found):
    return [str(violation) for violation in found]


class Legal(unittest.TestCase):
    def test_what_is_legal_is_read_back_whole_and_found_legal(self):
        for name, members in LEGAL.items():
            with self.subTest(name):
                made = request(name, members)
                found, violations = check.check(made)
                self.assertEqual(found, name)
                self.assertEqual(texts(violations), [])
                call = check.wire.Call(made)
                added = ("Body", "ChecksumCRC32")
                self.assertEqual(
                    {k: v for k, v in call.members.items() if k not in added},
                    {k: v for k, v in members.items() if k not in added},
                )


class Spoilt(unittest.TestCase):
    def expect(self, made, words):
        _, violations = check.check(made)
        self.assertTrue(any(words in text for text in texts(violations)), f"{words!r} is not said: {texts(violations)}")
        return violations

    def test_every_spoilt_member_is_found(self):
        for name, path, value, words in SPOILT_MEMBERS:
            with self.subTest(f"{name} {path} = {str(value)[:40]}"):
                self.expect(request(name, put(LEGAL[name], path, value)), words)

    def test_every_rule_finds_something(self):
        sources = set()
        for name, path, value, _ in SPOILT_MEMBERS:
            sources |= {violation.source for violation in check.check(request(name, put(LEGAL[name], path, value)))[1]}
        for made in (self.without_checksum(), self.signed_elsewhere(), self.bad_document()):
            sources |= {violation.source for violation in check.check(made)[1]}
        silent = [rule.says for rule in rules.TABLE if f"{rule.says}; {rule.source}" not in sources]
        self.assertEqual(silent, [])

    def test_a_member_that_the_model_does_not_know_is_found_in_every_protocol(self):
        json_ = request("dynamodb:UpdateTable", LEGAL["dynamodb:UpdateTable"])
        self.expect({**json_, "body": json_["body"][:-1] + ', "Colour": "red"}'}, "Colour: is not in the model")
        rest = request("lambda:AddPermission", LEGAL["lambda:AddPermission"])
        self.expect({**rest, "body": rest["body"][:-1] + ', "Colour": "red"}'}, "Colour: is not in the model")
        xml = request("s3:PutBucketCors", LEGAL["s3:PutBucketCors"])
        self.expect(
            {**xml, "body": xml["body"].replace("</CORSRule>", "<Colour>red</Colour></CORSRule>")}, "Colour: is not in the model"
        )
        query = request("iam:CreateRole", LEGAL["iam:CreateRole"])
        self.expect({**query, "body": query["body"] + "&Colour=red"}, "Colour: is not in the model")
        self.expect(
            {**xml, "headers": {**xml["headers"], "x-amz-colour": "red"}}, "x-amz-colour: is a header that is not in the model"
        )
        self.expect({**xml, "query": xml["query"] + "&colour=red"}, "colour: is a query parameter that is not in the model")
        get = request("s3:GetBucketCors", LEGAL["s3:GetBucketCors"])
        self.expect({**get, "body": "<A/>", "length": 4}, "the body: is not in the model")

    def test_a_value_of_another_type_is_found_in_every_protocol(self):
        made = request("lambda:CreateFunction", LEGAL["lambda:CreateFunction"])
        self.expect({**made, "body": made["body"].replace('"Timeout": 30', '"Timeout": "30"')}, 'Timeout: is "30", not a integer')
        made = request("logs:PutRetentionPolicy", LEGAL["logs:PutRetentionPolicy"])
        self.expect({**made, "body": made["body"].replace("30", "null")}, "retentionInDays: is null")
        made = request("s3:PutBucketCors", LEGAL["s3:PutBucketCors"])
        self.expect({**made, "body": made["body"].replace(">3600<", ">an hour<")}, "not a whole number")
        made = request("iam:GetRole", LEGAL["iam:GetRole"])
        self.expect({**made, "body": made["body"].replace("RoleName=", "RoleName.member.1=")}, "is not a string")

    def test_what_is_no_request_of_the_service_is_found(self):
        made = request("s3:PutBucketCors", LEGAL["s3:PutBucketCors"])
        self.expect({**made, "method": "PATCH"}, "s3 has no operation PATCH /pg-photos")
        self.expect({**made, "body": made["body"].replace("CORSConfiguration", "Cors")}, "is a <Cors>, not a <CORSConfiguration>")
        self.expect({**made, "body": made["body"].replace("s3.amazonaws.com/doc", "example.com")}, "has the namespace")
        self.expect({**made, "body": "<CORSConfiguration"}, "is not XML")
        self.expect({**made, "service": "ec2"}, "is none of ours")
        made = request("dynamodb:UpdateTable", LEGAL["dynamodb:UpdateTable"])
        self.expect(
            {**made, "headers": {**made["headers"], "X-Amz-Target": "DynamoDB_20120810.Sing"}}, "dynamodb has no operation Sing"
        )
        self.expect({**made, "headers": {**made["headers"], "Content-Type": "application/json"}}, "Content-Type")
        self.expect({**made, "body": "{"}, "is not JSON")
        made = request("iam:CreateRole", LEGAL["iam:CreateRole"])
        self.expect({**made, "body": made["body"].replace("2010-05-08", "2006-01-01")}, "Version: is '2006-01-01'")

    def without_checksum(self):
        made = request("s3:PutBucketLifecycleConfiguration", LEGAL["s3:PutBucketLifecycleConfiguration"])
        return {
            **made,
            "headers": {
                name: value for name, value in made["headers"].items() if "checksum" not in name and name != "Content-MD5"
            },
        }

    def test_a_missing_and_a_wrong_checksum_are_found(self):
        self.expect(self.without_checksum(), "checksum: is missing")
        made = request("s3:DeleteObjects", LEGAL["s3:DeleteObjects"])
        self.expect({**made, "digests": {"x-amz-checksum-crc32": "BBBBBB=="}}, "x-amz-checksum-crc32: is AAAAAA==, not BBBBBB==")

    def signed_elsewhere(self):
        return request("iam:GetRole", LEGAL["iam:GetRole"], region="eu-west-1")

    def test_a_global_service_that_is_signed_for_a_region_is_found(self):
        self.expect(self.signed_elsewhere(), "region: is eu-west-1")

    def bad_document(self):
        return request("apigateway:PutRestApi", {**LEGAL["apigateway:PutRestApi"], "body": b'{"openapi": "2.0"}'})

    def test_spoilt_openapi_documents_are_found(self):
        self.expect(self.bad_document(), "openapi: is '2.0'")
        document = json.loads(LEGAL["apigateway:PutRestApi"]["body"])
        integration = "x-amazon-apigateway-integration"
        for path, value, words in [
            ("paths|/photos|get|" + integration, None, "has no integration"),
            ("paths|/photos|get|" + integration + "|httpMethod", "GET", "calls Lambda by GET"),
            ("paths|/photos|get|" + integration + "|uri", "arn:aws:lambda:x", "calls 'arn:aws:lambda:x'"),
            ("paths|/photos/{id}|parameters", [], "declares the parameters []"),
            ("x-amazon-apigateway-gateway-responses|THROTTLED|statusCode", 429, "is not a string of three digits"),
            (
                "x-amazon-apigateway-gateway-responses|THROTTLED|responseParameters",
                {"gatewayresponse.header.A": "b"},
                "neither quoted text",
            ),
            ("x-amazon-apigateway-gateway-responses|SLEEPY", {}, "is not one of"),
        ]:
            with self.subTest(path):
                spoilt = json.dumps(put_by(document, path.split("|"), value)).encode()
                self.expect(request("apigateway:PutRestApi", {**LEGAL["apigateway:PutRestApi"], "body": spoilt}), words)


def put_by(document, way, value):
    document = copy.deepcopy(document)
    at = document
    for part in way[:-1]:
        at = at[part]
    if value is None:
        del at[way[-1]]
    else:
        at[way[-1]] = value
    return document


class Forms(unittest.TestCase):
    def made(self, fields=("key", "Content-Type", "policy", "x-amz-signature", "file"), without=None):
        conditions = [
            {"bucket": "pg-photos"},
            {"key": "incoming/1"},
            {"Content-Type": "image/jpeg"},
            ["content-length-range", 1, 9],
        ]
        conditions = [it for it in conditions if without not in it]
        policy = json.dumps({"expiration": "1970-01-01T00:05:00.000Z", "conditions": conditions})
        return {
            "number": 1, "time": 0.0, "service": "s3", "caller": "", "region": "", "method": "POST", "status": 204,
            "form": {"bucket": "pg-photos", "policy": policy, "fields": [[name, "-"] for name in fields]},
        }  # fmt: skip

    def test_a_legal_form_is_legal(self):
        self.assertEqual(texts(check.check(self.made())[1]), [])

    def test_spoilt_forms_are_found(self):
        for made, words in [
            (self.made(fields=("key", "file", "Content-Type")), "ends with another field"),
            (self.made(fields=("key", "colour", "file")), "field colour: is covered by no condition"),
            (self.made(without="key"), "does not bind the key"),
            (self.made(without="content-length-range"), "does not bound the file's length"),
            ({**self.made(), "form": {**self.made()["form"], "policy": None}}, "cannot be read"),
        ]:
            with self.subTest(words):
                self.assertTrue(any(words in text for text in texts(check.check(made)[1])), texts(check.check(made)[1]))


class InOrder(unittest.TestCase):
    def found(self, *steps):
        order, found = Order(), []
        for name, members in steps:
            found += texts(check.check(request(name, members), order)[1])
        return found

    def test_what_comes_too_early_is_found_and_in_order_it_is_legal(self):
        role = ("iam:CreateRole", {**LEGAL["iam:CreateRole"], "RoleName": ROLE_ARN.rsplit("/", 1)[-1]})
        for first, then, words in [
            (role, "lambda:CreateFunction", "is not made"),
            ("s3:PutPublicAccessBlock", "s3:PutBucketPolicy", "comes before PutPublicAccessBlock"),
            ("lambda:AddPermission", "s3:PutBucketNotificationConfiguration", "may not be invoked by"),
            ("apigateway:PutRestApi", "apigateway:CreateDeployment", "has no methods"),
        ]:
            with self.subTest(words):
                first = first if isinstance(first, tuple) else (first, LEGAL[first])
                then, bucket = (then, LEGAL[then]), ("s3:CreateBucket", LEGAL["s3:CreateBucket"])
                self.assertEqual(self.found(bucket, first, then), [])
                self.assertTrue(any(words in text for text in self.found(bucket, then)), self.found(bucket, then))

    def test_a_permission_is_taken_away_by_its_own_name_only(self):
        made, told = (
            (name, LEGAL[name]) for name in ("lambda:AddPermission", "s3:PutBucketNotificationConfiguration")
        )
        for statement, is_legal in [("theirs", True), ("photogallery", False)]:
            taken = ("lambda:RemovePermission", {"FunctionName": "pg-list", "StatementId": statement})
            found = self.found(made, taken, told)
            self.assertEqual(not any("may not be invoked by" in text for text in found), is_legal, found)

    def test_a_living_distribution_cannot_be_deleted(self):
        config = LEGAL["cloudfront:UpdateDistribution"]
        delete = ("cloudfront:DeleteDistribution", {"Id": config["Id"], "IfMatch": "E2"})
        disabled = put(config, "DistributionConfig/Enabled", False)
        self.assertEqual(self.found(("cloudfront:UpdateDistribution", disabled), delete), [])
        self.assertTrue(any("is not disabled" in text for text in self.found(("cloudfront:UpdateDistribution", config), delete)))


class Records(unittest.TestCase):
    def test_a_record_is_checked_from_where_the_last_check_ended(self):
        good = request("logs:PutRetentionPolicy", LEGAL["logs:PutRetentionPolicy"])
        bad = request("logs:PutRetentionPolicy", {"logGroupName": "/aws/lambda/pg", "retentionInDays": 15})
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "record")
            with open(path, "w") as record:
                record.write(json.dumps(bad) + "\n")
            operations, violations, end = check.check_record(path)
            self.assertEqual((operations, len(violations)), ({"logs:PutRetentionPolicy": 1}, 1))
            with open(path, "a") as record:
                record.write(json.dumps(good) + "\n" + json.dumps({**bad, "complete": False}) + "\n" + '{"half": ')
            operations, violations, again = check.check_record(path, end)
            self.assertEqual((operations, violations), ({"logs:PutRetentionPolicy": 1}, []))
            self.assertGreater(again, end)
            self.assertEqual(check.check_record(path, again)[0], {})

    def test_what_tests_do_in_the_name_of_others_is_not_the_product_s(self):
        bad = request("logs:PutRetentionPolicy", {"logGroupName": "/aws/lambda/pg", "retentionInDays": 15})
        spoilt = {**Forms().made(without="key"), "complete": True}
        lines = [bad, {**bad, "caller": "AKIASOMEBODY"}, {**bad, "caller": "ASIAFUNCTION"}, spoilt, {**spoilt, "status": 403}]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "record")
            with open(path, "w") as record:
                record.writelines(json.dumps(line) + "\n" for line in lines)
            operations, violations, _ = check.check_record(path, operators=["AKIAOPERATOR"])
            self.assertEqual(operations, {"logs:PutRetentionPolicy": 2, "s3:PostObject": 1})
            # The form has two things wrong with it.
            self.assertEqual(len(violations), 4)
            self.assertEqual(check.check_record(path)[0]["logs:PutRetentionPolicy"], 3)

    def test_every_pattern_of_the_models_can_be_compiled(self):
        self.assertEqual(check.uncompilable_patterns(), [])


if __name__ == "__main__":
    unittest.main()
