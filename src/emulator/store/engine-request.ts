/** What goes into the engine and what comes out. */

/** What the store sees of a request PUBLISH. */
export interface EngineRequest {
  clientId: string;
  payload: Buffer;
  /** User property `__ts`. */
  timestamp?: string | undefined;
  /** User property `__ft`. */
  fencingToken?: string | undefined;
}

/** The response PUBLISH: its payload and, where the protocol has one, its `__ts`. */
export interface EngineResponse {
  payload: Buffer;
  version?: string;
}

/** A notification PUBLISH for one observing client. */
export interface EngineNotification {
  clientId: string;
  key: Buffer;
  payload: Buffer;
  version: string;
}

export interface EngineOutput {
  response: EngineResponse;
  notifications: EngineNotification[];
  /** Whether it was a SET, DEL or VDEL, which must not be executed again. */
  isWrite: boolean;
}

/** Called when a key comes or goes. */
export type KeyListener = (key: Buffer, exists: boolean) => void;
