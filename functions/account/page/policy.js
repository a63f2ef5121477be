// The rules for a new password that the page can check while the user types: those of auth-core's `PasswordPolicy`,
// except its list of common passwords, which only the API has.

/** The API refuses longer passwords. */
const MAX_BYTES = 1024;

/** Shorter words of the context occur in passwords by chance. */
const MIN_WORD_CHARS = 4;

/** What the API calls the rules in the `type` of an error, and the name of the rule here. */
export const REFUSALS = {
  string_too_short: "length",
  password_context: "context",
  password_common: "common",
  string_too_long: "long",
};

export class Policy {
  /** `minChars` as PASSWORD_MIN_LENGTH, the name of the application, and the address of the user. */
  constructor(minChars, app, email) {
    this.minChars = minChars;
    this.words = contextWords(app, email);
    /** Passwords that the API has refused because they are easy to guess. */
    this.common = new Set();
  }

  /** Returns the state of each rule: "met", "unmet" or "open". */
  check(password) {
    const isLong = count(password) >= this.minChars;
    const hasOwnChars = countBesides(password, this.words) >= this.minChars;
    return {
      length: state(isLong, password === ""),
      context: state(hasOwnChars, !isLong),
      common: this.common.has(password) ? "unmet" : "open",
    };
  }

  /** Returns the first reason why a password would be refused: one of `refusals` in texts.js, or null. */
  refusal(password) {
    if (password === "") {
      return "empty";
    }
    if (new TextEncoder().encode(password).length > MAX_BYTES) {
      return "long";
    }
    const unmet = Object.entries(this.check(password)).find(([, state]) => state === "unmet");
    return unmet?.[0] ?? null;
  }
}

function state(isMet, isOpen) {
  if (isOpen) {
    return "open";
  }
  return isMet ? "met" : "unmet";
}

/** Returns the number of characters. An emoji may have several, as in the API. */
export function count(text) {
  return [...text].length;
}

/** Returns the words of the context in lower case, the longest first. */
function contextWords(app, email) {
  const address = email.toLowerCase();
  const words = `${address}\n${app.toLowerCase()}`.split(/[^\p{Alphabetic}\p{N}]/u);
  const longWords = words.filter((word) => count(word) >= MIN_WORD_CHARS);
  const bytes = (word) => new TextEncoder().encode(word).length;
  return [...longWords, address].sort((one, other) => bytes(other) - bytes(one));
}

/** Returns the number of characters of a password without these words, in any case. */
function countBesides(password, words) {
  return count(words.reduce((rest, word) => rest.replaceAll(word, ""), password.toLowerCase()));
}
