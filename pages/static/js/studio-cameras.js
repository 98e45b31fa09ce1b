// The clocks of cameras: while a shift is typed, the times that the first and the last photo would have are shown.

import { t, when } from "./base.js";
import { call } from "./studio-calls.js";

const UNITS = { days: 86_400, hours: 3600, minutes: 60, seconds: 1 };
const box = document.getElementById("cameras");
const { api } = document.getElementById("studio").dataset;
const format = { dateStyle: "long", timeStyle: "medium", timeZone: box?.dataset.zone };

/** Return the seconds that a form says; undefined while a field holds no number. */
function typed(form) {
  const { elements } = form;
  if (!form.checkValidity()) return undefined;
  const parts = Object.entries(UNITS).map(([name, unit]) => Number(elements.namedItem(name).value) * unit);
  const total = parts.reduce((sum, part) => sum + part, 0);
  return elements.namedItem("direction").value === "early" ? -total : total;
}

/** Show the times of a camera's first and last photo with another shift than they have now. */
function preview(camera, seconds) {
  const { first, last, shift } = camera.dataset;
  if (!first || seconds === undefined) return;
  const [from, to] = [first, last].map((iso) => when(Date.parse(iso) + (seconds - Number(shift)) * 1000, format));
  const key = seconds === Number(shift) ? "photographer.js.camera_span" : "photographer.js.camera_would";
  camera.querySelector(".span").textContent = t(key, { first: from, last: to });
}

function say(camera, sentence, isGood) {
  const line = camera.querySelector(".said");
  line.textContent = sentence;
  line.classList.toggle("good-text", isGood);
  line.classList.toggle("bad-text", !isGood);
}

async function save(camera, seconds) {
  try {
    const found = await call("PUT", `${api}/cameras/${camera.dataset.id}`, { json: { shift_seconds: seconds } });
    Object.assign(camera.dataset, {
      shift: found.shift_seconds,
      first: found.first_taken_at ?? "",
      last: found.last_taken_at ?? "",
    });
    preview(camera, seconds);
    say(camera, t("photographer.js.camera_shifted"), true);
    document.dispatchEvent(new Event("reperio:dated"));
  } catch (error) {
    say(camera, error.message, false);
  }
}

box?.addEventListener("input", ({ target }) => {
  const camera = target.closest("li");
  say(camera, "", true);
  preview(camera, typed(target.form));
});

// An upload may be under way in this page: it is not left for a form.
box?.addEventListener("submit", (event) => {
  event.preventDefault();
  const seconds = typed(event.target);
  if (seconds !== undefined) save(event.target.closest("li"), seconds);
});
