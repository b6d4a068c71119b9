'use strict';
// The sandbox's CouchDB: a small HTTP server that answers as CouchDB does, for the demo, development and tests.
// EmbeddedCouch (embedded.py) starts it, waits for the "listening" line below and stops it with SIGTERM.

const { readSettings } = require('./lib/settings');

let settings;
try {
  settings = readSettings(process.env);
} catch (error) {
  console.error(error.message);
  process.exit(2);
}

const { Databases } = require('./lib/databases');
const { buildApp } = require('./lib/app');
const { catchStrays } = require('./lib/strays');

const GRACE_MS = 1000; // how long running requests may take to finish after SIGTERM

const app = buildApp(settings, new Databases(settings));
const server = app.listen(settings.port, '127.0.0.1');
server.keepAliveTimeout = 75_000; // longer than clients keep pooled connections, so that none is closed during a request

server.once('error', (error) => {
  console.error(error.code === 'EADDRINUSE'
    ? `Port ${settings.port} is taken: the embedded CouchDB cannot listen there. Choose another port.`
    : `The embedded CouchDB cannot listen on port ${settings.port}: ${error.message}`);
  process.exit(2);
});

server.once('listening', () => {
  catchStrays(); // not earlier: errors before this point must end the server
  console.log(`listening on http://127.0.0.1:${server.address().port}/ (pid ${process.pid}, ${settings.memory ? 'memory' : 'LevelDB'})`);
});

function stop() {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  setTimeout(() => server.closeAllConnections(), GRACE_MS).unref();
}

process.once('SIGTERM', stop);
process.once('SIGINT', stop);
