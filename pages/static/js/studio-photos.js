// The photos an event has: loaded as one scrolls, chosen, deleted with ten seconds to think, one of them the cover.

import { pause, t, toast } from "./base.js";
import { call } from "./studio-calls.js";

const $ = (id) => document.getElementById(id);
const { api, page } = $("studio").dataset;
const grid = $("photos");
const AT_ONCE = 100;
const fragments = new DOMParser();
let anchor;

const shots = () => [...grid.children].filter((shot) => !shot.hidden);
const chosen = () => shots().filter((shot) => shot.ariaSelected === "true");
const html = async (path) => fragments.parseFromString(await (await call("GET", path, { raw: true })).text(), "text/html");

// --- loading: pictures exist only near the screen ------------------------------------------------------

const near = new IntersectionObserver(
  (seen) => {
    for (const { target, isIntersecting } of seen) {
      const image = target.querySelector("img");
      if (!isIntersecting) image?.removeAttribute("src");
      else if (image && !image.src) image.src = image.dataset.src;
    }
  },
  { rootMargin: "1000px" },
);

function dress(shot) {
  shot.style.setProperty("--ratio", shot.dataset.ratio);
  shot.style.backgroundColor = shot.dataset.colour;
  near.observe(shot);
  return shot;
}

let loading;
async function more() {
  if (loading || !grid.dataset.next) return;
  loading = true;
  const part = await html(`${page}/photos?${new URLSearchParams({ limit: AT_ONCE, ...(grid.dataset.next !== "first" && { cursor: grid.dataset.next }) })}`);
  append(part.querySelector("[data-next]"));
  loading = false;
}

function append(part) {
  grid.dataset.next = part.dataset.next;
  grid.append(...[...part.children].map(dress));
  grid.hidden = !grid.children.length;
  const first = grid.querySelector("[tabindex='0']") ?? grid.firstElementChild;
  if (first) first.tabIndex = 0;
}
new IntersectionObserver(([seen]) => seen.isIntersecting && more(), { rootMargin: "2000px" }).observe($("more"));
