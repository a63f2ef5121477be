"""A small API in Python. API Gateway has checked the token before it calls this function."""

import json

# The orders of each user, instead of a database.
ORDERS = {}

# The permission that each route needs.
SCOPES = {"GET /orders": "read", "POST /orders": "create"}


def handler(event, _context):
    user = caller(event)
    if SCOPES[event["routeKey"]] not in user["scope"].split():
        return respond(403, {"detail": "Not enough permissions"})
    orders = ORDERS.setdefault(user["sub"], [])
    if event["routeKey"] == "POST /orders":
        orders.append({"id": len(orders) + 1})
    return respond(200, {"user": user["sub"], "email": user["email"], "orders": orders})


def caller(event):
    """Returns the caller. Both kinds of authorizer use the names of the token's claims."""
    authorizer = event["requestContext"]["authorizer"]
    return authorizer["lambda"] if "lambda" in authorizer else authorizer["jwt"]["claims"]


def respond(status, body):
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(body)}
