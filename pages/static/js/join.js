// From an event's invitation to the camera on the same page; the account is made while the guest aims.

import { api, el } from "./base.js";
import { startCamera, stopCamera, waits, withRetries } from "./camera.js";

const $ = (id) => document.getElementById(id);
const form = $("start");
let account = null;

/** Make the account, or return the one that is being made. Throws ApiError. */
function begin() {
  account ??= withRetries(() => api("POST", form.action, { form: new URLSearchParams(new FormData(form)) })).then(
    ({ event, next, csrf_token: token }) => {
      document.querySelector("meta[name=csrf-token]").content = token;
      for (const field of document.querySelectorAll("[name=csrf_token]")) field.value = token;
      $("portrait").dataset.onward = $("meanwhile").href = `/photos?event=${event}`;
      // A reload leads to the page with nothing but the camera.
      if (history.state?.camera) history.replaceState({ camera: true }, "", next);
    },
    (error) => {
      account = null;
      // Another tab has logged in meanwhile: the page knows what to do then.
      if (error.name === "CsrfMismatch") location.reload();
      throw error;
    },
  );
  return account;
}
waits.for = begin;

function show(camera) {
  $("welcome").hidden = camera;
  $("taking").hidden = !camera;
  scrollTo({ top: 0 });
}

form.addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  history.pushState({ camera: true }, "");
  show(true);
  startCamera();
  // A failure is told when the portrait is sent: then it is tried again.
  begin().catch((error) => {
    // Without cookies no portrait can be kept: the answer to the plain form is the page that says what to do.
    if (error.name === "CookiesRefused") form.submit();
  });
  for (const href of form.dataset.ahead.split(" ")) document.head.append(el("link", { rel: "modulepreload", href }));
});

// The back button leads from the camera to the invitation, and forth again.
addEventListener("popstate", ({ state }) => {
  show(Boolean(state?.camera));
  if (state?.camera) startCamera();
  else stopCamera();
});
