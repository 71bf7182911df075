// Settings: who you are to others, this device, and where devices meet.
import { app } from "../stores/app.js";
import { button, h, icon, iconButton, reconcile } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { complain, words } from "../lib/errors.js";
import { toast } from "../stores/toasts.js";
import { avatar, fill } from "./avatar.js";
import { devicesContent } from "./devices-section.js";
import { openDialog } from "./dialog.js";
import { busy, field, toggle } from "./form.js";
import { brokerRow, networkWords } from "./network-status.js";
import { openShortcuts } from "./shortcuts.js";

const MAX_BROKERS = 8;

/** @param {"profile" | "connections"} [section] scrolled to */
export function openSettings(section = "profile") {
  const connections = connectionSection();
  const parts = [profileSection(), devicesSection(), privacySection(), deviceSection(), connections, aboutSection()];
  const stops = parts.map(({ update }) => (update(), app.state.watch(update)));
  openDialog({ title: t("settings.title"), body: parts.map((part) => part.box), onclose: () => stops.forEach((stop) => stop()) });
  if (section === "connections") {
    connections.box.scrollIntoView();
    connections.box.querySelector("input")?.focus();
  }
}

/** @param {string} title @param {...Node} content */
const section = (title, ...content) => h("section", { class: "settings-section" }, h("h3", { class: "section-title", text: title }), ...content);

function profileSection() {
  const name = field(t("setup.name"), h("input", { type: "text", maxlength: "128", value: app.state.value.me?.name ?? "", autocomplete: "nickname", dir: "auto" }), { hint: t("settings.nameHint") });
  const slot = h("span", { class: "slot" });
  const picker = h("input", { type: "file", accept: "image/png,image/jpeg,image/gif,image/webp", class: "sr-only", tabindex: "-1", "aria-hidden": "true" });
  const save = button(t("settings.save"), () => set({}), { class: "button primary" });
  const remove = button(t("settings.noAvatar"), () => set({ avatar: null }), {}, "trash");

  /** @param {{avatar?: string | null}} change */
  const set = async (change) => {
    const wanted = name.input.value.trim();
    if (!wanted) return name.say(t("setup.nameMissing"));
    try {
      await busy(save, () => app.send({ type: "setProfile", name: wanted, ...change }));
      toast(t("settings.saved"));
    } catch (thrown) {
      name.say(words(thrown));
    }
  };
  picker.addEventListener("change", async () => {
    const file = picker.files?.[0];
    picker.value = "";
    if (!file || !app.port) return;
    try {
      const staged = await app.port.stage(file);
      await set({ avatar: staged.id });
    } catch (thrown) {
      complain(thrown);
    }
  });
  const choose = button(t("settings.avatar"), () => picker.click(), {}, "camera");
  const update = () => {
    const { me } = app.state.value;
    if (!me) return;
    fill(slot, `${me.name} ${me.avatar}`, () => avatar(me, "huge"));
    remove.hidden = me.avatar === null;
    if (document.activeElement !== name.input) save.disabled = name.input.value.trim() === me.name;
  };
  name.input.addEventListener("input", () => (save.disabled = name.input.value.trim() === app.state.value.me?.name));
  return { box: section(t("settings.profile"), h("div", { class: "profile" }, slot, h("div", { class: "profile-buttons" }, choose, remove, picker)), h("div", { class: "field-with-button" }, name.box, save)), update };
}

function devicesSection() {
  const { content, update } = devicesContent();
  return { box: section(t("devices.title"), ...content), update };
}

function deviceSection() {
  const content = h("div", { class: "device" });
  const update = () => {
    const { me } = app.state.value;
    if (!me) return;
    const guarded = me.unprotected ? h("p", { class: "note bad" }, icon("unlock"), h("span", { text: t("settings.unprotected") })) : h("p", { class: "note" }, icon("lock"), h("span", { text: t("settings.protected") }));
    content.replaceChildren(h("div", { class: "fingerprint" }, h("p", { class: "label", text: t("person.yourFingerprint") }), h("p", { class: "mono code", text: me.fingerprint }), h("p", { class: "quiet", text: t("person.compareOwn") })), guarded);
  };
  return { box: section(t("settings.device"), content), update };
}

/** What others are told: each switch says at once what it is set to. */
function privacySection() {
  const { receipts: tells, typing: types } = app.state.value.privacy;
  const receipts = toggle(t("privacy.receipts"), t("privacy.receiptsHint"), tells);
  const typing = toggle(t("privacy.typing"), t("privacy.typingHint"), types);
  let asking = 0;
  const update = () => {
    if (asking > 0) return; // What was pressed holds until it is answered.
    receipts.input.checked = app.state.value.privacy.receipts;
    typing.input.checked = app.state.value.privacy.typing;
  };
  const set = async () => {
    asking += 1;
    await app.send({ type: "setPrivacy", receipts: receipts.input.checked, typing: typing.input.checked }).catch(complain);
    asking -= 1;
    update();
  };
  for (const { input } of [receipts, typing]) input.addEventListener("change", set);
  return { box: section(t("privacy.title"), receipts.box, typing.box), update };
}

function connectionSection() {
  const status = h("p", { class: "quiet" });
  const list = h("ul", { class: "brokers" });
  const none = h("p", { class: "quiet", text: t("broker.noneInUse") });
  const address = field(t("broker.address"), h("input", { type: "url", placeholder: "wss://…", autocomplete: "off", spellcheck: "false", dir: "ltr" }), { hint: t("broker.addressHint") });
  const add = button(t("broker.add"), () => change([...configured(), address.input.value.trim()]), { class: "button" }, "plus");
  const configured = () => app.state.value.network.brokers.filter((b) => b.configured && !b.own).map((b) => b.url);

  /** @param {string[]} brokers */
  const change = async (brokers) => {
    if (brokers.length > MAX_BROKERS) return address.say(t("broker.tooMany", { count: MAX_BROKERS }));
    if (brokers.includes("")) return address.say(t("error.badBroker"));
    try {
      await busy(add, () => app.send({ type: "setBrokers", brokers: [...new Set(brokers)] }));
      address.input.value = "";
      address.say("");
    } catch (thrown) {
      address.say(words(thrown));
    }
  };
  address.input.addEventListener("keydown", (event) => event.key === "Enter" && add.click());
  const update = () => {
    const { brokers, embedded } = app.state.value.network;
    status.textContent = networkWords().text;
    none.hidden = brokers.length > 0;
    reconcile(list, brokers, (b) => JSON.stringify(b), (b) => {
      const row = brokerRow(b);
      if (b.own && embedded.length > 0) row.querySelector(".broker-words")?.append(h("span", { class: "quiet mono", text: embedded.join("  ") }));
      if (b.configured && !b.own) row.append(iconButton("trash", t("broker.remove", { url: b.url }), () => change(configured().filter((url) => url !== b.url))));
      return row;
    });
  };
  return { box: section(t("network.meetings"), status, h("p", { class: "quiet", text: t("network.explain") }), none, list, h("div", { class: "field-with-button" }, address.box, add)), update };
}

function aboutSection() {
  const version = h("p", { class: "quiet" });
  const update = () => (version.textContent = t("settings.version", { version: app.state.value.version }));
  return { box: section(t("settings.about"), version, button(t("keys.title"), openShortcuts, {}, "keys")), update };
}
