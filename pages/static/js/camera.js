// The guest's portrait: from the camera or a file, checked before it is sent, sent again until it arrives.

import { api, csrf, el, errorOf, logIn, pause, t } from "./base.js";

const $ = (id) => document.getElementById(id);
const [video, shot, go, status, frame] = ["video", "shot", "go", "status", "frame"].map($);
// The long side in px of what is sent; the second is tried if the face is too small in the first. At 640 px a
// portrait has some 33 kB and is recognised as surely as at 1600: docs/pages.md.
const SIDES = [640, 1600];
const RAW = /\.(3fr|arw|cr[23w]|dng|nef|nrw|orf|pef|raf|rw2|srw)$/i;
const MOST_BYTES = 10e6;
const LABELS = { "": "open", live: "shoot", ready: "send", bad: "again", faces: "again", busy: "retry", none: "choose" };
const TOUCH = matchMedia("(pointer: coarse)").matches;
/** Tell whether the next step is another file. */
const choosesAgain = () => fromFile && ["bad", "faces"].includes(state);
const working = () => ["checking", "sending"].includes(state);
let state = "";
let sentence = "";
let stream = null;
// What is shown and sent: the canvas of the whole picture, if this browser can read it, and the file to send.
let whole = null;
let picture = null;
let fromFile = false;
// The input that replaces the camera, or was used last: `snap` opens the camera of the phone.
let instead = "file";
let refusals = 0;

/** What `send` waits for: on the page of an event, the account that is made meanwhile. */
export const waits = { for: async () => {} };

function setState(next, words = "") {
  [state, sentence] = [next, words];
  frame.dataset.state = next;
  status.textContent = words;
  video.hidden = next !== "live" && !(next === "checking" && stream && !whole);
  shot.hidden = !whole || next === "live";
  $("blind").hidden = !picture || Boolean(whole) || next === "bad";
  $("faces").replaceChildren();
  const label = next === "none" && instead === "snap" ? "shoot" : LABELS[next];
  go.hidden = !label;
  if (label) go.textContent = t(`guest.portrait.js.${choosesAgain() && instead === "file" ? "choose_again" : label}`);
  $("again").hidden = next !== "ready" && !(choosesAgain() && navigator.mediaDevices);
  $("again").textContent = t(`guest.portrait.js.${next === "ready" ? "again" : "open"}`);
  $("choose").hidden = working() || next === "ready" || (fromFile && next !== "") || (next === "none" && instead === "file");
  $("sent").hidden = next !== "sending";
  $("help").hidden = refusals < 3 || next !== "bad";
}

export function stopCamera() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  if (state === "live") setState("");
}

/** Return the state and the sentence for a camera that does not open: each cause has a next step of its own. */
function causeOf(error) {
  instead = TOUCH ? "snap" : "file";
  if (!navigator.mediaDevices) return ["none", isSecureContext ? "no_camera" : "insecure"];
  if (["NotReadableError", "AbortError"].includes(error.name)) return ["busy", "taken"];
  if (["NotAllowedError", "SecurityError"].includes(error.name)) return ["none", "blocked"];
  instead = "file";
  return ["none", "no_camera"];
}

export async function startCamera() {
  whole = picture = null;
  fromFile = false;
  setState("opening", t("guest.portrait.js.asking"));
  try {
    const wanted = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 960 } };
    const opened = await navigator.mediaDevices.getUserMedia({ video: wanted });
    // The guest may have gone back, or chosen a file, while the browser asked.
    if (state !== "opening") return opened.getTracks().forEach((track) => track.stop());
    stream = video.srcObject = opened;
    // Another app, or the end of the permission.
    opened.getTracks()[0].onended = () => state === "live" && setState("busy", t("guest.portrait.js.taken"));
    await video.play();
    setState("live", t("guest.portrait.js.place"));
    go.focus({ preventScroll: true });
  } catch (error) {
    if (state !== "opening") return;
    stopCamera();
    const [next, cause] = causeOf(error);
    setState(next, t(`guest.portrait.js.${cause}`));
  }
}

/** Return a canvas with a part of an image, given as [x, y, width, height], no larger than `side`. */
function canvasOf(image, [x, y, width, height], side) {
  const scale = Math.min(1, side / Math.max(width, height));
  const canvas = el("canvas", { width: width * scale, height: height * scale });
  canvas.getContext("2d").drawImage(image, x, y, width, height, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** Return the canvas of a picture, or null if this browser cannot read it: of the camera, what its frame shows. */
async function read(source) {
  const bitmap = await createImageBitmap(source).catch(() => null);
  if (!bitmap) return null;
  const { width, height } = bitmap;
  const shape = source === video ? frame.clientWidth / frame.clientHeight : width / height;
  const [w, h] = [Math.min(width, height * shape), Math.min(height, width / shape)];
  return canvasOf(bitmap, [(width - w) / 2, (height - h) / 2, w, h], SIDES[1]);
}

/** Show the picture in `whole` and let the service look at it. */
async function check() {
  const began = whole;
  if (whole) {
    picture = await jpegOf(SIDES[0]);
    shot.src = URL.createObjectURL(picture);
  }
  setState("checking", t("guest.portrait.js.checking"));
  try {
    for (const side of SIDES) {
      if (side !== SIDES[0]) picture = await jpegOf(side);
      try {
        await withRetries(() => post("/api/validate-selfie"));
        break;
      } catch (error) {
        const larger = whole && side === SIDES[0] && Math.max(whole.width, whole.height) > side;
        if (error.name !== "SelfieFaceTooSmall" || !larger) throw error;
      }
    }
    // Another picture is being taken meanwhile.
    if (began !== whole || state !== "checking") return;
    refusals = 0;
    setState("ready", t("guest.portrait.js.good"));
  } catch (error) {
    if (began !== whole || state !== "checking") return;
    if (error.body?.faces && whole) return askWhich(error.body.faces);
    refusals += Number(error.name.startsWith("SelfieFace") || error.name === "SelfieNoFace");
    setState("bad", refusals < 3 ? error.message : t("guest.portrait.js.still"));
  }
  go.focus({ preventScroll: true });
}

function jpegOf(side) {
  const canvas = canvasOf(whole, [0, 0, whole.width, whole.height], side);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.8));
}

