// Faces that may be the guest's: each card asks, keeps its place with the answer, and takes it back.

import { api, number, t, toast, when } from "./base.js";
import { Viewer } from "./viewer.js";

const { event, photos } = JSON.parse(document.getElementById("data").textContent);
const cards = [...document.querySelectorAll("#asked > li")];
const cardOf = (photo) => cards.find((card) => Number(card.dataset.photo) === photo.id);

/** Show on a card what was answered: `me`, `not-me`, or nothing. */
function mark(card, answer) {
  const [asking, answered] = card.querySelectorAll(".ask");
  asking.hidden = Boolean(answer);
  answered.hidden = !answer;
  card.dataset.answered = answer;
  if (answer) answered.querySelector("p").textContent = t(answer === "me" ? "guest.maybe.js.yes" : "guest.maybe.js.no");
  const photo = photos.find((each) => each.id === Number(card.dataset.photo));
  if (photo) photo.me = answer === "me";
  refreshCounts().catch(() => {});
}

async function refreshCounts() {
  const standing = await api("GET", "/photos/standing", { query: { event } });
  for (const name of ["matched", "maybe", "for_everyone"])
    document.getElementById(`count-${name}`).textContent = number(standing[name]);
}

/** Send an answer, or take it back; the card waits meanwhile. */
async function send(card, method, answer) {
  const { photo, face } = card.dataset;
  card.inert = true;
  try {
    const json = method === "POST" && answer === "me" ? { face_id: Number(face) } : undefined;
    await api(method, `/api/photos/${photo}/${answer}`, { json });
    mark(card, method === "POST" ? answer : "");
  } catch (error) {
    toast(error.message);
  }
  card.inert = false;
  card.querySelector(".ask:not([hidden]) button").focus({ preventScroll: true });
}

const viewer = new Viewer({
  describe: (photo, at) =>
    t("guest.gallery.photo", { place: at + 1, total: photos.length, when: when(photo.taken * 1000, { dateStyle: "long" }) }),
  more() {},
  draw() {},
  closed() {},
  tile: (photo) => cardOf(photo).querySelector(".crop"),
  moved(photo, me) {
    mark(cardOf(photo), me ? "me" : "");
    return photos;
  },
});

document.getElementById("asked")?.addEventListener("click", (click) => {
  const card = click.target.closest("li");
  const button = click.target.closest("button");
  const at = photos.findIndex((photo) => cardOf(photo) === card);
  if (button) send(card, button.dataset.answer ? "POST" : "DELETE", button.dataset.answer ?? card.dataset.answered);
  else if (at >= 0 && click.target.closest("a") && !(click.metaKey || click.ctrlKey || click.shiftKey)) {
    click.preventDefault();
    viewer.open(photos, at, true);
  }
});
