// The online shop's payments: a card is checked and, with nobody there to pay, "charged".
//
// A card is good if its number passes Luhn's test, it is a VISA or MasterCard, and its month has not passed by the clock of
// this machine: in the simulation, the guest's. A bad card is an error with the status code 400, as in the original.
// Transaction ids are random UUIDs; SEED (default 1) seeds them, so the n-th call of every run gives the same one.
'use strict';

const path = require('node:path');
const { createHash } = require('node:crypto');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const pino = require('pino');
const cardValidator = require('simple-card-validator');
const uuid = require('uuid');

const PROTOS = path.join(__dirname, 'protos');
const SEED = process.env.SEED ?? '1';
const ACCEPTED = ['visa', 'mastercard'];

const logger = pino({ name: 'paymentservice' });

class CardError extends Error {
  code = 400;
}

let transactions = 0;

// The bytes of the next UUID: of a hash, so that ids look random and none repeats.
function nextBytes() {
  transactions += 1;
  return createHash('sha256').update(`${SEED}/${transactions}`).digest().subarray(0, 16);
}

// The card's brand; throws if the card is no good.
function checkCard(card) {
  const number = card?.creditCardNumber || '0';
  const { card_type: brand, valid } = cardValidator(number).getCardDetails();
  if (!valid) {
    throw new CardError('Credit card info is invalid.');
  }
  if (!ACCEPTED.includes(brand)) {
    throw new CardError(`Sorry, we cannot process ${brand} credit cards. Only VISA or MasterCard is accepted.`);
  }
  const { creditCardExpirationYear: year, creditCardExpirationMonth: month } = card;
  const now = new Date();
  if (year * 12 + month < now.getFullYear() * 12 + now.getMonth() + 1) {
    throw new CardError(`Your credit card (ending ${number.slice(-4)}) expired on ${month}/${year}`);
  }
  return brand;
}

function charge(call, callback) {
  const { amount, creditCard } = call.request;
  logger.info(`PaymentService#Charge invoked with request ${JSON.stringify(call.request)}`);
  try {
    const brand = checkCard(creditCard);
    const nanos = String(amount.nanos).padStart(9, '0');
    logger.info(
      `Transaction processed: ${brand} ending ${creditCard.creditCardNumber.slice(-4)} ` +
        `Amount: ${amount.currencyCode}${amount.units}.${nanos}`,
    );
    callback(null, { transactionId: uuid.v4({ random: nextBytes() }) });
  } catch (error) {
    logger.warn(error.message);
    callback(error);
  }
}

function check(call, callback) {
  callback(null, { status: 'SERVING' });
}

function main() {
  const { hipstershop, grpc: standard } = grpc.loadPackageDefinition(
    // Without `defaults` a field that is 0 would arrive as undefined.
    protoLoader.loadSync('hipstershop.proto', { includeDirs: [PROTOS], longs: String, defaults: true }),
  );
  const address = `0.0.0.0:${process.env.PORT ?? '50051'}`;
  const server = new grpc.Server();
  server.addService(hipstershop.PaymentService.service, { charge });
  server.addService(standard.health.v1.Health.service, { check });
  process.on('SIGTERM', () => server.forceShutdown());
  server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error) => {
    if (error) {
      logger.fatal(`cannot listen on ${address}: ${error.message}`);
      process.exit(1);
    }
    logger.info(`paymentservice listens on ${address}`);
  });
}

main();
