/** A figure that a goal of the whole run is about: see goals.ts. */
export type FigureName = 'observe-client' | 'observe-node' | 'locks' | 'context-set';

/** One figure, in words. */
export interface Finding {
  what: string;
  measured: string;
  goal?: string;
  met?: boolean;
  figure?: { name: FigureName; value: number };
}

/** What is measured together. */
export type Part = () => Promise<Finding[]>;
