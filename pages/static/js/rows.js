// Justified rows: photos in lines of one height, nothing cropped, with headings between them. Only lines and headings
// near the screen are in the document.

import { el } from "./base.js";

const GAP = 4;
// Heights of headings by their level, and how much lower one is at the start of the list, as in guest.css.
const HEADS = { 2: 52, 3: 40 };
const LOWER = { 2: 14, 3: 8 };
// The last line before a heading, or of the list, fills the width if it need not be much higher for it.
const STRETCH = 1.3;
// A panorama is shown whole, in a band.
const ratioOf = (photo) => Math.min(4, Math.max(0.4, photo.w / photo.h || 1));

/**
 * Show photos in `box`. `tile(photo, width, urgent)` makes an element with an `img`, which is kept as long as
 * `key(photo)` is the same; `describe(photo, index)` is the text of its picture. `headsOf(photo, before)` gives the
 * headings `{ level, text }` between a photo and the one before it. `reached()` is called when the end of the list
 * comes near.
 */
export function rowsIn(box, { tile, key, describe, headsOf, reached }) {
  let photos = [];
  let ended = true;
  let lines = [];
  let width = 0;
  let planned = false;
  // For the number of each line in the document: its element, its name, start and height, each tile's element and key.
  const shown = new Map();
  const boxTop = () => box.getBoundingClientRect().top;

  const nameOf = ({ start, text = "" }) => `${photos[start].id} ${text}`;

  function label({ tiles }, start) {
    tiles.forEach(({ element }, place) => {
      element.dataset.place = start + place + 1;
      element.querySelector("img").alt = describe(photos[start + place], start + place);
    });
  }

  /** Remove the lines that have changed. The others stay, where they are now: a picture is not loaded again. */
  function removeChanged() {
    const numbers = new Map(lines.map((line, number) => [nameOf(line), number]));
    const had = [...shown.values()];
    shown.clear();
    for (const each of had) {
      const is = lines[numbers.get(each.name)];
      const stays =
        is?.height === each.height &&
        is.end - is.start === each.tiles.length &&
        each.tiles.every((one, place) => one.key === key(photos[is.start + place]));
      if (stays) {
        each.line.style.top = `${is.top}px`;
        if (each.start !== is.start) label(each, (each.start = is.start));
        shown.set(numbers.get(each.name), each);
      } else each.line.remove();
    }
  }

  /** Compute every line: which photos, where, how high. */
  function lay() {
    width = box.clientWidth;
    lines = [];
    const wanted = width < 600 ? 150 : 230;
    let [start, sum, top] = [0, 0, 0];
    const heightOf = (count, ratios) => (width - GAP * (count - 1)) / ratios;
    const end = (stop, height) => {
      lines.push({ start, end: stop, top, height });
      top += height + GAP;
      [start, sum] = [stop, 0];
    };
    const close = (stop) => {
      const full = heightOf(stop - start, sum);
      if (start < stop) end(stop, full > wanted * STRETCH ? wanted : full);
    };
    photos.forEach((photo, at) => {
      const heads = headsOf(photo, photos[at - 1]);
      if (heads.length) close(at);
      for (const head of heads) {
        const height = HEADS[head.level] - (top ? 0 : LOWER[head.level]);
        lines.push({ ...head, start: at, end: at, top, height });
        top += height;
      }
      const ratio = ratioOf(photo);
      const [without, within] = [heightOf(at - start, sum), heightOf(at - start + 1, sum + ratio)];
      // End the line before this photo if that comes nearer to the wanted height.
      if (at > start && within < wanted && without / wanted < wanted / within) end(at, without);
      sum += ratio;
      const height = heightOf(at - start + 1, sum);
      if (height <= wanted) end(at + 1, height);
    });
    // A last line that is not full waits for more photos: nothing moves after it is shown.
    if (ended) close(photos.length);
    box.style.height = `${Math.max(0, top - GAP)}px`;
    removeChanged();
  }

  function add(number, urgent) {
    const { start, end, top, height, level, text } = lines[number];
    const line = text ? el(`h${level}`, { class: top ? "line" : "line first" }, text) : el("div", { class: "line" });
    line.style.top = `${top}px`;
    line.style.height = `${height}px`;
    const tiles = photos.slice(start, end).map((photo) => {
      const wide = height * ratioOf(photo);
      const element = tile(photo, wide, urgent);
      element.dataset.id = photo.id;
      element.style.width = `${wide}px`;
      return { element, key: key(photo) };
    });
    line.append(...tiles.map(({ element }) => element));
    // In order, for keyboards and screen readers.
    const after = Math.min(...[...shown.keys()].filter((each) => each > number));
    box.insertBefore(line, shown.get(after)?.line ?? null);
    const made = { line, tiles, start, height, name: nameOf(lines[number]) };
    label(made, start);
    shown.set(number, made);
  }

  /** Add the lines near the screen and remove those far from it. */
  function draw() {
    planned = false;
    const [above, screen] = [-boxTop(), innerHeight];
    const near = ({ top, height }, screens) => top < above + (1 + screens) * screen && top + height > above - screens * screen;
    for (const [number, { line }] of shown) {
      // A line with the keyboard's focus stays.
      if (near(lines[number], 1) || line.contains(document.activeElement)) continue;
      for (const image of line.querySelectorAll("img")) image.removeAttribute("src");
      line.remove();
      shown.delete(number);
    }
    lines.forEach((line, number) => near(line, 1) && !shown.has(number) && add(number, near(line, 0)));
    if (!ended && box.clientHeight < above + 4 * screen) reached();
  }

  /** Scroll a photo onto the screen if it is not there, and return its tile; null if it has none. */
  function bring(index) {
    const number = index < 0 ? -1 : lines.findIndex((line) => index < line.end);
    if (number < 0) return null;
    const { top, height, start } = lines[number];
    const at = boxTop() + top;
    if (at < 0 || at + height > innerHeight) scrollBy(0, at - (innerHeight - height) / 2);
    draw();
    return shown.get(number)?.tiles[index - start]?.element ?? null;
  }

  addEventListener("scroll", () => (planned ||= requestAnimationFrame(draw)), { passive: true });
  new ResizeObserver(() => {
    if (box.clientWidth === width) return;
    // The photo at the top of the screen stays there at the new width.
    const above = -boxTop();
    const first = above > 0 && lines.find((line) => line.top + line.height > above)?.start;
    lay();
    const line = first && lines.find((each) => each.end > first);
    if (line) scrollBy(0, boxTop() + line.top);
    draw();
  }).observe(box);

  return {
    bring,
    /** Show these photos; with `all` no more will follow. The photo with the keyboard's focus keeps it. */
    set(list, all) {
      const focused = document.activeElement.closest(".tile")?.dataset.id;
      [photos, ended] = [list, all];
      lay();
      draw();
      if (!focused || document.activeElement !== document.body) return;
      box.querySelector(`[data-id="${focused}"] a`)?.focus({ preventScroll: true });
    },
  };
}
