"""The thumbnail function as a careful person writes it with boto3 and Pillow: one photo read once, its pictures made from the largest
to the smallest, and everything stored."""

import io
import os
import urllib.parse

import boto3
from PIL import Image, ImageOps

dynamodb = boto3.client("dynamodb")
s3 = boto3.client("s3")


def handler(event, context):
    for record in event["Records"]:
        make(record["s3"]["bucket"]["name"], urllib.parse.unquote_plus(record["s3"]["object"]["key"]))


def make(bucket, key):
    photo_id = key.removeprefix("incoming/")
    identity = {"photoId": {"S": photo_id}}
    if "Item" in dynamodb.get_item(TableName=os.environ["TABLE"], Key=identity, ConsistentRead=True):
        return
    found = s3.get_object(Bucket=bucket, Key=key)
    image = Image.open(io.BytesIO(found["Body"].read()))
    width, height = image.size
    thumbnail = f"{photo_id}.jpg"
    for edge, name in ((2048, f"{photo_id}-2048.jpg"), (1024, f"{photo_id}-1024.jpg"), (400, thumbnail)):
        image.thumbnail((edge, edge), Image.Resampling.LANCZOS)
        picture = io.BytesIO()
        ImageOps.exif_transpose(image).save(picture, "JPEG", quality=80)
        store(os.environ["THUMBNAILS_BUCKET"], name, picture.getvalue())
    source = {"Bucket": bucket, "Key": key}
    s3.copy_object(Bucket=bucket, Key=f"photos/{photo_id}", CopySource=source)
    row = {"thumbnailKey": {"S": thumbnail}, "width": {"N": str(width)}, "height": {"N": str(height)}}
    dynamodb.put_item(TableName=os.environ["TABLE"], Item={**identity, **row, "status": {"S": "ready"}})
    s3.delete_object(Bucket=bucket, Key=key)


def store(bucket, key, body):
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="image/jpeg")
