#!/usr/bin/env python3
"""A photo gallery by boto3, as a person writes it who needs one: one call after the other, with the waits that AWS asks for.

    gallery.py create|change|code|delete NAME...

It makes what the operator makes: the same resources with the same settings, from the same zips and the same page. It is kind to
itself: names are known beforehand, so it reads nothing before it writes; one client for each service lasts for all names; and it
asks again four times a second where boto3's waiters wait for one to twenty. What it lacks: it can be run once, it cannot say what
is wrong, and it finds nothing that somebody changed.

Prints a JSON line before and after each, with the time. AWS_ENDPOINT_URL, VIEWER_URL_TEMPLATE, FUNCTIONS_DIR and SITE_DIR are the
operator's variables.
"""

import hashlib
import json
import os
import re
import sys
import time
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

REGION = os.environ["AWS_REGION"]
ARCHITECTURE = os.environ["ARCHITECTURE"]
FUNCTIONS = Path(os.environ["FUNCTIONS_DIR"]) / ARCHITECTURE
SITE = Path(os.environ["SITE_DIR"])
VIEWER = os.environ.get("VIEWER_URL_TEMPLATE", "https://{domain}")
ENDPOINT = os.environ.get("AWS_ENDPOINT_URL")
# Seconds between two looks.
POLL = 0.25

# MiB, seconds, and the variables of each function besides the common ones.
BUCKETS = ["PHOTOS_BUCKET", "THUMBNAILS_BUCKET"]
UPLOADS = ["PHOTOS_BUCKET", "MAX_UPLOAD_BYTES", "CONTENT_TYPES"]
SIZES = {
    "upload": (128, 5, UPLOADS),
    "list": (256, 10, BUCKETS),
    "delete": (128, 10, BUCKETS),
    "thumbnail": (512, 30, BUCKETS + UPLOADS + ["METADATA", "MAX_WIDTH", "MAX_HEIGHT", "FORMAT", "QUALITY"]),
}
ROUTES = [("post", "/upload", "upload"), ("get", "/photos", "list"), ("delete", "/photos/{id}", "delete")]
CONTENT_TYPES = ["image/jpeg", "image/png", "image/webp", "image/gif"]
MAX_UPLOAD_BYTES = 25 * 1024 * 1024

session = boto3.Session(region_name=REGION)
s3, dynamodb, iam, logs = (session.client(name) for name in ("s3", "dynamodb", "iam", "logs"))
lambda_, gateway, cloudfront = (session.client(name) for name in ("lambda", "apigateway", "cloudfront"))
ACCOUNT = session.client("sts").get_caller_identity()["Account"]


