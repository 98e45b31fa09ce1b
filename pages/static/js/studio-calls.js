// Calls of the API that outlive the session: they wait until somebody has logged in again, and go on.

import { ApiError, csrf, errorOf, pause, t } from "./base.js";

/** Says `over` when nobody is logged in any more (detail `other`: somebody else is), and `back` when work goes on. */
export const session = new EventTarget();
let renewal;

/** Wait until this page has a session, and the token that belongs to it. */
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

/** Tell whether an error means that the session, or its token, is over. */
export const isOver = (error) => error.status === 401 || error.name === "CsrfMismatch";

const failure = (status, body, header) => errorOf(status, body ?? {}, Number(header) || 0);
const offline = (name = "Offline") => new ApiError(0, name, t("common.js.offline"));

/** As `api` of base.js, but it stays on the page. `keepalive`: sent even while the page closes. */
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

/** Send one file as the `files` part of a form; `progress(bytes)` as it goes. Gives up after a minute of silence. */
export const sendFile = (path, file, { progress, signal }) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let timer;
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), 60_000);
    };
    request.upload.onprogress = ({ loaded }) => (heard(), progress(Math.min(loaded, file.size)));
    request.onload = () => {
      if (request.status === 200) resolve(request.response);
      else reject(failure(request.status, request.response, request.getResponseHeader("Retry-After")));
    };
    request.onerror = request.onabort = () => reject(offline(signal.aborted ? "Stopped" : "Offline"));
    request.onloadend = () => clearTimeout(timer);
    signal.onabort = () => request.abort();
    request.open("POST", path);
    request.responseType = "json";
    request.setRequestHeader("X-CSRF-Token", csrf()["X-CSRF-Token"]);
    const form = new FormData();
    form.append("files", file, file.name);
    heard();
    request.send(form);
  });
