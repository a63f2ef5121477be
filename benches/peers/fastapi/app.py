"""The tutorial's FastAPI application on Mangum: login, a bearer dependency and a repository with one user."""

import os
from datetime import datetime, timedelta, timezone

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from mangum import Mangum
from pwdlib import PasswordHash
from pydantic import BaseModel, EmailStr

SECRET = os.environ["JWT_SECRET_KEY"]
HASH = "$argon2id$v=19$m=19456,t=2,p=1$RuRJBszvg0QI1SNWzZIR4Q$P/I3Lz5JLQxCvBvJkmX14vGzfJRxr/60lJNk726WP0I"
EXPIRATION = timedelta(hours=1)


class User(BaseModel):
    id: str
    email: EmailStr
    roles: list[str]


class Credentials(BaseModel):
    email: EmailStr
    password: str


class AccessToken(BaseModel):
    access_token: str
    token_type: str = "Bearer"
    expires_in: int = int(EXPIRATION.total_seconds())


USERS = {"john.doe@leapify.tech": (User(id="1", email="john.doe@leapify.tech", roles=["Admin"]), HASH)}

app = FastAPI()
bearer = HTTPBearer()
passwords = PasswordHash.recommended()


def verified_claims(credentials: HTTPAuthorizationCredentials = Depends(bearer)) -> dict:
    try:
        return jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"], audience="api", issuer="auth")
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, "Invalid token") from error


@app.post("/api/v1/login")
def login(credentials: Credentials) -> AccessToken:
    user, hashed = USERS.get(credentials.email, (None, HASH))
    if not passwords.verify(credentials.password, hashed) or user is None:
        raise HTTPException(401, "Invalid email or password")
    now = datetime.now(timezone.utc)
    claims = {"iss": "auth", "aud": "api", "sub": user.id, "email": user.email, "iat": now, "exp": now + EXPIRATION}
    return AccessToken(access_token=jwt.encode(claims, SECRET, algorithm="HS256"))


@app.get("/api/v1/me")
def me(claims: dict = Depends(verified_claims)) -> User:
    user, _ = USERS.get(claims["email"], (None, None))
    if user is None:
        raise HTTPException(401, "User not found")
    return user


handler = Mangum(app, lifespan="off")
