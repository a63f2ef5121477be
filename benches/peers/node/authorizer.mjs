// A Lambda authorizer in Node.js on the Lambda Runtime API, with aws-jwt-verify. It has the public keys from the
// environment, so it makes no call.

import { JwtVerifier } from "aws-jwt-verify";

const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;
// The library asks for a URL, which is never called because the keys are cached.
const verifier = JwtVerifier.create({ issuer: "auth", audience: "api", jwksUri: "https://keys.invalid/jwks.json" });
verifier.cacheJwks(JSON.parse(process.env.JWT_JWKS));

async function authorize(event) {
  const token = (event.headers.authorization ?? "").replace(/^Bearer /, "");
  try {
    const { sub, email, roles, scope, sid } = await verifier.verify(token);
    return { isAuthorized: true, context: { sub, email, roles: JSON.stringify(roles), scope, sid } };
  } catch {
    return { isAuthorized: false };
  }
}

for (;;) {
  const next = await fetch(`${api}/next`);
  const id = next.headers.get("lambda-runtime-aws-request-id");
  const response = await authorize(await next.json());
  await fetch(`${api}/${id}/response`, { method: "POST", body: JSON.stringify(response) });
}
