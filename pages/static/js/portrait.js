// The page of the guest's portraits: erases them, and opens the camera where one is to be taken.

import { api, t, toast } from "./base.js";

const $ = (id) => document.getElementById(id);

for (const button of document.querySelectorAll("[data-erase]")) {
  button.addEventListener("click", () => {
    const item = button.closest("li");
    // The portrait stays visible but inactive until it is erased.
    item.inert = true;
    const undo = () => (item.inert = false);
    const expired = async () => {
      try {
        await api("DELETE", `/api/me/selfies/${button.dataset.erase}`);
      } catch (error) {
        if (error.name !== "NoSuchSelfie") return (undo(), toast(error.message));
      }
      item.remove();
      if (!document.querySelector("[data-erase]")) return location.assign("/selfie");
      $("add")?.removeAttribute("hidden");
      $("why")?.removeAttribute("hidden");
      $("full")?.setAttribute("hidden", "");
    };
    toast(t("guest.portrait.js.erased"), { undo, expired });
  });
}

// The camera of an event's invitation has put this address into the history: back from here, the browser changes the
// address to the invitation's and loads nothing.
addEventListener("popstate", () => location.pathname === "/selfie" || location.reload());

if ($("taking")) {
  const { startCamera } = await import("./camera.js");
  // Without a camera, the next step is shown at once; with the permission of an earlier visit, the camera.
  const allowed = await navigator.permissions?.query({ name: "camera" }).catch(() => null);
  if (!navigator.mediaDevices || allowed?.state === "granted") startCamera();
}
