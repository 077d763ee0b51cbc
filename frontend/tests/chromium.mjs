/** Starts the Chromium that is on the machine; nothing is downloaded. */
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const CANDIDATES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const QUIET_FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function launch() {
  const executablePath = process.env.CHROME_PATH ?? CANDIDATES.find((candidate) => existsSync(candidate));
  if (executablePath === undefined) {
    throw new Error("failed to find Chromium: install the package `chromium` or set CHROME_PATH");
  }
  // Root, as in most containers, cannot use Chromium's sandbox.
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath, headless: true, args: [...sandbox, ...QUIET_FLAGS] });
}

/** Waits until `look` answers something true; says what was awaited when it never does. */
export async function until(what, look, timeoutMs = 15_000) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`failed to see in ${timeoutMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
