// Markdown as elements. What a model writes only ever becomes text nodes, never markup.

import { blocksOf } from './blocks.js';
import { codeNode, make } from './elements.js';
import { spansOf } from './spans.js';

const SPANS = { code: 'code', strong: 'strong', emphasis: 'em' };

function spanNodes(spans) {
  return spans.map(span => {
    if (typeof span === 'string') return span;
    if (span.kind === 'link') {
      return make('a', { href: span.href, target: '_blank', rel: 'noopener noreferrer' }, ...spanNodes(span.spans));
    }
    return make(SPANS[span.kind], {}, ...(span.kind === 'code' ? [span.text] : spanNodes(span.spans)));
  });
}

function blockNode(block) {
  const inside = text => spanNodes(spansOf(text));
  switch (block.kind) {
    case 'heading': return make(`h${block.level}`, {}, ...inside(block.text));
    case 'code': return codeNode(block);
    case 'rule': return make('hr');
    case 'table': return tableNode(block);
    case 'quote': return make('blockquote', {}, ...block.blocks.map(blockNode));
    case 'list': return make(block.ordered ? 'ol' : 'ul', { start: block.ordered && block.start !== 1 && block.start },
      ...block.items.map(item => make('li', {}, ...itemNodes(item))));
    default: return make('p', {}, ...inside(block.text));
  }
}

// A wide table scrolls by itself.
function tableNode({ columns, head, rows }) {
  const cell = (tag, text, column) => make(tag,
    { class: column !== 'left' && column, scope: tag === 'th' && 'col' }, ...spanNodes(spansOf(text)));
  const row = (tag, cells) => make('tr', {}, ...cells.map((text, i) => cell(tag, text, columns[i])));
  return make('div', { class: 'table', tabindex: '0', role: 'group', 'aria-label': 'Table' },
    make('table', {}, make('thead', {}, row('th', head)), make('tbody', {}, ...rows.map(cells => row('td', cells)))));
}

// An item of one paragraph needs none around it.
function itemNodes(blocks) {
  const [first, ...others] = blocks;
  if (first?.kind !== 'paragraph' || others.some(b => b.kind === 'paragraph')) return blocks.map(blockNode);
  return [...spanNodes(spansOf(first.text)), ...others.map(blockNode)];
}

/** Shows Markdown in an element, and builds only the blocks that have changed. */
export function markdownView(element) {
  let shown = [];
  return text => {
    const blocks = blocksOf(text);
    const next = blocks.map(b => JSON.stringify(b));
    let same = 0;
    while (same < next.length && next[same] === shown[same]) same++;
    while (element.childNodes.length > same) element.lastChild.remove();
    element.append(...blocks.slice(same).map(blockNode));
    shown = next;
  };
}
