// Files that are no photos: which ones are left aside without a word, and what each of the others is.

// Files that operating systems and cameras leave beside photos, and what programs note about photos.
const LITTER = /^(\.|thumbs\.db$|desktop\.ini$)/i;
const ASIDE = /\.(xmp|aae|thm|lrv|dop|pp3|cos|cop|cot|comask|on1|acr|ctg|ind|inf|dat|bdm|cpi|mpl|wav|lrcat|lrprev|lrdata|db|ini|log|txt)$/i;
const MOVING = /\.mov$/i;
const STILL = /\.(hei[cf]|jpe?g)$/i;
const KINDS = [
  ["video", /\.(mov|mp4|m4v|avi|mkv|mts|m2ts|3gp|webm|mxf|insv|crm)$/i],
  ["archive", /\.(zip|rar|7z|tar|t?gz|bz2)$/i],
  ["document", /\.(pdf|psd|psb|ai|eps|svg|indd|bmp|docx?|pptx?|key|pages|xcf|afphoto)$/i],
  ["raw", /\.(crw|x3f|mrw|kdc|dcr|dcs|3fr|fff|iiq|erf|mef|mos|rwl|gpr|raw|bay|cap|k25)$/i],
];
// What the first bytes of a file say, a control byte as its picture (␀); brands of MP4 and QuickTime follow "ftyp".
const SIGNS = [
  ["archive", /^(PK␃␄|Rar!|7z¼¯|␟\x8b)/],
  ["document", /^(%PDF|8BPS|<\?xml|<svg|<!DOCTYPE|<html|BM)/i],
  ["video", /^(.{4}(ftyp(qt|mp4|isom|iso\d|avc1|M4V|MSNV|3g|XAVC)|moov|mdat|wide)|RIFF.{4}AVI|␚Eß£)/],
  ["raw", /^(FOVb|␀MRM|IIII|II␚␀␀␀HEAPCCDR)/],
];
// Photos that the service knows; their damage is another matter.
const PHOTOS = /^(ÿØ|\x89PNG|GIF8|RIFF.{4}WEBP|II[*RU]|MM␀\*|IIRO|FUJIFILM|ÿ␊|␀␀␀␌JXL|.{4}ftyp)/;

const stem = (name) => name.toLowerCase().replace(/\.\w+$/, "");

/** Return whether the operating system left this file in the folder. */
export const isLitter = (name) => LITTER.test(name);

/** Return the photos of `[{ file, name }]`, and how many files beside them belong to photos: notes, Live Photos. */
export function sortOut(files) {
  const stills = new Set(files.filter(({ name }) => STILL.test(name)).map(({ name }) => stem(name)));
  const photos = files.filter(({ name }) => !ASIDE.test(name) && !(MOVING.test(name) && stills.has(stem(name))));
  return { photos, aside: files.length - photos.length };
}

/** Return what a file that is no photo is by its name: `video`, `archive`, `document`, `raw`, or `kind` if unknown. */
export const kindOf = (name) => KINDS.find(([, names]) => names.test(name))?.[0] ?? "kind";

/** Return what a file of a photo's name is in truth, as `kindOf` does; undefined if it begins as a photo does. */
export async function disguise(file) {
  const bytes = new Uint8Array(await file.slice(0, 32).arrayBuffer());
  const head = String.fromCharCode(...Array.from(bytes, (byte) => (byte < 32 ? 0x2400 + byte : byte)));
  return SIGNS.find(([, sign]) => sign.test(head))?.[0] ?? (PHOTOS.test(head) ? undefined : "kind");
}
