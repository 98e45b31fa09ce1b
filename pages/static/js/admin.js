// What the pages of administrators gain with a script: figures that stay fresh, lists that filter as one types, local
// times, the link copied, the curves read point by point.
import { number, t, toast, when } from "./base.js";

const FRESH_SECONDS = 15;
const STYLES = {
  both: { dateStyle: "medium", timeStyle: "short" },
  time: { timeStyle: "short" },
  day: { day: "numeric", month: "short" },
};

/** Add what only a script can. */
function dress(root) {
  for (const time of root.querySelectorAll("time[data-local]"))
    time.textContent = when(time.dateTime, STYLES[time.dataset.local]);
  for (const button of root.querySelectorAll("[data-print]")) button.hidden = false;
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
}
dress(document);

/** A page as it is now, or nothing where it cannot be had. */
async function fetched(url, signal) {
  try {
    const response = await fetch(url, { headers: { Accept: "text/html" }, signal });
    if (!response.ok || response.redirected) return null;
    return new DOMParser().parseFromString(await response.text(), "text/html");
  } catch {
    return null;
  }
}

/** Put a part of a fetched page in the place of ours, unless somebody is at work there. */
function take(page, part) {
  const now = page.getElementById(part.id);
  if (!now || part.matches(":hover") || part.contains(document.activeElement)) return;
  if (part.querySelector("details[open]")) return;
  dress(now);
  if (part.innerHTML !== now.innerHTML) part.replaceChildren(...now.childNodes);
}

// --- figures that stay fresh ---------------------------------------------------------------

const live = document.querySelectorAll("[data-live]");
let leaving = false;
// A page fetched now would be told what the form left for the next one.
document.addEventListener("submit", (event) => (leaving ||= event.target.method === "post"));
addEventListener("pageshow", () => (leaving = false));

async function refresh() {
  if (document.hidden || leaving) return;
  const page = await fetched(location.href);
  if (page && !leaving) for (const part of live) take(page, part);
}
if (live.length) setInterval(refresh, FRESH_SECONDS * 1000);

// --- lists that filter ---------------------------------------------------------------------

for (const form of document.querySelectorAll("[data-filter]")) {
  const list = document.getElementById(form.dataset.filter);
  const status = document.createElement("p");
  status.className = "visually-hidden";
  status.setAttribute("role", "status");
  form.append(status);
  let timer;
  let asked;
  const look = async () => {
    asked?.abort();
    asked = new AbortController();
    const url = `${form.action}?${new URLSearchParams(new FormData(form))}`;
    const page = await fetched(url, asked.signal);
    if (!page) return;
    history.replaceState(null, "", url);
    const found = page.getElementById(list.id);
    dress(found);
    list.replaceChildren(...found.childNodes);
    status.textContent = list.querySelector("caption, p")?.textContent ?? "";
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, 250);
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

const zones = document.getElementById("zones");
zones?.append(...(Intl.supportedValuesOf?.("timeZone") ?? []).map((name) => new Option("", name)));

// --- curves --------------------------------------------------------------------------------

/** Show the values of a plot at the place of the pointer. */
function read(svg, clientX) {
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
  if (svg) read(svg, event.clientX);
});
