// The page for everyone: keyboard, screen readers, small windows, colours, other languages, and no JavaScript.

import { KINDS, MOBILE, filled, limited, texts } from "./account_run.mjs";
import { EMAIL, PASSWORD, fragment, token } from "./account_view.mjs";

/** Works with the keyboard only: every control is reached in order, and its focus is visible. */
async function checkKeyboard(run) {
  const { checks, stub } = run;
  await run.visit("keyboard", fragment("reset"), {}, async (view) => {
    const { keyboard } = view.page;
    const outline = () => view.page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    for (const id of ["password", "show", "act"]) {
      await keyboard.press("Tab");
      checks.equal(`keyboard: Tab leads to ${id}`, await view.focused(), id);
      checks.equal(`keyboard: the focus on ${id} is visible`, await outline(), "solid");
    }
    await keyboard.press("Shift+Tab");
    await keyboard.press("Space");
    checks.equal("keyboard: Space shows the password", await view.password.getAttribute("type"), "text");
    await keyboard.press("Space");
    checks.equal("keyboard: Space hides the password", await view.password.getAttribute("type"), "password");
    await keyboard.press("Space");
    await keyboard.press("Shift+Tab");
    await keyboard.type("seven");
    await keyboard.press("Enter");
    checks.equal("keyboard: Enter checks the rules", await view.refusal.innerText(), filled(texts.refusals.length));
    checks.equal("keyboard: a refused password is still shown", await view.password.getAttribute("type"), "text");
    await keyboard.type(" quiet lanterns drift");
    await keyboard.press("Enter");
    await view.titled(texts.kinds.reset.done.heading);
    checks.equal("keyboard: Enter sends the password", JSON.parse(stub.requests[0].body).password, PASSWORD);
  });
  for (const kind of ["email", "undo"]) {
    await run.visit(`keyboard, ${kind}`, fragment(kind), {}, async (view) => {
      await view.page.keyboard.press("Tab");
      checks.equal(`keyboard, ${kind}: Tab leads to the button`, await view.focused(), "act");
      await view.page.keyboard.press("Space");
      await view.titled(texts.kinds[kind].done.heading);
    });
  }
}

/** Checks what a screen reader finds: names, roles and descriptions. */
async function checkScreenReader(run) {
  await run.visit("screen reader", fragment("reset"), {}, async (view) => {
    await view.password.fill("seven");
    const tree = await view.page.locator("body").ariaSnapshot();
    for (const line of [
      "- main:",
      '- region "Set a new password":',
      '- heading "Set a new password" [level=1]',
      `- paragraph: ${EMAIL}`,
      '- textbox "New password": seven',
      '- checkbox "Show password"',
      `- listitem: "Not met: ${filled(texts.rules.length)}"`,
      '- button "Save password"',
    ]) {
      run.checks.that(`screen reader: ${line}`, tree.includes(line), tree);
    }
    const client = await view.context.newCDPSession(view.page);
    const { nodes } = await client.send("Accessibility.getFullAXTree");
    const field = nodes.find((node) => node.role?.value === "textbox" && node.name?.value === "New password");
    const description = field?.description?.value ?? "";
    run.checks.that("screen reader: the rules describe the field", description.includes(filled(texts.rules.length)), description);
    const symbols = nodes.filter((node) => /[○✓✗]/.test(node.name?.value ?? ""));
    run.checks.equal("screen reader: the symbols are not read", symbols.length, 0);
  });
}

/** A width of 320 pixels is also what remains of 1280 at a zoom of 400 % (WCAG 2.2, 1.4.10). */
async function checkMobile(run) {
  const longEmail = `${"a".repeat(64)}@${"b".repeat(60)}.example`;
  for (const kind of Object.keys(KINDS)) {
    const changes = KINDS[kind].setsPassword ? { email: longEmail } : { from: longEmail, to: `x${longEmail}` };
    await run.visit(`mobile, ${kind}`, fragment(kind, token(kind, changes)), MOBILE, async (view) => {
      run.checks.equal(`mobile, ${kind}: nothing is cut off`, await view.overflow(), 0);
      const controls = await view.page.locator("button:visible, #password:visible, .choice:visible").all();
      const heights = await Promise.all(controls.map(async (control) => (await control.boundingBox()).height));
      run.checks.that(`mobile, ${kind}: targets have 44 pixels`, heights.every((height) => height >= 44), heights);
      await run.accessible(`mobile, ${kind}`, view);
      await run.picture(`${kind}-mobile`, view);
      if (KINDS[kind].setsPassword) {
        await view.password.fill(PASSWORD);
      }
      await view.button.tap();
      await view.titled(texts.kinds[kind].done.heading);
      run.checks.equal(`mobile, ${kind}: nothing is cut off afterwards`, await view.overflow(), 0);
    });
  }
}

