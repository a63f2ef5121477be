// A run of self-service under `make run`: it calls the API, takes emails from the folder and opens their links.

import path from "node:path";

import { View, importFromPage } from "./account_view.mjs";
import { Mails } from "./mails.mjs";

export const texts = await importFromPage("texts.js");

export class Run {
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

  /** Checks that a login works and that its token is that of the user. */
  async checkLogin(name, email, password) {
    const { status, body } = await this.logIn(email, password);
    this.checks.equal(`${name}: the login responds with 200`, status, 200);
    const me = await fetch(`${this.functions.origin}/api/v1/me`, {
      headers: { authorization: `Bearer ${body?.access_token}` },
    });
    this.checks.equal(`${name}: the token is that of the user`, (await me.json()).email, email);
    return body?.access_token;
  }

  /** Checks that asking responds with 202, and returns the email to an address. */
  async ask(name, target, body, token, to) {
    const { status } = await this.call("POST", target, body, token);
    this.checks.equal(`${name}: asking responds with 202`, status, 202);
    return this.mails.take(to);
  }

  /** Opens a link of an email and runs the steps. */
  async open(name, link, steps) {
    const page = `${this.functions.origin}/account`;
    this.checks.that(`${name}: the email has a link to the local page`, link?.startsWith(`${page}#kind=`), link);
    const view = await View.open(this.browser, this.functions, new URL(link).hash);
    this.checks.equal(`${name}: the address bar shows no token`, view.page.url(), page);
    await steps(view);
    this.checks.equal(`${name}: no error, violation or foreign request`, view.problems.join("\n"), "");
    await view.close();
  }

  /** Uses a link of an email, with a new password if its kind sets one. */
  use(name, kind, { link }, password) {
    return this.open(name, link, async (view) => {
      this.checks.equal(`${name}: the heading`, await view.title(), texts.kinds[kind].heading);
      await view.use(password);
      await view.titled(texts.kinds[kind].done.heading);
    });
  }

  /** Checks the HTML of an email: its button leads to the link, and it loads nothing. */
  async checkMail(name, mail) {
    const context = await this.browser.newContext({ viewport: { width: 640, height: 720 } });
    const page = await context.newPage();
    const requests = [];
    page.on("request", (request) => requests.push(request.url()));
    await page.setContent(mail.html);
    const links = await page.locator("a").evaluateAll((all) => all.map(({ href }) => href));
    this.checks.that(`${name}: the email has the link`, links.length > 0 && links.every((href) => href === mail.link), links);
    this.checks.equal(`${name}: the email loads nothing`, requests.join(), "");
    if (this.folder) {
      await page.screenshot({ path: path.join(this.folder, `mail-${name}.png`), fullPage: true });
    }
    await context.close();
  }
}
