/**
 * Client IDs of this process. A broker ends a connection when another one logs in with the same client ID, so two stores with one ID
 * would take the session from each other again and again.
 */

interface Use {
  owner: string;
  /** Names the owner in the log. */
  name: string;
}

const inUse = new Map<string, Use>();

export interface ClaimedId {
  clientId: string;
  /** The store that has the ID of the settings; this one has an ID of its own. */
  usedBy?: string;
  release(): void;
}

/** The client ID for the store `owner` on a broker: the wanted one, or, while another store has that, one with the owner's ID at its end. */
export function claimClientId(broker: string, wanted: string, { owner, name }: Use): ClaimedId {
  const id = `${broker} ${wanted}`;
  const other = inUse.get(id);
  if (other && other.owner !== owner)
    return { clientId: `${wanted}-${owner}`, usedBy: other.name, release: () => undefined };
  const use = { owner, name };
  inUse.set(id, use);
  return {
    clientId: wanted,
    release: () => {
      if (inUse.get(id) === use) inUse.delete(id);
    },
  };
}
