/** Whether a topic filter matches a topic (MQTT 5 section 4.7): `+` is one level, `#` at the end all that follow; `$` topics want to be named. */
export function filterMatches(filter: string, topic: string): boolean {
  if (filter === topic) return true;
  if (topic.startsWith('$') && (filter.startsWith('+') || filter.startsWith('#'))) return false;
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (const [index, want] of wanted.entries()) {
    if (want === '#') return true;
    if (index >= levels.length || (want !== '+' && want !== levels[index])) return false;
  }
  return wanted.length === levels.length;
}

interface Wildcard<T> {
  filter: string;
  /** The text before the first wildcard, which distinguishes most filters. */
  prefix: string;
  values: Set<T>;
}

/** Values by topic filter. What a topic matches is found without looking at filters that have no wildcard. */
export class TopicIndex<T> {
  readonly #exact = new Map<string, Set<T>>();
  readonly #wildcards = new Map<string, Wildcard<T>>();

  add(filter: string, value: T): void {
    const values = this.#valuesOf(filter);
    if (values) values.add(value);
    else if (/[+#]/.test(filter)) {
      const prefix = filter.slice(0, filter.search(/\/?[+#]/));
      this.#wildcards.set(filter, { filter, prefix, values: new Set([value]) });
    } else this.#exact.set(filter, new Set([value]));
  }

  remove(filter: string, value: T): void {
    const values = this.#valuesOf(filter);
    values?.delete(value);
    if (values?.size !== 0) return;
    this.#exact.delete(filter);
    this.#wildcards.delete(filter);
  }

  /** Every value whose filter matches; one with several such filters comes several times. */
  match(topic: string): T[] {
    const found = [...(this.#exact.get(topic) ?? [])];
    for (const { filter, prefix, values } of this.#wildcards.values()) {
      if (topic.startsWith(prefix) && filterMatches(filter, topic)) found.push(...values);
    }
    return found;
  }

  /** Whether one of the values whose filter matches is such a one. */
  some(topic: string, isWanted: (value: T) => boolean): boolean {
    for (const value of this.#exact.get(topic) ?? []) if (isWanted(value)) return true;
    for (const { filter, prefix, values } of this.#wildcards.values()) {
      if (!topic.startsWith(prefix) || !filterMatches(filter, topic)) continue;
      for (const value of values) if (isWanted(value)) return true;
    }
    return false;
  }

  #valuesOf(filter: string): Set<T> | undefined {
    return this.#exact.get(filter) ?? this.#wildcards.get(filter)?.values;
  }
}
