"""The variables of the product's functions over the stand-in for Logto."""

from local.logto.contoso import LOCAL_APPLICATION


def function_variables(
    logto: str, table_name: str, *, dynamodb: str | None = None
) -> dict[str, str]:
    """The variables that a function needs: Logto's endpoint, a table, and perhaps DynamoDB's."""
    endpoint = {"AWS_ENDPOINT_URL_DYNAMODB": dynamodb} if dynamodb is not None else {}
    return {
        "LOGTO_ENDPOINT": logto,
        "LOGTO_APP_ID": LOCAL_APPLICATION[0],
        "LOGTO_APP_SECRET": LOCAL_APPLICATION[1],
        "TABLE_NAME": table_name,
        **endpoint,
    }
