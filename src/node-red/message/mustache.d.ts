/** The part of mustache that is used here; the package has no types of its own. */
declare module 'mustache' {
  /** A piece of a parsed template: kind, name or text, and where it is; a section has its own pieces. */
  type Token = [
    kind: string,
    value: string,
    begin: number,
    end: number,
    pieces?: Token[],
    ...rest: unknown[],
  ];

  class Context {
    constructor(view: unknown, parent?: Context);
    lookup(name: string): unknown;
    push(view: unknown): Context;
  }

  class Writer {
    render(
      template: string,
      view: Context,
      partials?: undefined,
      config?: { escape(value: unknown): string },
    ): string;
  }

  function parse(template: string): Token[];
}
