// The clocks of cameras: while a shift is typed, the times that the first and the last photo would have are shown.

import { t, when } from "./base.js";
import { call } from "./studio-calls.js";

const UNITS = { days: 86_400, hours: 3600, minutes: 60, seconds: 1 };
const cameras = () => document.getElementById("cameras");
const { api } = document.getElementById("studio").dataset;

/** Return the seconds that a form says. */
function typed({ elements }) {
  const total = Object.keys(UNITS).reduce((sum, name) => sum + elements[name].value * UNITS[name], 0);
  return elements.direction.value === "early" ? -total : total;
}

/** Show the times of a camera's first and last photo with a shift of these seconds. */
function show(camera, seconds) {
  const { first, last, shift } = camera.dataset;
  const format = { dateStyle: "long", timeStyle: "medium", timeZone: cameras().dataset.zone };
  // A shift of more digits than a date has is refused when it is sent.
  const at = (iso) => when(new Date(iso).getTime() + Math.max(-1e13, Math.min(1e13, (seconds - shift) * 1000)), format);
  const key = seconds - shift ? "photographer.js.camera_would" : "photographer.js.camera_span";
  if (first) camera.querySelector(".span").textContent = t(key, { first: at(first), last: at(last) });
}

function say(camera, sentence, kind) {
  Object.assign(camera.querySelector(".said"), { textContent: sentence, className: `said small ${kind}-text` });
}

async function save(camera, seconds) {
  try {
    const found = await call("PUT", `${api}/cameras/${camera.dataset.id}`, { json: { shift_seconds: seconds } });
    const { shift_seconds: shift, first_taken_at: first, last_taken_at: last } = found;
    Object.assign(camera.dataset, { shift, first: first ?? "", last: last ?? "" });
    show(camera, seconds);
    say(camera, t("photographer.js.camera_shifted"), "good");
    document.dispatchEvent(new Event("dated"));
  } catch (error) {
    say(camera, error.message, "bad");
  }
}

document.addEventListener("input", ({ target }) => {
  const camera = target.closest("#cameras li");
  if (!camera) return;
  say(camera, "", "good");
  show(camera, typed(target.form));
});

// An upload may be under way in this page: it is not left for a form.
document.addEventListener("submit", (event) => {
  const camera = event.target.closest("#cameras li");
  if (!camera) return;
  event.preventDefault();
  save(camera, typed(event.target));
});

// The photos that have come may be of other cameras. One whose clock is being set stays as it is.
document.addEventListener("all-there", async () => {
  if (cameras()?.open) return;
  const answer = await fetch(location.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const found = page.getElementById("cameras");
  if (!found || cameras()?.open) return;
  if (cameras()) cameras().replaceWith(found);
  else document.getElementById("photos-title").closest("section").before(found);
});
