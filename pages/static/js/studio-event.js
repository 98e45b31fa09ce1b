// The page of one event: sends the files that are dropped or chosen; shows totals, the queue and every problem.

import { t } from "./base.js";
import { session } from "./studio-calls.js";
import { watchDrops } from "./studio-drop.js";
import { dropped, picked } from "./studio-files.js";
import { sortOut } from "./studio-kinds.js";
import { Queue } from "./studio-queue.js";
import { showRows, write } from "./studio-rows.js";

const $ = (id) => document.getElementById(id);
const { api, most, mostRaw, run } = $("studio").dataset;
const queue = new Queue(api, { most: Number(most), mostRaw: Number(mostRaw) });
const language = document.documentElement.lang;
const PROBLEMS = ["failed", "refused"];
// The order of the queue: problems first, then what is being sent.
const ORDER = [...PROBLEMS, "sending", "ready", "waiting", "done", "known"];
// What is left of an upload is told for a day.
const DAY_MS = 86_400_000;
let order = [];
let folder = "";
let over = "";
// Whether the list of a finished upload is shown.
let unfolded = false;

const unit = (value, name, digits = 0) =>
  new Intl.NumberFormat(language, { style: "unit", unit: name, maximumFractionDigits: digits }).format(value);
const size = (bytes) =>
  bytes < 1e6 ? unit(bytes / 1e3, "kilobyte") : bytes < 1e9 ? unit(bytes / 1e6, "megabyte", 1) : unit(bytes / 1e9, "gigabyte", 1);
const time = (s) => (s < 90 ? unit(s, "second") : s < 5400 ? unit(s / 60, "minute") : unit(s / 3600, "hour", 1));

function take(files) {
  const { photos, aside } = sortOut(files);
  folder = photos[0]?.name.split("/").slice(0, -1)[0] ?? folder;
  const facts = [!photos.length && t("photographer.js.nothing"), aside && t("photographer.js.aside", { count: aside })];
  write($("reading"), facts.filter(Boolean).join(" "));
  unfolded = false;
  queue.add(photos);
}

for (const input of document.querySelectorAll("#drop input"))
  input.addEventListener("change", () => {
    take(picked(input.files));
    input.value = "";
  });

watchDrops(async (transfer) => {
  take(await dropped(transfer, (count) => write($("reading"), t("photographer.js.reading", { count }))));
});

/** Return the sentence about what stops all photos, or about the end of the upload. */
function headline({ open, problems, still }) {
  if (queue.gone) return t("photographer.js.gone");
  if (over) return over === "other" ? t("photographer.js.other") : t("photographer.js.over");
  if (open && !navigator.onLine) return t("photographer.js.no_network");
  if (queue.outage) return queue.outage.error.status ? t("photographer.js.busy") : t("photographer.js.offline");
  if (open && queue.paused) return t("photographer.js.paused");
  if (still) return t("photographer.js.still");
  return !open && problems ? t("photographer.js.below", { count: problems }) : "";
}

function sentence({ arrived, known }) {
  if (arrived === known) return t("photographer.js.all_known", { count: known });
  const sent = t("photographer.js.sent", { count: arrived - known });
  return known ? `${sent} · ${t("photographer.js.known", { count: known })}` : sent;
}

// Whether photos arrived since the other parts of the page were last told.
let news = false;

function render() {
  const sum = queue.totals();
  const running = sum.open > 0;
  const states = running || unfolded ? ORDER : PROBLEMS;
  order = states.flatMap((state) => queue.items.filter((item) => item.state === state));
  $("totals").hidden = !running;
  $("queue").hidden = !order.length;
  // Only sentences: they have the room to be read.
  $("queue").classList.toggle("problems", states === PROBLEMS);
  $("bar").value = sum.bytes ? sum.arrivedBytes / sum.bytes : 1;
  write($("count"), t("photographer.js.count", { done: sum.arrived, count: sum.photos }));
  const facts = [
    t("photographer.js.bytes", { done: size(sum.arrivedBytes), all: size(sum.bytes) }),
    sum.rate && t("photographer.js.rate", { rate: size(sum.rate) }),
    sum.left && t("photographer.js.left", { time: time(sum.left) }),
    sum.known && t("photographer.js.known", { count: sum.known }),
    sum.problems && t("photographer.js.problems", { count: sum.problems }),
  ];
  write($("facts"), facts.filter(Boolean).join(" · "));
  write($("headline"), headline(sum));
  $("headline").hidden = !$("headline").textContent;
  $("sent").hidden = running || !sum.arrived;
  write($("sent"), $("sent").hidden ? "" : sentence(sum));
  $("sent").ariaExpanded = String(unfolded);
  $("dismiss").hidden = running || !sum.problems;
  $("hurry").hidden = !queue.outage || Boolean(over);
  $("login").hidden = !over;
  $("pause").hidden = Boolean(queue.gone);
  write($("pause"), queue.paused ? t("photographer.js.resume") : t("photographer.js.pause"));
  showRows(order, factOf, again);
  remember(sum);
}

function remember({ open, photos }) {
  if (open) localStorage[run] = JSON.stringify({ folder, left: open, count: photos, at: Date.now() });
  else if (queue.items.length) {
    localStorage.removeItem(run);
    if (news) document.dispatchEvent(new Event("all-there"));
    news = false;
  }
}

let planned;
const soon = () => (planned ??= setTimeout(() => ((planned = undefined), render()), 200));
// Time passes while nothing moves: what was said of it must not stay.
setInterval(() => queue.sending.size && soon(), 2000);
queue.addEventListener("change", soon);
queue.addEventListener("arrived", () => (news = true));
session.addEventListener("over", ({ detail }) => ((over = detail), soon()));
session.addEventListener("back", () => ((over = ""), soon()));
for (const change of ["online", "offline"]) addEventListener(change, soon);
$("pause").addEventListener("click", () => queue.pause(!queue.paused));
$("hurry").addEventListener("click", () => queue.outage?.hurry());
$("sent").addEventListener("click", () => ((unfolded = !unfolded), render()));
$("dismiss").addEventListener("click", () => queue.dismiss());
addEventListener("beforeunload", (event) => queue.totals().open && event.preventDefault());

const before = JSON.parse(localStorage[run] ?? "null");
if (before && Date.now() - before.at < DAY_MS) {
  $("before").hidden = false;
  const text = before.folder ? t("photographer.js.before_folder", before) : t("photographer.js.before", before);
  write($("before"), text);
  queue.addEventListener("change", () => ($("before").hidden = true), { once: true });
}

const again = (item) => queue.again(item);

function factOf({ state, problem, reason, size: bytes }) {
  if (problem === "large") return t("photographer.js.problem.large", { size: size(Number(most)) });
  if (problem === "large_raw") return t("photographer.js.problem.large_raw", { size: size(Number(mostRaw)) });
  if (problem) return t(`photographer.js.problem.${problem}`);
  if (!reason || !PROBLEMS.includes(state)) return `${t(`photographer.js.state.${state}`)} · ${size(bytes)}`;
  // The service's sentence, and what to do if it does not say it in a second one.
  return /\. \S/.test(reason) ? reason : `${reason.replace(/\.$/, "")}. ${t("photographer.js.problem.next")}`;
}

$("queue").addEventListener("scroll", () => showRows(order, factOf, again), { passive: true });
addEventListener("resize", () => showRows(order, factOf, again));
