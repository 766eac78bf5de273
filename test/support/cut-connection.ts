import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to the database that ends after so many writes, as a process does that dies right then. */
export interface CutConnection {
  uri: string;
  /** Resolves when the nth write from now on is done, its answer withheld, and the way is closed for good. */
  after(writes: number): Promise<void>;
  /** Writes done since `after`. */
  done(): number;
  close(): Promise<void>;
}

const writes = new Set(['insert', 'update', 'delete', 'findAndModify']);
const opMessage = 2013;

/** The command's name: the first key of an OP_MSG's first section, or null. */
function commandOf(message: Buffer): string | null {
  if (message.readInt32LE(12) !== opMessage || message[20] !== 0) return null;
  const name = 26; // header 16, flags 4, section kind 1, document length 4, type of the first element 1
  return message.toString('latin1', name, message.indexOf(0, name));
}

/** Whole wire protocol messages of a stream of bytes: each begins with its length. */
function messagesOf(onMessage: (message: Buffer) => void): (chunk: Buffer) => void {
  let waiting = Buffer.alloc(0);
  return (chunk) => {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= 4 && waiting.length >= waiting.readInt32LE(0)) {
      const length = waiting.readInt32LE(0);
      onMessage(waiting.subarray(0, length));
      waiting = waiting.subarray(length);
    }
  };
}

/** @param target a `mongodb://` address of one server */
export async function startCutConnection(target: string): Promise<CutConnection> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let left = Infinity;
  let count = 0;
  let onCut: (() => void) | null = null;
  const cut = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
    onCut?.();
  };
  const server = createServer((client) => {
    const engine = connect(Number(port || 27017), hostname);
    const asked = new Map<number, string>();
    for (const [socket, other] of [
      [client, engine],
      [engine, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.on(
      'data',
      messagesOf((message) => {
        const command = commandOf(message);
        if (command !== null && writes.has(command)) asked.set(message.readInt32LE(4), command);
        engine.write(message);
      }),
    );
    engine.on(
      'data',
      messagesOf((message) => {
        if (asked.delete(message.readInt32LE(8))) {
          count++;
          if (--left <= 0) return cut();
        }
        client.write(message);
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  url.searchParams.set('directConnection', 'true');
  return {
    uri: url.href,
    after(most) {
      left = most;
      count = 0;
      return new Promise((resolve) => (onCut = resolve));
    },
    done: () => count,
    async close() {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}
