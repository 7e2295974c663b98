// What the page says about failures.

import { $, button, make } from './elements.js';
import { openSettings } from './settings.js';

/** Shows a failure, with a way to try again; null hides it. */
export function showFailure(failure, again = null) {
  if (!failure) return void $('banner').replaceChildren();
  const { message, status, retryAfter } = failure;
  const text = capital(message) + (retryAfter > 0 ? ` (Try again in ${retryAfter} s.)` : '');
  if ($('banner').firstChild?.textContent === text) return; // said already
  const parts = [make('p', {}, text)];
  if (status === 401) parts.push(button('Enter the API key', () => openSettings('key')));
  else if (again) parts.push(button('Try again', () => { showFailure(null); again(); $('input').focus(); }));
  parts.push(button('Close', () => { showFailure(null); $('input').focus(); }));
  $('banner').replaceChildren(...parts);
}

/** Shows a remark; an empty one hides it. */
export function showNotice(text) {
  const close = () => { showNotice(''); $('input').focus(); };
  if (text === '') $('notice').replaceChildren();
  else if ($('notice').firstChild?.textContent !== text) {
    $('notice').replaceChildren(make('p', {}, text), button('Close', close));
  }
}

const capital = text => text.charAt(0).toUpperCase() + text.slice(1);
