"""Legal requests as the tests spoil them: members by operation."""

import json

_ACCOUNT = "000000000000"
ROLE_ARN = f"arn:aws:iam::{_ACCOUNT}:role/photogallery/pg-list"
_FUNCTION_ARN = f"arn:aws:lambda:eu-west-1:{_ACCOUNT}:function:pg-list"
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Sid": "DenyPlainHttp", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
    "Resource": ["arn:aws:s3:::pg-photos", "arn:aws:s3:::pg-photos/*"], "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}]})  # fmt: skip
_TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
]})  # fmt: skip
_INLINE = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["logs:CreateLogStream", "s3:ListBucket", "dynamodb:GetItem"], "Resource": "*"},
]})  # fmt: skip
_BUCKET = {"Bucket": "pg-photos", "ExpectedBucketOwner": _ACCOUNT}
_INTEGRATION = {"x-amazon-apigateway-integration": {
    "type": "aws_proxy", "httpMethod": "POST",
    "uri": f"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{_FUNCTION_ARN}/invocations",
}}  # fmt: skip
_OPENAPI = json.dumps({
    "openapi": "3.0.1", "info": {"title": "pg", "version": "1"},
    "paths": {
        "/photos": {"get": {"responses": {}, **_INTEGRATION}},
        "/photos/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "delete": {"responses": {}, **_INTEGRATION},
        },
    },
    "x-amazon-apigateway-gateway-responses": {"THROTTLED": {
        "statusCode": "429", "responseParameters": {"gatewayresponse.header.Cache-Control": "'no-store'"},
        "responseTemplates": {"application/json": "{}"},
    }},
}).encode()  # fmt: skip


def _behavior(origin, **more):
    cached = {"Quantity": 2, "Items": ["GET", "HEAD"]}
    return {
        "TargetOriginId": origin, "ViewerProtocolPolicy": "redirect-to-https", "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
        "AllowedMethods": {**cached, "CachedMethods": cached}, **more,
    }  # fmt: skip


_CONFIG = {
    "CallerReference": "photogallery-1", "Comment": "pg photos/summer", "Enabled": True, "PriceClass": "PriceClass_100",
    "DefaultRootObject": "index.html", "HttpVersion": "http2and3",
    "Origins": {"Quantity": 2, "Items": [
        {"Id": "site", "DomainName": "pg-site.s3.eu-west-1.amazonaws.com", "OriginPath": "", "S3OriginConfig": {"OriginAccessIdentity": ""}, "OriginAccessControlId": "E1"},
        {"Id": "api", "DomainName": "a1.execute-api.eu-west-1.amazonaws.com", "OriginPath": "", "CustomOriginConfig": {
            "HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only", "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
        }},
    ]},
    "DefaultCacheBehavior": _behavior("site"),
    "CacheBehaviors": {"Quantity": 1, "Items": [_behavior("api", PathPattern="/api/*")]},
    "CustomErrorResponses": {"Quantity": 1, "Items": [{"ErrorCode": 403, "ErrorCachingMinTTL": 0}]},
}  # fmt: skip

