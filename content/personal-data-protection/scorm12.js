// The SCORM 1.2 API of whoever launched this page (RTE 3.3.6: parents first, then the opener). Without one, the pages still work.
(function () {
  'use strict';

  function search(from) {
    var at = from;
    for (var steps = 0; at && steps < 500; steps++) {
      try {
        if (at.API) return at.API;
        if (at.parent === at) return null;
        at = at.parent;
      } catch (error) {
        return null;
      }
    }
    return null;
  }

  var api = search(window) || (window.opener ? search(window.opener) : null);
  var began = Date.now();
  var open = false;

  function timespan(milliseconds) {
    var seconds = Math.floor(milliseconds / 1000);
    function two(number) {
      return (number < 10 ? '0' : '') + number;
    }
    return (
      two(Math.floor(seconds / 3600)) + ':' + two(Math.floor((seconds % 3600) / 60)) + ':' + two(seconds % 60)
    );
  }

  window.scorm = {
    begin: function () {
      open = api ? String(api.LMSInitialize('')) === 'true' : false;
      return open;
    },
    get: function (name) {
      return open ? String(api.LMSGetValue(name)) : '';
    },
    set: function (name, value) {
      if (open) api.LMSSetValue(name, String(value));
    },
    commit: function () {
      if (open) api.LMSCommit('');
    },
    // Called by every way of leaving; only the first counts.
    end: function (exit) {
      if (!open) return;
      open = false;
      api.LMSSetValue('cmi.core.session_time', timespan(Date.now() - began));
      api.LMSSetValue('cmi.core.exit', exit);
      api.LMSFinish('');
    },
  };
})();
