// Fibonacci as a gRPC function in Node.js.
//
// The interface is parsed from its .proto file when the server starts, as proto-loader users do.
// A name that is not a number makes the loop run zero times: the answer is then 0.
'use strict';

const path = require('node:path');
const { parseArgs } = require('node:util');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');

const PROTO = path.join(__dirname, 'protos', 'fibonacci.proto');

const { values: options } = parseArgs({
  options: {
    addr: { type: 'string', short: 'a', default: '0.0.0.0' },
    port: { type: 'string', short: 'p', default: '50051' },
  },
});

// The n-th Fibonacci number by n additions; fibonacci(0) is 0.
function fibonacci(n) {
  let current = 0n;
  let following = 1n;
  for (let i = 0; i < n; i++) {
    [current, following] = [following, current + following];
  }
  return current;
}

function sayHello(call, callback) {
  const name = call.request.name;
  const message =
    `fn: fibonacci-nodejs | input: ${name} | output: ${fibonacci(parseInt(name, 10))} ` +
    `| runtime: node ${process.versions.node}`;
  console.log(message);
  callback(null, { message });
}

function main() {
  // Without `defaults` an empty name would arrive as undefined.
  const api = grpc.loadPackageDefinition(protoLoader.loadSync(PROTO, { defaults: true })).fibonacci;
  const address = `${options.addr}:${options.port}`;
  const server = new grpc.Server();
  server.addService(api.Greeter.service, { sayHello });
  process.on('SIGTERM', () => server.forceShutdown());
  server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error) => {
    if (error) {
      console.error(`fibonacci-nodejs cannot listen on ${address}: ${error.message}`);
      process.exit(1);
    }
    console.log(`fibonacci-nodejs listens on ${address}`);
  });
}

main();
