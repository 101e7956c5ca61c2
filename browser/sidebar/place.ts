/** Where an element is below a root, so that the focus can go to its successor after a redraw. */

/** The number of the element among its siblings, from `root` down. */
export function placeOf(root: Element, element: Element): number[] {
  const place: number[] = [];
  for (let one: Element | null = element; one && one !== root; one = one.parentElement)
    place.unshift([...(one.parentElement?.children ?? [])].indexOf(one));
  return place;
}

/** Focuses the element at that place, or else the first that can be focused. */
export function focusAt(root: Element, place: number[]): void {
  const found = place.reduce<Element | undefined>((one, index) => one?.children[index], root);
  for (const one of [found, root.querySelector('[tabindex], button')]) {
    if (!(one instanceof HTMLElement)) continue;
    one.focus({ preventScroll: true });
    if (one === document.activeElement) return;
  }
}
