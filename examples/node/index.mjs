// A small API in Node.js. API Gateway has checked the token before it calls this function.

// The orders of each user, instead of a database.
const orders = new Map();

// The permission that each route needs.
const scopes = { "GET /orders": "read", "POST /orders": "create" };

export async function handler(event) {
  const user = caller(event);
  if (!user.scope.split(" ").includes(scopes[event.routeKey])) {
    return respond(403, { detail: "Not enough permissions" });
  }
  const own = orders.get(user.sub) ?? [];
  if (event.routeKey === "POST /orders") {
    own.push({ id: own.length + 1 });
    orders.set(user.sub, own);
  }
  return respond(200, { user: user.sub, email: user.email, orders: own });
}

// Returns the caller. Both kinds of authorizer use the names of the token's claims.
function caller(event) {
  const { authorizer } = event.requestContext;
  return authorizer.lambda ?? authorizer.jwt.claims;
}

function respond(statusCode, body) {
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  return { statusCode, headers, body: JSON.stringify(body) };
}
