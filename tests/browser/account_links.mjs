// Links on the page: of each kind, incomplete, expired, and used while something fails.

import { KINDS, filled, limited, texts } from "./account_run.mjs";
import { PREFIX } from "./account_stub.mjs";
import { EMAIL, PASSWORD, fragment, token } from "./account_view.mjs";

async function checkKind(run, kind, prefix) {
  const { checks, stub } = run;
  const { route, setsPassword } = KINDS[kind];
  const words = texts.kinds[kind];
  const sent = token(kind);
  const name = `${kind}${prefix}`;
  await run.visit(name, fragment(kind, sent), { prefix }, async (view) => {
    checks.equal(`${name}: the heading says what the link does`, await view.title(), words.heading);
    checks.equal(`${name}: the title is the heading`, await view.page.title(), `${words.heading} – Acme Cloud`);
    checks.equal(`${name}: the address bar shows no token`, view.page.url(), view.address);
    checks.equal(`${name}: the focus is on the heading`, await view.focused(), "heading");
    const shown = await view.page.locator("main").innerText();
    const paragraphs = words.paragraphs.map((text) => filled(text));
    checks.that(`${name}: the text is that of the kind`, paragraphs.every((text) => shown.includes(text)), shown);
    const expiry = "This link works until January 2, 2030 at 3:04 AM.";
    checks.that(`${name}: it says when the link expires`, shown.replaceAll("\u202f", " ").includes(expiry), shown);
    await run.accessible(name, view);
    await run.picture(kind, view);
    if (setsPassword) {
      const login = await view.page.locator("input[autocomplete=username]").inputValue();
      checks.equal(`${name}: password managers find the address`, login, EMAIL);
      checks.that(`${name}: the address is shown`, shown.includes(EMAIL), shown);
    }
    checks.equal(`${name}: nothing is sent before a click`, stub.requests.length, 0);
    await view.use(setsPassword ? PASSWORD : undefined);
    await view.titled(words.done.heading);
    checks.equal(`${name}: the focus is on the new heading`, await view.focused(), "heading");
    checkRequest(run, name, `${prefix}${route}`, setsPassword ? { token: sent, password: PASSWORD } : { token: sent });
    await run.accessible(`${name} done`, view);
    await run.picture(`${kind}-done`, view);
    const traces = await view.traces();
    checks.that(`${name}: the page forgets the token`, !traces.includes(sent), traces);
    checks.that(`${name}: the page forgets the password`, (await view.page.locator("#password").inputValue()) === "");
  });
}

function checkRequest({ checks, stub }, name, route, body) {
  const [request] = stub.requests;
  checks.equal(`${name}: one request is sent`, stub.requests.length, 1);
  checks.equal(`${name}: it goes to the route of the kind`, request?.path, route);
  checks.equal(`${name}: its body is the token and what was typed`, request?.body, JSON.stringify(body));
  checks.equal(`${name}: it is JSON`, request?.headers["content-type"], "application/json");
  const leaked = [request, ...stub.fileRequests].filter((one) => one.headers.referer || one.headers.cookie);
  checks.equal(`${name}: no request has a Referer or a cookie`, leaked.length, 0);
}

const BAD_LINKS = {
  "no fragment": "",
  "only a kind": "#kind=reset",
  "only a token": `#token=${token("reset")}`,
  "an empty token": "#kind=reset&token=",
  "an unknown kind": `#kind=delete&token=${token("reset")}`,
  "a kind that objects inherit": `#kind=constructor&token=${token("reset")}`,
  "another kind than its token": fragment("invite", token("reset")),
  "a truncated token": fragment("reset", token("reset").slice(0, -60)),
  "a token that is not base64url": fragment("reset", "%2A%2A"),
  "a token without an address": fragment("reset", token("reset", { email: 7 })),
  "a token with one address of two": fragment("undo", token("undo", { from: null })),
  "a token without an expiry": fragment("reset", token("reset", {}, null)),
  "an address that is a sentence": forged("Your account is locked. Call +1 555 0100 or write to help@example.com"),
  "an address without an @": forged("john.doe"),
  "an address with two @": forged("john@example.com@example.org"),
  "an address with nothing before the @": forged("@example.com"),
  "an address with a line break": forged("john@example.com\nHello"),
  "an address with a space that does not break": forged("john\u00a0doe@example.com"),
  "an address with a character that is not visible": forged("john\u200bdoe@example.com"),
  "an address with a control character": forged("john\u0007@example.com"),
  "an address that changes the direction": forged("\u202emoc.elpmaxe@nhoj"),
  "an address that isolates a direction": forged("john\u2067@example.com"),
  "an address that is too long": forged(`${"j".repeat(243)}@example.com`),
};

