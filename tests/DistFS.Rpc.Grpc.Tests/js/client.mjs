// Calls a DistFS gRPC server with @grpc/grpc-js and prints one JSON line for each check: {name, ok, detail}.
// usage: node client.mjs ADDRESS PROTO_ROOT
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

const [address, protoRoot] = process.argv.slice(2);
const definition = loader.loadSync(['distfs/v1/node.proto', 'grpc/health/v1/health.proto'], {
  includeDirs: [protoRoot], longs: Number, enums: String, defaults: true,
});
const { distfs, grpc: standard } = grpc.loadPackageDefinition(definition);
const options = { 'grpc.max_receive_message_length': 16 << 20 };
const node = new distfs.v1.Node(address, grpc.credentials.createInsecure(), options);
const health = new standard.health.v1.Health(address, grpc.credentials.createInsecure(), options);
const within = (ms) => ({ deadline: Date.now() + ms });

const unary = (client, method, request, callOptions = within(10_000), metadata = new grpc.Metadata()) =>
  new Promise((resolve) => {
    client[method](request, metadata, callOptions, (error, reply) => resolve({ error, reply }));
  });

const stream = (client, method, request, callOptions, onData = () => {}) =>
  new Promise((resolve) => {
    const items = [];
    const call = client[method](request, new grpc.Metadata(), callOptions);
    const status = new Promise((known) => call.on('status', known));
    call.on('data', (item) => { items.push(item); onData(call, items); });
    call.on('error', (error) => resolve({ error, items }));
    call.on('end', async () => resolve({ status: await status, items }));
  });

const assert = (condition, detail) => { if (!condition) throw new Error(detail); };
const expectError = (outcome, code, distfsCode) => {
  assert(outcome.error, 'expected an error');
  assert(outcome.error.code === code, `status ${outcome.error.code}, not ${code}: ${outcome.error.details}`);
  const stable = outcome.error.metadata?.get('distfs-code')[0];
  assert(distfsCode === undefined || stable === distfsCode, `distfs-code ${stable}, not ${distfsCode}`);
};

const checks = {
  async unary() {
    const { error, reply } = await unary(node, 'Describe', {});
    assert(!error, String(error));
    assert(reply.version === '1.2.3' && reply.role === 'ROLE_TOOL' && reply.state === 'NODE_STATE_SERVING',
      JSON.stringify(reply));
  },

  async payload() {
    const payload = Buffer.alloc(3 << 20, 0xa5);
    const { error, reply } = await unary(node, 'Ping', { nonce: 42, payload });
    assert(!error && reply.nonce === 42 && reply.payload.equals(payload), String(error));
  },

  async concurrent() {
    const replies = await Promise.all(
      Array.from({ length: 500 }, (_, nonce) => unary(node, 'Ping', { nonce, payload: Buffer.from([nonce & 255]) })));
    replies.forEach(({ error, reply }, i) => assert(!error && reply.nonce === i, `${i}: ${error}`));
  },

  async streaming() {
    const { status, items, error } = await stream(node, 'Watch', { intervalMs: 10, eventsMax: 20 }, within(10_000));
    assert(!error && status.code === grpc.status.OK, String(error));
    assert(items.length === 20 && items.every((e, i) => e.sequence === i + 1), JSON.stringify(items));
  },

  async streamDeadline() {
    const started = Date.now();
    const outcome = await stream(node, 'Watch', { intervalMs: 10 }, within(300));
    expectError(outcome, grpc.status.DEADLINE_EXCEEDED);
    assert(outcome.items.length > 1, 'items before the deadline');
    assert(Date.now() - started < 3000, `took ${Date.now() - started} ms`);
  },

  async unaryDeadline() {
    const metadata = new grpc.Metadata();
    expectError(await unary(health, 'Check', { service: 'slow' }, within(300), metadata), grpc.status.DEADLINE_EXCEEDED);
  },

  async serverSeesDeadline() {
    // The client library would answer by itself: without a deadline of its own, only the header reaches the server.
    const metadata = new grpc.Metadata();
    metadata.set('grpc-timeout', '200m');
    expectError(await unary(health, 'Check', { service: 'slow' }, {}, metadata), grpc.status.DEADLINE_EXCEEDED, 'DFS1203');
  },

  async streamCancel() {
    const outcome = await stream(node, 'Watch', { intervalMs: 10 }, within(10_000), (call, items) => {
      if (items.length === 3) call.cancel();
    });
    expectError(outcome, grpc.status.CANCELLED);
  },

  async invalidArgument() {
    expectError(await stream(node, 'Watch', { intervalMs: 1 }, within(5000)), grpc.status.INVALID_ARGUMENT, 'DFS1215');
  },

  async notFound() {
    const outcome = await unary(health, 'Check', { service: 'gibt es nicht: 100 % \u00fc' });
    expectError(outcome, grpc.status.NOT_FOUND, 'DFS1215');
    assert(outcome.error.details.includes('100 % \u00fc'), outcome.error.details);
    assert(outcome.error.metadata.get('distfs-error-bin')[0].length > 0, 'ErrorInfo');
  },

  async internalError() {
    const outcome = await unary(health, 'Check', { service: 'fail' });
    expectError(outcome, grpc.status.UNKNOWN, 'DFS1213');
    assert(!outcome.error.details.includes('secret'), 'the text of an unexpected exception must not leave the server');
  },

  async unauthenticated() {
    const metadata = new grpc.Metadata();
    metadata.set('authorization', 'wrong');
    expectError(await unary(node, 'Describe', {}, within(5000), metadata), grpc.status.UNAUTHENTICATED, 'DFS1214');
  },

  async unimplemented() {
    const service = { ...distfs.v1.Node.service, Describe: { ...distfs.v1.Node.service.Describe, path: '/distfs.v1.Node/No' } };
    const client = new (grpc.makeGenericClientConstructor(service, 'Node'))(address, grpc.credentials.createInsecure());
    expectError(await unary(client, 'Describe', {}), grpc.status.UNIMPLEMENTED, 'DFS1209');
    client.close();
  },

  async tooLarge() {
    const payload = Buffer.alloc(9 << 20);
    expectError(await unary(node, 'Ping', { nonce: 1, payload }), grpc.status.RESOURCE_EXHAUSTED, 'DFS1208');
    const { error } = await unary(node, 'Ping', { nonce: 2 });
    assert(!error, `the connection goes on: ${error}`);
  },

  async compression() {
    const metadata = new grpc.Metadata();
    const zipped = new distfs.v1.Node(address, grpc.credentials.createInsecure(), {
      'grpc.default_compression_algorithm': 2,
    });
    expectError(
      await unary(zipped, 'Ping', { nonce: 1, payload: Buffer.alloc(4096) }, within(5000), metadata),
      grpc.status.UNIMPLEMENTED);
    zipped.close();
  },

  async healthCheck() {
    const { error, reply } = await unary(health, 'Check', { service: 'distfs.v1.Node' });
    assert(!error && reply.status === 'SERVING', `${error} ${JSON.stringify(reply)}`);
  },

  async healthWatch() {
    const outcome = await stream(health, 'Watch', { service: '' }, within(10_000), (call) => call.cancel());
    assert(outcome.items[0].status === 'SERVING', JSON.stringify(outcome.items));
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(JSON.stringify({ name, ok: true, detail: '' }));
  } catch (error) {
    failed++;
    console.log(JSON.stringify({ name, ok: false, detail: error.stack ?? String(error) }));
  }
}

node.close();
health.close();
process.exitCode = failed === 0 ? 0 : 1;
