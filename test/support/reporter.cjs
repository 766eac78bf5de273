const { reporters } = require('mocha');

/** Mocha's spec reporter, closed by one plain line: `N passed, N failed`. */
module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    // The full list stands at the end; in a long run one wants to know now.
    runner.on('fail', (_test, error) => console.log(`      ${String(error?.message).slice(0, 500)}`));
  }
  epilogue() {
    super.epilogue();
    const { passes = 0, failures = 0, pending = 0 } = this.stats;
    console.log(`${passes} passed, ${failures} failed${pending ? `, ${pending} skipped` : ''}`);
  }
};
