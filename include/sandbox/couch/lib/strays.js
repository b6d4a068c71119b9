'use strict';
// PouchDB throws some errors where nobody catches them, long after the handler of the request returned. Such a request
// would never be answered; so the errors are traced back to their request by its asynchronous context, and a request
// without an answer for minutes gets one in any case.
const { AsyncLocalStorage } = require('async_hooks');
const { refuse } = require('./replies');

const PATIENCE_MS = 240_000; // building an index over much data takes minutes
const current = new AsyncLocalStorage();

/** Remembers which answer is being worked on. */
function traceRequest(request, response, next) {
  const feed = /\/_changes(\?|$)/.test(request.url);
  const timer = feed ? null : setTimeout(() => giveUp(response, 500, 'no answer within the time limit'), PATIENCE_MS);
  response.on('close', () => clearTimeout(timer));
  current.run(response, next);
}

/** Catches what nobody caught: one bad request must never end the server for everybody else. */
function catchStrays() {
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, (error) => {
      console.error(`${event}:`, error);
      const response = current.getStore();
      // A TypeError or the like deep in PouchDB is how it takes a request that makes no sense.
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