/** Returns a link that undoes a change of the address to any text. */
function forged(to) {
  return fragment("undo", token("undo", { to }));
}

async function checkBadLinks(run) {
  for (const [name, hash] of Object.entries(BAD_LINKS)) {
    await run.visit(name, hash, {}, async (view) => {
      run.checks.equal(`${name}: the page says so`, await view.title(), texts.views.incomplete.heading);
      run.checks.that(`${name}: there is no form`, !(await view.button.isVisible()));
      run.checks.equal(`${name}: the address bar has no fragment`, view.page.url(), view.address);
      run.checks.equal(`${name}: nothing is sent`, run.stub.requests.length, 0);
      if (hash === "") {
        await run.accessible(name, view);
        await run.picture("incomplete", view);
      }
    });
  }
}

/** Failures after which the user may try again, with what the page says. */
const PROBLEMS = {
  "a 401": [{ status: 401, body: { detail: "User not found" } }, filled(texts.problems.other, { status: "401" })],
  "a 429": [limited("600"), filled(texts.problems.throttled, { when: "in 10 minutes" })],
  "a 429 for a second": [limited("1"), filled(texts.problems.throttled, { when: "in 1 minute" })],
  "a 429 for a day": [limited("86400"), filled(texts.problems.throttled, { when: "in 24 hours" })],
  "a 429 without a time": [limited(), texts.problems.throttledUnknown],
  "a 500": [{ status: 500, body: "{}" }, filled(texts.problems.other, { status: "500" })],
  "a 503": [{ status: 503, body: { detail: "unavailable" } }, filled(texts.problems.unavailable)],
  "a lost response": [{ cut: true }, filled(texts.problems.offline)],
};

async function checkProblem(run, kind, name) {
  const { checks, stub } = run;
  const [response, expected] = PROBLEMS[name];
  const title = `${kind}, ${name}`;
  await run.visit(title, fragment(kind), {}, async (view) => {
    stub.planned.push(response);
    await view.use(KINDS[kind].setsPassword ? PASSWORD : undefined);
    await view.problem.filter({ hasText: /\S/ }).waitFor();
    checks.equal(`${title}: the page says what to do`, await view.problem.innerText(), expected);
    checks.equal(`${title}: screen readers read it at once`, await view.problem.getAttribute("role"), "alert");
    checks.equal(`${title}: the button works again`, await view.button.getAttribute("aria-disabled"), "false");
    checks.equal(`${title}: the focus stays on the button`, await view.focused(), "act");
    await run.accessible(title, view);
    if (name === "a 503") {
      await run.picture(`${kind}-unavailable`, view);
    }
    await view.button.click();
    await view.titled(texts.kinds[kind].done.heading);
    const [first, second] = stub.requests.map(({ body }) => body);
    checks.that(`${title}: the second click repeats the request`, first === second, `${first}\n${second}`);
  });
}

async function checkOffline(run, kind) {
  const title = `${kind}, offline`;
  await run.visit(title, fragment(kind), {}, async (view) => {
    await view.context.setOffline(true);
    await view.use(KINDS[kind].setsPassword ? PASSWORD : undefined);
    await view.problem.filter({ hasText: /\S/ }).waitFor();
    run.checks.equal(`${title}: the page says so`, await view.problem.innerText(), filled(texts.problems.offline));
    await view.context.setOffline(false);
    await view.button.click();
    await view.titled(texts.kinds[kind].done.heading);
  });
}

