// Tests the page that links in emails open: in Chromium, on a stub of its API. `make test-browser` runs it.
//
// Any error in the console or on the page, any violation of the page's policy, any request to another origin and any
// violation that axe finds fails the test.
//
// Usage: node account_page.mjs [--screenshot FILE] [--screenshots FOLDER]
//
// FILE is a screenshot for the documentation; FOLDER gets one of each state of the page.

import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";

import { checkDisplay } from "./account_display.mjs";
import { checkForm } from "./account_form.mjs";
import { checkLinks } from "./account_links.mjs";
import { Run } from "./account_run.mjs";
import { Stub } from "./account_stub.mjs";
import { View, fragment } from "./account_view.mjs";
import { Checks, startBrowser } from "./checks.mjs";

/** The checks of this file must be able to fail. */
async function checkChecks(run) {
  const { checks, stub } = run;
  const view = await View.open(run.browser, stub, fragment("reset"));
  await view.page.locator("#password-label").evaluate((label) => label.remove());
  const violations = await view.violations();
  checks.that("axe finds a field without a label", violations.some((one) => one.startsWith("label:")), violations.join());
  await view.page.evaluate(() => {
    const script = document.createElement("script");
    try {
      script.textContent = "document.title = 'ran'";
    } catch {
      // Trusted types refuse it even before it is inserted.
    }
    document.body.append(script);
    const style = document.createElement("style");
    style.textContent = "body { display: none }";
    document.body.append(style);
  });
  await view.page.evaluate(() => fetch("http://127.0.0.1:9/").catch(() => null));
  checks.that("an inline script does not run", (await view.page.title()) !== "ran");
  checks.that("an inline style has no effect", await view.page.locator("body").isVisible());
  for (const directive of ["require-trusted-types-for", "style-src-elem", "connect-src"]) {
    const found = view.problems.some((problem) => problem.startsWith(`policy: ${directive}`));
    checks.that(`the policy reports ${directive}`, found, view.problems.join("\n"));
  }
  await view.close();
}

async function main() {
  const { values } = parseArgs({ options: { screenshot: { type: "string" }, screenshots: { type: "string" } } });
  if (values.screenshots) {
    mkdirSync(values.screenshots, { recursive: true });
  }
  const checks = new Checks();
  const stub = await Stub.start();
  let browser;
  try {
    browser = await startBrowser();
    const run = new Run(browser, stub, checks, values);
    await checkLinks(run);
    await checkForm(run);
    await checkDisplay(run);
    await checkChecks(run);
  } catch (error) {
    checks.that("the run completed", false, error.stack);
  } finally {
    await browser?.close();
    stub.stop();
  }
  checks.finish();
}

await main();
