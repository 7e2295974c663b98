// Markdown as plain data: the blocks of a text. What a model writes only ever becomes text nodes, never markup.

const MOST_COLUMNS = 64;

/** Most lists, quotes and emphases within each other. */
export const DEEPEST = 8;

/** The blocks of a text: paragraph, heading, code, list, quote, table and rule. */
export function blocksOf(text, depth = 0, outline = { level: 2 }) {
  const lines = text.replace(/\r\n?/g, '\n').split('\n');
  const blocks = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    const fence = fenceOf(line);
    const item = itemOf(line);
    if (line.trim() === '') {
      at++;
    } else if (fence) {
      const inside = [];
      for (at++; at < lines.length && !closesFence(lines[at], fence); at++) {
        inside.push(unindent(lines[at], fence.indent));
      }
      at++;
      blocks.push({ kind: 'code', language: fence.language, text: inside.join('\n') });
    } else if (headingOf(line)) {
      const heading = headingOf(line);
      // Headings of the page never skip a level, whatever the model does.
      outline.level = Math.min(heading.depth + 2, outline.level + 1, 6);
      blocks.push({ kind: 'heading', level: outline.level, text: heading.text });
      at++;
    } else if (isRule(line)) {
      blocks.push({ kind: 'rule' });
      at++;
    } else if (depth < DEEPEST && isQuote(line)) {
      const inside = [];
      for (; at < lines.length && isQuote(lines[at]); at++) {
        inside.push(lines[at].trimStart().slice(1).replace(/^ /, ''));
      }
      blocks.push({ kind: 'quote', blocks: blocksOf(inside.join('\n'), depth + 1, outline) });
    } else if (depth < DEEPEST && item) {
      const list = { kind: 'list', ordered: item.ordered, start: item.number, items: [] };
      at = takeItems(lines, at, list, depth, outline);
      blocks.push(list);
    } else if (columnsAt(lines, at)) {
      const table = { kind: 'table', columns: columnsAt(lines, at), head: cellsOf(line), rows: [] };
      for (at += 2; at < lines.length && !endsParagraph(lines[at], depth); at++) {
        const cells = cellsOf(lines[at]);
        table.rows.push(table.columns.map((_, i) => cells[i] ?? ''));
      }
      blocks.push(table);
    } else {
      const inside = [line.trim()];
      for (at++; at < lines.length && !endsParagraph(lines[at], depth) && !columnsAt(lines, at); at++) {
        inside.push(lines[at].trim());
      }
      blocks.push({ kind: 'paragraph', text: inside.join('\n') });
    }
  }
  return blocks;
}

function fenceOf(line) {
  const match = /^( {0,3})(`{3,}|~{3,})(.*)$/.exec(line);
  if (!match || match[2][0] === '`' && match[3].includes('`')) return null;
  return { indent: match[1].length, mark: match[2], language: match[3].trim().split(/\s/)[0] };
}

function closesFence(line, fence) {
  const end = line.trim();
  return end.length >= fence.mark.length && end === fence.mark[0].repeat(end.length);
}

function unindent(line, spaces) {
  let at = 0;
  while (at < spaces && line[at] === ' ') at++;
  return line.slice(at);
}

function headingOf(line) {
  const match = /^ {0,3}(#{1,6})[ \t]/.exec(line);
  if (!match) return null;
  const text = line.slice(match[0].length).trim();
  let end = text.length;
  while (end > 0 && text[end - 1] === '#') end--;
  const closed = end === 0 || text[end - 1] === ' ';
  return { depth: match[1].length, text: closed ? text.slice(0, end).trimEnd() : text };
}

function isRule(line) {
  const marks = line.replace(/[ \t]/g, '');
  return marks.length >= 3 && '-*_'.includes(marks[0]) && marks === marks[0].repeat(marks.length);
}

const isQuote = line => /^ {0,3}>/.test(line);

function itemOf(line) {
  const match = /^( *)([-*+]|\d{1,9}[.)])( +|$)/.exec(line);
  if (!match || isRule(line)) return null;
  const [whole, indent, mark, gap] = match;
  const ordered = mark.length > 1;
  return {
    indent: indent.length,
    // Text after many spaces is still text, not a deeper level.
    inside: indent.length + mark.length + (gap.length >= 1 && gap.length <= 4 ? gap.length : 1),
    kind: mark[mark.length - 1],
    ordered,
    number: ordered ? parseInt(mark, 10) : 1,
    text: line.slice(whole.length),
  };
}

function takeItems(lines, at, list, depth, outline) {
  const first = itemOf(lines[at]);
  let item = first;
  while (item) {
    const inside = [item.text];
    let blank = false;
    for (at++; at < lines.length; at++) {
      const line = lines[at];
      const indent = line.length - line.trimStart().length;
      if (line.trim() === '') blank = true;
      else if (indent < item.inside && (blank || itemOf(line) || endsParagraph(line, depth))) break;
      else blank = false;
      inside.push(unindent(line, item.inside));
    }
    list.items.push(blocksOf(inside.join('\n'), depth + 1, outline));
    const next = at < lines.length ? itemOf(lines[at]) : null;
    item = next && next.kind === first.kind && next.indent < first.inside ? next : null;
  }
  return at;
}

function endsParagraph(line, depth) {
  if (line.trim() === '' || fenceOf(line) || headingOf(line) || isRule(line)) return true;
  // A line that begins with a year and a full stop is no list.
  const item = itemOf(line);
  return depth < DEEPEST && (isQuote(line) || item !== null && item.number === 1);
}

// The columns of a table that begins at a line: 'left', 'center' or 'right' each. Null if none begins there.
function columnsAt(lines, at) {
  const marks = lines[at + 1] ?? '';
  if (!lines[at].includes('|') || !marks.includes('|') || !/^[ \t|:-]+$/.test(marks)) return null;
  const cells = cellsOf(marks);
  if (cells.length > MOST_COLUMNS || !cells.every(c => /^:?-+:?$/.test(c))) return null;
  if (cellsOf(lines[at]).length !== cells.length) return null;
  return cells.map(c => (!c.endsWith(':') ? 'left' : c.startsWith(':') ? 'center' : 'right'));
}

// Between bars; a bar after a backslash is text.
function cellsOf(line) {
  const row = line.trim().replace(/^\|/, '').replace(/([^\\]|^)\|$/, '$1');
  return row.split(/(?<!\\)\|/).map(cell => cell.trim().replaceAll('\\|', '|'));
}
