// Verifies access tokens with the published keys, with libraries as they are. scripts/e2e_keys.py runs it.
//
// Reads {"jwksUri", "httpsJwksUri", "issuer", "audience", "tokens": {name: token}} from standard input. Prints
// {library: {name: outcome}}: an outcome is the `sub` of an accepted token, or the name of the error.

import { text } from "node:stream/consumers";

import { JwtVerifier } from "aws-jwt-verify";
import { createRemoteJWKSet, jwtVerify } from "jose";

const { jwksUri, httpsJwksUri, issuer, audience, tokens } = JSON.parse(await text(process.stdin));

const keys = createRemoteJWKSet(new URL(jwksUri));
// It accepts only https.
const verifier = JwtVerifier.create({ issuer, audience, jwksUri: httpsJwksUri });

const libraries = {
  jose: async (token) => (await jwtVerify(token, keys, { issuer, audience, typ: "at+jwt" })).payload.sub,
  "aws-jwt-verify": async (token) => (await verifier.verify(token)).sub,
};

async function outcomes(verify) {
  const result = {};
  for (const [name, token] of Object.entries(tokens)) {
    result[name] = await verify(token).catch((error) => error.constructor.name);
  }
  return result;
}

const result = {};
for (const [name, verify] of Object.entries(libraries)) {
  result[name] = await outcomes(verify);
}
console.log(JSON.stringify(result));
