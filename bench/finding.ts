/** One figure, in words. */
export interface Finding {
  what: string;
  measured: string;
  goal?: string;
  met?: boolean;
}

/** What is measured together. */
export type Part = () => Promise<Finding[]>;
