// The page behind links in a new browser context, watched from the first request on, and the tokens of links.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

import { ROOT } from "./checks.mjs";

const AXE = readFileSync(createRequire(path.join(ROOT, ".tools/axe/")).resolve("axe-core/axe.min.js"), "utf8");

const STEP_LIMIT = 10_000;

export const EMAIL = "john.doe@leapify.tech";
export const NEW_EMAIL = "john@example.org";
export const PASSWORD = "seven quiet lanterns drift";

/** 2030-01-02 03:04 UTC. */
const EXPIRY = 1_893_553_440;

/** Returns the contents of a token of this kind, as auth-core serializes them. */
function action(kind) {
  const user = { user_id: "u-1", version: 3 };
  switch (kind) {
    case "sign-up":
      return { email: EMAIL };
    case "invite":
      return { email: EMAIL, roles: [] };
    case "reset":
      return { email: EMAIL, ...user };
    default:
      return { ...user, from: EMAIL, to: NEW_EMAIL };
  }
}

/** Returns a token with the structure of a real one. The stub does not check it. */
export function token(kind, changes = {}, expiry = EXPIRY) {
  const times = { issued_at: EXPIRY - 1800, expires_at: expiry ?? undefined };
  const claims = { action: { [kind]: { ...action(kind), ...changes } }, ...times };
  return Buffer.concat([Buffer.from(JSON.stringify(claims)), randomBytes(32)]).toString("base64url");
}

export function fragment(kind, text = token(kind)) {
  return `#kind=${kind}&token=${text}`;
}

/** Imports a module of the page that imports no other. Node.js would treat the file itself as CommonJS. */
export function importFromPage(name) {
  const source = readFileSync(path.join(ROOT, "functions/account/page", name), "utf8");
  return import(`data:text/javascript,${encodeURIComponent(source)}`);
}

export class View {
  problems = [];

  /** Opens the page. `options` are those of a browser context. */
  static async open(browser, stub, hash, { prefix = "", ...options } = {}) {
    const view = new View();
    view.stub = stub;
    view.address = `${stub.origin}${prefix}/account`;
    const settings = { viewport: { width: 1024, height: 900 }, timezoneId: "UTC", locale: "en-US", ...options };
    view.context = await browser.newContext(settings);
    view.page = await view.context.newPage();
    view.page.setDefaultTimeout(STEP_LIMIT);
    await view.watch();
    await view.page.goto(`${view.address}${hash}`);
    if (settings.javaScriptEnabled !== false) {
      await view.heading.waitFor();
    }
    return view;
  }

  async watch() {
    const { page, problems } = this;
    await page.exposeFunction("reportViolation", (violation) => problems.push(`policy: ${violation}`));
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        window.reportViolation(`${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    page.on("console", (message) => {
      // Chromium reports each planned failure of the API this way.
      const isPlanned = message.text().startsWith("Failed to load resource") && message.location().url.includes("/api/v1/");
      if (["error", "warning"].includes(message.type()) && !isPlanned) {
        problems.push(`console: ${message.text()}`);
      }
    });
    page.on("pageerror", (error) => problems.push(`page: ${error.stack}`));
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.origin !== this.stub.origin && url.protocol !== "data:") {
        problems.push(`request to another origin: ${url}`);
      }
    });
    page.on("response", (response) => {
      if (response.status() >= 400 && !response.url().includes("/api/v1/")) {
        problems.push(`response: ${response.status()} ${response.url()}`);
      }
    });
  }

  get heading() {
    return this.page.locator("h1:visible");
  }

  get password() {
    return this.page.getByLabel("New password", { exact: true });
  }

  get button() {
    return this.page.locator("#act");
  }

  get problem() {
    return this.page.locator("#problem");
  }

  get refusal() {
    return this.page.locator("#refusal");
  }

  rule(name) {
    return this.page.locator(`#rules li[data-rule="${name}"]`);
  }

  title() {
    return this.heading.innerText();
  }

  /** Waits until the heading has this text. */
  titled(text) {
    return this.page.getByRole("heading", { level: 1, name: text, exact: true }).waitFor();
  }

  async use(password) {
    if (password !== undefined) {
      await this.password.fill(password);
    }
    await this.button.click();
  }

  /** Returns the id of the element that has the focus. */
  focused() {
    return this.page.evaluate(() => document.activeElement.id);
  }

  /** Returns everything that scripts of the origin, or a later visitor, could find. */
  async traces() {
    const stored = await this.page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, history.state, location.href]),
    );
    return stored + (await this.page.content());
  }

  /** Returns the violations that axe finds, with all of its rules, including those of WCAG's level AAA. */
  async violations() {
    await this.page.evaluate(AXE);
    const found = await this.page.evaluate(async () => {
      const rules = { "color-contrast-enhanced": { enabled: true }, "target-size": { enabled: true } };
      const { violations, passes } = await window.axe.run(document, { rules, resultTypes: ["violations"] });
      const describe = ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`;
      return { passes: passes.map(({ id }) => id), violations: violations.map(describe) };
    });
    if (!found.passes.includes("color-contrast-enhanced")) {
      found.violations.push("axe could not check the contrast");
    }
    return found.violations;
  }

  /** Returns by how many pixels the page is wider than the window. */
  overflow() {
    return this.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  }

  close() {
    return this.context.close();
  }
}
