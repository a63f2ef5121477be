// What the tests of the page behind links share: the kinds of links, the words of the page, and a run on the stub.

import path from "node:path";

import { EMAIL, NEW_EMAIL, View, importFromPage } from "./account_view.mjs";

export const KINDS = {
  "sign-up": { route: "/api/v1/sign-up/confirm", setsPassword: true },
  invite: { route: "/api/v1/sign-up/confirm", setsPassword: true },
  reset: { route: "/api/v1/password/reset", setsPassword: true },
  email: { route: "/api/v1/email/confirm", setsPassword: false },
  undo: { route: "/api/v1/email/undo", setsPassword: false },
};

/** The smallest window that the page supports. */
export const MOBILE = { viewport: { width: 320, height: 568 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

export const texts = await importFromPage("texts.js");

export class Run {
  constructor(browser, stub, checks, { screenshot, screenshots }) {
    Object.assign(this, { browser, stub, checks, file: screenshot, folder: screenshots });
  }

  /** Opens a link, runs the steps, and checks that the page did nothing that its policy or this test forbids. */
  async visit(name, hash, options, steps) {
    this.stub.requests.length = 0;
    this.stub.planned.length = 0;
    const view = await View.open(this.browser, this.stub, hash, options);
    try {
      await steps(view);
    } catch (error) {
      this.checks.that(`${name}: the steps completed`, false, error.stack);
    }
    this.checks.equal(`${name}: no error, violation or foreign request`, view.problems.join("\n"), "");
    await view.close();
  }

  async accessible(name, view) {
    const violations = await view.violations();
    this.checks.that(`${name}: axe finds nothing`, violations.length === 0, violations.join("\n  "));
  }

  async picture(name, view) {
    if (this.folder) {
      const file = path.join(this.folder, `${name}.png`);
      await view.page.screenshot({ path: file, fullPage: true, animations: "disabled" });
    }
  }
}

/** Returns a text with its values, as the page shows it. */
export function filled(text, values = {}) {
  const known = { app: "Acme Cloud", min: "15", email: EMAIL, from: EMAIL, to: NEW_EMAIL, ...values };
  return text.replace(/\{(\w+)\}/g, (_, name) => known[name]);
}

/** Returns the response to a password that the API refuses. */
export const invalid = (type) => ({ status: 422, body: { detail: [{ type, loc: ["body", "password"], msg: "no" }] } });

/** Returns the response to a request beyond a limit. */
export const limited = (after) => ({ status: 429, headers: after ? { "retry-after": after } : {}, body: { detail: "Too many" } });
