// JavaScript, because a thread is not read through the loader that reads the rest.
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';

// A thread of its own with a connection of its own: copying the log's pages and waiting for the disk keep nobody waiting.
const db = new Database(workerData.file, { fileMustExist: true });
parentPort.on('message', (ask) => {
  if (ask === 'stop') {
    db.close();
    parentPort.close();
    return;
  }
  // PASSIVE waits for neither readers nor the writer, and does what it can.
  db.pragma('wal_checkpoint(PASSIVE)');
  parentPort.postMessage('done');
});
