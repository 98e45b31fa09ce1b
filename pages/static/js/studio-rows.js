// The list of an upload: only the lines in view exist.

import { el, t } from "./base.js";

const box = document.getElementById("queue");
const list = box.querySelector("ul");
const pool = [];

/** Change the words of an element, if they differ: what a screen reader has read stays. */
export function write(element, sentence) {
  if (element.textContent !== sentence) element.textContent = sentence;
}

function row(again) {
  const name = el("span", { class: "name" });
  const fact = el("span", { class: "fact" });
  const bar = el("progress", { max: 1 });
  const button = el("button", { type: "button", class: "plain" }, t("photographer.js.again"));
  const line = el("li", {}, name, fact, bar, button);
  list.append(line);
  const parts = { line, name, fact, bar, button, item: null };
  button.addEventListener("click", () => again(parts.item));
  return parts;
}

/** Show the lines in view of the `order`; `factOf(item)` is its sentence, `again(item)` runs for a failed one. */
export function showRows(order, factOf, again) {
  const height = parseInt(getComputedStyle(list).getPropertyValue("--row"), 10);
  const first = Math.max(0, Math.floor(box.scrollTop / height) - 3);
  const shown = order.slice(first, first + Math.ceil(box.clientHeight / height) + 6);
  list.style.height = `${order.length * height}px`;
  while (pool.length < shown.length) pool.push(row(again));
  for (const { line } of pool) line.hidden = true;
  shown.forEach((item, index) => {
    // The same element for the same place: while scrolling, the line under the finger is not replaced.
    const parts = pool[(first + index) % pool.length];
    const { line, name, fact, bar, button } = parts;
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
    button.hidden = item.state !== "failed";
  });
}
