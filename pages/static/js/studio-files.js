// Files from a folder, a drop or a picker: which are photos, and their checksums, which the browser stores.

import { isLitter, kindOf } from "./studio-kinds.js";

const PHOTO = /\.(jpe?g?|jfif|mpo|png|webp|hei[cf]|hif|avif|gif|tiff?|jxl)$/i;
// RAW files of cameras, which may be larger than other photos.
const RAW = /\.(cr[23]|nef|nrw|arw|sr[2fw]|raf|dng|orf|rw2|pef)$/i;
const SUM = "reperio.sum|";

/** Return why this file is not sent: what it is (`kindOf`), `empty`, `large` or `large_raw`; undefined if it is sent. */
export function refusal({ file, name }, { most, mostRaw }) {
  const raw = RAW.test(name);
  if (!raw && !PHOTO.test(name)) return kindOf(name);
  if (!file.size) return "empty";
  if (raw) return file.size > mostRaw ? "large_raw" : undefined;
  return file.size > most ? "large" : undefined;
}

/** Return the files with RAW files last: the JPEG of the same name is then there before. */
export const rawLast = (files) => [...files].sort((a, b) => RAW.test(a.name) - RAW.test(b.name));

/** Return every file of a picker as `[{ file, name }]`; the name includes its folders. */
export const picked = (files) =>
  [...files].filter(({ name }) => !isLitter(name)).map((file) => ({ file, name: file.webkitRelativePath || file.name }));

/** Return every file of a drop, from all folders; reports `found(number)` while reading. */
export async function dropped(transfer, found) {
  // Read now: after this task the drop is empty.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return picked(transfer.files);
  const files = [];
  const of = (give) => new Promise((resolve) => give(resolve, () => resolve()));
  const open = async (entry) => {
    if (isLitter(entry.name)) return;
    if (entry.isDirectory) {
      const reader = entry.createReader();
      // The browser returns a hundred entries at a time, and none at the end.
      for (let part; (part = await of((...way) => reader.readEntries(...way)))?.length; ) await Promise.all(part.map(open));
      return;
    }
    const file = await of((...way) => entry.file(...way));
    if (file) found(files.push({ file, name: entry.fullPath.slice(1) }));
  };
  await Promise.all(entries.map(open));
  return files.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
}

/** Return a key that identifies a file on this computer. */
export const identity = ({ file, name }) => `${SUM}${name}|${file.size}|${file.lastModified}`;

/** Return the SHA-256 of bytes in hex, or undefined over plain http. */
export async function sha256(bytes) {
  if (!crypto.subtle) return undefined;
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Return the SHA-256 of a file in hex, or undefined over plain http. Throws if the file cannot be read. */
export async function checksum(item) {
  if (!crypto.subtle) return undefined;
  const key = identity(item);
  if (localStorage[key]) return localStorage[key];
  const sum = await sha256(await item.file.arrayBuffer());
  try {
    localStorage[key] = sum;
  } catch {
    // The storage is full: remove all stored checksums.
    for (const old of Object.keys(localStorage)) if (old.startsWith(SUM)) localStorage.removeItem(old);
  }
  return sum;
}
