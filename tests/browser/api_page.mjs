// The API page in Chromium: log in, authorize, call `me`. `make test-browser` runs it.
//
// The functions run under `make run`, on a temporary store. Any error in the console or on the page, any failed
// request, any violation of the page's policy and any request to another origin fails the test.
//
// Usage: node api_page.mjs [--screenshot FILE]

import http from "node:http";
import { parseArgs } from "node:util";

import { Checks, startBrowser } from "./checks.mjs";
import { Functions } from "./functions.mjs";

const USER = { email: "john.doe@leapify.tech", password: "changeme" };
const PREFIX = "/stage";
const STEP_LIMIT = 20_000;

/** Serves the functions behind a prefix, as a custom domain with a base path does. */
async function serveBehindPrefix(port) {
  const server = http.createServer((request, response) => {
    if (!request.url.startsWith(`${PREFIX}/`)) {
      response.writeHead(418).end();
      return;
    }
    const target = { host: "127.0.0.1", port, path: request.url.slice(PREFIX.length) };
    const forwarded = http.request({ ...target, method: request.method, headers: request.headers }, (reply) => {
      response.writeHead(reply.statusCode, reply.headers);
      reply.pipe(response);
    });
    forwarded.on("error", (error) => response.destroy(error));
    request.pipe(forwarded);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** The API page in a new browser context, watched from the first request on. */
class ApiPage {
  problems = [];
  requests = [];

  static async open(browser, address) {
    const api = new ApiPage();
    const context = await browser.newContext({ viewport: { width: 1280, height: 1000 } });
    api.page = await context.newPage();
    api.page.setDefaultTimeout(STEP_LIMIT);
    await api.watch(new URL(address).origin);
    await api.page.goto(address);
    await api.page.locator(".opblock").first().waitFor();
    return api;
  }

  async watch(origin) {
    const { page, problems } = this;
    await page.exposeFunction("reportViolation", (violation) => problems.push(`policy: ${violation}`));
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        window.reportViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`);
      });
    });
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) {
        problems.push(`console: ${message.text()}`);
      }
    });
    page.on("pageerror", (error) => problems.push(`page: ${error.stack}`));
    page.on("request", (request) => {
      this.requests.push(request);
      const url = new URL(request.url());
      if (url.origin !== origin && url.protocol !== "data:") {
        problems.push(`request to another origin: ${url}`);
      }
    });
    page.on("requestfailed", (request) => {
      problems.push(`failed request: ${request.url()} ${request.failure().errorText}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 400) {
        problems.push(`response: ${response.status()} ${response.url()}`);
      }
    });
  }

  operation(tag, id) {
    return this.page.locator(`#operations-${tag}-${id}`);
  }

  /** Executes an operation. Returns the status and the body that the page shows. */
  async execute(operation, body) {
    await operation.locator(".opblock-summary-control").click();
    if (body) {
      await operation.locator("textarea.body-param__text").fill(JSON.stringify(body));
    }
    await operation.getByRole("button", { name: "Execute" }).click();
    const row = operation.locator(".live-responses-table tbody tr");
    const status = await row.locator(".response-col_status").innerText();
    const text = await row.locator(".highlight-code code").first().innerText();
    return { status: status.trim(), body: JSON.parse(text) };
  }

  logIn(password = USER.password) {
    return this.execute(this.operation("sign-in", "login"), { ...USER, password });
  }

  callMe() {
    return this.execute(this.operation("guarded", "me"));
  }

  openAuthorizations() {
    return this.page.locator(".auth-wrapper").getByRole("button", { name: "Authorize" }).click();
  }

  /** Replaces the token that requests are authorized with. */
  async authorize(token) {
    const dialog = this.page.locator(".dialog-ux");
    await this.openAuthorizations();
    await dialog.getByRole("button", { name: "Remove authorization" }).click();
    await dialog.locator("input").fill(token);
    await dialog.getByRole("button", { name: "Apply credentials" }).click();
    await dialog.getByRole("button", { name: "Close" }).click();
  }

  /** Returns the Authorization header of the last request to a path. */
  async authorization(suffix) {
    const request = this.requests.findLast((one) => one.url().endsWith(suffix));
    return (await request.allHeaders()).authorization;
  }

  /** Takes a picture from the top of the page to the response of `me`, without the command that contains the token. */
  async takePicture(file) {
    const me = this.operation("guarded", "me");
    for (const part of [".curl-command", ".request-url"]) {
      await me.locator(part).evaluate((element) => (element.style.display = "none"));
    }
    const { y, height } = await me.locator(".live-responses-table").boundingBox();
    const top = await this.page.evaluate(() => window.scrollY);
    const clip = { x: 0, y: 0, width: 1280, height: Math.ceil(top + y + height) };
    await this.page.screenshot({ path: file, clip, fullPage: true, animations: "disabled" });
  }

  stored() {
    return this.page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  }
}

async function checkMe(checks, api, login) {
  const me = await api.callMe();
  checks.equal("`me` responds with 200", me.status, "200");
  checks.equal("`me` returns the user who logged in", me.body.email, USER.email);
  const sent = await api.authorization("/api/v1/me");
  checks.that("the request has the token of the login", sent === `Bearer ${login.body.access_token}`, sent);
}

function checkProblems(checks, api) {
  checks.that("nothing failed, was blocked or left the origin", api.problems.length === 0, api.problems.join("\n  "));
}

/** From the root of the API, with a token that is entered by hand. */
async function checkAtRoot(checks, browser, functions, screenshot) {
  const origin = `http://127.0.0.1:${functions.port}`;
  const api = await ApiPage.open(browser, `${origin}/`);
  checks.equal("the root leads to the page", api.page.url(), `${origin}/docs`);
  const login = await api.logIn();
  checks.equal("the login on the page responds with 200", login.status, "200");
  if (login.status !== "200") {
    return checkProblems(checks, api);
  }
  await api.authorize(login.body.access_token);
  await api.operation("sign-in", "login").locator(".opblock-summary-control").click();
  await checkMe(checks, api, login);
  checks.equal("the page stores no token", await api.stored(), '[{},{},""]');
  checkProblems(checks, api);
  if (screenshot) {
    await api.takePicture(screenshot);
    console.log(`screenshot: ${screenshot}`);
  }
}

/** Behind a prefix, with the token that the page takes over from the login. */
async function checkBehindPrefix(checks, browser, functions) {
  const server = await serveBehindPrefix(functions.port);
  const origin = `http://127.0.0.1:${server.address().port}`;
  try {
    const api = await ApiPage.open(browser, `${origin}${PREFIX}/`);
    checks.equal("behind a prefix, the root leads to the page too", api.page.url(), `${origin}${PREFIX}/docs`);
    const login = await api.logIn();
    checks.equal("the login responds with 200", login.status, "200");
    await checkMe(checks, api, login);
    checkProblems(checks, api);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

async function main() {
  const { values } = parseArgs({ options: { screenshot: { type: "string" } } });
  const checks = new Checks();
  const functions = await Functions.start();
  let browser;
  try {
    browser = await startBrowser();
    await checkAtRoot(checks, browser, functions, values.screenshot);
    await checkBehindPrefix(checks, browser, functions);
  } catch (error) {
    checks.that("the run completed", false, error.stack);
  } finally {
    await browser?.close();
    await functions.stop();
  }
  checks.finish();
}

await main();
