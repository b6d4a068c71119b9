'use strict';
// The server's settings. They come from the environment only, because every user of the machine can read command lines.
const path = require('path');

/**
 * @param {Record<string, string|undefined>} env
 * @returns {{dir: string, port: number, user: string, password: string, memory: boolean, lockout: number}} lockout:
 *   wrong passwords after which a login is locked, 0 for never
 * @throws {Error} without a password
 */
function readSettings(env) {
  if (!env.GRDF_COUCH_PASSWORD) {
    throw new Error('GRDF_COUCH_PASSWORD is not set: the embedded CouchDB never runs without a password.');
  }
  return {
    dir: path.resolve(env.GRDF_COUCH_DIR || '.'),
    port: Number(env.GRDF_COUCH_PORT || 5984),
    user: env.GRDF_COUCH_USER || 'admin',
    password: env.GRDF_COUCH_PASSWORD,
    memory: env.GRDF_COUCH_MEMORY === '1',
    lockout: Number(env.GRDF_COUCH_LOCKOUT) || 0,
  };
}

module.exports = { readSettings };
