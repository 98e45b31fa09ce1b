// Links to send, to photos or to a group: copied, or handed to another app of the phone.

import { t, toast } from "./base.js";

for (const box of document.querySelectorAll("[data-link]")) {
  const { link, message = t("guest.together.js.message") } = box.dataset;
  const [share, copy] = box.children;
  share.hidden = !navigator.share;
  copy.hidden = !navigator.clipboard;
  // Closing the list of apps is no error.
  share.addEventListener("click", () => navigator.share({ text: message, url: link }).catch(() => {}));
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(link);
    toast(t("guest.together.js.copied"));
  });
}
