'use strict';
// The session is where the library keeps it unless told otherwise: in an encrypted cookie.
const express = require('express');
const serverless = require('serverless-http');
const { auth } = require('express-openid-connect');

const app = express();
app.disable('x-powered-by');
app.use(
  auth({
    issuerBaseURL: `${process.env.LOGTO_ENDPOINT}/oidc`,
    baseURL: process.env.BASE_URL,
    clientID: process.env.LOGTO_APP_ID,
    clientSecret: process.env.LOGTO_APP_SECRET,
    secret: process.env.SESSION_SECRET,
    authRequired: false,
    idpLogout: true,
    enableTelemetry: false,
    idTokenSigningAlg: 'ES384',
    authorizationParams: {
      response_type: 'code',
      scope: 'openid profile email offline_access',
      prompt: 'consent',
    },
    routes: { login: '/sign-in', logout: '/sign-out', callback: '/callback' },
  }),
);

const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

app.get('/', (request, response) => {
  if (!request.oidc.isAuthenticated()) {
    response.send('<a href="/sign-in">Sign in</a>');
    return;
  }
  response.send(`${escape(request.oidc.user.name)} <a href="/sign-out">Sign out</a>`);
});

exports.handler = serverless(app);
