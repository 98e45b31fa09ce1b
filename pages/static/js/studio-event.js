// The page of one event: sends the files that are dropped or chosen; shows totals, the queue and every problem.

import { el, t } from "./base.js";
import { session } from "./studio-calls.js";
import { dropped, picked } from "./studio-files.js";
import { Queue } from "./studio-queue.js";

const $ = (id) => document.getElementById(id);
const { api, most, mostRaw, run } = $("studio").dataset;
const queue = new Queue(api, { most: Number(most), mostRaw: Number(mostRaw) });
const language = document.documentElement.lang;
// The order of the queue: problems first, then what is being sent.
const ORDER = ["failed", "refused", "sending", "ready", "waiting", "done", "known"];
let order = [];
let folder = "";
let over = "";

const unit = (value, name, digits = 0) =>
  new Intl.NumberFormat(language, { style: "unit", unit: name, maximumFractionDigits: digits }).format(value);
const size = (bytes) =>
  bytes < 1e6 ? unit(bytes / 1e3, "kilobyte") : bytes < 1e9 ? unit(bytes / 1e6, "megabyte", 1) : unit(bytes / 1e9, "gigabyte", 1);
const time = (s) => (s < 90 ? unit(s, "second") : s < 5400 ? unit(s / 60, "minute") : unit(s / 3600, "hour", 1));

function write(element, sentence) {
  if (element.textContent !== sentence) element.textContent = sentence;
}

function take(files) {
  folder = files[0]?.name.split("/").slice(0, -1)[0] ?? folder;
  write($("reading"), files.length ? "" : t("photographer.js.nothing"));
  queue.add(files);
}

for (const input of document.querySelectorAll("#drop input"))
  input.addEventListener("change", () => {
    take(picked(input.files));
    input.value = "";
  });

addEventListener("dragover", (event) => {
  event.preventDefault();
  $("drop").classList.add("over");
});
for (const end of ["dragleave", "drop"]) addEventListener(end, () => $("drop").classList.remove("over"));
addEventListener("drop", async (event) => {
  event.preventDefault();
  take(await dropped(event.dataTransfer, (count) => write($("reading"), t("photographer.js.reading", { count }))));
});

/** Return the sentence about what stops all photos, or about the end of the upload. */
function headline({ open, photos, problems }) {
  if (queue.gone) return t("photographer.js.gone");
  if (over) return over === "other" ? t("photographer.js.other") : t("photographer.js.over");
  if (queue.outage) return queue.outage.error.status ? t("photographer.js.busy") : t("photographer.js.offline");
  if (queue.paused) return t("photographer.js.paused");
  if (open || !queue.items.length) return "";
  return [photos && t("photographer.js.all_there", { count: photos }), problems && t("photographer.js.below", { count: problems })]
    .filter(Boolean)
    .join(" ");
}

// How many had arrived when the other parts of the page were last told.
let told = 0;

function render() {
  const sum = queue.totals();
  order = ORDER.flatMap((state) => queue.items.filter((item) => item.state === state));
  $("totals").hidden = !order.length;
  $("bar").value = sum.bytes ? sum.arrivedBytes / sum.bytes : 1;
  write($("count"), t("photographer.js.count", { done: sum.arrived, count: sum.photos }));
  const facts = [
    t("photographer.js.bytes", { done: size(sum.arrivedBytes), all: size(sum.bytes) }),
    sum.open && sum.rate && t("photographer.js.rate", { rate: size(sum.rate) }),
    sum.open && sum.left && t("photographer.js.left", { time: time(sum.left) }),
    sum.known && t("photographer.js.known", { count: sum.known }),
    sum.problems && t("photographer.js.problems", { count: sum.problems }),
  ];
  write($("facts"), facts.filter(Boolean).join(" · "));
  write($("headline"), headline(sum));
  $("headline").className = `notice ${sum.open || sum.problems ? "bad" : "good"}`;
  $("headline").hidden = !$("headline").textContent;
  $("hurry").hidden = !queue.outage || Boolean(over);
  $("login").hidden = !over;
  $("pause").hidden = !sum.open || Boolean(queue.gone);
  write($("pause"), queue.paused ? t("photographer.js.resume") : t("photographer.js.pause"));
  rows();
  if (sum.open) localStorage[run] = JSON.stringify({ folder, left: sum.open, count: sum.photos });
  else if (order.length) {
    localStorage.removeItem(run);
    if (sum.arrived > told) document.dispatchEvent(new Event("all-there"));
    told = sum.arrived;
  }
}

let planned;
const soon = () => (planned ??= setTimeout(() => ((planned = undefined), render()), 200));
queue.addEventListener("change", soon);
session.addEventListener("over", ({ detail }) => ((over = detail), soon()));
session.addEventListener("back", () => ((over = ""), soon()));
$("pause").addEventListener("click", () => queue.pause(!queue.paused));
$("hurry").addEventListener("click", () => queue.outage?.hurry());
addEventListener("beforeunload", (event) => queue.totals().open && event.preventDefault());

const before = JSON.parse(localStorage[run] ?? "null");
if (before) {
  $("before").hidden = false;
  const text = before.folder ? t("photographer.js.before_folder", before) : t("photographer.js.before", before);
  write($("before"), text);
  queue.addEventListener("change", () => ($("before").hidden = true), { once: true });
}

const list = $("queue").querySelector("ul");
const pool = [];

function row() {
  const name = el("span", { class: "name" });
  const fact = el("span", { class: "fact" });
  const bar = el("progress", { max: 1 });
  const again = el("button", { type: "button", class: "plain" }, t("photographer.js.again"));
  const line = el("li", {}, name, fact, bar, again);
  list.append(line);
  const parts = { line, name, fact, bar, again, item: null };
  again.addEventListener("click", () => queue.again(parts.item));
  return parts;
}

function factOf({ state, problem, reason, size: bytes }) {
  if (problem === "large") return t("photographer.js.problem.large", { size: size(Number(most)) });
  if (problem === "large_raw") return t("photographer.js.problem.large_raw", { size: size(Number(mostRaw)) });
  if (problem) return t(`photographer.js.problem.${problem}`);
  return reason && (state === "refused" || state === "failed") ? reason : `${t(`photographer.js.state.${state}`)} · ${size(bytes)}`;
}

function rows() {
  const height = parseInt(getComputedStyle(list).getPropertyValue("--row"), 10);
  const first = Math.max(0, Math.floor($("queue").scrollTop / height) - 3);
  const shown = order.slice(first, first + Math.ceil($("queue").clientHeight / height) + 6);
  list.style.height = `${order.length * height}px`;
  while (pool.length < shown.length) pool.push(row());
  for (const { line } of pool) line.hidden = true;
  shown.forEach((item, index) => {
    // The same element for the same place: while scrolling, the line under the finger is not replaced.
    const parts = pool[(first + index) % pool.length];
    const { line, name, fact, bar, again } = parts;
    parts.item = item;
    line.hidden = false;
    line.style.transform = `translateY(${(first + index) * height}px)`;
    line.className = item.state;
    line.ariaPosInSet = String(first + index + 1);
    line.ariaSetSize = String(order.length);
    write(name, item.name);
    write(fact, factOf(item));
    bar.hidden = item.state !== "sending";
    bar.ariaLabel = item.name;
    bar.value = item.size && item.sent / item.size;
    again.hidden = item.state !== "failed";
  });
}

$("queue").addEventListener("scroll", rows, { passive: true });
addEventListener("resize", rows);
