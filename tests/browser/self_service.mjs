// Tests self-service from the email to the login: opens the links in the emails that `make run` writes, in Chromium.
// `make test-browser` runs it.
//
// Usage: node self_service.mjs [--screenshots FOLDER]
//
// FOLDER gets a screenshot of each email.

import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";

import { PASSWORD, View } from "./account_view.mjs";
import { Checks, startBrowser } from "./checks.mjs";
import { Functions } from "./functions.mjs";
import { Run, texts } from "./self_service_run.mjs";

const JOHN = "john.doe@leapify.tech";
const JANE = "jane@example.com";
const MOVED = "jane.doe@example.com";
const MARY = "mary@example.com";
const STRANGER = "stranger@example.com";
const OLD = "changeme";
const OTHER_PASSWORD = "eleven amber kites ascend";

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

/** An operator invites a user. `account` writes the email when it handles the next POST. */
async function checkInvitation(run) {
  run.functions.authctl("user", "invite", MARY, "--role", "Reader=read");
  const name = "invite";
  const { status } = await run.call("POST", "password/forgot", { email: STRANGER });
  run.checks.equal(`${name}: another request responds with 202`, status, 202);
  const mail = await run.mails.take(MARY);
  await run.checkMail(name, mail);
  await run.use(name, "invite", mail, PASSWORD);
  await run.checkLogin(name, MARY, PASSWORD);
}

/** The link to the old address cancels a change that was not confirmed. */
async function checkCancel(run) {
  const { checks, mails } = run;
  const token = await run.checkLogin("cancel", MARY, PASSWORD);
  const change = { new_email: STRANGER, password: PASSWORD };
  const confirm = await run.ask("cancel", "email", change, token, STRANGER);
  await run.use("cancel", "undo", await mails.take(MARY));
  await run.open("cancelled", confirm.link, async (view) => {
    await view.use();
    await view.titled(texts.views.invalid.heading);
  });
  checks.equal("cancel: the new address cannot log in", (await run.logIn(STRANGER, PASSWORD)).status, 401);
  await run.checkLogin("cancelled", MARY, PASSWORD);
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
    await checkInvitation(run);
    await checkCancel(run);
  } catch (error) {
    checks.that("the run completed", false, error.stack);
  } finally {
    await browser?.close();
    await functions.stop();
  }
  checks.finish();
}

await main();