LEGAL = {
    "s3:CreateBucket": {
        "Bucket": "pg-photos", "ObjectOwnership": "BucketOwnerEnforced",
        "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1", "Tags": [{"Key": "photogallery.dev/name", "Value": "summer"}]},
    },
    "s3:PutObject": {**_BUCKET, "Key": "a/b.png", "ContentType": "image/png", "Body": b"x", "Metadata": {"filename": "b"}},
    "s3:CopyObject": {**_BUCKET, "Key": "photos/1", "CopySource": "pg-photos/incoming/1", "MetadataDirective": "REPLACE", "ContentType": "image/png"},
    "s3:GetObject": {**_BUCKET, "Key": "a/b c+\u00e9.png"},
    "s3:ListObjectsV2": {**_BUCKET, "Prefix": "functions/"},
    "s3:AbortMultipartUpload": {**_BUCKET, "Key": "a", "UploadId": "1"},
    "s3:DeleteObjects": {**_BUCKET, "Delete": {"Quiet": True, "Objects": [{"Key": "a", "VersionId": "1"}, {"Key": "b"}]}},
    "s3:GetBucketCors": _BUCKET,
    "s3:PutBucketCors": {**_BUCKET, "CORSConfiguration": {"CORSRules": [
        {"AllowedOrigins": ["https://d1.cloudfront.net"], "AllowedMethods": ["POST"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 3600},
    ]}},
    "s3:PutBucketLifecycleConfiguration": {**_BUCKET, "LifecycleConfiguration": {"Rules": [
        {"ID": "unfinished", "Status": "Enabled", "Filter": {"Prefix": ""}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
        {"ID": "incoming", "Status": "Enabled", "Filter": {"Prefix": "incoming/"}, "Expiration": {"Days": 1}},
        {"ID": "archive", "Status": "Enabled", "Filter": {"Prefix": "photos/"}, "Transitions": [{"Days": 30, "StorageClass": "GLACIER_IR"}]},
    ]}},
    "s3:PutBucketNotificationConfiguration": {**_BUCKET, "NotificationConfiguration": {"LambdaFunctionConfigurations": [{
        "Id": "photogallery-thumbnail", "LambdaFunctionArn": _FUNCTION_ARN, "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "incoming/"}]}},
    }]}},
    "s3:PutBucketPolicy": {**_BUCKET, "Policy": POLICY},
    "s3:PutPublicAccessBlock": {**_BUCKET, "PublicAccessBlockConfiguration": {
        "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True,
    }},
    "iam:GetRole": {"RoleName": "pg-list"},
    "iam:CreateRole": {
        "RoleName": "pg-list", "Path": "/photogallery/", "Description": "Function list", "AssumeRolePolicyDocument": _TRUST,
        "Tags": [{"Key": "photogallery.dev/name", "Value": "summer"}, {"Key": "team", "Value": ""}],
    },
    "iam:PutRolePolicy": {"RoleName": "pg-list", "PolicyName": "photogallery", "PolicyDocument": _INLINE},
    "lambda:CreateFunction": {
        "FunctionName": "pg-list", "Runtime": "provided.al2023", "Role": ROLE_ARN, "Handler": "bootstrap", "Description": "Function list",
        "Code": {"S3Bucket": "pg-artefacts", "S3Key": "functions/1.zip"}, "Timeout": 30, "MemorySize": 512, "Architectures": ["arm64"],
        "Environment": {"Variables": {"LOG": "info"}}, "Tags": {"photogallery.dev/name": "summer"},
    },
    "lambda:UpdateFunctionCode": {"FunctionName": "pg-list", "S3Bucket": "pg-artefacts", "S3Key": "functions/1.zip", "RevisionId": "1"},
    "lambda:AddPermission": {
        "FunctionName": "pg-list", "StatementId": "photogallery", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com",
        "SourceArn": "arn:aws:s3:::pg-photos", "SourceAccount": _ACCOUNT,
    },
    "lambda:UntagResource": {"Resource": _FUNCTION_ARN, "TagKeys": ["a", "b"]},
    "logs:CreateLogGroup": {"logGroupName": "/aws/lambda/pg", "tags": {"photogallery.dev/name": "summer"}},
    "logs:PutRetentionPolicy": {"logGroupName": "/aws/lambda/pg", "retentionInDays": 30},
    "logs:TagResource": {"resourceArn": f"arn:aws:logs:eu-west-1:{_ACCOUNT}:log-group:/aws/lambda/pg", "tags": {"a": "b"}},
    "dynamodb:CreateTable": {
        "TableName": "pg-photos", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "photoId", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "photoId", "AttributeType": "S"}, {"AttributeName": "listing", "AttributeType": "S"}],
        "GlobalSecondaryIndexes": [{
            "IndexName": "newest-first", "Projection": {"ProjectionType": "ALL"},
            "KeySchema": [{"AttributeName": "listing", "KeyType": "HASH"}, {"AttributeName": "photoId", "KeyType": "RANGE"}],
        }],
        "Tags": [{"Key": "a", "Value": "b"}],
    },
    "dynamodb:UpdateTable": {"TableName": "pg-photos", "DeletionProtectionEnabled": False},
    "dynamodb:PutItem": {
        "TableName": "pg-photos", "Item": {"photoId": {"S": "1"}, "size": {"N": "5"}},
        "ConditionExpression": "attribute_not_exists(#id) OR #status <> :ready",
        "ExpressionAttributeNames": {"#id": "photoId", "#status": "status"}, "ExpressionAttributeValues": {":ready": {"S": "ready"}},
    },
    "dynamodb:Query": {
        "TableName": "pg-photos", "IndexName": "newest-first", "KeyConditionExpression": "#listing = :listing", "Limit": 61,
        "ScanIndexForward": False, "ExpressionAttributeNames": {"#listing": "listing"}, "ExpressionAttributeValues": {":listing": {"S": "all"}},
    },
    "apigateway:CreateRestApi": {"name": "pg-api", "description": "API", "endpointConfiguration": {"types": ["REGIONAL"]}, "tags": {"a": "b c"}},
    "apigateway:GetRestApis": {"limit": 500},
    "apigateway:PutRestApi": {"restApiId": "a1", "mode": "overwrite", "body": _OPENAPI},
    "apigateway:CreateDeployment": {"restApiId": "a1", "description": "digest"},
    "apigateway:UpdateStage": {"restApiId": "a1", "stageName": "api", "patchOperations": [
        {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "50"},
    ]},
    "apigateway:TagResource": {"resourceArn": "arn:aws:apigateway:eu-west-1::/restapis/a1/stages/api", "tags": {"a": "b"}},
    "cloudfront:CreateDistributionWithTags": {"DistributionConfigWithTags": {
        "DistributionConfig": _CONFIG, "Tags": {"Items": [{"Key": "a", "Value": "b"}]},
    }},
    "cloudfront:UpdateDistribution": {"Id": "E1", "IfMatch": "E2", "DistributionConfig": _CONFIG},
    "cloudfront:DeleteDistribution": {"Id": "E1", "IfMatch": "E2"},
    "cloudfront:CreateOriginAccessControl": {"OriginAccessControlConfig": {
        "Name": "pg", "Description": "text", "SigningProtocol": "sigv4", "SigningBehavior": "always", "OriginAccessControlOriginType": "s3",
    }},
    "cloudfront:CreateResponseHeadersPolicy": {"ResponseHeadersPolicyConfig": {
        "Name": "pg", "Comment": "text",
        "SecurityHeadersConfig": {"ContentSecurityPolicy": {"Override": True, "ContentSecurityPolicy": "default-src 'self'"}},
        "CustomHeadersConfig": {"Quantity": 1, "Items": [{"Header": "permissions-policy", "Value": "camera=()", "Override": True}]},
    }},
    "cloudfront:CreateInvalidation": {"DistributionId": "E1", "InvalidationBatch": {
        "CallerReference": "1", "Paths": {"Quantity": 1, "Items": ["/*"]},
    }},
    "cloudfront:TagResource": {"Resource": f"arn:aws:cloudfront::{_ACCOUNT}:distribution/E1", "Tags": {"Items": [{"Key": "a", "Value": "b"}]}},
    "cloudfront:UntagResource": {"Resource": f"arn:aws:cloudfront::{_ACCOUNT}:distribution/E1", "TagKeys": {"Items": ["a"]}},
}  # fmt: skip
