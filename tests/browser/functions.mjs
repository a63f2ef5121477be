// The functions under `make run`, for the tests in browsers.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { ROOT } from "./checks.mjs";

const SECOND = 1000;

/** The first start waits for a build. */
const START_LIMIT = 15 * 60 * SECOND;

/** The functions under `make run` on a free port, with their files in a temporary folder. */
export class Functions {
  static async start() {
    const functions = new Functions();
    functions.folder = mkdtempSync(path.join(os.tmpdir(), "sign-in-"));
    functions.log = path.join(functions.folder, "log");
    functions.port = await freePort();
    functions.origin = `http://127.0.0.1:${functions.port}`;
    const output = openSync(functions.log, "a");
    const variables = [`PORT=${functions.port}`, `LOCAL=${functions.folder}`, "STORE=file"];
    functions.process = spawn("make", ["--no-print-directory", "run", ...variables], {
      cwd: ROOT,
      // Its own group, so that `stop` ends everything that it starts.
      detached: true,
      stdio: ["ignore", output, output],
    });
    functions.ended = new Promise((resolve) => functions.process.on("exit", resolve));
    for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"]) {
      process.once(signal, () => functions.stop().finally(() => process.exit(1)));
    }
    try {
      await functions.ready();
    } catch (error) {
      console.error(readFileSync(functions.log, "utf8"));
      await functions.stop();
      throw error;
    }
    return functions;
  }

  async ready() {
    const expected = [
      ["GET", "/docs", 200],
      ["GET", "/account", 200],
      ["GET", "/api/v1/me", 401],
      ["POST", "/api/v1/login", 422],
    ];
    const limit = Date.now() + START_LIMIT;
    while (Date.now() < limit) {
      if (this.process.exitCode !== null) {
        throw new Error(`make run ended with ${this.process.exitCode}`);
      }
      const statuses = expected.map(([method, target]) => this.status(method, target));
      if ((await Promise.all(statuses)).every((status, i) => status === expected[i][2])) {
        return;
      }
      await sleep(SECOND / 2);
    }
    throw new Error("the functions did not respond in time");
  }

  async status(method, target) {
    try {
      const response = await fetch(`${this.origin}${target}`, { method });
      await response.arrayBuffer();
      return response.status;
    } catch {
      return null;
    }
  }

  /** Runs the operator's tool on the store. */
  authctl(...words) {
    const file = path.join(this.folder, "store.json");
    const options = { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] };
    execFileSync("cargo", ["build", "--quiet", "--locked", "--workspace", "--bin", "authctl"], options);
    const target = process.env.CARGO_TARGET_DIR || "target";
    execFileSync(path.resolve(ROOT, target, "debug/authctl"), ["--file", file, ...words], options);
  }

  async stop() {
    try {
      process.kill(-this.process.pid, "SIGTERM");
    } catch (error) {
      if (error.code !== "ESRCH") {
        throw error;
      }
    }
    await this.ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
