// What `npm start` and `npm test` need beyond the sources: the browser client and the sample packages, under build/.
export {};
