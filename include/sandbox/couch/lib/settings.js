'use strict';
// The server's settings. They come from the environment only, because every user of the machine can read command lines.
const path = require('path');

/**
 * @param {Record<string, string|undefined>} env
 * @returns {{dir: string, port: number, user: string, password: string, memory: boolean, sessionSeconds: number,
 *   lockout: number, lockoutSeconds: number}} lockout: wrong passwords after which a login is locked, 0 for never
 * @throws {Error} with a sentence for the user if a setting is missing or invalid
 */
function readSettings(env) {
  const password = env.GRDF_COUCH_PASSWORD;
  if (!password) {
    throw new Error('GRDF_COUCH_PASSWORD is not set: the embedded CouchDB never runs without a password.');
  }
  const user = env.GRDF_COUCH_USER || 'admin';
  if (user.includes(':')) {
    throw new Error('GRDF_COUCH_USER holds a colon, which HTTP basic authentication cannot carry.');
  }
  const port = Number(env.GRDF_COUCH_PORT || 5984);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new Error(`GRDF_COUCH_PORT is "${env.GRDF_COUCH_PORT}": give a port between 0 (any free one) and 65535.`);
  }
  const memory = env.GRDF_COUCH_MEMORY === '1';
  if (!memory && !env.GRDF_COUCH_DIR) {
    throw new Error('GRDF_COUCH_DIR is not set: name the folder that keeps the databases.');
  }
  return {
    dir: path.resolve(env.GRDF_COUCH_DIR || '.'),
    port,
    user,
    password,
    memory,
    sessionSeconds: Number(env.GRDF_COUCH_SESSION_SECONDS) || 600,
    lockout: Number(env.GRDF_COUCH_LOCKOUT) || 0,
    lockoutSeconds: Number(env.GRDF_COUCH_LOCKOUT_SECONDS) || 300,
  };
}

module.exports = { readSettings };
