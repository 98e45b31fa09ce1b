// The guest's portrait: from the camera or from a file, looked at before it is sent, sent until it has arrived.

import { api, csrf, errorOf, logIn, pause, t, toast } from "./base.js";

const $ = (id) => document.getElementById(id);
const { onward } = $("portrait").dataset;
const [video, shot, go, again, file] = ["video", "shot", "go", "again", "file"].map($);
const LONG_SIDE = 1600;
let state = "";
let picture = null;

// --- erasing the one there is ------------------------------------------------------------------

$("erase")?.addEventListener("click", () => {
  $("kept").hidden = true;
  const undo = () => ($("kept").hidden = false);
  const expired = async () => {
    try {
      await api("DELETE", "/api/my-selfie");
    } catch (error) {
      if (error.name !== "NoSelfie") return (undo(), toast(error.message));
    }
    location.assign("/selfie");
  };
  toast(t("guest.portrait.js.erased"), { undo, expired });
});

// --- what is shown when ----------------------------------------------------------------------------

function become(next, sentence = "") {
  state = next;
  $("frame").dataset.state = next;
  $("status").textContent = sentence;
  video.hidden = next !== "live";
  shot.hidden = !picture || !shot.src || ["", "live"].includes(next);
  $("blind").hidden = !picture || Boolean(shot.src);
  const label = { "": "open", live: "shoot", ready: "send", bad: "again" }[next];
  go.hidden = !label;
  if (label) go.textContent = t(`guest.portrait.js.${label}`);
  again.hidden = next !== "ready";
  $("choose").hidden = ["checking", "sending"].includes(next);
  $("sent").hidden = next !== "sending";
}

function stop() {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}

async function live() {
  if (state === "opening") return;
  become("opening", t("guest.portrait.js.asking"));
  picture = null;
  try {
    const wanted = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 960 } };
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: wanted });
    await video.play();
    become("live", t("guest.portrait.js.place"));
  } catch (error) {
    stop();
    const blocked = error.name === "NotAllowedError";
    become("none", t(`guest.portrait.js.${blocked ? "blocked" : "no_camera"}`));
    $("choose").classList.add("main");
  }
}

// --- the picture ------------------------------------------------------------------------------------

/** A JPEG no larger than the service keeps; null where this browser cannot read the file. */
async function smaller(source) {
  try {
    const bitmap = await createImageBitmap(source, { imageOrientation: "from-image" });
    const scale = Math.min(1, LONG_SIDE / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [bitmap.width * scale, bitmap.height * scale];
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
  } catch {
    return null;
  }
}

async function take(source, mirrored) {
  if (["checking", "sending"].includes(state)) return;
  become("checking", t("guest.portrait.js.checking"));
  const readable = await smaller(source);
  stop();
  picture = readable ?? source;
  URL.revokeObjectURL(shot.src);
  if (readable) shot.src = URL.createObjectURL(readable);
  else shot.removeAttribute("src");
  shot.classList.toggle("mirrored", mirrored);
  become("checking", t("guest.portrait.js.checking"));
  try {
    await persistently(() => post("/api/validate-selfie"));
    become("ready", t("guest.portrait.js.good"));
    go.focus();
  } catch (error) {
    picture = null;
    become("bad", error.message);
    go.focus();
  }
}

/** Send the picture; `progress` hears the part sent, 0 to 1. Throws ApiError. */
function post(path, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("file", picture, picture.name ?? "portrait.jpg");
    request.open("POST", path);
    request.timeout = 120_000;
    for (const [name, value] of Object.entries(csrf())) request.setRequestHeader(name, value);
    if (progress) request.upload.onprogress = (sent) => progress(sent.loaded / sent.total);
    request.onerror = request.ontimeout = () => reject(errorOf(0, { detail: t("common.js.offline") }));
    request.onload = () => {
      if (request.status === 200) return resolve();
      if (request.status === 401) logIn();
      let body = {};
      try {
        body = JSON.parse(request.responseText);
      } catch { /* a proxy's own page */ }
      reject(errorOf(request.status, body, Number(request.getResponseHeader("Retry-After")) || 0));
    };
    request.send(form);
  });
}

/** Try again as long as it is the network or a busy service that fails, each time later. */
async function persistently(action) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      if (![0, 502, 503, 504].includes(error.status) || attempt > 8) throw error;
      const seconds = error.retryAfter || Math.min(30, 2 ** attempt);
      for (let left = seconds; left > 0; left--) {
        const key = error.status ? "busy" : "offline";
        $("status").textContent = t(`guest.portrait.js.${key}`, { count: left });
        const online = new AbortController();
        addEventListener("online", () => ((left = 0), online.abort()), { once: true, signal: online.signal });
        await pause(1000, online.signal).catch(() => {});
        online.abort();
      }
    }
  }
}

async function send() {
  become("sending", t("guest.portrait.js.sending"));
  const bar = $("sent");
  try {
    await persistently(() => {
      $("status").textContent = t("guest.portrait.js.sending");
      return post("/api/upload-selfie", (part) => (bar.value = part));
    });
    $("status").textContent = t("guest.portrait.js.sent");
    location.assign(onward);
  } catch (error) {
    become("ready", error.message);
  }
}

if (go) {
  go.addEventListener("click", () => {
    if (state === "live") take(video, true);
    else if (state === "ready") send();
    else live();
  });
  again.addEventListener("click", live);
  file.addEventListener("change", () => {
    if (file.files.length) take(file.files[0], false);
    file.value = "";
  });
  // A camera that nobody looks at is off.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && state === "live") (stop(), become(""));
  });
  // Back from another page: as if it had just come.
  addEventListener("pageshow", (shown) => shown.persisted && location.reload());
  if (!navigator.mediaDevices?.getUserMedia) {
    become("none", t("guest.portrait.js.no_camera"));
    $("choose").classList.add("main");
  } else {
    become("");
    // Allowed before: it need not be asked for by a tap.
    const allowed = await navigator.permissions?.query({ name: "camera" }).catch(() => null);
    if (allowed?.state === "granted" && !$("taking").hidden) live();
  }
}
