// The form of the page: the rules while typing, refused passwords, and impatient users.

import { readFileSync } from "node:fs";
import path from "node:path";

import { filled, invalid, texts } from "./account_run.mjs";
import { EMAIL, PASSWORD, fragment, importFromPage } from "./account_view.mjs";
import { ROOT } from "./checks.mjs";

/** Passwords that only the API can refuse. */
const REFUSALS = {
  password_common: "common",
  password_context: "context",
  string_too_short: "length",
  string_too_long: "long",
  "something new": "other",
};

async function checkRefusals(run) {
  const { checks, stub } = run;
  for (const [type, refusal] of Object.entries(REFUSALS)) {
    const title = `a 422 ${type}`;
    await run.visit(title, fragment("reset"), {}, async (view) => {
      stub.planned.push(invalid(type));
      await view.use(PASSWORD);
      await view.refusal.filter({ hasText: /\S/ }).waitFor();
      checks.equal(`${title}: the page says why`, await view.refusal.innerText(), filled(texts.refusals[refusal]));
      checks.equal(`${title}: the focus is on the password`, await view.focused(), "password");
      checks.equal(`${title}: the field is invalid`, await view.password.getAttribute("aria-invalid"), "true");
      checks.equal(`${title}: the password is still there`, await view.password.inputValue(), PASSWORD);
      await run.accessible(title, view);
      if (type === "password_common") {
        await run.picture("reset-refused", view);
        checks.equal(`${title}: the rule is not met`, await view.rule("common").getAttribute("data-state"), "unmet");
        await view.button.click();
        checks.equal(`${title}: the same password is not sent again`, stub.requests.length, 1);
      }
      await view.use(`${PASSWORD}!`);
      await view.titled(texts.kinds.reset.done.heading);
      checks.equal(`${title}: another password works`, JSON.parse(stub.requests.at(-1).body).password, `${PASSWORD}!`);
    });
  }
  await run.visit("a 422 that is not JSON", fragment("reset"), {}, async (view) => {
    stub.planned.push({ status: 422, body: "<html>" });
    await view.use(PASSWORD);
    await view.refusal.filter({ hasText: /\S/ }).waitFor();
    checks.equal("a 422 that is not JSON: the page says so", await view.refusal.innerText(), texts.refusals.other);
  });
  await run.visit("a 422 of a link without a password", fragment("email"), {}, async (view) => {
    stub.planned.push(invalid("missing"));
    await view.use();
    await view.problem.filter({ hasText: /\S/ }).waitFor();
    const expected = filled(texts.problems.other, { status: "422" });
    checks.equal("a 422 of a link without a password: the page says so", await view.problem.innerText(), expected);
  });
}

/** What is typed, with the expected states of the rules. */
const TYPED = [
  ["", "open", "open"],
  ["short", "unmet", "open"],
  ["john.doe@leapify.tech", "met", "unmet"],
  ["Acme Cloud Acme Cloud", "met", "unmet"],
  [PASSWORD, "met", "met"],
];

async function checkTyping(run) {
  const { checks, stub } = run;
  await run.visit("typing", fragment("reset"), {}, async (view) => {
    for (const [typed, length, context] of TYPED) {
      await view.password.fill(typed);
      checks.equal(`"${typed}": its length`, await view.rule("length").getAttribute("data-state"), length);
      checks.equal(`"${typed}": its own words`, await view.rule("context").getAttribute("data-state"), context);
    }
    const status = view.page.getByRole("status");
    for (const [typed, said] of [
      ["seven", filled(texts.typing.length, { count: "5" })],
      ["Acme Cloud Acme Cloud", filled(texts.typing.context)],
      [PASSWORD, texts.typing.met],
    ]) {
      await view.password.fill(typed);
      await status.filter({ hasText: said }).waitFor();
      checks.that(`"${typed}": screen readers hear about it`, true);
    }
    await view.password.fill("seven lanterns");
    await run.accessible("typing", view);
    await run.picture("reset-typing", view);
    if (run.file) {
      const clip = { x: 232, y: 0, width: 560, height: 740 };
      await view.page.screenshot({ path: run.file, clip, animations: "disabled" });
    }
    const refused = [["", "empty"], ["seven lanterns", "length"], [EMAIL, "context"], ["é".repeat(513), "long"]];
    for (const [typed, refusal] of refused) {
      await view.use(typed);
      checks.equal(`${refusal}: the page says why`, await view.refusal.innerText(), filled(texts.refusals[refusal]));
      checks.equal(`${refusal}: the focus is on the password`, await view.focused(), "password");
      await run.accessible(refusal, view);
      await view.password.press("End");
      await view.password.press("x");
      checks.equal(`${refusal}: typing removes the error`, await view.refusal.innerText(), "");
    }
    checks.equal("a password that breaks a rule is not sent", stub.requests.length, 0);
    await view.use("é".repeat(512));
    await view.titled(texts.kinds.reset.done.heading);
  });
}

async function checkPolicyVectors({ checks }) {
  const { Policy } = await importFromPage("policy.js");
  const vectors = JSON.parse(readFileSync(path.join(ROOT, "tests/browser/password_policy.json"), "utf8"));
  for (const { min, app, email, password, refusal } of vectors) {
    const found = new Policy(min, app, email).refusal(password);
    const expected = password === "" ? "empty" : refusal;
    checks.equal(`at least ${min} characters, ${app}: "${password}"`, found, expected);
  }
}

async function checkImpatience(run) {
  const { checks, stub } = run;
  await run.visit("two clicks", fragment("email"), {}, async (view) => {
    let release;
    stub.planned.push({ wait: new Promise((resolve) => (release = resolve)) });
    await view.button.dblclick();
    await view.page.keyboard.press("Enter");
    const { button, busy } = texts.kinds.email;
    checks.equal("two clicks: the button shows progress", await view.button.innerText(), busy);
    checks.equal("two clicks: the button is disabled", await view.button.getAttribute("aria-disabled"), "true");
    checks.equal("two clicks: screen readers hear it", await view.page.getByRole("status").innerText(), busy);
    checks.equal("two clicks: the focus stays on the button", await view.focused(), "act");
    checks.that("two clicks: the names differ", busy !== button);
    await run.accessible("two clicks", view);
    release();
    await view.titled(texts.kinds.email.done.heading);
    checks.equal("two clicks: one request is sent", stub.requests.length, 1);
  });
}

export async function checkForm(run) {
  await checkPolicyVectors(run);
  await checkRefusals(run);
  await checkTyping(run);
  await checkImpatience(run);
}
