// A small stand-in for the function `account`: the files of its page with their headers, and planned responses of the
// API. self_service.mjs runs the page against the function itself.

import { readFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";

import { ROOT } from "./checks.mjs";

const FOLDER = path.join(ROOT, "functions/account/page");

const TYPES = { ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8" };

const POLICY = readFileSync(path.join(FOLDER, "content-security-policy.txt"), "utf8").trim();

/** The stub serves the same below this prefix, which is like that of a stage or a custom domain. */
export const PREFIX = "/stage";

export class Stub {
  app = "Acme Cloud";
  minChars = 15;
  /** Texts that replace texts.js, or null. */
  texts = null;
  /** The next responses of the API, such as `{ status: 422, body: {...} }`. Without one, it responds 204. */
  planned = [];
  /** What the API received. */
  requests = [];
  /** The headers of the requests for files. */
  fileRequests = [];

  static async start() {
    const stub = new Stub();
    stub.server = http.createServer((request, response) => stub.respond(request, response));
    await new Promise((resolve) => stub.server.listen(0, "127.0.0.1", resolve));
    stub.origin = `http://127.0.0.1:${stub.server.address().port}`;
    return stub;
  }

  stop() {
    this.server.close();
    this.server.closeAllConnections();
  }

  respond(request, response) {
    const target = request.url.startsWith(`${PREFIX}/`) ? request.url.slice(PREFIX.length) : request.url;
    if (request.method === "GET" && target === "/account") {
      this.fileRequests.push(request);
      return send(response, "text/html; charset=utf-8", this.markup());
    }
    const name = /^\/account\/([a-z]+\.(?:css|js))$/.exec(target)?.[1];
    if (request.method === "GET" && name) {
      this.fileRequests.push(request);
      const replaced = name === "texts.js" && this.texts;
      return send(response, TYPES[path.extname(name)], replaced || readFileSync(path.join(FOLDER, name)));
    }
    if (request.method === "POST" && target.startsWith("/api/v1/")) {
      return this.respondAsApi(request, response, target);
    }
    response.writeHead(418).end();
  }

  markup() {
    const markup = readFileSync(path.join(FOLDER, "account.html"), "utf8");
    return markup.replaceAll("{{min_chars}}", this.minChars).replaceAll("{{app_name}}", this.app);
  }

  async respondAsApi(request, response, target) {
    const chunks = await request.toArray();
    const body = Buffer.concat(chunks).toString();
    this.requests.push({ target, path: request.url, headers: request.headers, body });
    const { status = 204, headers = {}, body: content, wait, cut } = this.planned.shift() ?? {};
    await wait;
    if (cut) {
      request.socket.destroy();
      return;
    }
    const text = typeof content === "string" ? content : JSON.stringify(content);
    response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...headers });
    response.end(content === undefined ? undefined : text);
  }
}

function send(response, type, bytes) {
  response.writeHead(200, {
    "content-type": type,
    "cache-control": "no-cache",
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
  response.end(bytes);
}
