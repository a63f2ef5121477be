// Times password hashes of @node-rs/argon2 with the bundle's parameters and prints the milliseconds of each.
// The argument is the number of hashes.

import { Algorithm, hashRawSync } from "@node-rs/argon2";

const options = { algorithm: Algorithm.Argon2id, memoryCost: 19456, timeCost: 2, parallelism: 1, salt: Buffer.alloc(16, 7) };
for (let i = 0; i < Number(process.argv[2]); i++) {
  const begin = process.hrtime.bigint();
  hashRawSync(`changeme ${i}`, options);
  console.log(Number(process.hrtime.bigint() - begin) / 1e6);
}
