// Elements of the page.

/** The element with an id. */
export const $ = id => document.getElementById(id);

/** An element with attributes, and children that are elements or text. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'onclick') element.addEventListener('click', value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children);
  return element;
}

/** A button with a label, and what it does. */
export const button = (label, onclick, attributes = {}) =>
  make('button', { type: 'button', onclick, ...attributes }, label);

/** Lets a screen reader say something. */
export const say = text => { $('spoken').textContent = text; };

/** Copies a text, and says on a button whether that worked. */
export async function copy(text, button) {
  let done = false;
  try {
    await navigator.clipboard.writeText(text);
    done = true;
  } catch {
    // Browsers lend the clipboard to secure addresses only; elsewhere the old way works.
    const area = make('textarea', { class: 'unseen', readonly: true });
    area.value = text;
    document.body.append(area);
    area.select();
    done = document.execCommand('copy');
    area.remove();
    button.focus();
  }
  say(done ? 'Copied.' : 'The browser does not allow to copy.');
  button.textContent = done ? 'Copied' : 'Not allowed';
  setTimeout(() => { button.textContent = 'Copy'; }, 1500);
}

/** A box with code. */
export function codeNode({ language, text }) {
  const name = language || 'code';
  const code = make('code', {}, text);
  return make('div', { class: 'code' },
    make('div', { class: 'row' }, make('span', {}, name),
      button('Copy', e => copy(text, e.currentTarget), { 'aria-label': `Copy ${name}` })),
    make('pre', { tabindex: '0', role: 'group', 'aria-label': name }, code));
}
