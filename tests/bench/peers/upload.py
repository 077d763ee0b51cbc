"""The upload function as a careful person writes it with boto3: one form signed, no call made."""

import json
import os
import uuid

import boto3
from botocore.config import Config

FORM_SECONDS = 300

# Signature 4, which all regions take.
s3 = boto3.client("s3", config=Config(signature_version="s3v4"))


def handler(event, context):
    wish = json.loads(event["body"])
    if wish["contentType"] not in os.environ["CONTENT_TYPES"].split(","):
        return {"statusCode": 415, "body": ""}
    fields = {"Content-Type": wish["contentType"], "x-amz-meta-filename": wish["filename"]}
    conditions = [{name: value} for name, value in fields.items()]
    conditions.append(["content-length-range", 1, int(os.environ["MAX_UPLOAD_BYTES"])])
    photo_id = uuid.uuid4().hex
    form = s3.generate_presigned_post(
        os.environ["PHOTOS_BUCKET"], f"incoming/{photo_id}", fields, conditions, FORM_SECONDS
    )
    return {
        "statusCode": 201,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps({"photoId": photo_id, **form}),
    }
