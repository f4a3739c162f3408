// The page at /ui in a headless Chromium: what it shows, its buttons, the keyboard, and names that would like to be markup.
// Run by `cargo xtask clients page`.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createRequire } from "node:module";

// The packages are installed below the target folder, not here.
const { chromium } = createRequire(process.env.PACKAGES)("playwright-core");

const worker = process.env.WORKER;
const EVIL = `<img src=x onerror=alert(1)>"a/b`;
const seen = { foreign: [], errors: [], dialogs: 0 };
let browser, page;

const row = (name) => page.locator("tbody tr").filter({ has: page.locator("th").getByText(name, { exact: true }) });
const press = (name, action) => row(name).getByRole("button", { name: `${action} ${name}`, exact: true }).click();

async function shows(name, text) {
  await row(name).getByText(text).first().waitFor({ timeout: 20_000 });
}

async function make(name, config) {
  const body = JSON.stringify({ name, config: { "connector.class": "FileStreamSink", topics: "connect-test", ...config } });
  const answer = await fetch(`${worker}/connectors`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  assert.equal(answer.status, 201, await answer.text());
}

before(async () => {
  await make(EVIL, { file: "evil.txt" });
  await make("broken", { file: "no/such/folder/x.txt" });
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  page = await browser.newPage();
  page.on("request", (request) => request.url().startsWith(worker) || request.url().startsWith("data:") || seen.foreign.push(request.url()));
  page.on("console", (message) => message.type() === "error" && seen.errors.push(message.text()));
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("dialog", (dialog) => { seen.dialogs += 1; dialog.dismiss(); });
  await page.goto(`${worker}/ui`);
});
after(() => browser?.close());

test("it shows what runs, how much, and why something failed", async () => {
  await shows("local-file-source", "RUNNING");
  await shows("local-file-source", "connect-test");
  await shows("broken", "FAILED");
  await row("broken").locator("summary").first().click();
  await page.waitForTimeout(3_000);
  assert.equal(await row("broken").locator("details[open]").count(), 1, "a trace stays open over a refresh");
});

test("a name is text, and its buttons work", async () => {
  await shows(EVIL, "RUNNING");
  assert.equal(await page.locator("tbody img").count(), 0);
  for (const [action, state] of [["pause", "PAUSED"], ["resume", "RUNNING"], ["stop", "STOPPED"], ["resume", "RUNNING"], ["restart", "RUNNING"]]) {
    await press(EVIL, action);
    await shows(EVIL, state);
  }
});

test("the keyboard deletes only after a question", async () => {
  const button = row(EVIL).getByRole("button", { name: /^delete/ });
  await button.focus();
  await page.keyboard.press("Enter");
  await page.locator("dialog[open]").waitFor();
  await page.keyboard.press("Enter");
  await page.locator("dialog:not([open])").waitFor({ state: "attached" });
  assert.equal(await row(EVIL).count(), 1, "Enter alone keeps it");
  await button.focus();
  await page.keyboard.press("Enter");
  await page.locator("dialog[open]").waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await row(EVIL).waitFor({ state: "detached", timeout: 20_000 });
});

test("nothing foreign was asked, nothing failed, nothing popped up", () => assert.deepEqual(seen, { foreign: [], errors: [], dialogs: 0 }));
