/** Entries of a list that a name took. They stay in the list until they are finished. Pure. */

/** Takes the place of the entry in the list. */
export interface TakenEntry {
  takenBy: string;
  /** A different one each time an entry is taken. */
  id: string;
  entry: unknown;
}

/** The name that takes and finishes entries, and the ID of the entry that the message has. */
export interface Taker {
  name: string;
  entryId?: string;
}

/** A list without its first entry that is not taken; with `taker`, that entry stays and is marked. The same list if nothing changes. */
export function take(list: unknown[], taker: string | undefined, id: () => string): unknown[] {
  if (taker !== undefined && takenBy(list, taker)) return list;
  const index = list.findIndex((entry) => !isTaken(entry));
  if (index < 0) return list;
  if (taker === undefined) return list.filter((_entry, position) => position !== index);
  const taken: TakenEntry = { takenBy: taker, id: id(), entry: list[index] };
  return list.map((entry, position) => (position === index ? taken : entry));
}

/** A list without the entry that this name took. The same list if there is none, or if the message has the ID of another entry. */
export function finish(list: unknown[], taker: Taker): unknown[] {
  const taken = finishedBy(list, taker);
  return taken ? list.filter((entry) => entry !== taken) : list;
}

/** The entry that this name took and did not finish. */
export function takenBy(value: unknown, taker: string): TakenEntry | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.filter(isTaken).find((entry) => entry.takenBy === taker);
}

/** The entry that {@link finish} removes from a list. */
export function finishedBy(value: unknown, { name, entryId }: Taker): TakenEntry | undefined {
  const taken = takenBy(value, name);
  return entryId === undefined || taken?.id === entryId ? taken : undefined;
}

/** The entry that {@link take} removes from a list. */
export function firstFree(value: unknown): unknown {
  return Array.isArray(value) ? value.find((entry) => !isTaken(entry)) : undefined;
}

function isTaken(value: unknown): value is TakenEntry {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 3) return false;
  return (
    'entry' in value &&
    'takenBy' in value &&
    typeof value.takenBy === 'string' &&
    'id' in value &&
    typeof value.id === 'string'
  );
}

/** The entries that a node sent to the flow and that were not finished since, as far as it has seen. */
export class EntriesInHand {
  /** The ID of the entry, by key and name. */
  readonly #ids = new Map<string, string>();

  /** True if the node has to send the entry: once each time it was taken, and once again after a start of the node. */
  accept(key: string, taker: string, taken: TakenEntry | undefined): boolean {
    const place = JSON.stringify([key, taker]);
    if (!taken) {
      this.#ids.delete(place);
      return false;
    }
    if (this.#ids.get(place) === taken.id) return false;
    this.#ids.set(place, taken.id);
    return true;
  }
}
