// Used by the scripts of every page: texts, API calls, elements, toasts; and improvements of every form.

// Dates are those of England, as the pages themselves write them.
const language = document.documentElement.lang.replace("en", "en-GB");
const texts = JSON.parse(document.getElementById("texts")?.textContent || "{}");
const plurals = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(language);

/** Return a number as the page's language writes it. */
export const number = (value) => numbers.format(value);

/** Return a time of the API (ISO 8601) in words; `options` are those of Intl.DateTimeFormat. */
export const when = (iso, options = { dateStyle: "medium", timeStyle: "short" }) =>
  new Intl.DateTimeFormat(language, options).format(new Date(iso));

/** Return a text of the page with its {placeholders} filled in; `count` selects the plural form. */
export function t(key, values = {}) {
  let sentence = texts[key];
  if (typeof sentence === "object") sentence = sentence[plurals.select(values.count)] ?? sentence.other;
  if (sentence === undefined) throw new Error(`the page has no text ${key}`);
  return sentence.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === "number" ? number(value) : value;
  });
}

/** A failed call: `message` is a sentence for people, `name` the API's name of the error, `status` is 0 without network. */
export class ApiError extends Error {
  constructor(status, name, message, retryAfter = 0, body = {}) {
    super(message);
    Object.assign(this, { status, name, retryAfter, body });
  }
}

/** Return the header that proves to the API that a change comes from this page. */
export const csrf = () => ({ "X-CSRF-Token": document.querySelector("meta[name=csrf-token]").content });

/** Go to the login page, which leads back here. */
export function logIn() {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** Return the error for a failed response of the API; `body` is its JSON. */
export function errorOf(status, body, retryAfter = 0) {
  const name = body.error ?? "";
  let sentence = texts[`common.error.${name}`] ?? body.detail ?? t("common.js.failed");
  if (status === 503 && retryAfter) sentence = t("common.js.busy", { count: retryAfter });
  return new ApiError(status, name, sentence, retryAfter, body);
}

/**
 * Call the API and return the JSON, or the whole Response with `raw`.
 * `api("GET", "/api/my-photos", { query: { limit: 50 } })`, `{ json: … }`, `{ form: FormData }`, `{ signal }`.
 * Throws ApiError. After the end of the session the browser goes to the login page.
 */
export async function api(method, path, { json, form, query, signal, raw = false } = {}) {
  const url = query ? `${path}?${new URLSearchParams(query)}` : path;
  const headers = { Accept: "application/json", ...csrf() };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    const body = json === undefined ? form : JSON.stringify(json);
    // A small change is completed even if the user leaves the page.
    response = await fetch(url, { method, headers, signal, body, keepalive: method !== "GET" && !form });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "Offline", t("common.js.offline"));
  }
  if (response.ok) return raw ? response : response.json();
  const body = await response.json().catch(() => ({}));
  if (response.status === 401 && body.error !== "BadCredentials") logIn();
  throw errorOf(response.status, body, Number(response.headers.get("Retry-After")) || 0);
}

/** Wait; reject when `signal` aborts. */
export const pause = (milliseconds, signal) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });

/** Return a new element: `el("button", { type: "button", class: "main", onclick: f, dataset: { id: 3 } }, "text", child)`. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// A request that starts only at `pagehide` is lost when a service worker handles it.
const LEAVING = ["beforeunload", "pagehide"];

/**
 * Show a sentence at the foot of the page. Of several, the newest one is seen, and of those with `undo` the newest one
 * beside it: after it the one before comes back, while its time lasts. With `undo` it has a button that undoes the action, for `seconds`.
 * `expired` runs if it was not pressed: what cannot be undone belongs there.
 */
export function toast(sentence, { undo, expired, seconds = undo ? 10 : 5 } = {}) {
  const box = el("div", { class: undo ? "toast undoable" : "toast remark" }, el("span", {}, sentence));
  const close = (then) => {
    clearTimeout(timer);
    for (const event of LEAVING) removeEventListener(event, atEnd);
    box.remove();
    then?.();
  };
  const atEnd = () => close(expired);
  if (undo) box.append(el("button", { type: "button", onclick: () => close(undo) }, t("common.js.undo")));
  box.append(el("button", { type: "button", "aria-label": t("common.js.close"), onclick: atEnd }, "✕"));
  for (const event of LEAVING) addEventListener(event, atEnd);
  document.getElementById("toasts").append(box);
  // The time is fixed, even with the pointer on the toast: the sentence promised when the action happens.
  const timer = setTimeout(atEnd, seconds * 1000);
  return box;
}

// A form is sent once, even if its button is pressed twice. On the window: a script that sends a form itself is asked
// before.
addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-disabled", "true");
});
// After going back to this page the form can be sent again.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll("[aria-disabled=true]")) button.removeAttribute("aria-disabled");
});

// Change the theme without loading the page again.
document.querySelector("[data-theme-switch]")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const theme = event.submitter.value;
  document.documentElement.dataset.theme = theme;
  const [prefix, secure] = location.protocol === "https:" ? ["__Host-", "; Secure"] : ["", ""];
  document.cookie = `${prefix}reperio_theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  for (const button of event.currentTarget.querySelectorAll("button"))
    button.setAttribute("aria-pressed", String(button === event.submitter));
  const dark = theme === "dark" || (theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  for (const meta of document.querySelectorAll("meta[name=theme-color]")) meta.content = dark ? "#141414" : "#fbfaf8";
});

// The page that stands in for another one while the service cannot be reached: it asks until there is an answer.
if (document.getElementById("offline")) {
  const ask = () => !document.hidden && fetch("/livez").then(({ ok }) => ok && location.reload(), () => {});
  addEventListener("online", ask);
  setInterval(ask, 4000);
}

if ("serviceWorker" in navigator) {
  // The address contains the release, so that a new release installs a new worker. After `load`: the page comes first.
  const release = new URL(import.meta.url).pathname.split("/")[2];
  const install = () => navigator.serviceWorker.register(`/sw.js?v=${release}`).catch(() => {});
  if (document.readyState === "complete") install();
  else addEventListener("load", install);
}
