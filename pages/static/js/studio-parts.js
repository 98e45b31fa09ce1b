// Sends one photo in parts: to the service, or to the addresses of an object store that it gives. The service knows which
// parts have arrived: the same file, announced again, goes on where it was.

import { call, sendPart, sendToStore } from "./studio-calls.js";

// After so many failures in a row, everything goes through the service: a firewall may stand before the store.
const STORE_FAILURES = 3;
// The upload is gone or does not fit: the photo is begun anew.
const ANEW = ["NoSuchUpload", "UploadIncomplete", "UploadDiffers", "UploadElsewhere", "UploadPartDiffers"];
let failures = 0;

/** Return how photos are sent to the event at `path`: `{ part_size, direct }`. */
export const ways = (path) => call("GET", `${path}/uploads`);

/** Tell whether a photo of this size is sent in parts: smaller ones go in one request, unless to the store. */
export const inParts = ({ part_size, direct }, size) => size > part_size || (direct && failures < STORE_FAILURES);

/** Send what is missing of a photo; returns what `upload-photos` answers for one file. Reports `progress(bytes)`. */
export async function sendInParts(path, item, { progress, signal }) {
  try {
    const photo = await send(`${path}/uploads`, item, progress, signal);
    return { uploaded_photos: [photo], rejected: [] };
  } catch (error) {
    if (error.status === 400 && !ANEW.includes(error.name)) {
      return { uploaded_photos: [], rejected: [{ error: error.message }] };
    }
    // Not a problem of the photo: it is tried again.
    if (ANEW.includes(error.name)) error.status = 0;
    throw error;
  }
}

async function send(path, { file, sum }, progress, signal) {
  const json = { name: file.name, size: file.size, sha256: sum, direct: failures < STORE_FAILURES };
  const { upload_id, part_size, parts, photo } = await call("POST", path, { json });
  let before = 0;
  for (const part of parts) {
    const start = (part.number - 1) * part_size;
    const how = { signal, progress: (bytes) => progress(before + bytes) };
    if (!part.arrived) await sendOne(`${path}/${upload_id}/parts/${part.number}`, part, file.slice(start, start + part.size), how);
    before += part.size;
    progress(before);
  }
  return photo ?? call("POST", `${path}/${upload_id}/complete`);
}

async function sendOne(path, part, data, how) {
  if (!part.url) return sendPart(path, data, how);
  try {
    await sendToStore(part, data, how);
    failures = 0;
  } catch (error) {
    if (error.name !== "Stopped") failures++;
    throw error;
  }
}