async function take(source) {
  if (working()) return;
  fromFile = source !== video;
  setState("checking", t("guest.portrait.js.checking"));
  [picture, whole] = [source, await read(source)];
  stopCamera();
  shot.classList.toggle("mirrored", !fromFile);
  if (whole) return check();
  // What the browser cannot read, such as HEIC, the service may.
  const cause = RAW.test(source.name) ? "raw" : source.size > MOST_BYTES ? "heavy" : "";
  if (!cause) return check();
  setState("bad", t(`guest.portrait.js.${cause}`));
}

// --- several faces: which is the guest's? ----------------------------------------------------------------

/** Put a button over each face; `boxes` are fractions of the picture, which the frame shows whole. */
function askWhich(boxes) {
  setState("faces", t("guest.portrait.js.which"));
  const mirrored = shot.classList.contains("mirrored");
  const shown = mirrored ? boxes.toReversed() : boxes;
  $("faces").append(
    ...shown.map((box, index) => {
      const label = t("guest.portrait.js.face", { place: index + 1, total: boxes.length });
      const button = el("button", { type: "button", "aria-label": label, onclick: () => only(box, boxes) });
      const percent = (share) => `${share * 100}%`;
      button.style.left = percent(mirrored ? 1 - box.left - box.width : box.left);
      button.style.top = percent(box.top);
      button.style.width = percent(box.width);
      button.style.height = percent(box.height);
      return button;
    }),
  );
  placeFaces();
  $("faces").firstChild.focus({ preventScroll: true });
}

/** Lay the box of the faces over the picture, which the frame shows as large as it fits. */
function placeFaces() {
  if (state !== "faces") return;
  const scale = Math.min(frame.clientWidth / whole.width, frame.clientHeight / whole.height);
  Object.assign($("faces").style, { width: `${whole.width * scale}px`, height: `${whole.height * scale}px` });
}
addEventListener("resize", placeFaces);

/** Keep one face with its surroundings, and cover the others: they are neither sent nor looked at. */
function only(face, boxes) {
  const { width, height } = whole;
  const inPixels = (box, margin = 0) => [
    (box.left - box.width * margin) * width,
    (box.top - box.height * margin) * height,
    box.width * (1 + 2 * margin) * width,
    box.height * (1 + 2 * margin) * height,
  ];
  const covered = canvasOf(whole, [0, 0, width, height], Infinity);
  const pen = covered.getContext("2d");
  pen.fillStyle = "#f4f4f4";
  for (const box of boxes) if (box !== face) pen.fillRect(...inPixels(box, 0.15));
  const own = inPixels(face, 0.1);
  pen.drawImage(whole, ...own, ...own);
  const [x, y, w, h] = inPixels(face, 0.8);
  const [left, top] = [Math.max(0, x), Math.max(0, y)];
  whole = canvasOf(covered, [left, top, Math.min(width, x + w) - left, Math.min(height, y + h) - top], SIDES[1]);
  check();
}

// --- sending -------------------------------------------------------------------------------------

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
export async function withRetries(action) {
  // While the guest still aims, nothing is said.
  const tell = (words) => ["checking", "sending"].includes(state) && (status.textContent = words);
  for (let attempt = 0; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      if (![0, 502, 503, 504].includes(error.status) || attempt > 8) throw error;
      for (let count = error.retryAfter || Math.min(30, 2 ** attempt); count > 0; count--) {
        tell(t(error.status ? "guest.portrait.js.busy" : "guest.portrait.js.offline", { count }));
        await pause(1000);
      }
      tell(sentence);
    }
  }
}

async function send() {
  setState("sending", t("guest.portrait.js.sending"));
  const { keep } = $("portrait").dataset;
  try {
    await waits.for();
    await withRetries(() => post(`/api/upload-selfie?keep=${keep}`));
    status.textContent = t("guest.portrait.js.sent");
    // The gallery then comes with its photos, instead of asking for them again and again.
    await api("GET", "/api/rematch-status", { query: { wait: 5 } }).catch(() => {});
    location.assign($("portrait").dataset.onward);
  } catch (error) {
    // The event ended meanwhile: its gallery says so.
    if (error.name === "EventExpired") location.assign($("portrait").dataset.onward);
    else setState("ready", error.message);
  }
}

go.addEventListener("click", () => {
  if (state === "live") take(video);
  else if (state === "ready") send();
  else if (state === "none" || choosesAgain()) $(instead).click();
  else if (!working()) startCamera();
});
$("again").addEventListener("click", () => (fromFile && state === "ready" ? $(instead).click() : startCamera()));
$("choose").addEventListener("click", () => $("file").click());
for (const input of [$("file"), $("snap")]) {
  const chosen = () => {
    if (!input.files.length) return;
    instead = input.id;
    take(input.files[0]);
    input.value = "";
  };
  input.addEventListener("change", chosen);
  // Chosen before this script had come.
  chosen();
}
// Switch the camera off while the page is hidden.
document.addEventListener("visibilitychange", () => document.hidden && stopCamera());
addEventListener("pageshow", (shown) => shown.persisted && location.reload());
