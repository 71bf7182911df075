// A room's details: who is in it, its invites, and the way out.
import { app } from "../stores/app.js";
import { closeDetails, forgetRoom, route } from "../stores/route.js";
import { isAdmin, mayInvite, roomOf } from "../stores/select.js";
import { button, h, icon, iconButton, reconcile, setText } from "../lib/dom.js";
import { duration } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { complain } from "../lib/errors.js";
import { avatar, fill, roomAvatar } from "./avatar.js";
import { confirm } from "./dialog.js";
import { inviteTerms, openInvite, showInvite } from "./invite-dialog.js";
import { memberTags, verifiedMark } from "./person-marks.js";
import { openPerson, presenceWords, roleWords } from "./person-card.js";
import { wordsOf } from "./rich-text.js";
import { openRoomDialog } from "./room-dialog.js";
import { View } from "./view.js";

/** @typedef {import("../backend/api").Member} Member */
/** @typedef {import("../backend/api").Invite} Invite */
/** @typedef {import("../backend/api").Room} Room */

class DetailsPane extends View {
  sources() {
    return [app.state, route];
  }

  build() {
    const head = h("div", { class: "pane-head" }, iconButton("close", t("details.close"), closeDetails, { class: "icon-button details-close" }), h("h1", { text: t("details.label") }));
    this.face = h("span", { class: "slot" });
    this.name = h("p", { class: "details-name", dir: "auto" });
    this.online = h("p", { class: "quiet" });
    this.about = h("div", { class: "details-about", hidden: true });
    this.lives = h("p", { class: "note", hidden: true }, icon("clock"), h("span"));
    this.editButton = button(t("edit.open"), () => this.room && openRoomDialog(this.room), { class: "button wide" }, "edit");
    this.inviteButton = button(t("invite.open"), () => openInvite(this.room?.id ?? ""), { class: "button wide" }, "invite");
    this.members = h("ul", { class: "member-list" });
    this.count = h("h2", { class: "section-title" });
    this.invites = h("ul", { class: "invite-list" });
    this.inviteSection = h("section", null, h("h2", { class: "section-title", text: t("details.invites") }), this.invites);
    this.leave = button(t("leave.leave"), () => this.askToLeave(), { class: "button quiet-danger wide" }, "leave");
    this.append(head, h("div", { class: "pane-scroll" }, h("div", { class: "details-top" }, this.face, this.name, this.online, this.about, this.lives), h("div", { class: "details-acts" }, this.inviteButton, this.editButton), h("section", null, this.count, this.members), this.inviteSection, this.leave));
  }

  update() {
    const room = roomOf(route.value.room);
    this.room = room;
    if (!room || !this.face || !this.members || !this.invites) return;
    fill(this.face, room.id + room.name, () => roomAvatar(room, "huge"));
    setText(/** @type {Element} */ (this.name), room.name);
    const online = room.members.filter((m) => m.own || m.presence === "online").length;
    setText(/** @type {Element} */ (this.online), room.standing === "gone" ? t("room.gone") : room.members.length <= 1 ? t("room.onlyYou") : t("room.online", { count: online }));
    setText(/** @type {Element} */ (this.count), t("rooms.members", { count: room.members.length }));
    this.updateAbout(room);
    if (this.inviteButton) this.inviteButton.hidden = !mayInvite(room);
    if (this.editButton) this.editButton.hidden = !isAdmin(room);
    reconcile(this.members, sorted(room.members), (m) => m.device, () => this.makeMember(), (element, member) => this.updateMember(element, member));
    if (this.inviteSection) this.inviteSection.hidden = room.invites.length === 0;
    reconcile(this.invites, room.invites, (i) => `${i.id} ${i.used}`, (invite) => inviteRow(room, invite));
  }

  /** @param {Room} room */
  updateAbout(room) {
    if (!this.about || !this.lives) return;
    this.about.hidden = room.about === "";
    fill(this.about, room.about, () => wordsOf(room.about, [], room));
    this.lives.hidden = room.lives === 0;
    setText(/** @type {Element} */ (this.lives.lastElementChild), t("room.lives", { time: duration(room.lives) }));
  }

  makeMember() {
    const press = h("button", { type: "button", class: "member", "aria-haspopup": "dialog" }, h("span", { class: "slot" }), h("span", { class: "member-words" }, h("span", { class: "member-name" }, h("bdi", { class: "name" }), h("span", { class: "slot-mark" }), h("span", { class: "role" })), h("span", { class: "quiet presence" }), h("span", { class: "tags" }), h("span", { class: "mono fingerprint-short" })));
    return h("li", null, press);
  }

  /** @param {HTMLElement} item @param {Member} member */
  updateMember(item, member) {
    const pick = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (item.querySelector(selector));
    item.dataset.presence = member.own ? "online" : member.presence;
    fill(pick(".slot"), `${member.name} ${member.avatar}`, () => avatar(member, "medium"));
    setText(pick(".name"), member.name);
    setText(pick(".role"), roleWords(member));
    fill(pick(".slot-mark"), String(member.verified && !member.own), () => (member.verified && !member.own ? verifiedMark() : h("span")));
    const tags = this.room ? memberTags(this.room, member) : [];
    if (pick(".tags").textContent !== tags.map((tag) => tag.textContent).join("")) pick(".tags").replaceChildren(...tags);
    setText(pick(".presence"), presenceWords(member));
    setText(pick(".fingerprint-short"), member.fingerprint);
    pick("button").onclick = () => this.room && openPerson(pick("button"), this.room, member.device);
  }

  async askToLeave() {
    const { room } = this;
    if (!room) return;
    const alone = room.members.length <= 1;
    const sure = room.standing === "gone" || (await confirm({ title: t("leave.title", { room: room.name }), text: alone ? t("leave.textAlone") : t("leave.text"), yes: t("leave.yes"), danger: true }));
    if (sure) await app.send({ type: "leaveRoom", room: room.id }).then(forgetRoom, complain);
  }
}

/** Online first, then by name: as the backend sends them, but this device's own row on top. @param {Member[]} members */
const sorted = (members) => [...members].sort((a, b) => Number(b.own) - Number(a.own));

/** @param {Room} room @param {Invite} invite */
function inviteRow(room, invite) {
  const revoke = async () => {
    const sure = await confirm({ title: t("invite.revokeTitle"), text: t("invite.revokeText"), yes: t("invite.revoke"), danger: true });
    if (sure) app.send({ type: "revokeInvite", room: room.id, invite: invite.id }).catch(complain);
  };
  return h("li", { class: "invite-item" }, icon("link"), h("p", { class: "quiet", text: inviteTerms(invite) }), invite.link ? iconButton("copy", t("invite.show"), () => showInvite(invite)) : null, isAdmin(room) ? iconButton("trash", t("invite.revoke"), revoke) : null);
}

customElements.define("natter-details", DetailsPane);