class Gallery:
    def __init__(self, name):
        self.name = name
        self.tags = {"gallery": name, "made-by": "gallery.py"}
        self.tag_list = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        self.site, self.photos, self.thumbnails = (f"{name}-{part}-{ACCOUNT}" for part in ("site", "photos", "thumbnails"))
        self.table_arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"

    def function(self, function):
        return f"{self.name}-{function}"

    def function_arn(self, function):
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function(function)}"

    def log_group(self, function):
        return f"/aws/lambda/{self.function(function)}"

    # What is made.

    def create(self):
        for bucket in (self.site, self.photos, self.thumbnails):
            self.create_bucket(bucket)
        self.create_table()
        for function in SIZES:
            logs.create_log_group(logGroupName=self.log_group(function), tags=self.tags)
            logs.put_retention_policy(logGroupName=self.log_group(function), retentionInDays=30)
            self.create_role(function)
        for function in SIZES:
            self.create_function(function)
        api = self.create_api()
        distribution = self.create_distribution(api)
        self.let_in(distribution["ARN"])
        url = VIEWER.format(domain=distribution["DomainName"], label=distribution["DomainName"].split(".")[0])
        rule = {"AllowedOrigins": [url], "AllowedMethods": ["POST"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 3600}
        s3.put_bucket_cors(Bucket=self.photos, CORSConfiguration={"CORSRules": [rule]})
        self.notify()
        self.upload_site()
        self.invalidate(distribution["Id"])
        for function in SIZES:
            wait(lambda_, "function_active_v2", FunctionName=self.function(function))
        wait(cloudfront, "distribution_deployed", Id=distribution["Id"])
        return url

    def create_bucket(self, bucket):
        s3.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION, "Tags": self.tag_list}
        )
        blocked = dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
        )
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=blocked)
        by = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [by]})
        unfinished = {"DaysAfterInitiation": 1}
        rules = [
            {
                "ID": "unfinished-uploads",
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "AbortIncompleteMultipartUpload": unfinished,
            }
        ]
        if bucket == self.photos:
            rules.append(
                {"ID": "incoming", "Status": "Enabled", "Filter": {"Prefix": "incoming/"}, "Expiration": {"Days": 1}}
            )
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
        if bucket != self.site:
            s3.put_bucket_policy(Bucket=bucket, Policy=policy(deny_plain_http(bucket)))

    def create_table(self):
        attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("photoId", "listing")]
        dynamodb.create_table(
            TableName=self.name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=attributes,
            KeySchema=[{"AttributeName": "photoId", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "newest-first",
                    "KeySchema": [
                        {"AttributeName": "listing", "KeyType": "HASH"},
                        {"AttributeName": "photoId", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            Tags=self.tag_list,
        )
        wait(dynamodb, "table_exists", TableName=self.name)
        dynamodb.update_continuous_backups(
            TableName=self.name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )

    def create_role(self, function):
        trust = allow(["sts:AssumeRole"], None) | {"Principal": {"Service": "lambda.amazonaws.com"}}
        iam.create_role(
            RoleName=self.function(function),
            Path="/gallery/",
            AssumeRolePolicyDocument=policy(trust),
            Description=f"Function {function} of the photo gallery {self.name}",
            Tags=self.tag_list,
        )
        iam.put_role_policy(
            RoleName=self.function(function), PolicyName="gallery", PolicyDocument=policy(*self.grants(function))
        )

    def grants(self, function):
        own = {"Condition": {"StringEquals": {"aws:ResourceAccount": ACCOUNT}}}
        photos, thumbnails = f"arn:aws:s3:::{self.photos}", f"arn:aws:s3:::{self.thumbnails}/*"
        incoming, checked = f"{photos}/incoming/*", f"{photos}/photos/*"
        group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{self.log_group(function)}:*"
        return [allow(["logs:CreateLogStream", "logs:PutLogEvents"], group)] + {
            "upload": [allow(["s3:PutObject"], incoming) | own],
            "list": [
                allow(["dynamodb:Query"], f"{self.table_arn}/index/newest-first"),
                allow(["s3:GetObject"], [checked, thumbnails]) | own,
            ],
            "delete": [
                allow(["dynamodb:PutItem"], self.table_arn),
                allow(["s3:DeleteObject"], [incoming, checked, thumbnails]) | own,
            ],
            "thumbnail": [
                allow(["s3:GetObject", "s3:DeleteObject"], incoming) | own,
                allow(["s3:PutObject", "s3:DeleteObject"], [checked, thumbnails]) | own,
                allow(["s3:ListBucket"], photos) | own,
                allow(["dynamodb:GetItem", "dynamodb:PutItem"], self.table_arn),
            ],
        }[function]

    def variables(self, function, **changed):
        values = {
            "LOG": "info",
            "TABLE": self.name,
            "ALLOWED_ORIGINS": "",
            "PHOTOS_BUCKET": self.photos,
            "THUMBNAILS_BUCKET": self.thumbnails,
            "MAX_UPLOAD_BYTES": str(MAX_UPLOAD_BYTES),
            "CONTENT_TYPES": ",".join(CONTENT_TYPES),
            "MAX_WIDTH": "400",
            "MAX_HEIGHT": "400",
            "FORMAT": "JPEG",
            "METADATA": "Clean",
            "QUALITY": "80",
        } | changed
        return {"Variables": {name: values[name] for name in ["LOG", "TABLE", "ALLOWED_ORIGINS", *SIZES[function][2]]}}

    def create_function(self, function):
        memory, timeout, _ = SIZES[function]
        wanted = {
            "FunctionName": self.function(function),
            "Role": f"arn:aws:iam::{ACCOUNT}:role/gallery/{self.function(function)}",
            "Runtime": "provided.al2023",
            "Handler": "bootstrap",
            "Description": f"Function {function} of the photo gallery {self.name}",
            "Architectures": [ARCHITECTURE],
            "Code": {"S3Bucket": artefacts(), "S3Key": upload_zip(function)},
            "MemorySize": memory,
            "Timeout": timeout,
            "Environment": self.variables(function),
            "Tags": self.tags,
        }
        for _ in range(30):
            try:
                return lambda_.create_function(**wanted)
            except lambda_.exceptions.InvalidParameterValueException as error:
                # Lambda hears of a new role after some seconds.
                if "cannot be assumed" not in str(error):
                    raise
                time.sleep(2)
        raise TimeoutError(f"Lambda cannot assume the role of {self.function(function)}")

    def create_api(self):
        name = f"{self.name}-api"
        description = f"API of the photo gallery {self.name}"
        api = gateway.create_rest_api(
            name=name, description=description, endpointConfiguration={"types": ["REGIONAL"]}, tags=self.tags
        )["id"]
        paths = {}
        for method, path, function in ROUTES:
            uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{self.function_arn(function)}/invocations"
            integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": uri}
            operation = {"responses": {}, "x-amazon-apigateway-integration": integration}
            paths[path] = {method: operation, "options": operation}
            if "{id}" in path:
                paths[path]["parameters"] = [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
                ]
        body = {
            "openapi": "3.0.1",
            "info": {"title": name, "description": description, "version": "1"},
            "paths": paths,
            "x-amazon-apigateway-gateway-responses": gateway_responses(),
        }
        gateway.put_rest_api(restApiId=api, mode="overwrite", body=json.dumps(body))
        for function in ("upload", "list", "delete"):
            self.permit(function, "apigateway.amazonaws.com", f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/api/*")
        deployment = gateway.create_deployment(restApiId=api)["id"]
        gateway.create_stage(restApiId=api, stageName="api", deploymentId=deployment, tags=self.tags)
        limits = {"/*/*/throttling/rateLimit": "50", "/*/*/throttling/burstLimit": "100"}
        patches = [{"op": "replace", "path": path, "value": value} for path, value in limits.items()]
        gateway.update_stage(restApiId=api, stageName="api", patchOperations=patches)
        return api

    def permit(self, function, principal, source):
        lambda_.add_permission(
            FunctionName=self.function(function),
            StatementId="gallery",
            Action="lambda:InvokeFunction",
            Principal=principal,
            SourceArn=source,
            SourceAccount=ACCOUNT,
        )

    def create_distribution(self, api):
        headers = headers_policy()
        plain = {
            "SmoothStreaming": False,
            "FieldLevelEncryptionId": "",
            "LambdaFunctionAssociations": {"Quantity": 0},
            "FunctionAssociations": {"Quantity": 0},
            "ResponseHeadersPolicyId": headers,
        }
        site = plain | {
            "TargetOriginId": "site",
            "ViewerProtocolPolicy": "redirect-to-https",
            "Compress": True,
            "AllowedMethods": methods("GET", "HEAD"),
            "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",  # CachingOptimized
        }
        calls = plain | {
            "PathPattern": "/api/*",
            "TargetOriginId": "api",
            "ViewerProtocolPolicy": "https-only",
            "Compress": False,
            "AllowedMethods": methods("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"),
            "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",  # CachingDisabled
            "OriginRequestPolicyId": "b689b0a8-53d0-40ab-baf2-68738e2966ac",  # AllViewerExceptHostHeader
        }
        origins = [
            {
                "Id": "site",
                "DomainName": f"{self.site}.s3.{REGION}.amazonaws.com",
                "OriginPath": "",
                "CustomHeaders": {"Quantity": 0},
                "S3OriginConfig": {"OriginAccessIdentity": ""},
                "OriginAccessControlId": access_control(),
            },
            {
                "Id": "api",
                "DomainName": f"{api}.execute-api.{REGION}.amazonaws.com",
                "OriginPath": "",
                "CustomHeaders": {"Quantity": 0},
                "CustomOriginConfig": {
                    "HTTPPort": 80,
                    "HTTPSPort": 443,
                    "OriginProtocolPolicy": "https-only",
                    "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
                    "OriginReadTimeout": 30,
                    "OriginKeepaliveTimeout": 5,
                },
            },
        ]
        errors = [{"ErrorCode": code, "ErrorCachingMinTTL": 0} for code in (403, 404, 500, 502, 503, 504)]
        config = {
            "CallerReference": self.name,
            "Comment": self.name,
            "Enabled": True,
            "PriceClass": "PriceClass_100",
            "HttpVersion": "http2and3",
            "IsIPV6Enabled": True,
            "DefaultRootObject": "index.html",
            "Origins": listed(origins),
            "DefaultCacheBehavior": site,
            "CacheBehaviors": listed([calls]),
            "CustomErrorResponses": listed(errors),
        }
        answer = cloudfront.create_distribution_with_tags(
            DistributionConfigWithTags={"DistributionConfig": config, "Tags": {"Items": self.tag_list}}
        )
        return answer["Distribution"]

    def let_in(self, distribution):
        bucket = f"arn:aws:s3:::{self.site}"
        only = {
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Condition": {"StringEquals": {"AWS:SourceArn": distribution}},
        }
        reads = allow("s3:GetObject", f"{bucket}/*") | only
        tells_missing = allow("s3:ListBucket", bucket) | only
        s3.put_bucket_policy(Bucket=self.site, Policy=policy(deny_plain_http(self.site), reads, tells_missing))

    def notify(self):
        self.permit("thumbnail", "s3.amazonaws.com", f"arn:aws:s3:::{self.photos}")
        entry = {
            "Id": "thumbnail",
            "LambdaFunctionArn": self.function_arn("thumbnail"),
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "incoming/"}]}},
        }
        s3.put_bucket_notification_configuration(
            Bucket=self.photos, NotificationConfiguration={"LambdaFunctionConfigurations": [entry]}
        )

    def upload_site(self):
        files = {path.relative_to(SITE).as_posix(): path.read_bytes() for path in SITE.rglob("*") if path.is_file()}
        photos, thumbnails = s3_origin(self.photos), s3_origin(self.thumbnails)
        narrow = f"connect-src 'self' {photos}; img-src 'self' blob: data: {' '.join({photos: 0, thumbnails: 0})}"
        meta = f'<meta http-equiv="Content-Security-Policy" content="{narrow}">'.encode()
        # What pages refer to comes before them.
        page = re.sub(rb"<meta charset[^>]*>", lambda charset: charset[0] + meta, files.pop("index.html"), count=1)
        config = {
            "title": "Summer 2026",
            "apiBase": "/api",
            "maxUploadBytes": MAX_UPLOAD_BYTES,
            "contentTypes": CONTENT_TYPES,
            "thumbnail": {"maxWidthPixels": 400, "maxHeightPixels": 400},
        }
        files |= {"config.json": json.dumps(config).encode(), "index.html": page}
        for path, content in files.items():
            cached = "public, max-age=31536000, immutable" if path.startswith("assets/") else "public, max-age=3600"
            s3.put_object(
                Bucket=self.site,
                Key=path,
                Body=content,
                ContentType=content_type(path),
                CacheControl="no-cache" if path in ("index.html", "config.json") else cached,
            )

    def invalidate(self, distribution):
        batch = {"CallerReference": str(time.time_ns()), "Paths": {"Quantity": 1, "Items": ["/*"]}}
        cloudfront.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)

    # What is changed.

    def change(self):
        """Memory and one variable of one function."""
        name = self.function("thumbnail")
        lambda_.update_function_configuration(
            FunctionName=name, MemorySize=1024, Environment=self.variables("thumbnail", QUALITY="75")
        )
        wait(lambda_, "function_updated_v2", FunctionName=name)

    def code(self):
        """Another build of all functions."""
        for function in SIZES:
            lambda_.update_function_code(
                FunctionName=self.function(function),
                S3Bucket=artefacts(),
                S3Key=upload_zip(function),
                Architectures=[ARCHITECTURE],
            )
        for function in SIZES:
            wait(lambda_, "function_updated_v2", FunctionName=self.function(function))

    # What is deleted.

    def delete(self):
        self.delete_distribution()
        apis = (api for page in pages(gateway, "get_rest_apis") for api in page["items"])
        for api in apis:
            if api["name"] == f"{self.name}-api":
                gateway.delete_rest_api(restApiId=api["id"])
        for function in SIZES:
            lambda_.delete_function(FunctionName=self.function(function))
            iam.delete_role_policy(RoleName=self.function(function), PolicyName="gallery")
            iam.delete_role(RoleName=self.function(function))
            logs.delete_log_group(logGroupName=self.log_group(function))
        for bucket in (self.site, self.photos, self.thumbnails):
            for page in pages(s3, "list_objects_v2", Bucket=bucket):
                keys = [{"Key": found["Key"]} for found in page.get("Contents", [])]
                if keys:
                    s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
            s3.delete_bucket(Bucket=bucket)
        dynamodb.delete_table(TableName=self.name)
        wait(dynamodb, "table_not_exists", TableName=self.name)

    def delete_distribution(self):
        found = (item for page in pages(cloudfront, "list_distributions") for item in page["DistributionList"]["Items"])
        distribution = next(item["Id"] for item in found if item["Comment"] == self.name)
        answer = cloudfront.get_distribution_config(Id=distribution)
        config = answer["DistributionConfig"] | {"Enabled": False}
        answer = cloudfront.update_distribution(Id=distribution, IfMatch=answer["ETag"], DistributionConfig=config)
        wait(cloudfront, "distribution_deployed", Id=distribution)
        cloudfront.delete_distribution(Id=distribution, IfMatch=answer["ETag"])


