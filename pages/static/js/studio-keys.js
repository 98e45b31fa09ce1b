// What the keys do with a photo of the studio, in the list and in the viewer alike.

/** Return the photo above or below: in the next row, the first one that reaches the middle of this one. */
function neighbourRow(all, shot, step) {
  const middle = shot.offsetLeft + shot.offsetWidth / 2;
  let row;
  for (let next = all.indexOf(shot) + step; all[next]; next += step) {
    const { offsetTop, offsetLeft, offsetWidth } = all[next];
    if (offsetTop === shot.offsetTop) continue;
    if ((row ??= offsetTop) !== offsetTop) return all[next - step];
    if (step > 0 ? offsetLeft + offsetWidth >= middle : offsetLeft <= middle) return all[next];
  }
  return undefined;
}

/**
 * Return what each key does with a photo of the list `all`. `go(other)` moves to another one: in the list the focus, in
 * the viewer the picture.
 */
export function keysWith(all, shot, event, { go, choose, selectAll }) {
  const at = all.indexOf(shot);
  return {
    ArrowRight: () => go(all[at + 1]),
    ArrowLeft: () => go(all[at - 1]),
    ArrowDown: () => go(neighbourRow(all, shot, 1)),
    ArrowUp: () => go(neighbourRow(all, shot, -1)),
    Home: () => go(all[0]),
    End: () => go(all.at(-1)),
    " ": () => choose(shot, event.shiftKey),
    ...((event.ctrlKey || event.metaKey) && { a: selectAll }),
  };
}