async function checkExpired(run, kind) {
  const title = `${kind}, a 400`;
  const sent = token(kind);
  await run.visit(title, fragment(kind, sent), {}, async (view) => {
    run.stub.planned.push({ status: 400, body: { detail: "Invalid or expired link" } });
    await view.use(KINDS[kind].setsPassword ? PASSWORD : undefined);
    await view.titled(texts.views.invalid.heading);
    const shown = await view.page.locator("main").innerText();
    const expected = texts.kinds[kind].invalid.map((text) => filled(text));
    run.checks.that(`${title}: the page says how to get a new link`, expected.every((text) => shown.includes(text)), shown);
    run.checks.that(`${title}: there is no form`, !(await view.button.isVisible()));
    run.checks.equal(`${title}: the focus is on the heading`, await view.focused(), "heading");
    run.checks.that(`${title}: the page forgets the token`, !(await view.traces()).includes(sent));
    await run.accessible(title, view);
    await run.picture(`${kind}-expired`, view);
  });
}

async function checkNavigation(run) {
  const { checks, stub } = run;
  await run.visit("reload", fragment("reset"), {}, async (view) => {
    await view.page.reload();
    await view.titled(texts.views.incomplete.heading);
    checks.equal("reload: nothing is sent", stub.requests.length, 0);
  });
  await run.visit("another link in the same tab", fragment("reset"), {}, async (view) => {
    await view.password.fill(PASSWORD);
    const sent = token("email");
    await view.page.evaluate((hash) => location.assign(hash), fragment("email", sent));
    await view.titled(texts.kinds.email.heading);
    checks.that("another link in the same tab: the form is gone", !(await view.page.locator("#fields").isVisible()));
    checks.equal("another link in the same tab: the password is gone", await view.page.locator("#password").inputValue(), "");
    checks.equal("another link in the same tab: the address bar shows no token", view.page.url(), view.address);
    await view.use();
    await view.titled(texts.kinds.email.done.heading);
    checks.equal("another link in the same tab: its token is sent", stub.requests[0].body, JSON.stringify({ token: sent }));
    await view.page.goBack();
    checks.that("back: no token is in the address bar", !view.page.url().includes("token"), view.page.url());
  });
  await run.visit("another link during a request", fragment("reset"), {}, async (view) => {
    let release;
    stub.planned.push({ wait: new Promise((resolve) => (release = resolve)), status: 400, body: {} });
    const responded = view.page.waitForResponse((response) => response.url().includes("/api/v1/"));
    await view.use(PASSWORD);
    await view.page.evaluate((hash) => location.assign(hash), fragment("undo"));
    await view.titled(texts.kinds.undo.heading);
    release();
    await responded;
    await view.page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 100)));
    checks.equal("another link during a request: it stays", await view.title(), texts.kinds.undo.heading);
    await view.use();
    await view.titled(texts.kinds.undo.done.heading);
  });
}

/** An address in a forged token is only ever text. */
async function checkMarkup(run) {
  // Letters of a right-to-left script are visible, and may be part of an address.
  const from = '<img/src="x"/onerror="document.title=1">\u05d0@example.org';
  await run.visit("markup", fragment("undo", token("undo", { from })), {}, async (view) => {
    run.checks.equal("markup: no element is created", await view.page.locator("main img").count(), 0);
    const address = view.page.locator(".address").first();
    run.checks.equal("markup: it is shown as text", await address.textContent(), from);
    const bidi = await address.evaluate((element) => getComputedStyle(element).unicodeBidi);
    run.checks.equal("markup: it does not turn the text around it", bidi, "isolate");
  });
}

export async function checkLinks(run) {
  for (const kind of Object.keys(KINDS)) {
    await checkKind(run, kind, "");
    await checkExpired(run, kind);
  }
  await checkKind(run, "reset", PREFIX);
  await checkBadLinks(run);
  for (const name of Object.keys(PROBLEMS)) {
    await checkProblem(run, "reset", name);
    await checkProblem(run, "email", name);
  }
  await checkOffline(run, "sign-up");
  await checkOffline(run, "undo");
  await checkNavigation(run);
  await checkMarkup(run);
}
