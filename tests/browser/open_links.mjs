// Opens emails and their links in Chromium for `make e2e`. It reads commands and writes results: lines of JSON.
//
// { link, passwords, name } opens a link, and clicks the button once for each password, which is typed unless it is null.
// { mail, name } shows the HTML of an email. With SCREENSHOTS=folder, screenshots of everything are saved there.

import path from "node:path";
import { createInterface } from "node:readline";

import { View } from "./account_view.mjs";
import { startBrowser } from "./checks.mjs";
import * as texts from "../../functions/account/page/texts.js";

const folder = process.env.SCREENSHOTS;

const browser = await startBrowser();

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  const run = "mail" in command ? show : use;
  // The error of a navigation contains the link, which is a secret.
  const result = await run(command).catch((error) => ({ error: String(error).replaceAll(/token=[\w-]+/g, "token=...") }));
  console.log(JSON.stringify(result));
}
await browser.close();

async function use({ link, passwords, name }) {
  const { origin, pathname, hash } = new URL(link);
  const prefix = pathname.replace(/\/account$/, "");
  const view = await View.open(browser, { origin }, hash, { prefix });
  try {
    const heading = await view.title();
    const shown = [await state(view, link)];
    await picture(view.page, name);
    for (const password of passwords) {
      await view.use(password ?? undefined);
      await view.page.waitForFunction(hasResponded, heading);
      shown.push(await state(view, link));
      await picture(view.page, `${name}-${shown.at(-1)}`);
    }
    return { shown, problems: view.problems };
  } finally {
    await view.close();
  }
}

/** Runs in the page: whether it shows a result of the last click. */
function hasResponded(heading) {
  const text = (id) => document.getElementById(id).textContent;
  return text("heading") !== heading || text("refusal") !== "" || text("problem") !== "";
}

/** Returns what the page shows: `open`, `done`, `invalid`, the name of a refusal, or else its words. */
async function state(view, link) {
  const { heading, done } = texts.kinds[new URLSearchParams(new URL(link).hash.slice(1)).get("kind")];
  const error = (await view.refusal.textContent()) + (await view.problem.textContent());
  const title = await view.title();
  const known = { open: heading, done: done.heading, invalid: texts.views.invalid.heading, ...texts.refusals };
  return Object.keys(known).find((name) => known[name] === (error || title)) ?? `${title} ${error}`;
}

async function show({ mail, name }) {
  const context = await browser.newContext({ viewport: { width: 720, height: 600 } });
  try {
    const page = await context.newPage();
    await page.setContent(mail);
    await picture(page, name);
    const links = await page.locator("a").evaluateAll((found) => found.map((one) => one.href));
    return { heading: await page.locator("h1").innerText(), links };
  } finally {
    await context.close();
  }
}

async function picture(page, name) {
  if (folder) {
    await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true, animations: "disabled" });
  }
}
