'use strict';
// The one account of the server, by HTTP basic authentication or by a session cookie. Nothing passes without it but
// /_up. Behind the gate express-pouchdb runs without accounts of its own: its own refusals can hang or end a server.
const crypto = require('crypto');
const { load } = require('./packages');
const { refuse } = require('./replies');

const express = load('express');
const digest = (text) => crypto.createHash('sha256').update(String(text)).digest();
const same = (a, b) => crypto.timingSafeEqual(digest(a), digest(b));

class Gate {
  constructor({ user, password, sessionSeconds }) {
    this.user = user;
    this.password = password;
    this.sessionMs = sessionSeconds * 1000;
    this.key = crypto.randomBytes(32); // sessions end with the server
  }

  knows(user, password) {
    return [same(user, this.user), same(password, this.password)].every(Boolean);
  }

  sign(until) {
    return crypto.createHmac('sha256', this.key).update(String(until)).digest('base64url');
  }

  /** How this request proves who it is: 'default' (basic), 'cookie', or null. */
  handlerOf(request) {
    const [scheme, value = ''] = (request.headers.authorization || '').split(' ');
    if (/^basic$/i.test(scheme)) {
      const [, user, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(value, 'base64').toString()) || [];
      return user !== undefined && this.knows(user, password) ? 'default' : null;
    }
    const [, until, signature] = /(?:^|;\s*)AuthSession=(\d+)\.([\w-]+)/.exec(request.headers.cookie || '') || [];
    return until && same(signature, this.sign(until)) && Number(until) > Date.now() ? 'cookie' : null;
  }

  /** GET, POST and DELETE /_session. */
  session() {
    return [express.json(), express.urlencoded({ extended: false }), (request, response) => {
      if (request.method === 'DELETE') return response.clearCookie('AuthSession').json({ ok: true });
      const body = request.body || {};
      const login = request.method === 'POST';
      const handler = login ? this.knows(body.name ?? body.username, body.password) : this.handlerOf(request);
      if (!handler && (login || request.headers.authorization)) return refuse(response, 401);
      if (!login) {
        return response.json({
          ok: true,
          userCtx: { name: handler ? this.user : null, roles: handler ? ['_admin'] : [] },
          info: { authentication_handlers: ['cookie', 'default'], authenticated: handler || undefined },
        });
      }
      const until = Date.now() + this.sessionMs;
      response.cookie('AuthSession', `${until}.${this.sign(until)}`, { httpOnly: true, maxAge: this.sessionMs, sameSite: 'strict' });
      return response.json({ ok: true, name: this.user, roles: ['_admin'] });
    }];
  }

  /** Lets nobody else in, and takes the credentials off the request before others see it. */
  check() {
    return (request, response, next) => {
      if (!this.handlerOf(request)) {
        response.set('WWW-Authenticate', 'Basic realm="couchdb"');
        return refuse(response, 401);
      }
      delete request.headers.authorization;
      delete request.headers.cookie;
      return next();
    };
  }
}

module.exports = { Gate };
