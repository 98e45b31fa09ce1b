// Improves the pages of administrators: numbers refresh themselves, lists filter while typing, times are local, links are
// copied by a button, and curves show the values at the pointer.
import { api, number, t, toast, when } from "./base.js";

const FRESH_SECONDS = 15;
const STYLES = {
  both: { dateStyle: "medium", timeStyle: "short" },
  time: { timeStyle: "short" },
  day: { day: "numeric", month: "short" },
};

/** Show local times, and the buttons that need a script. */
function enhance(root) {
  for (const time of root.querySelectorAll("time[data-local]"))
    time.textContent = when(time.dateTime, STYLES[time.dataset.local]);
  for (const button of root.querySelectorAll("[data-print]")) button.hidden = false;
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
}
enhance(document);

/** Fetch a page and return its document, or null if that fails. */
async function fetched(url, signal) {
  try {
    const response = await fetch(url, { headers: { Accept: "text/html" }, signal });
    if (!response.ok || response.redirected) return null;
    return new DOMParser().parseFromString(await response.text(), "text/html");
  } catch {
    return null;
  }
}

/** Replace a part of this page by the same part of a fetched page, unless the user is working in it. */
function replacePart(page, part) {
  const now = page.getElementById(part.id);
  if (!now || part.matches(":hover") || part.contains(document.activeElement)) return;
  if (part.querySelector("details[open]")) return;
  enhance(now);
  if (part.innerHTML !== now.innerHTML) part.replaceChildren(...now.childNodes);
}

// --- parts that refresh themselves ---------------------------------------------------------------

const live = () => document.querySelectorAll("[data-live]");
let leaving = false;
// After a form was sent the next page must read the flash: a page fetched now would consume it.
document.addEventListener("submit", (event) => (leaving ||= event.target.method === "post"));
addEventListener("pageshow", () => (leaving = false));

async function refresh() {
  if (document.hidden || leaving) return;
  const page = await fetched(location.href);
  if (page && !leaving) for (const part of live()) replacePart(page, part);
}
if (live().length) setInterval(refresh, FRESH_SECONDS * 1000);

// --- lists that filter ---------------------------------------------------------------------

for (const form of document.querySelectorAll("[data-filter]")) {
  const list = document.getElementById(form.dataset.filter);
  const status = document.createElement("p");
  status.className = "visually-hidden";
  status.setAttribute("role", "status");
  form.append(status);
  let timer;
  let asked;
  const applyFilter = async () => {
    asked?.abort();
    asked = new AbortController();
    const url = `${form.action}?${new URLSearchParams(new FormData(form))}`;
    const page = await fetched(url, asked.signal);
    if (!page) return;
    history.replaceState(null, "", url);
    const found = page.getElementById(list.id);
    enhance(found);
    list.replaceChildren(...found.childNodes);
    status.textContent = list.querySelector("caption, p")?.textContent ?? "";
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(applyFilter, 250);
  });
}

// --- buttons -------------------------------------------------------------------------------

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-print]");
  if (!button) return;
  if ("print" in button.dataset) return print();
  await navigator.clipboard.writeText(button.dataset.copy);
  toast(t("admin.js.copied"));
});

// The chosen photos are deleted after ten seconds, unless that is undone; without scripts a page asks first.
document.querySelector("[data-delete-photos]")?.addEventListener("submit", (event) => {
  // Another button of the form leads to a page.
  if (event.submitter?.hasAttribute("formaction")) return undefined;
  event.preventDefault();
  const boxes = [...event.target.querySelectorAll(":checked")];
  if (!boxes.length) return toast(t("admin.js.choose_first"));
  const show = (shown) => {
    for (const box of boxes) box.closest("li").hidden = !shown;
  };
  const erase = async (some) => {
    try {
      await api("DELETE", "/api/photos", { query: { photo_ids: some.map((box) => box.value).join() } });
    } catch (error) {
      if (error.name === "NoSuchPhoto") {
        // All or none are deleted: without the one that is gone, each by itself.
        if (some.length > 1) for (const box of some) await erase([box]);
        return;
      }
      for (const box of some) box.closest("li").hidden = false;
      toast(error.message);
    }
  };
  for (const box of boxes) box.checked = false;
  show(false);
  toast(t("admin.js.photos_deleted", { count: boxes.length }), { undo: () => show(true), expired: () => erase(boxes) });
});

const zones = document.getElementById("zones");
zones?.append(...(Intl.supportedValuesOf?.("timeZone") ?? []).map((name) => new Option("", name)));

// --- curves --------------------------------------------------------------------------------

/** Show the values of a plot at the place of the pointer. */
function showValues(svg, clientX) {
  const plot = svg.closest(".plot");
  const since = Number(svg.dataset.since) * 1000;
  const until = Number(svg.dataset.until) * 1000;
  const { left, width } = svg.getBoundingClientRect();
  const wanted = since + ((clientX - left) / width) * (until - since);
  const times = JSON.parse(document.getElementById("times").textContent);
  let nearest = 0;
  for (let i = 1; i < times.length; i++)
    if (Math.abs(times[i] * 1000 - wanted) < Math.abs(times[nearest] * 1000 - wanted)) nearest = i;
  const at = times[nearest] * 1000;
  const x = Math.min(1000, Math.max(0, (1000 * (at - since)) / (until - since)));
  svg.querySelector(".marker").setAttribute("d", `M${x} 0V200`);
  const values = Object.entries(JSON.parse(svg.dataset.plot)).map(([curve, each]) => {
    const label = plot.querySelector(`[data-curve="${curve}"]`).textContent;
    return `${label} ${number(each[nearest])} ${svg.dataset.unit}`;
  });
  plot.querySelector(".reading").textContent = `${when(at)} · ${values.join(" · ")}`;
}

document.addEventListener("pointermove", (event) => {
  const svg = event.target.closest?.("svg[data-plot]");
  if (svg) showValues(svg, event.clientX);
});
