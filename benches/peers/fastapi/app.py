"""The tutorial's design on FastAPI: a bearer dependency and a repository with one user, on Mangum."""

import os

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from mangum import Mangum

SECRET = os.environ["JWT_SECRET_KEY"]
USERS = {"john.doe@leapify.tech": {"id": "1", "email": "john.doe@leapify.tech", "roles": ["Admin"]}}

app = FastAPI()
bearer = HTTPBearer()


def asking(credentials: HTTPAuthorizationCredentials = Depends(bearer)) -> dict:
    try:
        return jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"], audience="api", issuer="auth")
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, "Invalid token") from error


@app.get("/api/v1/me")
def me(claims: dict = Depends(asking)) -> dict:
    user = USERS.get(claims["email"])
    if user is None:
        raise HTTPException(401, "User not found")
    return user


handler = Mangum(app, lifespan="off")
