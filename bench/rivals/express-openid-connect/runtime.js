'use strict';
// The loop of Lambda's runtime API, for machines on which aws-lambda-ric cannot be built.
const http = require('node:http');

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const [module_, name] = process.argv[2].split('.');

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const options = { host, port, path: `/2018-06-01/runtime${path}`, method, agent };
    const request = http.request(options, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve({ response, text: Buffer.concat(parts).toString() }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function main() {
  const handler = require(`${process.cwd()}/${module_}.js`)[name];
  for (;;) {
    const { response, text } = await call('GET', '/invocation/next');
    const id = response.headers['lambda-runtime-aws-request-id'];
    const context = { awsRequestId: id, callbackWaitsForEmptyEventLoop: false };
    try {
      const answer = await handler(JSON.parse(text), context);
      await call('POST', `/invocation/${id}/response`, JSON.stringify(answer));
    } catch (failure) {
      const told = { errorType: failure.name, errorMessage: failure.message };
      await call('POST', `/invocation/${id}/error`, JSON.stringify(told));
    }
  }
}

main();
