// Files as they come from a folder, a drop or a picker; what is no photo; and their checksums, remembered.

const PHOTO = /\.(jpe?g?|jfif|mpo|png|webp|hei[cf]|hif|avif|gif)$/i;
// What systems leave in folders, of no interest to anybody.
const LITTER = /^(\.|thumbs\.db$|desktop\.ini$)/i;
const SUM = "reperio.sum|";

/** Why this file need not be sent: `kind`, `empty` or `large`; nothing where it may. */
export function refusal({ file, name }, most) {
  if (!PHOTO.test(name)) return "kind";
  if (!file.size) return "empty";
  return file.size > most ? "large" : undefined;
}

/** Every file of a picker: `[{ file, name }]`, the name with its folders. */
export const picked = (files) =>
  [...files].filter(({ name }) => !LITTER.test(name)).map((file) => ({ file, name: file.webkitRelativePath || file.name }));

/** Every file of a drop, through all folders; `found(number)` as they are seen. */
export async function dropped(transfer, found) {
  // Asked for at once: a moment later the drop is empty.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return picked(transfer.files);
  const files = [];
  const of = (give) => new Promise((resolve) => give(resolve, () => resolve()));
  const open = async (entry) => {
    if (LITTER.test(entry.name)) return;
    if (entry.isDirectory) {
      const reader = entry.createReader();
      // A hundred at a time, until there are no more.
      for (let part; (part = await of((...way) => reader.readEntries(...way)))?.length; ) await Promise.all(part.map(open));
      return;
    }
    const file = await of((...way) => entry.file(...way));
    if (file) found(files.push({ file, name: entry.fullPath.slice(1) }));
  };
  await Promise.all(entries.map(open));
  return files.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
}

/** What tells one file on this computer from another. */
export const identity = ({ file, name }) => `${SUM}${name}|${file.size}|${file.lastModified}`;

/** The SHA-256 of a file in hex; nothing where the browser computes none (plain http). Throws if it cannot be read. */
export async function checksum(item) {
  if (!crypto.subtle) return undefined;
  const key = identity(item);
  if (localStorage[key]) return localStorage[key];
  const digest = await crypto.subtle.digest("SHA-256", await item.file.arrayBuffer());
  const sum = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  try {
    localStorage[key] = sum;
  } catch {
    // No room left: begin anew.
    for (const old of Object.keys(localStorage)) if (old.startsWith(SUM)) localStorage.removeItem(old);
  }
  return sum;
}
