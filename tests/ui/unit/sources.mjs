import { readFile, readdir } from "node:fs/promises";

/** The page's own scripts. */
export async function files() {
  const ui = new URL("../../../ui/", import.meta.url);
  const names = await readdir(ui, { recursive: true });
  return Promise.all(names.filter((name) => name.endsWith(".js")).map(async (name) => ({ name, text: await readFile(new URL(name, ui), "utf8") })));
}

export const glob = async () => (await files()).map((file) => file.text);
