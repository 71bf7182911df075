// Starts the page: words, then the backend, then the screen that its state asks for.
import "./components/app.js";
import { choose } from "./backend/port.js";
import { app } from "./stores/app.js";
import { h } from "./lib/dom.js";
import { loadWords } from "./lib/i18n.js";

await loadWords();
document.body.append(h(/** @type {any} */ ("natter-app")));
await app.connect(await choose());