# What all galleries share.

known = {}


def once(make):
    """Asks for it, or makes it, the first time only."""

    def ask():
        if make.__name__ not in known:
            known[make.__name__] = make()
        return known[make.__name__]

    return ask


@once
def artefacts():
    bucket = f"gallery-artefacts-{REGION}-{ACCOUNT}"
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    return bucket


def upload_zip(function):
    content = (FUNCTIONS / f"{function}.zip").read_bytes()
    key = f"{function}-{hashlib.sha256(content).hexdigest()}.zip"
    if key not in known:
        try:
            s3.head_object(Bucket=artefacts(), Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            s3.put_object(Bucket=artefacts(), Key=key, Body=content)
        known[key] = True
    return key


@once
def access_control():
    found = cloudfront.list_origin_access_controls()["OriginAccessControlList"].get("Items", [])
    for control in found:
        if control["Name"] == "gallery-script":
            return control["Id"]
    config = {
        "Name": "gallery-script",
        "OriginAccessControlOriginType": "s3",
        "SigningBehavior": "always",
        "SigningProtocol": "sigv4",
    }
    answer = cloudfront.create_origin_access_control(OriginAccessControlConfig=config)
    return answer["OriginAccessControl"]["Id"]


@once
def headers_policy():
    found = cloudfront.list_response_headers_policies(Type="custom")["ResponseHeadersPolicyList"].get("Items", [])
    for item in found:
        if item["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]["Name"] == "gallery-script":
            return item["ResponseHeadersPolicy"]["Id"]
    everywhere = s3_origin("*")
    content = (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; manifest-src 'self'; "
        f"img-src 'self' blob: data: {everywhere}; connect-src 'self' {everywhere}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    nothing = ["camera", "display-capture", "geolocation", "microphone", "midi", "payment", "usb"]
    others = {
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": ", ".join(f"{feature}=()" for feature in nothing),
    }
    config = {
        "Name": "gallery-script",
        "SecurityHeadersConfig": {
            "ContentSecurityPolicy": {"Override": True, "ContentSecurityPolicy": content},
            "StrictTransportSecurity": {"Override": True, "AccessControlMaxAgeSec": 31536000},
            "ContentTypeOptions": {"Override": True},
            "FrameOptions": {"Override": True, "FrameOption": "DENY"},
            "ReferrerPolicy": {"Override": True, "ReferrerPolicy": "no-referrer"},
        },
        "CustomHeadersConfig": listed(
            [{"Header": header, "Value": value, "Override": True} for header, value in others.items()]
        ),
    }
    answer = cloudfront.create_response_headers_policy(ResponseHeadersPolicyConfig=config)
    return answer["ResponseHeadersPolicy"]["Id"]


# Small change.


def wait(client, what, **arguments):
    client.get_waiter(what).wait(**arguments, WaiterConfig={"Delay": POLL, "MaxAttempts": 4000})


def pages(client, operation, **arguments):
    return client.get_paginator(operation).paginate(**arguments)


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions, resources):
    statement = {"Effect": "Allow", "Action": actions}
    return statement | ({"Resource": resources} if resources else {})


def deny_plain_http(bucket):
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def listed(items):
    return {"Quantity": len(items), "Items": items}


def methods(*names):
    return listed(list(names)) | {"CachedMethods": listed(["GET", "HEAD"])}


def s3_origin(bucket):
    return ENDPOINT or f"https://{bucket}.s3.{REGION}.amazonaws.com"


def gateway_responses():
    def problem(status, code, title, detail):
        body = {"type": "about:blank", "title": title, "detail": detail, "code": code}
        fields = {"Content-Type": "'application/problem+json'", "Cache-Control": "'no-store'"}
        response = {
            "responseParameters": {f"gatewayresponse.header.{name}": value for name, value in fields.items()}
        }
        if status:
            body["status"] = status
            response["statusCode"] = str(status)
        return response | {"responseTemplates": {"application/json": json.dumps(body)}}

    return {
        "DEFAULT_4XX": problem(None, "BadRequest", "Bad request", "The request cannot be understood."),
        "DEFAULT_5XX": problem(None, "Internal", "Internal error", "Something went wrong here. Try again."),
        "MISSING_AUTHENTICATION_TOKEN": problem(404, "NotFound", "Not found", "There is nothing here."),
        "REQUEST_TOO_LARGE": problem(413, "TooLarge", "Too large", "The request is too large."),
        "THROTTLED": problem(429, "TooManyRequests", "Too many requests", "Many visitors are here. Try again."),
    }


def content_type(path):
    known_types = {
        ".html": "text/html; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".json": "application/json",
        ".svg": "image/svg+xml",
        ".woff2": "font/woff2",
    }
    return known_types.get(Path(path).suffix, "application/octet-stream")


def say(step, name, url=""):
    line = {"step": step, "name": name, "url": url, "at": time.time(), "cpuSeconds": time.process_time()}
    print(json.dumps(line), flush=True)


def main():
    verb, *names = sys.argv[1:]
    for name in names:
        say("begun", name)
        url = getattr(Gallery(name), verb)()
        say("done", name, url or "")


if __name__ == "__main__":
    main()
