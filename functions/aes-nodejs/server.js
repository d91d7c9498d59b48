// AES encryption as a gRPC function in Node.js.
//
// crypto-js, AES in JavaScript: AES-256 in CBC mode with PKCS #7 padding. The key's characters are its bytes (32 of
// them), the initial vector is sixteen characters '0'. The key schedule is computed anew for every request. An empty
// text, and the text "world", stand for a default one.
'use strict';

const path = require('node:path');
const { parseArgs } = require('node:util');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const CryptoJS = require('crypto-js');

const PROTO = path.join(__dirname, 'protos', 'aes.proto');
const IV = CryptoJS.enc.Utf8.parse('0'.repeat(16));

const { values: options } = parseArgs({
  options: {
    addr: { type: 'string', short: 'a', default: '0.0.0.0' },
    port: { type: 'string', short: 'p', default: '50051' },
    key: { type: 'string', short: 'k', default: '6368616e676520746869732070617373' },
    default_plaintext: { type: 'string', default: 'defaultplaintext' },
  },
});

// The ciphertext of text in hexadecimal.
function encrypt(text) {
  const key = CryptoJS.enc.Utf8.parse(options.key);
  return CryptoJS.AES.encrypt(text, key, { iv: IV }).ciphertext.toString(CryptoJS.enc.Hex);
}

// Field names arrive in camel case, proto-loader's default.
function showEncryption(call, callback) {
  let text = call.request.plaintextMessage;
  if (text === '' || text === 'world') {
    text = options.default_plaintext;
  }
  const encryptionInfo =
    `fn: aes-nodejs | input: ${text} | output: ${encrypt(text)} ` +
    `| runtime: node ${process.versions.node}`;
  console.log(encryptionInfo);
  callback(null, { encryptionInfo });
}

function main() {
  // Without `defaults` an empty text would arrive as undefined.
  const api = grpc.loadPackageDefinition(protoLoader.loadSync(PROTO, { defaults: true })).aes;
  const address = `${options.addr}:${options.port}`;
  const server = new grpc.Server();
  server.addService(api.Aes.service, { showEncryption });
  process.on('SIGTERM', () => server.forceShutdown());
  server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error) => {
    if (error) {
      console.error(`aes-nodejs cannot listen on ${address}: ${error.message}`);
      process.exit(1);
    }
    console.log(`aes-nodejs listens on ${address}`);
  });
}

main();
