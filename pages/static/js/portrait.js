// The guest's portrait: from the camera or a file, checked before it is sent, sent again until it arrives.

import { api, csrf, el, errorOf, logIn, pause, t, toast } from "./base.js";

const $ = (id) => document.getElementById(id);
const video = $("video");
const shot = $("shot");
const go = $("go");
const file = $("file");
const status = $("status");
const LABELS = {
  "": "guest.portrait.js.open",
  live: "guest.portrait.js.shoot",
  ready: "guest.portrait.js.send",
  bad: "guest.portrait.js.again",
};
const busy = () => ["opening", "checking", "sending"].includes(state);
let state = "";
let picture = null;

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

function setState(next, sentence = "") {
  state = next;
  $("frame").dataset.state = next;
  status.textContent = sentence;
  video.hidden = next !== "live";
  shot.hidden = !picture || !shot.src;
  $("blind").hidden = !picture || Boolean(shot.src) || next === "bad";
  go.hidden = !LABELS[next];
  if (LABELS[next]) go.textContent = t(LABELS[next]);
  $("again").hidden = next !== "ready";
  $("choose").hidden = busy();
  $("choose").classList.toggle("main", next === "none");
  $("sent").hidden = next !== "sending";
}

function stopCamera() {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
}

async function startCamera() {
  picture = null;
  setState("opening", t("guest.portrait.js.asking"));
  try {
    const wanted = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 960 } };
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: wanted });
    await video.play();
    setState("live", t("guest.portrait.js.place"));
  } catch (error) {
    stopCamera();
    setState("none", t(error.name === "NotAllowedError" ? "guest.portrait.js.blocked" : "guest.portrait.js.no_camera"));
  }
}

/** Return the picture as a JPEG of the size that the service keeps, or null if this browser cannot read it. */
async function asJpeg(source) {
  const bitmap = await createImageBitmap(source).catch(() => null);
  if (!bitmap) return null;
  const scale = Math.min(1, 1600 / Math.max(bitmap.width, bitmap.height));
  const canvas = el("canvas", { width: bitmap.width * scale, height: bitmap.height * scale });
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
}

async function checkPicture(source) {
  if (busy()) return;
  setState("checking", t("guest.portrait.js.checking"));
  const readable = await asJpeg(source);
  stopCamera();
  picture = readable ?? source;
  if (readable) shot.src = URL.createObjectURL(readable);
  else shot.removeAttribute("src");
  shot.classList.toggle("mirrored", source === video);
  setState("checking", t("guest.portrait.js.checking"));
  try {
    await withRetries(() => post("/api/validate-selfie"));
    setState("ready", t("guest.portrait.js.good"));
  } catch (error) {
    setState("bad", error.message);
  }
  go.focus();
}

/** Send the picture and show the progress. Throws ApiError. */
function post(path) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("file", picture, picture.name ?? "portrait.jpg");
    request.open("POST", path);
    request.timeout = 120_000;
    request.setRequestHeader("X-CSRF-Token", csrf()["X-CSRF-Token"]);
    request.upload.onprogress = ({ loaded, total }) => ($("sent").value = loaded / total);
    request.onloadend = () => {
      if (request.status === 200) return resolve();
      if (request.status === 401) logIn();
      let body = {};
      try {
        body = JSON.parse(request.responseText);
      } catch { /* no answer, or a proxy's own page */ }
      reject(errorOf(request.status, body, Number(request.getResponseHeader("Retry-After"))));
    };
    request.send(form);
  });
}

/** Run an action, and again after growing pauses while the network or a busy service makes it fail. */
async function withRetries(action) {
  const began = status.textContent;
  for (let attempt = 0; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      if (![0, 502, 503, 504].includes(error.status) || attempt > 8) throw error;
      for (let count = error.retryAfter || Math.min(30, 2 ** attempt); count > 0; count--) {
        status.textContent = t(error.status ? "guest.portrait.js.busy" : "guest.portrait.js.offline", { count });
        await pause(1000);
      }
      status.textContent = began;
    }
  }
}

async function send() {
  setState("sending", t("guest.portrait.js.sending"));
  try {
    await withRetries(() => post(`/api/upload-selfie?keep=${$("portrait").dataset.keep}`));
    status.textContent = t("guest.portrait.js.sent");
    location.assign($("portrait").dataset.onward);
  } catch (error) {
    setState("ready", error.message);
  }
}

if (go) {
  go.addEventListener("click", () => {
    if (state === "live") checkPicture(video);
    else if (state === "ready") send();
    else if (!busy()) startCamera();
  });
  $("again").addEventListener("click", startCamera);
  file.addEventListener("change", () => {
    if (file.files.length) checkPicture(file.files[0]);
    file.value = "";
  });
  // Switch the camera off while the page is hidden.
  document.addEventListener("visibilitychange", () => document.hidden && state === "live" && (stopCamera(), setState("")));
  addEventListener("pageshow", (shown) => shown.persisted && location.reload());
  if (!navigator.mediaDevices) setState("none", t("guest.portrait.js.no_camera"));
  else {
    setState("");
    // With the permission from an earlier visit the camera starts without a tap.
    const allowed = await navigator.permissions.query({ name: "camera" }).catch(() => null);
    if (allowed?.state === "granted" && !state) startCamera();
  }
}
