// API calls that survive the end of the session: they wait for the next login, then continue.

import { ApiError, csrf, errorOf, pause, t } from "./base.js";
import { sha256 } from "./studio-files.js";

/** Dispatches `over` when the session has ended (detail `out`, or `other`: another account), `back` after a new login. */
export const session = new EventTarget();
let renewal;

/** Wait until this page has a session and its CSRF token. */
export const renew = () => (renewal ??= waitForSession().finally(() => (renewal = undefined)));

async function waitForSession() {
  for (let told; ; ) {
    const state = await freshToken();
    if (state === "back") return told && session.dispatchEvent(new Event("back"));
    if (state && state !== told) session.dispatchEvent(new CustomEvent("over", { detail: (told = state) }));
    await Promise.race([pause(3000), new Promise((go) => addEventListener("focus", go, { once: true }))]);
  }
}

async function freshToken() {
  try {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    if (answer.redirected) return "out";
    if (!answer.ok) return answer.status < 500 ? "other" : undefined;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelector("meta[name=csrf-token]").content = page.querySelector("meta[name=csrf-token]").content;
    return "back";
  } catch {
    return undefined;
  }
}

/** Tell whether an error means that the session or its token is no longer valid. */
export const isOver = (error) => error.status === 401 || error.name === "CsrfMismatch";

const failure = (status, body, header) => errorOf(status, body ?? {}, Number(header) || 0);
const offline = (name = "Offline") => new ApiError(0, name, t("common.js.offline"));

/** Like `api` of base.js, but it waits for a login instead of leaving the page. `keepalive`: sent while the page closes. */
export async function call(method, path, { json, raw = false, keepalive = false } = {}) {
  const headers = { Accept: "application/json", ...csrf(), ...(json && { "Content-Type": "application/json" }) };
  const response = await fetch(path, { method, headers, keepalive, body: json && JSON.stringify(json) }).catch(() => {
    throw offline();
  });
  if (response.ok) return raw ? response : response.json();
  const error = failure(response.status, await response.json().catch(() => {}), response.headers.get("Retry-After"));
  if (!isOver(error)) throw error;
  await renew();
  return call(method, path, { json, raw, keepalive });
}

/** Send one file as the `files` part of a form; reports `progress(bytes)`. */
export const sendFile = (path, file, how) => transfer("POST", path, formOf("files", file, file.name), csrf(), file.size, how);

/** Send a part of a photo to the service, with its checksum where the page may compute one; reports `progress(bytes)`. */
export async function sendPart(path, data, how) {
  const sum = await sha256(await data.arrayBuffer());
  const headers = { ...csrf(), ...(sum && { "X-Part-SHA256": sum }) };
  return transfer("PUT", path, formOf("file", data, "part"), headers, data.size, how);
}

/** Send a part of a photo to the address of the object store that the service gave; reports `progress(bytes)`. */
export const sendToStore = ({ url, headers }, data, how) =>
  transfer("PUT", url, data, headers, data.size, how).catch((error) => {
    // Whatever the store says, the next try gets another address.
    throw error.name === "Stopped" ? error : offline();
  });

function formOf(field, data, name) {
  const form = new FormData();
  form.append(field, data, name);
  return form;
}

/** Send a body; aborts after a minute without progress. */
const transfer = (method, url, body, headers, size, { progress, signal }) =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return reject(offline("Stopped"));
    const request = new XMLHttpRequest();
    let timer;
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), 60_000);
    };
    request.upload.onprogress = ({ loaded }) => (heard(), progress(Math.min(loaded, size)));
    request.onload = () => {
      if (request.status === 200 || request.status === 201) resolve(request.response);
      else reject(failure(request.status, request.response, request.getResponseHeader("Retry-After")));
    };
    request.onerror = request.onabort = () => reject(offline(signal.aborted ? "Stopped" : "Offline"));
    request.onloadend = () => clearTimeout(timer);
    signal.onabort = () => request.abort();
    request.open(method, url);
    request.responseType = "json";
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    heard();
    request.send(body);
  });
