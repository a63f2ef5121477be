// What the tests in browsers share: the counted results, and the packages in `.tools`.

import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export const { chromium } = createRequire(path.join(ROOT, ".tools/playwright/"))("playwright-core");

/** Starts the browser that CHROMIUM names. */
export function startBrowser() {
  return chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium" });
}

/** Prints one line per statement, and counts the results. */
export class Checks {
  passed = 0;
  failed = 0;

  that(statement, holds, evidence = "") {
    if (holds) {
      this.passed += 1;
      console.log(`ok      ${statement}`);
    } else {
      this.failed += 1;
      console.log(`FAILED  ${statement}: ${evidence}`);
    }
  }

  equal(statement, actual, expected) {
    this.that(statement, actual === expected, `${actual} instead of ${expected}`);
  }

  /** Prints the counts and sets the exit code of the process. */
  finish() {
    console.log(`${this.passed} passed, ${this.failed} failed`);
    process.exitCode = this.failed === 0 ? 0 : 1;
  }
}
