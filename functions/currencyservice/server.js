// The online shop's currencies: which there are, and conversion between them by fixed rates per euro.
'use strict';

const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const pino = require('pino');

const rates = require('./currencies.json');

const PROTOS = path.join(__dirname, 'protos');
const NANOS_PER_UNIT = 1e9;

const logger = pino({ name: 'currencyservice' });

// Moves the fraction of the units into the nanos, and whole units out of the nanos.
function carry({ units, nanos }) {
  const all = nanos + (units % 1) * NANOS_PER_UNIT;
  return {
    units: Math.floor(units) + Math.floor(all / NANOS_PER_UNIT),
    nanos: all % NANOS_PER_UNIT,
  };
}

// The amount in another currency, by way of the euro. Nanos are rounded there, and everything is rounded down in the end.
function exchange(from, toCode) {
  const perEuro = Number(rates[from.currencyCode]);
  const euros = carry({ units: Number(from.units) / perEuro, nanos: from.nanos / perEuro });
  const to = Number(rates[toCode]);
  const result = carry({ units: euros.units * to, nanos: Math.round(euros.nanos) * to });
  return {
    currencyCode: toCode,
    units: Math.floor(result.units),
    nanos: Math.floor(result.nanos),
  };
}

function getSupportedCurrencies(call, callback) {
  logger.info('Getting supported currencies...');
  callback(null, { currencyCodes: Object.keys(rates) });
}

function convert(call, callback) {
  const { from, toCode } = call.request;
  logger.info(`conversion to "${toCode}" requested`);
  const unknown = [from?.currencyCode ?? '', toCode].find((code) => !Object.hasOwn(rates, code));
  if (unknown !== undefined) {
    const message = `there is no rate for the currency "${unknown}"`;
    logger.error(`conversion request failed: ${message}`);
    callback({ code: grpc.status.INVALID_ARGUMENT, message });
    return;
  }
  callback(null, exchange(from, toCode));
  logger.info('conversion request successful');
}

function check(call, callback) {
  callback(null, { status: 'SERVING' });
}

function main() {
  const { hipstershop, grpc: standard } = grpc.loadPackageDefinition(
    // Without `defaults` a field that is 0 would arrive as undefined.
    protoLoader.loadSync('hipstershop.proto', { includeDirs: [PROTOS], longs: String, defaults: true }),
  );
  const address = `0.0.0.0:${process.env.PORT ?? '7000'}`;
  const server = new grpc.Server();
  server.addService(hipstershop.CurrencyService.service, { getSupportedCurrencies, convert });
  server.addService(standard.health.v1.Health.service, { check });
  process.on('SIGTERM', () => server.forceShutdown());
  server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error) => {
    if (error) {
      logger.fatal(`cannot listen on ${address}: ${error.message}`);
      process.exit(1);
    }
    logger.info(`currencyservice listens on ${address}`);
  });
}

main();
