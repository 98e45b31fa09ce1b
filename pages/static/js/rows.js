// Justified rows: photos in lines of one height, nothing cropped. Only lines near the screen are in the page, so that
// ten thousand photos weigh no more than fifty.

import { el } from "./base.js";

const GAP = 4;
// Panoramas and strips get bands: the picture is still shown whole.
const clamp = (ratio) => Math.min(4, Math.max(0.4, ratio || 1));

export class Rows {
  #box;
  #tile;
  #reached;
  #photos = [];
  #ended = true;
  #lines = [];
  #shown = new Map();
  #width = 0;
  #planned = false;

  /** `tile(photo, index, urgent)` makes an element; `reached()` is called when the end comes near. */
  constructor(box, tile, reached) {
    this.#box = box;
    this.#tile = tile;
    this.#reached = reached;
    addEventListener("scroll", () => this.#plan(), { passive: true });
    new ResizeObserver(() => box.clientWidth !== this.#width && this.#relay()).observe(box);
  }

  /** Show these photos; with `ended` no more will follow. */
  set(photos, ended) {
    this.#photos = photos;
    this.#ended = ended;
    this.#lay();
    this.#draw();
  }

  /** Make the tiles anew that are in the page. */
  refresh() {
    for (const line of this.#shown.values()) line.remove();
    this.#shown.clear();
    this.#draw();
  }

  /** Bring a photo on the screen, if it is not, and return its tile. */
  bring(index) {
    const number = this.#lines.findIndex((line) => index < line.end);
    if (number < 0) return null;
    const line = this.#lines[number];
    const top = this.#top() + line.top;
    if (top < 56 || top + line.height > innerHeight) scrollBy(0, top - (innerHeight - line.height) / 2);
    this.#draw();
    return this.#shown.get(number)?.children[index - line.start] ?? null;
  }

  #top() {
    return this.#box.getBoundingClientRect().top;
  }

  // Another width: what was at the top of the screen stays there.
  #relay() {
    const above = -this.#top();
    const first = above > 0 ? this.#lines.find((line) => line.top + line.height > above)?.start : undefined;
    this.#lay();
    const line = this.#lines.find((each) => each.end > first);
    if (line) scrollBy(0, this.#top() + line.top);
    this.#draw();
  }

  #lay() {
    const width = (this.#width = this.#box.clientWidth);
    const wanted = width < 600 ? 150 : 230;
    const lines = [];
    let [start, sum, top] = [0, 0, 0];
    const end = (stop, height) => {
      lines.push({ start, end: stop, top, height });
      top += height + GAP;
      [start, sum] = [stop, 0];
    };
    const high = (count, ratios) => (width - GAP * (count - 1)) / ratios;
    this.#photos.forEach((photo, index) => {
      const ratio = clamp(photo.w / photo.h);
      const [before, after] = [high(index - start, sum), high(index - start + 1, sum + ratio)];
      // With it or without it, whichever is nearer to the height wanted.
      if (index > start && after < wanted && before / wanted < wanted / after) end(index, before);
      sum += ratio;
      if (high(index - start + 1, sum) <= wanted) end(index + 1, high(index - start + 1, sum));
    });
    // A last line that is not full waits for more: nothing moves after it is shown.
    if (start < this.#photos.length && this.#ended) end(this.#photos.length, Math.min(wanted, high(1, sum / 1)));
    this.#lines = lines;
    this.#box.style.height = `${Math.max(0, top - GAP)}px`;
    for (const line of this.#shown.values()) line.remove();
    this.#shown.clear();
  }

  #plan() {
    if (this.#planned) return;
    this.#planned = true;
    requestAnimationFrame(() => {
      this.#planned = false;
      this.#draw();
    });
  }

  #first(y) {
    let [low, high] = [0, this.#lines.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#lines[middle].top + this.#lines[middle].height < y) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #draw() {
    const above = -this.#top();
    const screen = innerHeight;
    const first = this.#first(above - screen);
    const wanted = new Set();
    for (let n = first; n < this.#lines.length && this.#lines[n].top < above + 2 * screen; n++) wanted.add(n);
    for (const [n, line] of this.#shown) {
      // Who is there by keyboard stays there.
      if (wanted.has(n) || line.contains(document.activeElement)) continue;
      for (const image of line.querySelectorAll("img")) image.removeAttribute("src");
      line.remove();
      this.#shown.delete(n);
    }
    for (const n of wanted) if (!this.#shown.has(n)) this.#add(n, above, screen);
    const last = this.#lines.at(-1);
    if (!this.#ended && (!last || last.top + last.height < above + 4 * screen)) this.#reached();
  }

  #add(n, above, screen) {
    const { start, end, top, height } = this.#lines[n];
    const line = el("div", { class: "line", role: "none" });
    line.style.top = `${top}px`;
    line.style.height = `${height}px`;
    const urgent = top < above + screen && top + height > above;
    for (let index = start; index < end; index++) {
      const photo = this.#photos[index];
      const tile = this.#tile(photo, index, urgent);
      tile.style.width = `${height * clamp(photo.w / photo.h)}px`;
      line.append(tile);
    }
    // In their order, for the keyboard and for screen readers.
    const after = [...this.#shown.keys()].filter((each) => each > n);
    this.#box.insertBefore(line, after.length ? this.#shown.get(Math.min(...after)) : null);
    this.#shown.set(n, line);
  }
}
