/** Takes the prose out of pages, help texts, catalogues and source files. */

export interface Passage {
  readonly line: number;
  readonly text: string;
}

const plain = (text?: string) => text?.replace(/`[^`]+`/g, 'code').trim();
const BLANK = (text: string) => text.replace(/[^\n]/g, ' ');

/** Passages of a Markdown page: paragraphs, list items, headings and cells of tables, without code and targets of links. */
export function ofMarkdown(page: string): Passage[] {
  const text = page
    .replace(/^( *)```[\s\S]*?^\1```/gm, BLANK)
    .replace(/<!--[\s\S]*?-->/g, BLANK)
    .replace(/!\[[^\]]*\]\([^)]*\)/g, BLANK)
    .replace(/\]\([^)\s]*\)/g, ']')
    .replace(/https?:\/\/\S+/g, 'address')
    .replace(/`[^`]+`/g, 'Code');
  const passages: { line: number; text: string }[] = [];
  let open = false;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || /^\|?[-| :]+$/.test(line)) {
      open = false;
    } else if (line.startsWith('|')) {
      for (const cell of line.split('|'))
        if (cell.trim()) passages.push({ line: index + 1, text: cell.trim() });
      open = false;
    } else if (open && !/^([-*] |\d+\. |#)/.test(line)) {
      const last = passages.at(-1);
      if (last) last.text += ` ${line}`;
    } else {
      passages.push({ line: index + 1, text: line.replace(/^([-*]|\d+\.|#+) /, '') });
      open = !line.startsWith('#');
    }
  }
  return passages;
}

/** Code of a page, line by line: commands that people copy. */
export function codeOfMarkdown(page: string): Passage[] {
  return page.split('\n').map((text, index) => ({ line: index + 1, text }));
}

/** Descriptions and names of the nodes in an example. */
export function ofExample(json: string): Passage[] {
  return json.split('\n').flatMap((raw, index) => {
    const text = /^\s*"(?:info|name|label)": ("(?:[^"\\]|\\.)*"),?$/.exec(raw)?.[1];
    if (text === undefined) return [];
    return ofMarkdown(JSON.parse(text) as string).map((passage) => ({ line: index + 1, text: passage.text }));
  });
}

/** Passages of a help text: the content of each element, without code. */
export function ofHtml(help: string): Passage[] {
  const text = help
    .replace(/<pre[\s\S]*?<\/pre>/g, BLANK)
    .replace(/<code[^>]*>.*?<\/code>/g, 'Code')
    .replace(/&[a-z]+;/g, ' ');
  const passages: Passage[] = [];
  for (const [index, line] of text.split('\n').entries())
    for (const part of line.split(/<\/(?:p|dt|dd|li|h3|td|th)>/)) {
      const plain = part.replace(/<[^>]+>/g, '').trim();
      if (plain) passages.push({ line: index + 1, text: plain });
    }
  return passages;
}

/** Texts of a catalogue: one a line. */
export function ofCatalogue(json: string): Passage[] {
  const passages: Passage[] = [];
  for (const [index, line] of json.split('\n').entries()) {
    const text = /^\s*"[^"]+": ("(?:[^"\\]|\\.)*"),?$/.exec(line)?.[1];
    if (text) passages.push({ line: index + 1, text: JSON.parse(text) as string });
  }
  return passages;
}

/** Comments of a source file: whole lines, blocks joined, and comments behind code. */
export function ofComments(source: string): Passage[] {
  const passages: { line: number; text: string }[] = [];
  let open = false;
  for (const [index, raw] of source.split('\n').entries()) {
    const whole = /^\s*(?:\/\/|\/\*\*?|\*)(?!\/)\s?(.*?)(?:\*\/)?$/.exec(raw)?.[1];
    const text = plain(whole);
    const behind = whole === undefined ? plain(/[;,{}()] \/\/ (.*)$/.exec(raw)?.[1]) : undefined;
    if (behind) passages.push({ line: index + 1, text: behind });
    const last = passages.at(-1);
    if (text === undefined || text === '') open = false;
    else if (open && last) last.text += ` ${text}`;
    else passages.push({ line: index + 1, text });
    open = text !== undefined && text !== '' && !raw.includes('*/');
  }
  return passages;
}

/** Titles of tests. */
export function ofTitles(source: string): Passage[] {
  const passages: Passage[] = [];
  for (const [index, raw] of source.split('\n').entries()) {
    const text = /\b(?:it|describe)(?:\.only|\.skip)?\(\s*(['"`])((?:\\.|(?!\1).)+)\1/.exec(raw)?.[2];
    if (text) passages.push({ line: index + 1, text });
  }
  return passages;
}

/** Sentences of a passage. */
export function sentences(text: string): string[] {
  return text.split(/(?<=[.!?:])["*)_]*\s+(?=["*(_[]*[A-Z0-9])/).filter((sentence) => sentence.trim() !== '');
}

/** Words of a sentence; marks alone do not count. */
export function words(sentence: string): number {
  return sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
}
