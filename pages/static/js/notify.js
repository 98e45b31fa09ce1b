// "Tell me": one tap in the gallery, and the choices of the page /notify. This device by web push, else by mail.

import { api, errorOf, t } from "./base.js";

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("notify-data").textContent);
const calls = `/api/user/events/${data.event}/notifications`;
// The address of this device at which the event was told of last, hashed: tells that the browser has lost it since.
const memory = `reperio-push-${data.event}`;
const inGallery = $("notify") !== null;
const button = $("notify-me");
const state = $("notify-state");
const supported = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
// Only Safari on iPhone and iPad has the property; it is true in an app of the home screen.
const needsHomeScreen = navigator.standalone === false && !supported;
// States in which this device is no way to be told.
const ELSEWHERE = ["blocked", "unsupported", "failed"];
let { devices } = data;

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

async function hashOf(endpoint) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function remember(hash) {
  // Storage may be blocked: then only the note about a lost permission is missing.
  try {
    if (hash) localStorage.setItem(memory, hash);
    else localStorage.removeItem(memory);
  } catch {}
}

function remembered() {
  try {
    return localStorage.getItem(memory);
  } catch {
    return null;
  }
}

/** Show how the guest is told; `on`: on this device. */
function show(name, { on = false } = {}) {
  const orMail = data.mails && ELSEWHERE.includes(name) ? ` ${t("guest.notify.js.or_mail")}` : "";
  const sentence = t(`guest.notify.js.${name}`) + orMail;
  if (state.textContent.trim() !== sentence) state.textContent = sentence;
  if (inGallery) {
    const told = on || data.mail;
    button.hidden = told;
    $("notify-change").hidden = false;
  } else {
    button.hidden = on || !supported || Notification.permission === "denied";
    $("notify-stop").hidden = !on;
  }
}

/** Return this browser's subscription if it was made with the key of today; one of another key is of no use. */
async function current(worker) {
  const found = await worker.pushManager.getSubscription();
  const key = found?.options.applicationServerKey;
  const same = key && String(new Uint8Array(key)) === String(bytes(data.key));
  if (found && !same) await found.unsubscribe();
  return same ? found : null;
}

async function subscribe() {
  const worker = await navigator.serviceWorker.ready;
  const options = { userVisibleOnly: true, applicationServerKey: bytes(data.key) };
  const found = (await current(worker)) ?? (await worker.pushManager.subscribe(options));
  const { endpoint, keys } = found.toJSON();
  const answer = await api("PUT", `${calls}/device`, { json: { endpoint, keys } });
  devices = answer.push.devices.map((each) => ({ ...each, hash: each.endpoint_sha256 }));
  remember(await hashOf(endpoint));
}

/** Tell the guest on this device; return whether the browser agreed. */
async function tellHere() {
  show("asking");
  if ((await Notification.requestPermission()) !== "granted") return false;
  await subscribe();
  show("here", { on: true });
  return true;
}

async function tellByMail() {
  await api("PUT", `${calls}/email`);
  data.mail = true;
  show("by_mail");
}

/** One tap: on this device, else by mail, else the page that says what is missing. */
async function tell() {
  let problem = "blocked";
  if (supported && Notification.permission !== "denied") {
    try {
      if (await tellHere()) return;
    } catch (error) {
      problem = error.name in errorTexts ? "" : "failed";
      if (!problem) state.textContent = error.message;
    }
  }
  if (inGallery && data.mailable) await tellByMail();
  else if (inGallery && (needsHomeScreen || !supported)) location.assign(button.href);
  else if (problem) show(problem);
}

// Errors of the service have a sentence of their own.
const errorTexts = { Offline: 1, UnknownPushService: 1, TooManyRequests: 1, NoMorePhotos: 1, NoNewsWithoutConsent: 1 };

/** Return what the service knows of this device: by its subscription, or by the last one that the browser has lost. */
async function deviceOf(found) {
  const hash = found ? await hashOf(found.endpoint) : remembered();
  return devices.find((each) => each.hash === hash);
}

async function forget(device) {
  if (device) await api("DELETE", `/api/notifications/${device.id}`);
  devices = devices.filter((each) => each !== device);
  remember(null);
}

async function stop() {
  const worker = await navigator.serviceWorker.ready;
  await forget(await deviceOf(await worker.pushManager.getSubscription()));
  show("stopped");
}

/** Compare what the service knows with what this browser still allows. */
async function settle() {
  const worker = await navigator.serviceWorker.ready;
  const found = await current(worker);
  const granted = Notification.permission === "granted";
  const device = await deviceOf(found);
  if (device && found && granted && !device.refused) {
    remember(device.hash);
    show("here", { on: true });
  } else if (device && granted) {
    // Refused, or the browser has lost its address: it gets a new one.
    if (device.refused) await found?.unsubscribe();
    await forget(device);
    await subscribe();
    show("here", { on: true });
  } else if (device) {
    await forget(device);
    show("revoked");
  } else if (!inGallery) {
    show(Notification.permission === "denied" ? "blocked" : "off");
  }
}

button.addEventListener("click", (click) => {
  // Without either way, the link leads to the page with the words for it.
  if (inGallery && !data.mailable && (!supported || Notification.permission === "denied")) return;
  click.preventDefault();
  tell().catch((error) => (state.textContent = (error.status === undefined ? errorOf(0, {}) : error).message));
});
$("notify-stop")?.addEventListener("click", () => stop().catch((error) => (state.textContent = error.message)));

if (supported) settle().catch(() => {});
else if (!inGallery) {
  show("unsupported");
  if (needsHomeScreen) {
    $("notify-iphone").hidden = false;
    state.hidden = true;
  }
}
