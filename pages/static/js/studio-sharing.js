// Photos for everyone: every guest of the event sees them, also where guests see only their own.

import { t, toast } from "./base.js";
import { call } from "./studio-calls.js";

const { api } = document.getElementById("studio").dataset;
/** How many photos one call names. */
export const AT_ONCE = 500;

/** Return whether every guest sees a photo. */
export const isShown = (shot) => shot.dataset.everyone === "true";

/** Mark photos for everyone, or take the mark away; return how many of them are so now. */
export async function share(shots, yes) {
  for (let start = 0; start < shots.length; start += AT_ONCE) await sharePart(shots.slice(start, start + AT_ONCE), yes);
  return shots.filter((shot) => isShown(shot) === yes).length;
}

async function sharePart(part, yes) {
  const photo_ids = part.map((shot) => Number(shot.dataset.id));
  try {
    await call("PUT", `${api}/photos`, { json: { photo_ids, for_everyone: yes } });
  } catch (error) {
    if (error.name !== "NoSuchPhoto" || part.length === 1) return toast(error.message);
    // One was deleted in another window. The service marks all or none, so mark each one by itself.
    for (const shot of part) await sharePart([shot], yes);
    return undefined;
  }
  const words = `, ${t("photographer.js.everyone")}`;
  for (const shot of part.filter((each) => isShown(each) !== yes)) {
    shot.dataset.everyone = yes;
    shot.ariaLabel = yes ? shot.ariaLabel + words : shot.ariaLabel.replace(words, "");
  }
  return undefined;
}
