"""The list function as a careful person writes it with boto3: clients made once, one query, links signed here."""

import base64
import json
import os

import boto3
from botocore.config import Config

LISTING, INDEX, LINK_SECONDS = "photos", "newest-first", 4500

dynamodb = boto3.client("dynamodb")
# Signature 4, which all regions take.
s3 = boto3.client("s3", config=Config(signature_version="s3v4"))


def link(bucket, key, **response):
    parameters = {"Bucket": os.environ[bucket], "Key": key, **response}
    return s3.generate_presigned_url("get_object", Params=parameters, ExpiresIn=LINK_SECONDS)


def photo(item):
    row = {name: value.get("S") or int(value["N"]) for name, value in item.items() if name != "listing"}
    thumbnail = row.pop("thumbnailKey", None)
    if thumbnail:
        row["thumbnailUrl"] = link("THUMBNAILS_BUCKET", thumbnail)
        row["url"] = link(
            "PHOTOS_BUCKET",
            f"photos/{row['photoId']}",
            ResponseContentDisposition=f'inline; filename="{row["filename"]}"',
            ResponseContentType=row["contentType"],
        )
    return row


def handler(event, context):
    limit = int((event.get("queryStringParameters") or {}).get("limit", 60))
    answer = dynamodb.query(
        TableName=os.environ["TABLE"],
        IndexName=INDEX,
        KeyConditionExpression="#listing = :listing",
        ExpressionAttributeNames={"#listing": "listing"},
        ExpressionAttributeValues={":listing": {"S": LISTING}},
        ScanIndexForward=False,
        Limit=limit + 1,
    )
    items = answer["Items"]
    more = len(items) > limit
    photos = [photo(item) for item in items[:limit]]
    cursor = base64.urlsafe_b64encode(photos[-1]["photoId"].encode()).decode() if more else None
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps({"photos": photos, "nextCursor": cursor}),
    }
