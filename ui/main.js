// Starts the page: words, then the backend, then the screen that its state asks for.
import "./components/app.js";
import { choose } from "./backend/port.js";
import { app } from "./stores/app.js";
import { openRoom } from "./stores/route.js";
import { h } from "./lib/dom.js";
import { loadWords } from "./lib/i18n.js";

await loadWords();
document.body.append(h(/** @type {any} */ ("natter-app")));
const port = await choose();
port.onNotificationClick?.(openRoom);
await app.connect(port);
