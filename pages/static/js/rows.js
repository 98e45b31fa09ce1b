// Justified rows: photos in lines of one height, nothing cropped. Only lines near the screen are in the document.

import { el } from "./base.js";

const GAP = 4;
// A panorama is shown whole, in a band.
const ratioOf = (photo) => Math.min(4, Math.max(0.4, photo.w / photo.h || 1));

/**
 * Show photos in `box`. `tile(photo, index, urgent)` makes an element, which is kept as long as `key(photo)` is the
 * same. `reached()` is called when the end of the list comes near.
 */
export function rowsIn(box, tile, key, reached) {
  let photos = [];
  let ended = true;
  let lines = [];
  let width = 0;
  let planned = false;
  // For the number of each line in the document: its element, and each tile's element and key.
  const shown = new Map();
  const boxTop = () => box.getBoundingClientRect().top;

  const isSame = (was, is) =>
    is && was.start === is.start && was.end === is.end && was.height === is.height && was.top === is.top;

  /** Remove the lines that have changed. The others stay: a picture that is shown is not loaded again. */
  function removeChanged(before) {
    for (const [number, { line, tiles }] of shown) {
      const is = lines[number];
      const stays = isSame(before[number], is) && tiles.every((each, place) => each.key === key(photos[is.start + place]));
      if (stays) continue;
      line.remove();
      shown.delete(number);
    }
  }

  /** Compute every line: which photos, where, how high. */
  function lay() {
    const before = lines;
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
    photos.forEach((photo, at) => {
      const ratio = ratioOf(photo);
      const [without, within] = [heightOf(at - start, sum), heightOf(at - start + 1, sum + ratio)];
      // End the line before this photo if that comes nearer to the wanted height.
      if (at > start && within < wanted && without / wanted < wanted / within) end(at, without);
      sum += ratio;
      const height = heightOf(at - start + 1, sum);
      if (height <= wanted) end(at + 1, height);
    });
    // A last line that is not full waits for more photos: nothing moves after it is shown.
    if (start < photos.length && ended) end(photos.length, wanted);
    box.style.height = `${Math.max(0, top - GAP)}px`;
    removeChanged(before);
  }

  function add(number, urgent) {
    const { start, end, top, height } = lines[number];
    const line = el("div", { class: "line", role: "none" });
    line.style.top = `${top}px`;
    line.style.height = `${height}px`;
    const tiles = photos.slice(start, end).map((photo, place) => {
      const element = tile(photo, start + place, urgent);
      element.dataset.id = photo.id;
      element.style.width = `${height * ratioOf(photo)}px`;
      return { element, key: key(photo) };
    });
    line.append(...tiles.map(({ element }) => element));
    // In order, for keyboards and screen readers.
    const after = Math.min(...[...shown.keys()].filter((each) => each > number));
    box.insertBefore(line, shown.get(after)?.line ?? null);
    shown.set(number, { line, tiles });
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

  /** Scroll a photo onto the screen if it is not there, and return its tile. */
  function bring(index) {
    const number = lines.findIndex((line) => index < line.end);
    if (number < 0) return null;
    const { top, height, start } = lines[number];
    const at = boxTop() + top;
    if (at < 0 || at + height > innerHeight) scrollBy(0, at - (innerHeight - height) / 2);
    draw();
    return shown.get(number).tiles[index - start].element;
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
