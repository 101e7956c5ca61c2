/** Values as the debug sidebar shows them, and versions as times. */
(() => {
  window.stateStoreSidebar ??= {};
  const sidebar = window.stateStoreSidebar;

  /** Core's own view takes objects with this property for what it encoded itself. */
  const RESERVED = '__enc__';
  /** Properties of one object; Core makes an element with buttons for each of them. */
  const MOST_PROPERTIES = 1000;

  /** What a node would get: JSON as what it says, other text as text, bytes as a list of numbers. */
  function parse({ text, base64, cut }) {
    if (base64 !== undefined) return { bytes: [...sidebar.key.bytesOf(base64)] };
    if (cut) return { value: text };
    try {
      return {
        value: JSON.parse(text, (name, value) => {
          const isLarge =
            typeof value === 'object' &&
            value !== null &&
            !Array.isArray(value) &&
            Object.keys(value).length > MOST_PROPERTIES;
          if (name === RESERVED || isLarge) throw new SyntaxError();
          return value;
        }),
      };
    } catch {
      return { value: text };
    }
  }

  /** The element of Core for a value; plain text where it cannot show it. */
  function element(shown, options = {}) {
    const { value, bytes } = parse(shown);
    try {
      if (bytes)
        return RED.utils.createObjectElement(bytes, { ...options, typeHint: `buffer[${shown.size}]` });
      return RED.utils.createObjectElement(value, options);
    } catch {
      return $('<span class="red-ui-debug-msg-type-string">').text(shown.text);
    }
  }

  /** Makes what Core lets the mouse unfold reachable by keyboard, and names its buttons; what is unfolded later, too. */
  function reachable(root) {
    const mark = () => {
      for (const button of root.find('.red-ui-debug-msg-tools button:not([aria-label])')) {
        const copies = $(button).has('.fa-terminal').length > 0 ? 'copyPath' : 'copyPayload';
        $(button).attr('aria-label', RED._(`node-red:debug.sidebar.${copies}`));
      }
      for (const header of root.find('.red-ui-debug-msg-expandable')) {
        const isOpen = !header.parentElement.classList.contains('collapsed');
        $(header).attr({ role: 'button', tabindex: 0, 'aria-expanded': String(isOpen) });
      }
    };
    root.on('click', () => setTimeout(mark));
    root.on('keydown', '.red-ui-debug-msg-expandable', (event) => {
      if (event.target !== event.currentTarget || (event.key !== 'Enter' && event.key !== ' ')) return;
      event.preventDefault();
      event.stopPropagation();
      $(event.currentTarget).trigger('click');
    });
    mark();
    return root;
  }

  /** Milliseconds since 1970 in a version of the store; undefined where there is none. */
  const timeOf = (version) => (version ? Number(/^\d+/.exec(version)?.[0]) || undefined : undefined);

  /** How long ago, in words: `words` has `age.seconds` and so on. */
  function age(words, ms) {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    if (seconds < 60) return words('age.seconds', { count: seconds });
    if (seconds < 3600) return words('age.minutes', { count: Math.floor(seconds / 60) });
    if (seconds < 86_400) return words('age.hours', { count: Math.floor(seconds / 3600) });
    return words('age.days', { count: Math.floor(seconds / 86_400) });
  }

  /** A size in words. */
  function size(bytes) {
    if (bytes < 1024) return `${bytes} B`;
    if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
    return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
  }

  /** Unfolds these paths of an element that was made with `exposeApi`; those of what is around first. */
  function unfold(element, paths) {
    // Core's option for it unfolds each ten entries of a long list.
    const expand = $(element).prop('expand');
    for (const path of [...paths].sort()) expand?.(path, true);
  }

  sidebar.value = { element, unfold, reachable, timeOf, age, size };
})();
