/** Keys as the runtime sends them (base64 of their bytes, here called ID) and as people read them. */
(() => {
  window.stateStoreSidebar ??= {};
  const sidebar = window.stateStoreSidebar;
  const encoder = new TextEncoder();
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  const bytesOf = (id) => Uint8Array.from(atob(id), (character) => character.charCodeAt(0));

  /** Bytes of the longest key that the runtime takes from a page. */
  const MOST_BYTES = 60_000;
  const isTooLong = (id) => (id.length / 4) * 3 - /=*$/.exec(id.slice(-2))[0].length > MOST_BYTES;

  /** The ID of a key that was typed. */
  function idOf(text) {
    let binary = '';
    for (const byte of encoder.encode(text)) binary += String.fromCharCode(byte);
    return btoa(binary);
  }

  /** The text of a key that is text; undefined for other bytes. */
  function typedText(id) {
    try {
      const text = decoder.decode(bytesOf(id));
      return /\p{Cc}/u.test(text) ? undefined : text;
    } catch {
      return undefined;
    }
  }

  /** What people read: the text, or the bytes in hexadecimal digits. */
  function textOf(id) {
    const hex = () => [...bytesOf(id)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return typedText(id) ?? `0x${hex()}`;
  }

  /** The beginning of a long key, which has thousands of characters at most. */
  const shortened = (text, most = 200) => (text.length <= most ? text : `${text.slice(0, most)}…`);

  sidebar.key = { bytesOf, idOf, isTooLong, typedText, textOf, shortened };
})();
