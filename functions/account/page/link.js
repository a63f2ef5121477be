// The link of an email: what its fragment says, and the request that its button sends.
//
// The token is only read here. The API decides whether it is valid.

const KINDS = {
  "sign-up": "sign-up/confirm",
  invite: "sign-up/confirm",
  reset: "password/reset",
  email: "email/confirm",
  undo: "email/undo",
};

/** The bytes of the MAC behind the JSON of a token. */
const MAC_BYTES = 32;

/** How long a request may take, in milliseconds. API Gateway ends it after 30 seconds. */
const TIME_LIMIT = 35_000;

/**
 * What the page shows as an address. Anyone can forge a token, so neither a sentence nor text that runs in another
 * direction must appear in its place: spaces, and characters that are invisible or change the direction, are excluded.
 */
const ADDRESS = /^[^@\s\p{Cc}\p{Cf}]+@[^@\s\p{Cc}\p{Cf}]+$/u;

/** The longest address of a user. */
const MAX_ADDRESS_CHARS = 254;

/** Next to this module's folder, so that the page also works behind the prefix of a stage or a custom domain. */
const API = new URL("../api/v1/", import.meta.url);

/** Why a request had no effect that the page knows of: `name` is one of `problems` in texts.js, or "invalid". */
export class Failure extends Error {
  constructor(name, details = {}) {
    super(name);
    Object.assign(this, { name, ...details });
  }
}

export class Link {
  /** Returns the link of a fragment such as `#kind=reset&token=…`, or null if it is not complete. */
  static parse(fragment) {
    const members = new URLSearchParams(fragment.slice(1));
    const [kind, token] = [members.get("kind"), members.get("token")];
    if (!Object.hasOwn(KINDS, kind) || !token) {
      return null;
    }
    const claims = decode(token);
    const { email, from, to } = claims?.action?.[kind] ?? {};
    const expiry = new Date(claims?.expires_at * 1000);
    const addresses = setsPassword(kind) ? { email } : { from, to };
    const isComplete = Object.values(addresses).every(isAddress);
    return isComplete && !Number.isNaN(expiry.getTime()) ? new Link(kind, token, addresses, expiry) : null;
  }

  #token;

  constructor(kind, token, addresses, expiry) {
    this.#token = token;
    this.kind = kind;
    this.setsPassword = setsPassword(kind);
    /** The address of the user, or both addresses of a change, for display. The token may be forged. */
    this.addresses = addresses;
    /** When the link stops working. */
    this.expiry = expiry;
  }

  /**
   * Does what the link is for. It may be repeated with the same password if it failed: the API recognizes a request
   * that it has already carried out.
   *
   * Throws a Failure.
   */
  async use(password) {
    const body = this.setsPassword ? { token: this.#token, password } : { token: this.#token };
    const response = await post(new URL(KINDS[this.kind], API), body);
    if (!response.ok) {
      throw await failure(response);
    }
  }
}

function isAddress(value) {
  return typeof value === "string" && [...value].length <= MAX_ADDRESS_CHARS && ADDRESS.test(value);
}

function setsPassword(kind) {
  return kind !== "email" && kind !== "undo";
}

/** Returns the JSON of a token, or null. */
function decode(token) {
  try {
    const text = atob(token.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.slice(0, -MAC_BYTES)));
  } catch {
    return null;
  }
}

async function post(url, body) {
  try {
    return await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout(TIME_LIMIT),
    });
  } catch (error) {
    throw new Failure(error.name === "TimeoutError" ? "unavailable" : "offline");
  }
}

async function failure(response) {
  switch (response.status) {
    case 400:
      return new Failure("invalid");
    case 422:
      return new Failure("refused", { reason: await refusal(response) });
    case 429:
      return new Failure("throttled", { seconds: Number.parseInt(response.headers.get("retry-after"), 10) });
    case 502:
    case 503:
    case 504:
      return new Failure("unavailable");
    default:
      return new Failure("other", { status: response.status });
  }
}

/** Returns the type of the first error of a 422. */
async function refusal(response) {
  try {
    return (await response.json()).detail[0].type;
  } catch {
    return null;
  }
}
