const { reporters } = require('mocha');

/** Mocha's spec reporter, closed by one plain line: `N passed, N failed`. */
module.exports = class extends reporters.Spec {
  epilogue() {
    super.epilogue();
    const { passes = 0, failures = 0, pending = 0 } = this.stats;
    console.log(`${passes} passed, ${failures} failed${pending ? `, ${pending} skipped` : ''}`);
  }
};
