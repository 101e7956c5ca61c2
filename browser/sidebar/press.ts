/** Whether a part of the tab is being pressed: an element that is drawn again between press and release gets no click. */
export class Press {
  isDown = false;

  /** `parts` is the selector, under `root`, of what can be pressed; `onRelease` is called once the click was handled. */
  constructor(root: JQuery, parts: string, onRelease: () => void) {
    const release = () => {
      if (!this.isDown) return;
      // The click follows the release of the button at once.
      setTimeout(() => {
        this.isDown = false;
        onRelease();
      });
    };
    root.on('pointerdown', parts, ({ originalEvent }) => {
      // The release of another button may go to the menu that it opens.
      if (originalEvent instanceof PointerEvent && originalEvent.button === 0) this.isDown = true;
    });
    // Wherever the pointer is by then; a browser that takes the touch for scrolling cancels it.
    for (const end of ['pointerup', 'pointercancel']) window.addEventListener(end, release, true);
    // Of the window itself: that of an element does not bubble.
    window.addEventListener('blur', release);
  }
}
