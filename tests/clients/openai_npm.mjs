// Does one thing with the `openai` npm client and prints what came of it as JSON.
//     node openai_npm.mjs <base URL> <scenario>
import OpenAI from 'openai';
import { ResponsesWS } from 'openai/resources/responses/ws';

const [baseURL, scenario] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: 'x', maxRetries: 0 });
const request = { model: 'm', input: 'Hi' };

async function numbersOf(stream) {
  const numbers = [];
  try {
    for await (const event of stream) numbers.push(event.sequence_number);
  } catch (error) {
    return { numbers, error: error.constructor.name };
  }
  return { numbers };
}

async function textOverSocket(socket, body) {
  socket.send({ type: 'response.create', ...request, ...body });
  const types = [];
  for await (const event of socket.stream()) {
    if (event.type === 'error') return { refused: event.error.error.error.code };
    if (event.type !== 'message') continue;
    types.push(event.message.type);
    if (event.message.type === 'response.completed') {
      return { types, id: event.message.response.id, output: event.message.response.output };
    }
  }
  return { types, closed: true };
}

const scenarios = {
  async create() {
    const { data, request_id } = await client.responses.create(request).withResponse();
    return { text: data.output_text, request_id };
  },

  async stream() {
    const texts = [];
    const stream = await client.responses.create({ ...request, stream: true });
    for await (const event of stream) if (event.type === 'response.output_text.delta') texts.push(event.delta);
    return { texts };
  },

  async helper() {
    const helper = client.responses.stream(request);
    const types = [];
    for await (const event of helper) types.push(event.type);
    const response = await helper.finalResponse();
    return { text: response.output_text, types };
  },

  async resume() {
    const first = await numbersOf(await client.responses.create({ ...request, background: true, stream: true }));
    const after = { stream: true, starting_after: first.numbers.at(-1) };
    return { first, rest: await numbersOf(await client.responses.retrieve('resp_1', after)) };
  },

  async helper_resume() {
    await numbersOf(await client.responses.create({ ...request, background: true, stream: true }));
    const helper = client.responses.stream({ response_id: 'resp_1', starting_after: 4 });
    const { numbers } = await numbersOf(helper);
    return { numbers, text: (await helper.finalResponse()).output_text };
  },

  async stored() {
    const response = await client.responses.create({ ...request, background: true });
    const cancelled = await client.responses.cancel(response.id);
    const items = await client.responses.inputItems.list(response.id);
    await client.responses.delete(response.id);
    const error = await client.responses.retrieve(response.id).catch((error) => error);
    return {
      statuses: [response.status, cancelled.status],
      items: items.data.map((item) => item.content[0].text),
      error: { kind: error.constructor.name, status: error.status, type: error.type },
    };
  },

  async websocket() {
    const socket = new ResponsesWS(client);
    const called = await textOverSocket(socket, {});
    const output = { type: 'function_call_output', call_id: called.output[0].call_id, output: 'cold' };
    const answered = await textOverSocket(socket, { input: [output], previous_response_id: called.id });
    const refused = await textOverSocket(socket, { previous_response_id: 'resp_9' });
    socket.close();
    return { called: called.output[0].name, types: answered.types, output: answered.output, ...refused };
  },
};

console.log(JSON.stringify(await scenarios[scenario]()));
