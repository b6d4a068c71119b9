'use strict';
// Responses in CouchDB's format: one JSON object and a newline.

const USUAL = {
  400: ['bad_request', 'invalid UTF-8 JSON'],
  401: ['unauthorized', 'Name or password is incorrect.'],
  404: ['not_found', 'Database does not exist.'],
  409: ['conflict', 'Document update conflict.'],
  412: ['file_exists', 'The database could not be created, the file already exists.'],
  413: ['too_large', 'the request entity is too large'],
};

function reply(response, status, body) {
  response.status(status).type('json').send(JSON.stringify(body) + '\n');
}

function refuse(response, status, [error, reason] = USUAL[status]) {
  reply(response, status, { error, reason });
}

/**
 * Passes the body of a 2xx response from express-pouchdb through `change`, which returns the new text or promises it.
 * If `change` fails, the body is sent as it is.
 */
function rewriteAnswer(response, change) {
  const send = response.send;
  response.send = (body) => {
    response.send = send;
    if (response.statusCode >= 300) return response.send(body);
    const changed = Promise.resolve(body).then(JSON.parse).then(change);
    changed.catch((error) => {
      console.error('answer left as it was:', error);
      return body;
    }).then((text) => response.send(text));
    return response;
  };
}

/** express-pouchdb answers some client errors with a server error's status, which clients would retry. */
function mendRefusals(request, response, next) {
  const send = response.send;
  response.send = (body) => {
    response.send = send;
    if (response.statusCode === 500 && /^\{"error":"(doc_validation|bad_request|RangeError)/.test(String(body))) {
      response.statusCode = 400;
    }
    return response.send(body);
  };
  return next();
}

module.exports = { reply, refuse, rewriteAnswer, mendRefusals };
