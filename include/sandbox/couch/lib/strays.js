'use strict';
// PouchDB throws some errors where nothing catches them, long after the request's handler has returned. The request
// would never be answered. So such errors are traced back to their request through its asynchronous context, and any
// request that has had no answer for minutes gets one.
const { AsyncLocalStorage } = require('async_hooks');
const { refuse } = require('./replies');

const PATIENCE_MS = 240_000; // building an index over much data takes minutes
const current = new AsyncLocalStorage();

/** Records which response is being worked on. */
function traceRequest(request, response, next) {
  const feed = /\/_changes(\?|$)/.test(request.url);
  const timer = feed ? null : setTimeout(() => giveUp(response, 500, 'no answer within the time limit'), PATIENCE_MS);
  response.on('close', () => clearTimeout(timer));
  current.run(response, next);
}

/** Catches uncaught errors, because one bad request must never end the server for all others. */
function catchStrays() {
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, (error) => {
      console.error(`${event}:`, error);
      const response = current.getStore();
      // PouchDB reacts to some invalid requests with a TypeError or similar, raised deep inside.
      if (response) giveUp(response, 400, String((error && error.message) || error));
    });
  }
}

function giveUp(response, status, reason) {
  if (response.writableEnded) return;
  if (response.headersSent) response.destroy();
  else refuse(response, status, [status === 400 ? 'bad_request' : 'timeout', reason]);
}

module.exports = { traceRequest, catchStrays };
