"""The least that a function can do."""


def handler(event: object, context: object) -> dict[str, object]:
    return {"statusCode": 200, "body": ""}