async function checkColours(run) {
  for (const [colorScheme, isDark] of [["light", false], ["dark", true]]) {
    await run.visit(colorScheme, fragment("reset"), { colorScheme }, async (view) => {
      const background = await view.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const brightness = Math.max(...background.match(/\d+/g).map(Number));
      run.checks.equal(`${colorScheme}: the background`, brightness < 128, isDark);
      await run.accessible(`${colorScheme}, empty`, view);
      await view.use("seven");
      await run.accessible(`${colorScheme}, refused`, view);
      await run.picture(`reset-refused-${colorScheme}`, view);
      run.stub.planned.push(limited("60"));
      await view.use(PASSWORD);
      await view.problem.filter({ hasText: /\S/ }).waitFor();
      await run.accessible(`${colorScheme}, limited`, view);
      await view.button.click();
      await view.titled(texts.kinds.reset.done.heading);
      await run.accessible(`${colorScheme}, done`, view);
    });
  }
  await run.visit("forced colours", fragment("reset"), { forcedColors: "active" }, async (view) => {
    await view.password.fill(PASSWORD);
    await run.picture("reset-forced-colors", view);
    run.checks.that("forced colours: the button is visible", await view.button.isVisible());
  });
}

/** Marks every text of texts.js, and looks for words on the page without a mark. */
async function checkTexts(run) {
  const mark = (value) => {
    if (typeof value === "string") {
      return `«${value}»`;
    }
    return Array.isArray(value) ? value.map(mark) : Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mark(one)]));
  };
  const marked = Object.entries(texts).map(([name, value]) => [name, name === "language" ? "de" : mark(value)]);
  run.stub.texts = marked.map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`).join("\n");
  for (const kind of Object.keys(KINDS)) {
    await run.visit(`translated, ${kind}`, fragment(kind), {}, async (view) => {
      const unmarked = async () => {
        const shown = await view.page.locator("main").innerText();
        return shown.replace(/«[^«»]*»/g, "").replace(EMAIL, "").trim();
      };
      run.checks.equal(`translated, ${kind}: all words are from texts.js`, await unmarked(), "");
      run.checks.equal(`translated, ${kind}: the language is set`, await view.page.locator("html").getAttribute("lang"), "de");
      run.stub.planned.push(limited("600"));
      await view.page.locator("#password").evaluate((field, password) => (field.value = password), PASSWORD);
      await view.button.click();
      await view.problem.filter({ hasText: "in 10 Minuten" }).waitFor();
      run.checks.equal(`translated, ${kind}: the problem too`, await unmarked(), "");
      await view.button.click();
      await view.titled(`«${texts.kinds[kind].done.heading}»`);
      run.checks.equal(`translated, ${kind}: the end too`, await unmarked(), "");
    });
  }
  run.stub.texts = null;
}

async function checkWithoutScript(run) {
  await run.visit("without JavaScript", fragment("reset"), { javaScriptEnabled: false }, async (view) => {
    await view.page.getByText("This page needs JavaScript, but its scripts did not load.").waitFor();
    run.checks.that("without JavaScript: there is no form", !(await view.button.isVisible()));
    await run.picture("no-script", view);
  });
  await run.visit("with JavaScript", fragment("reset"), {}, async (view) => {
    run.checks.equal("with JavaScript: the hint is gone", await view.page.locator("#no-script").count(), 0);
  });
}

export async function checkDisplay(run) {
  await checkKeyboard(run);
  await checkScreenReader(run);
  await checkMobile(run);
  await checkColours(run);
  await checkTexts(run);
  await checkWithoutScript(run);
}
