'use strict';
// Database names: what CouchDB allows, and how names appear in URLs and on disk.
//
// CouchDB allows "/" in a name (cozy-stack's prefixes use it), but folder names cannot contain it. Inside the server,
// "/" is written as "~", which no CouchDB name may contain, so the two cannot be confused.

const LEGAL = /^[a-z][a-z0-9_$()+/-]*$/;
const SYSTEM = new Set(['_users', '_replicator', '_global_changes']);
const LONGEST = 238; // CouchDB's max_db_name_length

/** Returns CouchDB's reason for refusing a new database of this name, or null. */
function refusal(name) {
  if (name.length > LONGEST) {
    return ['database_name_too_long', `Database name: '${name.slice(0, LONGEST)}...' is too long.`];
  }
  if (!SYSTEM.has(name) && !LEGAL.test(name)) {
    return ['illegal_database_name', `Name: '${name}'. Only lowercase characters (a-z), digits (0-9), and any of the ` +
      'characters _, $, (, ), +, -, and / are allowed. Must begin with a letter.'];
  }
  return null;
}

const toFolder = (name) => name.replaceAll('/', '~');
const fromFolder = (folder) => folder.replaceAll('~', '/');

/**
 * Splits a request's URL into its database and the rest.
 * @returns {{name: string, rest: string}|null} null for the root and the server's own `_...` paths
 * @throws {URIError} if the first part is not valid percent-encoding
 */
function splitUrl(url) {
  const [, encoded, rest] = /^\/([^/?]*)(.*)$/s.exec(url) || [];
  if (!encoded) return null;
  const name = decodeURIComponent(encoded);
  return name.startsWith('_') && !SYSTEM.has(name) ? null : { name, rest };
}

module.exports = { refusal, toFolder, fromFolder, splitUrl };
