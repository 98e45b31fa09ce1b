// The clocks of cameras: while a shift is typed, the times that the first and the last photo would have are shown.

import { t, when } from "./base.js";
import { call } from "./studio-calls.js";

const UNITS = { days: 86_400, hours: 3600, minutes: 60, seconds: 1 };
// One after the other: what was asked last is what stays.
let saving = Promise.resolve();
const cameras = () => document.getElementById("cameras");
const { api } = document.getElementById("studio").dataset;

const MOST = 40 * 366 * UNITS.days;
// A photo of a time later than this was not taken then.
const AHEAD_MS = 86_400_000;

/** Return the seconds that a form says, or throw the sentence that says what is wrong. */
function typed(form) {
  const { elements } = form;
  const empty = Object.keys(UNITS).every((name) => !elements[name].value);
  if (empty || !form.checkValidity()) throw new Error(t("photographer.cameras.wrong"));
  const total = Object.keys(UNITS).reduce((sum, name) => sum + elements[name].value * UNITS[name], 0);
  if (total > MOST) throw new Error(t("photographer.cameras.large"));
  return elements.direction.value === "early" ? -total : total;
}

/** Show the times of a camera's first and last photo with a shift of these seconds. */
function show(camera, seconds) {
  const { first, last, shift } = camera.dataset;
  const format = { dateStyle: "long", timeStyle: "medium", timeZone: cameras().dataset.zone };
  const moved = (iso) => new Date(iso).getTime() + (seconds - shift) * 1000;
  const at = (iso) => when(moved(iso), format);
  const key = moved(last) > Date.now() + AHEAD_MS ? "ahead" : seconds - shift ? "would" : "span";
  if (first) camera.querySelector(".span").textContent = t(`photographer.js.camera_${key}`, { first: at(first), last: at(last) });
}

function say(camera, sentence, kind) {
  Object.assign(camera.querySelector(".said"), { textContent: sentence, className: `said small ${kind}-text` });
}

async function save(camera, seconds) {
  try {
    const found = await call("PUT", `${api}/cameras/${camera.dataset.id}`, { json: { shift_seconds: seconds } });
    const { shift_seconds: shift } = found;
    const clock = (iso) => (iso ? new Date(new Date(iso).getTime() + shift * 1000).toISOString() : "");
    const first = found.first_taken_at ?? clock(found.clock_first);
    Object.assign(camera.dataset, { shift, first, last: found.last_taken_at ?? clock(found.clock_last) });
    show(camera, seconds);
    if (found.first_taken_at || !first) say(camera, t("photographer.js.camera_shifted"), "good");
    document.dispatchEvent(new Event("dated"));
  } catch (error) {
    say(camera, error.message, "bad");
  }
}

document.addEventListener("input", ({ target }) => {
  const camera = target.closest("#cameras li");
  if (!camera) return;
  attempt(camera, target.form, (seconds) => (say(camera, "", "good"), show(camera, seconds)));
});

/** Do something with the shift that a form says; what is wrong with it is said, and the times are those of before. */
function attempt(camera, form, use) {
  let seconds;
  try {
    seconds = typed(form);
  } catch (error) {
    show(camera, Number(camera.dataset.shift));
    return say(camera, error.message, "bad");
  }
  return use(seconds);
}

// An upload may be under way in this page: it is not left for a form.
document.addEventListener("submit", (event) => {
  const camera = event.target.closest("#cameras li");
  if (!camera) return;
  event.preventDefault();
  attempt(camera, event.target, (seconds) => (saving = saving.then(() => save(camera, seconds))));
});

// The photos that have come may be of other cameras. One whose clock is being set stays as it is.
document.addEventListener("all-there", async () => {
  if (cameras()?.open) return;
  // Without network the list stays as it is, until the next photos have come.
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const found = page.getElementById("cameras");
  if (!found || cameras()?.open) return;
  if (cameras()) cameras().replaceWith(found);
  else document.getElementById("photos-title").closest("section").before(found);
});
