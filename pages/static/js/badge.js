// The badge stays lit while it is shown: a photographer takes a picture of it.

let lock;

async function stayLit() {
  if (document.visibilityState !== "visible") return;
  try {
    lock = await navigator.wakeLock?.request("screen");
  } catch {
    // Low battery, or not allowed: the page works without.
    lock = undefined;
  }
}

// The browser lets go of the screen when the page is hidden.
document.addEventListener("visibilitychange", stayLit);
addEventListener("pagehide", () => lock?.release());
stayLit();
