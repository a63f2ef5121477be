// A Node.js function on the Lambda Runtime API: a route guarded with jose and a login with @node-rs/argon2.

import { verify } from "@node-rs/argon2";
import { jwtVerify, SignJWT } from "jose";

const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;
const key = new TextEncoder().encode(process.env.JWT_SECRET_KEY);
const users = {
  "john.doe@leapify.tech": {
    id: "1",
    email: "john.doe@leapify.tech",
    roles: ["Admin"],
    hash: "$argon2id$v=19$m=19456,t=2,p=1$RuRJBszvg0QI1SNWzZIR4Q$P/I3Lz5JLQxCvBvJkmX14vGzfJRxr/60lJNk726WP0I",
  },
};

async function me(event) {
  const token = (event.headers.authorization ?? "").replace(/^Bearer /, "");
  const { payload } = await jwtVerify(token, key, { issuer: "auth", audience: "api", algorithms: ["HS256"] });
  const { id, email, roles } = users[payload.email];
  return { id, email, roles };
}

async function login(event) {
  const { email, password } = JSON.parse(event.body);
  if (!(await verify(users[email].hash, password))) throw new Error("wrong password");
  const token = new SignJWT({ email, roles: users[email].roles }).setProtectedHeader({ alg: "HS256" });
  const signed = token.setSubject("1").setIssuer("auth").setAudience("api").setIssuedAt().setExpirationTime("1h");
  return { access_token: await signed.sign(key), token_type: "Bearer", expires_in: 3600 };
}

for (;;) {
  const next = await fetch(`${api}/next`);
  const id = next.headers.get("lambda-runtime-aws-request-id");
  const event = await next.json();
  let response;
  try {
    const body = await (event.rawPath.endsWith("/login") ? login : me)(event);
    response = { statusCode: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  } catch {
    response = { statusCode: 401, headers: {}, body: '{"detail":"Invalid token"}' };
  }
  await fetch(`${api}/${id}/response`, { method: "POST", body: JSON.stringify(response) });
}
