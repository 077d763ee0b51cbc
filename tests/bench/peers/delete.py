"""The delete function as a careful person writes it with boto3: a batch for each bucket, and the row."""

import os

import boto3

dynamodb = boto3.client("dynamodb")
s3 = boto3.client("s3")


def remove(bucket, *keys):
    objects = [{"Key": key} for key in keys]
    s3.delete_objects(Bucket=os.environ[bucket], Delete={"Objects": objects, "Quiet": True})


def handler(event, context):
    photo_id = event["pathParameters"]["id"]
    remove("PHOTOS_BUCKET", f"photos/{photo_id}", f"incoming/{photo_id}")
    remove("THUMBNAILS_BUCKET", f"{photo_id}.jpg", f"{photo_id}.webp")
    gone = dynamodb.delete_item(
        TableName=os.environ["TABLE"], Key={"photoId": {"S": photo_id}}, ReturnValues="ALL_OLD"
    )
    return {"statusCode": 204 if "Attributes" in gone else 404, "body": ""}
