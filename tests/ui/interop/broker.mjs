// Our broker as a user would start it: `natter-cli broker`, which says on one line where it serves.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { within } from "./report.mjs";

const BUILT = fileURLToPath(new URL("../../../target/debug/natter-cli", import.meta.url));

/** The binary under test: the first argument, or NATTER_CLI, or the debug build. */
export const cli = process.argv[2] ?? process.env.NATTER_CLI ?? BUILT;

/** Starts a broker on a free port of loopback; resolves to its URL and a stop that checks for a clean exit. */
export async function startBroker(...options) {
  const child = spawn(cli, ["broker", "--listen", "127.0.0.1:0", ...options], { stdio: ["ignore", "pipe", "inherit"] });
  const failed = Promise.race([
    once(child, "error").then(([error]) => { throw error; }),
    once(child, "exit").then(([code]) => { throw new Error(`${cli} broker ended with ${code} before it served`); }),
  ]);
  const [line] = await within(`${cli} broker`, Promise.race([once(createInterface(child.stdout), "line"), failed]));
  const url = /^listening on (http:\/\/\S+\/)$/.exec(line)?.[1];
  if (!url) throw new Error(`an unexpected first line: ${line}`);
  failed.catch(() => {}); // from here on an exit is stop's to judge
  const stop = async (signal = "SIGTERM") => {
    const exit = once(child, "exit");
    child.kill(signal);
    const [code] = await within("the broker's exit", exit);
    return code;
  };
  return { url: new URL(url), stop };
}
