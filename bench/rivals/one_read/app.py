"""An empty handler and one strongly consistent read: the floor of a page that needs a session."""

import os

import boto3

table = boto3.client("dynamodb")
TABLE = os.environ["TABLE_NAME"]
KEY = {"pk": {"S": "one-read"}, "sk": {"S": "-"}}
table.put_item(TableName=TABLE, Item={**KEY, "sealed": {"B": b"x" * 1500}})


def handler(event: object, context: object) -> dict[str, object]:
    item = table.get_item(TableName=TABLE, Key=KEY, ConsistentRead=True)["Item"]
    return {"statusCode": 200, "body": str(len(item["sealed"]["B"]))}
