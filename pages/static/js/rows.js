// Justified rows: photos in lines of one height, nothing cropped. Only lines near the screen are in the page.

import { el } from "./base.js";

const GAP = 4;
// A panorama gets a band, in which it is still shown whole.
const ratioOf = (photo) => Math.min(4, Math.max(0.4, photo.w / photo.h || 1));

/** `tile(photo, index, urgent)` makes an element, good as long as `key(photo)`; `reached()`: the end comes near. */
export function rowsIn(box, tile, key, reached) {
  let [photos, ended, lines, width, planned] = [[], true, [], 0, false];
  const shown = new Map();
  const boxTop = () => box.getBoundingClientRect().top;

  // What still holds is left alone: a picture that was there does not come anew.
  function forget(before) {
    for (const [number, line] of shown) {
      const [was, is] = [before[number], lines[number]];
      const stays = is && was.start === is.start && was.end === is.end && was.height === is.height && was.top === is.top;
      if (stays && [...line.children].every((one, place) => one.dataset.key === key(photos[is.start + place]))) continue;
      line.remove();
      shown.delete(number);
    }
  }

  function lay() {
    const before = lines;
    width = box.clientWidth;
    lines = [];
    const wanted = width < 600 ? 150 : 230;
    let [start, sum, top] = [0, 0, 0];
    const high = (count, ratios) => (width - GAP * (count - 1)) / ratios;
    const end = (stop, height) => {
      lines.push({ start, end: stop, top, height });
      top += height + GAP;
      [start, sum] = [stop, 0];
    };
    photos.forEach((photo, at) => {
      const ratio = ratioOf(photo);
      const [without, within] = [high(at - start, sum), high(at - start + 1, sum + ratio)];
      // Whichever is nearer to the height wanted.
      if (at > start && within < wanted && without / wanted < wanted / within) end(at, without);
      sum += ratio;
      const height = high(at - start + 1, sum);
      if (height <= wanted) end(at + 1, height);
    });
    // A last line that is not full waits for more: nothing moves after it is shown.
    if (start < photos.length && ended) end(photos.length, wanted);
    box.style.height = `${Math.max(0, top - GAP)}px`;
    forget(before);
  }

  function add(number, urgent) {
    const { start, end, top, height } = lines[number];
    const line = el("div", { class: "line", role: "none" });
    line.style.top = `${top}px`;
    line.style.height = `${height}px`;
    for (let at = start; at < end; at++) {
      const one = tile(photos[at], at, urgent);
      one.dataset.key = key(photos[at]);
      one.style.width = `${height * ratioOf(photos[at])}px`;
      line.append(one);
    }
    // In their order, for keyboards and screen readers.
    const after = Math.min(...[...shown.keys()].filter((each) => each > number));
    box.insertBefore(line, shown.get(after) ?? null);
    shown.set(number, line);
  }

  function draw() {
    planned = false;
    const [above, screen] = [-boxTop(), innerHeight];
    const near = ({ top, height }, screens) => top < above + (1 + screens) * screen && top + height > above - screens * screen;
    for (const [number, line] of shown) {
      // Who is there by keyboard stays there.
      if (near(lines[number], 1) || line.contains(document.activeElement)) continue;
      for (const image of line.querySelectorAll("img")) image.removeAttribute("src");
      line.remove();
      shown.delete(number);
    }
    lines.forEach((line, number) => near(line, 1) && !shown.has(number) && add(number, near(line, 0)));
    if (!ended && box.clientHeight < above + 4 * screen) reached();
  }

  /** Bring a photo on the screen, if it is not, and return its tile. */
  function bring(index) {
    const number = lines.findIndex((line) => index < line.end);
    if (number < 0) return null;
    const { top, height, start } = lines[number];
    const at = boxTop() + top;
    if (at < 0 || at + height > innerHeight) scrollBy(0, at - (innerHeight - height) / 2);
    draw();
    return shown.get(number).children[index - start];
  }

  addEventListener("scroll", () => (planned ||= requestAnimationFrame(draw)), { passive: true });
  new ResizeObserver(() => {
    if (box.clientWidth === width) return;
    // Another width: what was at the top of the screen stays there.
    const above = -boxTop();
    const first = above > 0 && lines.find((line) => line.top + line.height > above)?.start;
    lay();
    const line = first && lines.find((each) => each.end > first);
    if (line) scrollBy(0, boxTop() + line.top);
    draw();
  }).observe(box);

  return {
    bring,
    /** Show these photos; with `all` no more will follow. Who is there by keyboard stays with their photo. */
    set(list, all) {
      const id = parseInt(document.activeElement.closest(".tile")?.dataset.key);
      [photos, ended] = [list, all];
      lay();
      draw();
      const held = id && document.activeElement === document.body && box.querySelector(`[data-key^="${id} "] a`);
      held?.focus?.({ preventScroll: true });
    },
  };
}
