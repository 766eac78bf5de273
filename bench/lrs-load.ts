import { connect, type Socket } from 'node:net';

/** A keep-alive HTTP/1.1 connection that costs the load generator as little as possible. */
export class Wire {
  readonly #socket: Socket;
  #buffer: Buffer = Buffer.alloc(0);
  #waiting: { resolve: (status: number) => void; reject: (error: Error) => void } | null = null;

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#socket.on('error', (error) => this.#waiting?.reject(error));
    this.#socket.on('close', () => this.#waiting?.reject(new Error('the server closed the connection')));
  }

  #read(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const end = this.#buffer.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#buffer.toString('latin1', 0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#buffer.length < end + 4 + length) return;
    const status = Number(head.slice(9, 12));
    const waiting = this.#waiting;
    this.#waiting = null;
    this.#buffer = this.#buffer.subarray(end + 4 + length);
    waiting?.resolve(status);
  }

  send(request: Buffer): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

export interface LoadResult {
  /** Requests per second. */
  rate: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

/** Sends requests over `concurrency` connections until the time is over; throws when one is not answered with 200. */
export async function load(
  port: number,
  concurrency: number,
  seconds: number,
  next: () => Buffer,
): Promise<LoadResult> {
  const wires = Array.from({ length: concurrency }, () => new Wire(port));
  const times: number[] = [];
  const started = performance.now();
  const end = started + seconds * 1000;
  await Promise.all(
    wires.map(async (wire) => {
      while (performance.now() < end) {
        const request = next();
        const from = performance.now();
        const status = await wire.send(request);
        times.push(performance.now() - from);
        if (status !== 200) throw new Error(`answered with ${status}`);
      }
    }),
  );
  const elapsed = (performance.now() - started) / 1000;
  for (const wire of wires) wire.close();
  times.sort((a, b) => a - b);
  const at = (share: number): number =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { rate: times.length / elapsed, p50: at(0.5), p99: at(0.99) };
}

const random = (below: number): number => Math.floor(Math.random() * below);

/**
 * A Statement as the player writes it: about 1.5 KB when stored, ten terms or so.
 * @param learners how many there are; a course has fifty of them
 */
export function sampleStatement(n: number, uuid: () => string, learners = 20_000): object {
  // Each learner is in three courses or so, each of which makes many Statements.
  const learner = random(learners);
  const courses = Math.max(8, Math.floor(learners / 50));
  const course = (learner * 7 + random(3) * 31) % courses;
  const origin = 'https://learn.example.org';
  return {
    id: uuid(),
    actor: { objectType: 'Agent', account: { homePage: origin, name: `person-${learner}` } },
    verb: {
      id: `http://adlnet.gov/expapi/verbs/${['completed', 'initialized', 'terminated', 'progressed', 'passed'][n % 5]}`,
      display: { 'en-US': 'done', 'zh-TW': '完成' },
    },
    object: {
      objectType: 'Activity',
      id: `${origin}/packages/p${course}/items/sco-${random(10)}`,
      definition: {
        name: { 'zh-TW': `課程 ${course} 的一個單元`, en: `A unit of course ${course}` },
        type: 'http://adlnet.gov/expapi/activities/lesson',
      },
    },
    result: {
      score: { scaled: 0.85, raw: 85, min: 0, max: 100 },
      success: true,
      completion: true,
      duration: 'PT12M34.5S',
      extensions: { [`${origin}/xapi/terms/progress`]: n / 7 },
    },
    context: {
      registration: `00000000-0000-4000-8000-${String(learner * 100_000 + course).padStart(12, '0')}`,
      contextActivities: {
        grouping: [{ objectType: 'Activity', id: `${origin}/courses/ZX${course}` }],
        category: [{ objectType: 'Activity', id: 'https://w3id.org/xapi/scorm' }],
      },
      language: 'zh-TW',
      platform: 'Zhixing',
    },
    timestamp: new Date(1_790_000_000_000 + n * 1000).toISOString(),
  };
}
