// Self-service from the mail to the login: under `make run`, the links of the mails in its folder are opened in
// Chromium. `make test-browser` runs it.
//
// Usage: node self_service.mjs [--screenshots FOLDER]
//
// FOLDER gets a picture of each mail.

import { mkdirSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";

import { PASSWORD, View, importFromPage } from "./account_view.mjs";
import { Checks, startBrowser } from "./checks.mjs";
import { Functions } from "./functions.mjs";
import { Mails } from "./mails.mjs";

const texts = await importFromPage("texts.js");

const JOHN = "john.doe@leapify.tech";
const JANE = "jane@example.com";
const MOVED = "jane.doe@example.com";
const OLD = "changeme";
const OTHER_PASSWORD = "eleven amber kites ascend";

class Run {
  constructor(functions, browser, checks, { screenshots }) {
    Object.assign(this, { functions, browser, checks, folder: screenshots });
    this.mails = new Mails(path.join(functions.folder, "mail"));
  }

  async call(method, target, body, token) {
    const authorization = token ? { authorization: `Bearer ${token}` } : {};
    const headers = { "content-type": "application/json", ...authorization };
    const response = await fetch(`${this.functions.origin}/api/v1/${target}`, { method, headers, body: JSON.stringify(body) });
    const text = await response.text();
    return { status: response.status, body: text === "" ? null : JSON.parse(text) };
  }

  logIn(email, password) {
    return this.call("POST", "login", { email, password });
  }

  /** Checks that a login with the new password leads to the user. */
  async checkLogin(name, email, password) {
    const { status, body } = await this.logIn(email, password);
    this.checks.equal(`${name}: the login responds with 200`, status, 200);
    const me = await fetch(`${this.functions.origin}/api/v1/me`, {
      headers: { authorization: `Bearer ${body?.access_token}` },
    });
    this.checks.equal(`${name}: the token is that of the user`, (await me.json()).email, email);
    return body?.access_token;
  }

  /** Checks that asking responds with 202, and returns the mail to an address. */
  async ask(name, target, body, token, to) {
    const { status } = await this.call("POST", target, body, token);
    this.checks.equal(`${name}: asking responds with 202`, status, 202);
    return this.mails.take(to);
  }

  /** Opens a link of a mail and runs the steps. */
  async open(name, link, steps) {
    const page = `${this.functions.origin}/account`;
    this.checks.that(`${name}: the mail has a link to the local page`, link?.startsWith(`${page}#kind=`), link);
    const view = await View.open(this.browser, this.functions, new URL(link).hash);
    this.checks.equal(`${name}: the address bar shows no token`, view.page.url(), page);
    await steps(view);
    this.checks.equal(`${name}: no error, violation or foreign request`, view.problems.join("\n"), "");
    await view.close();
  }

  /** Uses a link of a mail, with a new password if its kind sets one. */
  use(name, kind, { link }, password) {
    return this.open(name, link, async (view) => {
      this.checks.equal(`${name}: the heading`, await view.title(), texts.kinds[kind].heading);
      await view.use(password);
      await view.titled(texts.kinds[kind].done.heading);
    });
  }

  /** Checks the HTML of a mail: its button leads to the link, and it loads nothing. */
  async checkMail(name, mail) {
    const context = await this.browser.newContext({ viewport: { width: 640, height: 720 } });
    const page = await context.newPage();
    const requests = [];
    page.on("request", (request) => requests.push(request.url()));
    await page.setContent(mail.html);
    const links = await page.locator("a").evaluateAll((all) => all.map(({ href }) => href));
    this.checks.that(`${name}: the mail has the link`, links.length > 0 && links.every((href) => href === mail.link), links);
    this.checks.equal(`${name}: the mail loads nothing`, requests.join(), "");
    if (this.folder) {
      await page.screenshot({ path: path.join(this.folder, `mail-${name}.png`), fullPage: true });
    }
    await context.close();
  }
}

async function checkSignUp(run) {
  const name = "sign-up";
  const mail = await run.ask(name, "sign-up", { email: JANE }, null, JANE);
  await run.checkMail(name, mail);
  run.checks.equal(`${name}: there is no account before the click`, (await run.logIn(JANE, PASSWORD)).status, 401);
  await run.use(name, "sign-up", mail, PASSWORD);
  await run.checkLogin(name, JANE, PASSWORD);
}

/** A password that the API refuses leaves the link valid. A used link sets no other password. */
async function checkReset(run) {
  const { checks } = run;
  const name = "reset";
  const mail = await run.ask(name, "password/forgot", { email: JOHN }, null, JOHN);
  await run.checkMail(name, mail);
  await run.open(`${name}, refused`, mail.link, async (view) => {
    await view.use("iloveyou");
    await view.refusal.filter({ hasText: /\S/ }).waitFor();
    checks.that(`${name}: a common password is refused`, (await view.refusal.innerText()) !== "");
    await view.use(PASSWORD);
    await view.titled(texts.kinds.reset.done.heading);
  });
  checks.equal(`${name}: the old password no longer works`, (await run.logIn(JOHN, OLD)).status, 401);
  await run.checkLogin(name, JOHN, PASSWORD);
  await run.mails.take(JOHN);
  await run.open(`${name}, again`, mail.link, async (view) => {
    await view.use(OTHER_PASSWORD);
    await view.titled(texts.views.invalid.heading);
  });
  checks.equal(`${name}: a used link sets no password`, (await run.logIn(JOHN, OTHER_PASSWORD)).status, 401);
}

async function checkEmail(run) {
  const { checks, mails } = run;
  const token = await run.checkLogin("email", JANE, PASSWORD);
  const change = { new_email: MOVED, password: PASSWORD };
  const confirm = await run.ask("email", "email", change, token, MOVED);
  const requested = await mails.take(JANE);
  await run.checkMail("email", confirm);
  await run.checkMail("email-requested", requested);
  await run.use("email", "email", confirm);
  checks.equal("email: the old address no longer logs in", (await run.logIn(JANE, PASSWORD)).status, 401);
  await run.checkLogin("email", MOVED, PASSWORD);
  await mails.take(MOVED);
  return mails.take(JANE);
}

async function checkUndo(run, undo) {
  const { checks, mails } = run;
  await run.checkMail("undo", undo);
  await run.use("undo", "undo", undo);
  checks.equal("undo: the new address no longer logs in", (await run.logIn(MOVED, PASSWORD)).status, 401);
  checks.equal("undo: the password is removed", (await run.logIn(JANE, PASSWORD)).status, 401);
  const restored = await mails.take(JANE);
  await run.checkMail("restored", restored);
  await run.use("restored", "reset", restored, OTHER_PASSWORD);
  await run.checkLogin("restored", JANE, OTHER_PASSWORD);
}

/** The page itself refuses what cannot be a link, and sends nothing. */
async function checkIncomplete(run) {
  for (const fragment of ["", "#", "#kind=reset", "#kind=reset&token=", "#token=AAAA", "#kind=reset&token=AAAA"]) {
    const name = `incomplete ${fragment || "without a fragment"}`;
    const view = await View.open(run.browser, run.functions, fragment);
    const requests = [];
    view.page.on("request", (request) => requests.push(request.url()));
    run.checks.equal(`${name}: the page says so`, await view.title(), texts.views.incomplete.heading);
    run.checks.that(`${name}: there is no form`, !(await view.button.isVisible()));
    run.checks.equal(`${name}: nothing is sent`, requests.join(), "");
    run.checks.equal(`${name}: no error or violation`, view.problems.join("\n"), "");
    await view.close();
  }
}

async function main() {
  const { values } = parseArgs({ options: { screenshots: { type: "string" } } });
  if (values.screenshots) {
    mkdirSync(values.screenshots, { recursive: true });
  }
  const checks = new Checks();
  const functions = await Functions.start();
  let browser;
  try {
    browser = await startBrowser();
    const run = new Run(functions, browser, checks, values);
    await checkIncomplete(run);
    await checkSignUp(run);
    await checkReset(run);
    await checkUndo(run, await checkEmail(run));
  } catch (error) {
    checks.that("the run completed", false, error.stack);
  } finally {
    await browser?.close();
    await functions.stop();
  }
  checks.finish();
}

await main();
