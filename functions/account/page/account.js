// The page that links in emails open. It does nothing until its button is clicked, because email scanners open links.
//
// Start at `open`. The words are in texts.js, what a link does is in link.js, and the rules for passwords are in
// policy.js.

import { Link } from "./link.js";
import { Policy, REFUSALS, count } from "./policy.js";
import * as texts from "./texts.js";

/** How long typing pauses before a screen reader hears about the rules, in milliseconds. */
const PAUSE = 1000;

const { appName: app, minChars: min } = document.documentElement.dataset;

const element = Object.fromEntries([...document.querySelectorAll("[id]")].map((one) => [one.id, one]));

/** The link that is shown, or null. */
let link = null;
let policy = null;
let isBusy = false;
let pause;

/** Takes the link out of the address bar, where others could read or copy it, and shows it. */
function open() {
  const fragment = location.hash;
  history.replaceState(null, "", location.pathname + location.search);
  clear();
  link = Link.parse(fragment);
  if (link === null) {
    show(texts.views.incomplete);
    return;
  }
  show(texts.kinds[link.kind]);
  if (link.setsPassword) {
    showFields();
  }
  setBusy(false);
  showExpiry();
  element.form.hidden = false;
}

/** Forgets the link, and what was typed and shown for it. */
function clear() {
  link = null;
  clearTimeout(pause);
  element.form.reset();
  element.form.hidden = true;
  element.fields.hidden = true;
  showPassword();
  clearErrors();
  fill(element.status, "");
}

/** Shows a heading and paragraphs, and moves the focus to the heading, so that screen readers read on from it. */
function show({ heading, paragraphs }, addresses = link?.addresses) {
  fill(element.heading, heading);
  document.title = `${element.heading.textContent} – ${app}`;
  const filled = paragraphs.map((text) => fill(document.createElement("p"), text, addresses));
  element.paragraphs.replaceChildren(...filled);
  element.view.hidden = false;
  element.heading.focus();
}

function showFields() {
  policy = new Policy(Number(min), app, link.addresses.email);
  element.email.value = link.addresses.email;
  element.address.textContent = link.addresses.email;
  for (const name of ["email", "password", "show", "rules"]) {
    fill(element[`${name}-label`], texts.form[name]);
  }
  const items = Object.keys(texts.rules).map((rule) => {
    const item = document.createElement("li");
    item.dataset.rule = rule;
    const state = document.createElement("span");
    state.className = "visually-hidden";
    item.append(state, fill(document.createElement("span"), texts.rules[rule]));
    return item;
  });
  element.rules.replaceChildren(...items);
  showRules();
  element.fields.hidden = false;
}

function showRules() {
  for (const [rule, state] of Object.entries(policy.check(element.password.value))) {
    const item = element.rules.querySelector(`[data-rule="${rule}"]`);
    item.dataset.state = state;
    item.firstChild.textContent = `${texts.states[state]} `;
  }
}

/** Says what the rules show, for screen readers. */
function sayRules() {
  const { length, context } = policy.check(element.password.value);
  if (length === "open") {
    fill(element.status, "");
  } else if (length === "unmet") {
    fill(element.status, texts.typing.length, { count: number(count(element.password.value)) });
  } else {
    fill(element.status, context === "met" ? texts.typing.met : texts.typing.context);
  }
}

function showPassword() {
  element.password.type = element.show.checked ? "text" : "password";
}

function showExpiry() {
  const format = new Intl.DateTimeFormat(texts.language, { dateStyle: "long", timeStyle: "short" });
  fill(element.expiry, texts.form.expiry, { time: format.format(link.expiry) });
}

/** Uses the link. */
async function act() {
  if (link === null || isBusy) {
    return;
  }
  clearErrors();
  clearTimeout(pause);
  const password = element.password.value;
  const refusal = link.setsPassword ? policy.refusal(password) : null;
  if (refusal !== null) {
    showRefusal(refusal);
    return;
  }
  // If a field shows its text, browsers remember it and offer it in other forms.
  element.show.checked = false;
  showPassword();
  const used = link;
  setBusy(true);
  try {
    await used.use(password);
    finish(used, texts.kinds[used.kind].done);
  } catch (error) {
    // Another link was opened in the meantime.
    if (used === link) {
      fail(error, password);
    }
  }
}

function setBusy(isNowBusy) {
  isBusy = isNowBusy;
  const { busy, button } = texts.kinds[link.kind];
  // A disabled button would lose the focus.
  element.act.setAttribute("aria-disabled", String(isBusy));
  fill(element.act, isBusy ? busy : button);
  fill(element.status, isBusy ? busy : "");
}

/** Shows the end of a link, and forgets it. */
function finish(used, view) {
  if (used === link) {
    clear();
    show(view, used.addresses);
  }
}

function fail(failure, password) {
  setBusy(false);
  switch (failure.name) {
    case "invalid":
      return finish(link, { ...texts.views.invalid, paragraphs: texts.kinds[link.kind].invalid });
    case "refused": {
      const refusal = REFUSALS[failure.reason] ?? "other";
      if (refusal === "common") {
        policy.common.add(password);
      }
      return link.setsPassword ? showRefusal(refusal) : showProblem("other", { status: number(422) });
    }
    case "throttled":
      return showThrottled(failure.seconds);
    case "other":
      return showProblem("other", { status: number(failure.status) });
    case "offline":
    case "unavailable":
      return showProblem(failure.name);
    default:
      throw failure;
  }
}

/** Shows why the password is refused, and moves the focus to it. */
function showRefusal(name) {
  fill(element.refusal, texts.refusals[name]);
  element.password.setAttribute("aria-invalid", "true");
  element.password.focus();
  showRules();
}

/** Shows why a request failed. Screen readers read it at once. */
function showProblem(name, values) {
  fill(element.problem, texts.problems[name], values);
}

function clearErrors() {
  fill(element.refusal, "");
  fill(element.problem, "");
  element.password.setAttribute("aria-invalid", "false");
}

function showThrottled(seconds) {
  if (!Number.isFinite(seconds)) {
    return showProblem("throttledUnknown");
  }
  const minutes = Math.max(1, Math.ceil(seconds / 60));
  const format = new Intl.RelativeTimeFormat(texts.language);
  const when = minutes < 120 ? format.format(minutes, "minute") : format.format(Math.ceil(minutes / 60), "hour");
  showProblem("throttled", { when });
}

/** Fills an element with a text. Values are only ever text, and addresses are set apart. */
function fill(target, text, values = {}) {
  const known = { app, min, ...values };
  const parts = text.split(/\{(\w+)\}/);
  target.replaceChildren(...parts.map((part, i) => (i % 2 === 0 ? part : valueNode(part, known[part]))));
  return target;
}

function valueNode(name, value) {
  if (!["email", "from", "to"].includes(name)) {
    return String(value);
  }
  const node = document.createElement("span");
  node.className = "address";
  node.textContent = value;
  return node;
}

function number(value) {
  return new Intl.NumberFormat(texts.language, { useGrouping: false }).format(value);
}

element.form.addEventListener("submit", (event) => {
  event.preventDefault();
  act();
});
element.show.addEventListener("change", showPassword);
element.password.addEventListener("input", () => {
  clearErrors();
  showRules();
  clearTimeout(pause);
  pause = setTimeout(sayRules, PAUSE);
});
// A link that is opened while the page is shown changes only the fragment.
window.addEventListener("hashchange", open);
document.documentElement.lang = texts.language;
element["no-script"].remove();
open();
