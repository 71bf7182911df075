import { h, iconButton, reconcile } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { dismiss, toasts } from "../stores/toasts.js";
import { View } from "./view.js";

class ToastRegion extends View {
  sources() {
    return [toasts];
  }

  build() {
    this.className = "toasts";
    this.setAttribute("role", "status");
    this.setAttribute("popover", "manual"); // in the top layer: news are seen above dialogs too
  }

  update() {
    const some = toasts.value.length > 0;
    if (some !== this.matches(":popover-open")) this.togglePopover(some);
    reconcile(this, toasts.value, (toast) => String(toast.id), (toast) =>
      h("div", { class: `toast ${toast.tone}` }, h("span", { text: toast.text }), iconButton("close", t("dismiss"), () => dismiss(toast.id))));
  }
}

customElements.define("natter-toasts", ToastRegion);
