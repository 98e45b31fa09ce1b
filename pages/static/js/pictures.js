// The pictures of a gallery: those of the first screen come small and first, and then as sharp as the screen is.

import { el } from "./base.js";

// Long sides in px, as the service makes them.
const SIDES = { thumb: 400, medium: 800 };
// On a network that is slow, or paid by the byte, pictures stay small.
const { saveData, effectiveType = "" } = navigator.connection ?? {};
const isFrugal = saveData || /2g|3g/.test(effectiveType);
// Those of the first screen that can be sharper: their picture, photo and width; null from then on.
let first = [];

/** Give a picture, shown `wide` px wide, a file with more pixels where the screen has them. */
function sharpen(image, photo, wide) {
  image.sizes = `${Math.ceil(wide)}px`;
  image.srcset = Object.entries(SIDES)
    .map(([size, side]) => {
      const width = Math.round(photo.w * Math.min(1, side / Math.max(photo.w, photo.h)));
      return `/api/photo/${photo.id}?size=${size} ${width}w`;
    })
    .join(", ");
}

const isOver = (image) =>
  new Promise((done) => {
    for (const name of ["load", "error"]) image.addEventListener(name, done);
  });

/** Sharpen the pictures of the first screen as soon as all of them are there. Call it once they are in the page. */
export async function sharpenFirst() {
  const waiting = first ?? [];
  first = null;
  await Promise.all(waiting.map(([image]) => isOver(image)));
  for (const each of waiting) if (each[0].isConnected) sharpen(...each);
}

/** Return the picture of a photo shown `wide` px wide; an `urgent` one is on the screen. */
export function pictureOf(photo, wide, urgent) {
  const image = el("img", { decoding: "async", draggable: "false" });
  const isFirst = urgent && first;
  if (first) image.fetchPriority = urgent ? "high" : "low";
  if (!isFirst) image.loading = "lazy";
  image.onload = () => image.classList.add("there");
  if (photo.waiting) return image;
  if (photo.sharp && !isFrugal) {
    if (isFirst) first.push([image, photo, wide]);
    else sharpen(image, photo, wide);
  }
  image.src = `/api/photo/${photo.id}?size=thumb`;
  return image;
}
