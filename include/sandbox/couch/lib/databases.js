'use strict';
// Which databases exist, with one open PouchDB for each. express-pouchdb's own registry runs all openings and deletions
// through one chain of promises, which a single failure breaks permanently. This one keeps databases independent.
const fs = require('fs');
const path = require('path');
const { load } = require('./packages');
const names = require('./names');

const VIEW_FOLDER = /-mrview-[0-9a-f]{32}$/; // PouchDB keeps each index in a separate database next to the data

class Databases {
  constructor({ dir, memory }) {
    let Pouch = load('pouchdb-node');
    this.known = new Set();
    if (memory) {
      Pouch = Pouch.plugin(load('pouchdb-adapter-memory')).defaults({ adapter: 'memory' });
    } else {
      const root = path.join(dir, 'db');
      fs.mkdirSync(root, { recursive: true, mode: 0o700 });
      for (const entry of fs.readdirSync(root, { withFileTypes: true })) {
        if (entry.isDirectory() && !VIEW_FOLDER.test(entry.name)) this.known.add(entry.name);
      }
      Pouch = Pouch.defaults({ prefix: root + path.sep });
    }
    Pouch.setMaxListeners(0);
    // express-pouchdb calls this before each request. Without it, it would keep the list in a database of its own.
    Pouch.allDbs = async () => [...this.known];
    this.Pouch = Pouch;
    this.opened = new Map();
    this.leaving = new Map();
  }

  /** Returns the names of all databases, sorted as CouchDB sorts them. */
  list() {
    return [...this.known].map(names.fromFolder).sort();
  }

  has(name) {
    return this.known.has(names.toFolder(name));
  }

  /** Returns the open database of this folder name. express-pouchdb calls it after looking up the name in allDbs(). */
  open(folder) {
    if (!this.opened.has(folder)) this.opened.set(folder, new this.Pouch(folder));
    return this.opened.get(folder);
  }

  /**
   * Creates a database.
   * @returns {Promise<boolean>} false if the name already exists; of two concurrent calls, only one gets true
   */
  async create(name) {
    const folder = names.toFolder(name);
    await this.leaving.get(folder); // LevelDB may still be deleting the files of the previous one
    if (this.known.has(folder)) return false;
    this.known.add(folder);
    try {
      await this.open(folder).info();
    } catch (error) {
      this.known.delete(folder);
      this.opened.delete(folder);
      throw error;
    }
    return true;
  }

  /** Deletes a database and its indexes. Returns false if there is none of that name. */
  async destroy(name) {
    const folder = names.toFolder(name);
    if (!this.known.delete(folder)) return false;
    const database = this.open(folder);
    this.opened.delete(folder);
    const gone = database.destroy();
    this.leaving.set(folder, gone.catch(() => {}));
    try {
      await gone;
    } finally {
      this.leaving.delete(folder);
    }
    return true;
  }

  async info(name) {
    const { doc_count, update_seq } = await this.open(names.toFolder(name)).info();
    return { db_name: name, doc_count, update_seq, instance_start_time: '0', props: {} };
  }
}

module.exports = { Databases };
