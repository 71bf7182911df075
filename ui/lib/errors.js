// Refusals in words: what happened, what it means, one thing to do.
import { PortError } from "../backend/port.js";
import { toast } from "../stores/toasts.js";
import { has, t } from "./i18n.js";

/** @param {unknown} thrown */
export function words(thrown) {
  const error = PortError.from(thrown);
  return has(`error.${error.code}`) ? t(`error.${error.code}`) : t("error.other", { message: error.message });
}

/** @param {unknown} thrown */
export const complain = (thrown) => toast(words(thrown), "bad");
