// The emails that `account` writes to a folder outside Lambda.

import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** How long an email may take, in milliseconds. It is written before the response to the request that asks for it. */
const LIMIT = 5_000;

export class Mails {
  constructor(folder) {
    this.folder = folder;
  }

  /** Removes the email to an address from the folder, and returns it. It must be the only one to that address. */
  async take(address) {
    for (const limit = Date.now() + LIMIT; Date.now() < limit; await sleep(50)) {
      const found = this.all().filter((mail) => mail.to === address);
      if (found.length > 0) {
        found.forEach(({ file }) => rmSync(file));
        if (found.length > 1) {
          throw new Error(`${found.length} emails to ${address}`);
        }
        return found[0];
      }
    }
    throw new Error(`no email to ${address}`);
  }

  all() {
    const names = existsSync(this.folder) ? readdirSync(this.folder) : [];
    const files = names.filter((name) => name.endsWith(".eml")).map((name) => path.join(this.folder, name));
    return files.map((file) => parse(file, readFileSync(file, "latin1")));
  }
}

/** Parses an email with a text and an HTML part (RFC 5322, RFC 2046). */
function parse(file, source) {
  const [headers, body] = split(source);
  const boundary = /boundary="?([^";\r\n]+)/.exec(headers["content-type"])[1];
  const parts = body.split(`--${boundary}`).slice(1, -1).map(part);
  const text = parts.find(({ type }) => type.startsWith("text/plain")).content;
  const html = parts.find(({ type }) => type.startsWith("text/html")).content;
  const to = /<([^>]+)>/.exec(headers.to)?.[1] ?? headers.to;
  return { file, to, text, html, link: /^http\S+#kind=\S+$/m.exec(text)?.[0] };
}

function part(source) {
  const [headers, body] = split(source.replace(/^\r?\n/, ""));
  const encoding = headers["content-transfer-encoding"] ?? "7bit";
  return { type: headers["content-type"], content: decode(body, encoding).toString("utf8") };
}

function split(source) {
  const end = /\r?\n\r?\n/.exec(source);
  const lines = source.slice(0, end.index).replace(/\r?\n[ \t]+/g, " ").split(/\r?\n/);
  const headers = lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]);
  return [Object.fromEntries(headers), source.slice(end.index + end[0].length)];
}

/** Decodes the content of a part (RFC 2045, section 6). */
function decode(text, encoding) {
  switch (encoding.toLowerCase()) {
    case "base64":
      return Buffer.from(text, "base64");
    case "quoted-printable": {
      const joined = text.replace(/=\r?\n/g, "");
      const bytes = joined.replace(/=([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
      return Buffer.from(bytes, "latin1");
    }
    default:
      return Buffer.from(text, "latin1");
  }
}
