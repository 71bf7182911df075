// Blank pages with the unmodified PeerJS of npm, from loopback: Chromium lets only such pages open sockets to loopback.
import { createServer } from "node:http";
import { readFile, mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const PEERJS = createRequire(import.meta.url).resolve("peerjs").replace(/bundler\.cjs$/, "peerjs.min.js");
const PAGE = '<!doctype html><meta charset="utf-8"><title>PeerJS</title><script src="/peerjs.js"></script>';

/** Debian's Chromium, quiet and with plain host candidates; `open` gives a fresh page with `Peer` on it. */
export async function startPages() {
  const server = createServer(async (request, response) => {
    const script = request.url === "/peerjs.js";
    response.writeHead(200, { "content-type": script ? "text/javascript" : "text/html" });
    response.end(script ? await readFile(PEERJS) : PAGE);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const profile = await mkdtemp(join(tmpdir(), "natter-interop-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--disable-features=WebRtcHideLocalIpsWithMdns",
    ],
  });
  const open = async () => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await page.waitForFunction(() => typeof Peer === "function");
    return page;
  };
  const stop = async () => {
    await browser.close();
    server.close();
    await rm(profile, { recursive: true, force: true });
  };
  return { open, stop };
}
