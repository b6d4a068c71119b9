'use strict';
// Loads npm packages only from the folder into which EmbeddedCouch has installed them. A node_modules folder further up
// the tree must not provide other versions.
const path = require('path');
const { createRequire } = require('module');

const folder = process.env.GRDF_COUCH_PACKAGES;
if (!folder) {
  console.error('GRDF_COUCH_PACKAGES is not set: start the embedded CouchDB through EmbeddedCouch, which installs its packages.');
  process.exit(2);
}

module.exports = { load: createRequire(path.join(path.resolve(folder), 'package.json')) };
