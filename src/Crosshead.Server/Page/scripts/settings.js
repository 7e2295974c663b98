// The dialog of the settings.

import { showNotice } from './banners.js';
import { $ } from './elements.js';
import { connect } from './server.js';
import { local, session, tab } from './session.js';
import { attempt, KEY, saveSettings } from './storage.js';

/** From settings to the ids of their fields. */
export const SETTING_FIELDS =
  { system: 'system', temperature: 'temperature', topP: 'top-p', maxTokens: 'max-tokens', seed: 'seed' };

/** Opens the dialog at a field. */
export function openSettings(field) {
  for (const [name, id] of Object.entries(SETTING_FIELDS)) $(id).value = session.settings[name];
  $('key').value = attempt(() => tab.getItem(KEY), null) ?? '';
  $('settings').showModal();
  $(field).focus();
}

/** Takes what the fields hold. */
export function takeSettings() {
  for (const [name, id] of Object.entries(SETTING_FIELDS)) session.settings[name] = $(id).value;
  if (!saveSettings(local, session.settings)) {
    showNotice('The browser has no room for the settings. This page keeps them.');
  }
  const [before, after] = [attempt(() => tab.getItem(KEY), null) ?? '', $('key').value.trim()];
  attempt(() => (after === '' ? tab.removeItem(KEY) : tab.setItem(KEY, after)));
  $('settings').close();
  if (before !== after || !session.model) connect();
}
