// A mock authorizer as a gRPC function in Node.js.
//
// What an authorizer of an API gateway does with a request's token: "allow" and "deny" become a policy for one made-up
// method, "unauthorized" and anything else an outcome without one. The call itself always succeeds.
'use strict';

const path = require('node:path');
const { parseArgs } = require('node:util');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');

const PROTO = path.join(__dirname, 'protos', 'auth.proto');
const METHOD_ARN = 'arn:aws:execute-api:eu-central-1:123456789012:vswarm/prod/GET/hello';

const { values: options } = parseArgs({
  options: {
    addr: { type: 'string', short: 'a', default: '0.0.0.0' },
    port: { type: 'string', short: 'p', default: '50051' },
  },
});

// Lets the principal have the effect ("Allow", "Deny") on the resource; the form is that of AWS,
// "API Gateway Lambda authorizer output".
function newPolicy(principalId, effect, resource) {
  return {
    principalId,
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect: effect, Resource: resource }],
    },
    context: { stringKey: 'stringval', numberKey: 123, booleanKey: true },
  };
}

// What the token gives, as text.
function authorize(token) {
  switch (token) {
    case 'allow':
      return JSON.stringify(newPolicy('user', 'Allow', METHOD_ARN), null, 2);
    case 'deny':
      return JSON.stringify(newPolicy('user', 'Deny', METHOD_ARN), null, 2);
    case 'unauthorized':
      return 'unauthorized';
    default:
      return 'error: invalid token';
  }
}

function sayHello(call, callback) {
  const name = call.request.name;
  const message =
    `fn: auth-nodejs | input: ${name} | output: ${authorize(name)} ` +
    `| runtime: node ${process.versions.node}`;
  callback(null, { message });
}

function main() {
  // Without `defaults` an empty name would arrive as undefined.
  const api = grpc.loadPackageDefinition(protoLoader.loadSync(PROTO, { defaults: true })).auth;
  const address = `${options.addr}:${options.port}`;
  const server = new grpc.Server();
  server.addService(api.Greeter.service, { sayHello });
  process.on('SIGTERM', () => server.forceShutdown());
  server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error) => {
    if (error) {
      console.error(`auth-nodejs cannot listen on ${address}: ${error.message}`);
      process.exit(1);
    }
    console.log(`auth-nodejs listens on ${address}`);
  });
}

main();
