'use strict';
// Runs in a function's process: loads the handler, takes invocations from the parent process over IPC, and answers
// them. Plain JavaScript, because the process runs it as it is. Behaves as AWS's Node.js runtime interface client does.
const { existsSync, writeSync } = require('node:fs');
const https = require('node:https');
const net = require('node:net');
const { join, basename, dirname } = require('node:path');
const { pathToFileURL } = require('node:url');
const { format } = require('node:util');

const nonce = process.env.LOCAL_CLOUD_NONCE;
delete process.env.LOCAL_CLOUD_NONCE;
const json = process.env.AWS_LAMBDA_LOG_FORMAT === 'JSON';
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const threshold = json ? LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL ?? 'INFO') : 0;
let current;
let aliases = {};

// ---- console: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html
for (const [method, level] of Object.entries({ trace: 'TRACE', debug: 'DEBUG', log: 'INFO', info: 'INFO', warn: 'WARN', error: 'ERROR' })) {
  console[method] = (...args) => log(level, args);
}

function log(level, args) {
  if (LEVELS.indexOf(level) < threshold) { return; }
  const timestamp = new Date().toISOString();
  if (!json) {
    // One event a call: line ends travel as \r.
    process.stdout.write(`${`${timestamp}\t${current?.requestId}\t${level}\t${format(...args)}`.replaceAll('\n', '\r')}\n`);
    return;
  }
  const message = args.length === 1 && typeof args[0] === 'object' && !(args[0] instanceof Error) ? args[0] : format(...args);
  process.stdout.write(`${JSON.stringify({ timestamp, level, requestId: current?.requestId, message })}\n`);
}

// ---- public host names that the local cloud serves on loopback, without TLS
const createConnection = https.Agent.prototype.createConnection;
https.Agent.prototype.createConnection = function (options, ...rest) {
  const target = aliases[options.servername || options.host];
  if (target === undefined) { return createConnection.call(this, options, ...rest); }
  const { hostname, port } = new URL(target);
  return net.connect({ host: hostname, port: Number(port) });
};

// ---- handler
function named(errorType, message) {
  const error = new Error(message);
  error.name = errorType;
  return error;
}

async function load(text) {
  const [, module_, path] = /^(.*?[^/.]*)\.([^/]+)$/.exec(text) ?? [];
  if (!module_) { throw named('Runtime.MalformedHandlerName', 'Bad handler'); }
  const root = process.env.LAMBDA_TASK_ROOT;
  const base = join(root, dirname(module_), basename(module_));
  const file = ['.js', '.mjs', '.cjs'].map(extension => base + extension).find(existsSync);
  if (!file) { throw named('Runtime.ImportModuleError', `Error: Cannot find module '${module_}'`); }
  let exported;
  try {
    exported = await importModule(file);
  } catch (error) {
    if (error?.code === 'MODULE_NOT_FOUND' || error?.code === 'ERR_MODULE_NOT_FOUND') { throw named('Runtime.ImportModuleError', `Error: ${error.message}`); }
    if (error instanceof SyntaxError) { throw named('Runtime.UserCodeSyntaxError', `SyntaxError: ${error.message}`); }
    throw error;
  }
  const handler = path.split('.').reduce((at, key) => at?.[key], exported);
  if (handler === undefined) { throw named('Runtime.HandlerNotFound', `${text} is undefined or not exported`); }
  if (typeof handler !== 'function') { throw named('Runtime.HandlerNotFound', `${text} is not a function`); }
  return handler;
}

async function importModule(file) {
  if (!file.endsWith('.mjs')) {
    try {
      return require(file);
    } catch (error) {
      // A package.json beside it says that it is an ES module.
      if (error?.code !== 'ERR_REQUIRE_ESM') { throw error; }
    }
  }
  return import(pathToFileURL(file).href);
}

function refuseCallbacks(handler) {
  // https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html: "Starting with Node.js 24, Lambda no longer supports callback-based function handlers"
  const major = Number(/nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV)?.[1]);
  if (handler.length >= 3 && major >= 24) {
    throw named('Runtime.CallbackHandlerDeprecated', 'AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature.');
  }
}

function run(handler, event, context) {
  if (handler.length < 3) { return handler(event, context); }
  return new Promise((resolve, reject) => {
    const result = handler(event, context, (error, value) => error ? reject(error) : resolve(value));
    if (typeof result?.then === 'function') { result.then(resolve, reject); }
  });
}

function describe(error) {
  const isError = error instanceof Error;
  return {
    errorType: isError ? error.name : typeof error,
    errorMessage: isError ? error.message : String(error),
    trace: isError ? (error.stack ?? '').split('\n') : [],
  };
}

// ---- protocol with the parent
function answer(message) {
  // Output so far is in the pipes before the answer is: the parent reads until these marks.
  writeSync(1, `\0${nonce}\n`);
  writeSync(2, `\0${nonce}\n`);
  process.send(message);
}

function fail(error) {
  const description = describe(error);
  log('ERROR', ['Invoke Error', JSON.stringify({ errorType: description.errorType, errorMessage: description.errorMessage, stack: description.trace })]);
  answer({ type: 'error', payload: JSON.stringify(description) });
}

function die(error, code) {
  fail(error);
  // The message must leave before the process does.
  process.disconnect?.();
  process.exitCode = code;
  setImmediate(() => process.exit(code));
}

process.on('unhandledRejection', reason => die(named('Runtime.UnhandledPromiseRejection', reason instanceof Error ? `${reason.name}: ${reason.message}` : String(reason)), 128));
process.on('uncaughtException', error => die(error, 129));
process.on('disconnect', () => process.exit(0));

async function invoke(handler, message) {
  current = message;
  aliases = message.aliases;
  process.env._X_AMZN_TRACE_ID = message.traceId;
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    invokedFunctionArn: message.arn,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    awsRequestId: message.requestId,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    getRemainingTimeInMillis: () => Math.max(0, message.deadline - Date.now()),
  };
  try {
    const result = await run(handler, JSON.parse(message.payload), context);
    answer({ type: 'result', payload: JSON.stringify(result === undefined ? null : result) });
  } catch (error) {
    fail(error);
  }
  current = undefined;
}

load(process.env._HANDLER).then(handler => {
  refuseCallbacks(handler);
  process.on('message', message => { void invoke(handler, message); });
  process.send({ type: 'ready' });
}).catch(error => {
  const description = describe(error);
  process.stdout.write(`${new Date().toISOString()}\tundefined\tERROR\tUncaught Exception \t${JSON.stringify(description)}\n`);
  answer({ type: 'init-error', payload: JSON.stringify(description) });
});
