"""Logto's Python tutorial on Lambda, the obvious way: FastAPI, Mangum, a storage in DynamoDB."""

import html
import os
import secrets
import time

import boto3
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from logto import LogtoClient, LogtoConfig, Storage, UserInfoScope
from mangum import Mangum

BASE_URL = os.environ["BASE_URL"]
TABLE = os.environ["TABLE_NAME"]
COOKIE = "session"
SECONDS = 14 * 86_400

table = boto3.client("dynamodb")
config = LogtoConfig(
    endpoint=os.environ["LOGTO_ENDPOINT"],
    appId=os.environ["LOGTO_APP_ID"],
    appSecret=os.environ["LOGTO_APP_SECRET"],
    scopes=[UserInfoScope.email],
)
app = FastAPI()


class TableStorage(Storage):
    """What the SDK keeps, one item for each of its keys."""

    def __init__(self, session: str) -> None:
        self.session = session

    def _key(self, key: str) -> dict[str, dict[str, str]]:
        return {"pk": {"S": f"{self.session}#{key}"}, "sk": {"S": "-"}}

    def get(self, key: str) -> str | None:
        item = table.get_item(TableName=TABLE, Key=self._key(key), ConsistentRead=True).get("Item")
        return item["value"]["S"] if item else None

    def set(self, key: str, value: str | None) -> None:
        expires = {"N": str(int(time.time()) + SECONDS)}
        item = {**self._key(key), "value": {"S": value or ""}, "expires_at": expires}
        table.put_item(TableName=TABLE, Item=item)

    def delete(self, key: str) -> None:
        table.delete_item(TableName=TABLE, Key=self._key(key))


def session_of(request: Request) -> str:
    return request.cookies.get(COOKIE) or secrets.token_urlsafe(32)


def client_of(session: str) -> LogtoClient:
    return LogtoClient(config, storage=TableStorage(session))


@app.get("/")
async def home(request: Request) -> HTMLResponse:
    client = client_of(session_of(request))
    if not client.isAuthenticated():
        return HTMLResponse('Not signed in. <a href="/sign-in">Sign in</a>')
    claims = client.getIdTokenClaims()
    return HTMLResponse(f'{html.escape(claims.name or "")} <a href="/sign-out">Sign out</a>')


@app.get("/sign-in")
async def sign_in(request: Request) -> RedirectResponse:
    session = session_of(request)
    url = await client_of(session).signIn(redirectUri=f"{BASE_URL}/callback")
    response = RedirectResponse(url, status_code=302)
    response.set_cookie(COOKIE, session, secure=True, httponly=True, samesite="lax")
    return response


@app.get("/callback")
async def callback(request: Request) -> RedirectResponse:
    await client_of(session_of(request)).handleSignInCallback(
        f"{BASE_URL}/callback?{request.url.query}"
    )
    return RedirectResponse("/", status_code=302)


@app.get("/sign-out")
async def sign_out(request: Request) -> RedirectResponse:
    url = await client_of(session_of(request)).signOut(postLogoutRedirectUri=f"{BASE_URL}/")
    return RedirectResponse(url, status_code=302)


handler = Mangum(app, lifespan="off")
