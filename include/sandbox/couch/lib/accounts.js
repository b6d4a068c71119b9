'use strict';
// Who may log in, as in CouchDB 3.5: the server administrator from the settings, and the users in the database _users.
// After several wrong passwords, CouchDB answers every login with 403 for some minutes, even with the right password
// (chttpd_auth_lockout). Here that is off unless the settings enable it.
const crypto = require('crypto');
const names = require('./names');

const USERS = '_users';
const PREFIX = 'org.couchdb.user:';
const ROUNDS = 1000; // CouchDB uses 600,000 and keeps the passwords of a real service; this server listens on loopback only
const LOCKOUT_MS = 300_000;
const LOCKED = 'Account is temporarily locked due to multiple authentication failures';

const digest = (text) => crypto.createHash('sha256').update(String(text)).digest();
const same = (a, b) => crypto.timingSafeEqual(digest(a), digest(b));
const derive = (password, salt) => crypto.pbkdf2Sync(String(password), salt, ROUNDS, 32, 'sha256').toString('hex');

class Accounts {
  constructor({ user, password, lockout }, databases) {
    Object.assign(this, { user, password, lockout, databases });
    this.failures = new Map();
  }

  /**
   * Returns the user with this name and password.
   * @returns {Promise<{name: string, admin: boolean, roles: string[]}|null>} null if there is none
   * @throws {{locked: string}} after too many wrong passwords for this name
   */
  async login(name, password) {
    const account = name === undefined ? null : await this.find(String(name));
    if (account === null) return null; // as in CouchDB, a name that does not exist is never locked
    // As in CouchDB, a new password lifts the lock, because failures are counted per name and salt.
    const key = JSON.stringify([name, account.salt]);
    const failed = this.failures.get(key);
    if (failed && failed.since + LOCKOUT_MS < Date.now()) this.failures.delete(key);
    const count = this.failures.get(key)?.count ?? 0;
    if (this.lockout && count >= this.lockout) throw { locked: LOCKED };
    if (account.has(password)) return account.who;
    this.failures.set(key, { since: this.failures.get(key)?.since ?? Date.now(), count: count + 1 });
    return null;
  }

  /** Returns the account of this name without checking a password, for a session that was opened with one. */
  async named(name) {
    return (await this.find(name))?.who ?? null;
  }

  async find(name) {
    if (same(name, this.user)) {
      const who = { name: this.user, admin: true, roles: ['_admin'] };
      return { who, salt: '', has: (password) => same(password, this.password) };
    }
    if (!this.databases.has(USERS)) return null;
    try {
      const found = await this.databases.open(names.toFolder(USERS)).get(PREFIX + name);
      const who = { name, admin: false, roles: found.roles || [] };
      return { who, salt: found.salt, has: (password) => same(derive(password, found.salt), found.derived_key) };
    } catch (error) {
      if (error.status === 404) return null;
      throw error;
    }
  }
}

/** Returns a user's document as it is stored: with the password's hash in place of the password. */
function keptUser(document) {
  const { password, ...kept } = document;
  if (password === undefined) return kept;
  const salt = crypto.randomBytes(16).toString('hex');
  return { ...kept, password_scheme: 'pbkdf2', pbkdf2_prf: 'sha256', iterations: ROUNDS, salt, derived_key: derive(password, salt) };
}

/** Returns CouchDB's reason for refusing a user's document, or null. */
function wrongUser(id, document) {
  if (document.type !== 'user') return 'doc.type must be user';
  if (typeof document.name !== 'string' || PREFIX + document.name !== id) return 'Doc ID must be of the form org.couchdb.user:name';
  if (!Array.isArray(document.roles)) return 'doc.roles must exist and be an array';
  return null;
}

module.exports = { Accounts, keptUser, wrongUser, USERS };
